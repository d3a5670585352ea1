"""`graphspec plot`: formats, files, runs, and the server of `--watch`."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main
from graphspec.drawing import Drawings, svg_file
from graphspec.drawing.mermaid import mermaid_text
from graphspec.drawing.page import plot_page
from graphspec.spec import inspect
from tests.chromium import needs_chromium
from tests.chromium_session import chromium_session

ROOT = Path(__file__).parents[2]
UNET = ROOT / "specs/zoo/unet.yaml"
SMALL = ROOT / "specs/mlp.yaml"
GOOD = """graphspec: 1
inputs: {x: [2]}
graph: {a: {from: x, apply: {Dense: 3}}}
outputs: {y: {from: a, apply: {Dense: 1}}}
"""
Write = Callable[..., Path]


def call(*arguments: object, input: str | None = None) -> Result:
    return CliRunner().invoke(main, ["plot", *(str(each) for each in arguments)], input=input)


def test_the_ending_of_the_file_chooses_the_format(tmp_path: Path) -> None:
    """SVG is well-formed, PNG is a picture, HTML is a page, Mermaid a flowchart; each can be written again."""
    from PIL import Image

    for name in ("a.svg", "a.png", "a.html", "a.mmd", "b.SVG", "b.htm", "b.mermaid", "deep/er/c.svg"):
        for _ in range(2 if name.startswith("a") else 1):
            done = call(UNET, "-o", tmp_path / name)
            assert done.exit_code == 0, done.output
            assert done.stdout == ""
            assert f"Wrote {tmp_path / name}" in done.stderr
    assert ElementTree.fromstring((tmp_path / "a.svg").read_text(encoding="utf-8")).tag.endswith("svg")
    assert "var(" not in (tmp_path / "a.svg").read_text(encoding="utf-8")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 2 * 785 or abs(image.width - 2 * 784.66) < 2
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "a.mmd").read_text(encoding="utf-8").splitlines()[1] == "flowchart TD"


@pytest.mark.parametrize("width", [400, 1400])
def test_a_picture_has_the_width_that_is_asked_for(tmp_path: Path, width: int) -> None:
    """`--width` gives the pixels; the picture shows more than its background."""
    from PIL import Image

    assert call(ROOT / "specs/zoo/causal_lm.yaml", "-o", tmp_path / "a.png", "--width", width).exit_code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == width
        assert len(image.convert("RGB").getcolors(2**24) or ()) > 40


def test_without_a_file_the_flowchart_goes_to_standard_output() -> None:
    """The default is Mermaid; `--format` chooses another, and a spec may come from standard input."""
    done = call(ROOT / "specs/tweets.yaml")
    assert done.exit_code == 0
    assert '(["<b>tweet_a</b><br/>Input (batch, 280, 256)"]):::input' in done.stdout
    assert done.stdout.count("-->") == 4
    assert "A: shared_lstm (LSTM) (batch, 64)" in done.stdout
    assert call("-", "--format", "svg", input=GOOD).stdout.startswith("<svg ")
    assert call("-", "--format", "png", "-o", "-", input=GOOD).stdout_bytes.startswith(b"\x89PNG")


def test_a_flowchart_has_groups(tmp_path: Path) -> None:
    """Unfolded groups are subgraphs, which end, and every arrow joins two boxes or groups."""
    for path in sorted(ROOT.glob("specs/**/*.yaml")):
        text = call(path, "--depth", 9).stdout
        assert text.count("subgraph ") == len(re.findall(r"^ *end$", text, re.MULTILINE)), path
        known = set(re.findall(r"^ *(?:subgraph )?(n\d+)[\[(]", text, re.MULTILINE))
        for start, end in re.findall(r"^ *(n\d+) --(?: .* --)?> (n\d+)$", text, re.MULTILINE):
            assert {start, end} <= known


def test_depth_unfolds_levels() -> None:
    """`--depth 0` folds everything, a higher one shows what is inside."""
    assert "bottleneck" not in call(ROOT / "specs/zoo/resnet50.yaml", "--depth", 0).stdout
    assert call(ROOT / "specs/zoo/resnet50.yaml", "--depth", 1).stdout.count("× bottleneck") == 4
    assert call(ROOT / "specs/zoo/resnet50.yaml", "--depth", 3).stdout.count("<b>detour") == 16


def test_values_can_be_set() -> None:
    """`--set` changes what is drawn."""
    assert "(batch, 64, 64, 3)" in call(UNET, "--set", "vars.size=64").stdout


def test_a_run_is_drawn_by_its_spec(tmp_path: Path) -> None:
    """RUN is a run directory or a folder of runs."""
    run = tmp_path / "runs" / "first"
    run.mkdir(parents=True)
    (run / "spec.yaml").write_text(GOOD, encoding="utf-8")
    (run / "run.json").write_text("{}", encoding="utf-8")
    for path in (run, tmp_path / "runs"):
        assert "<b>a</b>" in call(path).stdout
    (tmp_path / "none").mkdir()
    done = call(tmp_path / "none")
    assert done.exit_code == 1
    assert "there is no run" in done.output


def test_a_file_of_another_program_is_kept(tmp_path: Path) -> None:
    """Only drawings of graphspec are replaced, and others with --force."""
    for name in ("a.svg", "a.png", "a.html", "a.mmd"):
        path = tmp_path / name
        path.write_text("<svg>mine</svg>", encoding="utf-8")
        done = call(SMALL, "-o", path)
        assert done.exit_code == 1
        assert "it is not a drawing of graphspec" in done.output
        assert path.read_text(encoding="utf-8") == "<svg>mine</svg>"
        assert call(SMALL, "-o", path, "--force").exit_code == 0
        assert call(SMALL, "-o", path).exit_code == 0
    assert call(SMALL, "-o", tmp_path, "--format", "svg").exit_code == 1
    assert call(SMALL, "-o", tmp_path / "a.svg" / "b.svg").exit_code == 1
    assert list(tmp_path.glob("**/.writing-*")) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "graph.pdf"), "does not say the format"),
        (("-o", "graph"), "does not say the format"),
        (("--width", "400"), "--width is for PNG files"),
        (("--port", "8000"), "--port needs --watch"),
        (("--watch", "-o", "a.html"), "leave out --output"),
        (("--depth", "-1"), "-1 is not in the range"),
    ],
)
def test_wrong_usage_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """A contradiction ends with status 2 before anything is read."""
    done = call("missing.yaml", *arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_a_spec_with_errors_is_not_drawn(tmp_path: Path) -> None:
    """Findings are shown as by other commands, and nothing is written."""
    (tmp_path / "bad.yaml").write_text("graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: z}}\n", encoding="utf-8")
    done = call(tmp_path / "bad.yaml", "-o", tmp_path / "bad.svg")
    assert done.exit_code == 1
    assert "GS301" in done.output
    assert not (tmp_path / "bad.svg").exists()
    assert call(tmp_path / "missing.yaml").exit_code == 1


def test_a_picture_that_nobody_could_read_is_refused(tmp_path: Path) -> None:
    """A graph too large for a PNG ends in a finding that names the other formats."""
    spec = tmp_path / "long.yaml"
    spec.write_text(
        "graphspec: 1\ninputs: {x: [4]}\noutputs: {y: n}\n"
        "blocks: {b: {inputs: x, graph: {a: {from: x, apply: ReLU}}, output: {from: [a, x], merge: sum}}}\n"
        "graph: {n: {from: x, apply: {b: , repeat: 1000}}}\n",
        encoding="utf-8",
    )
    done = call(spec, "-o", tmp_path / "long.png", "--depth", 5)
    assert done.exit_code == 1
    assert "GS006" in done.output
    assert "SVG or HTML" in done.output


def test_without_pillow_only_pictures_are_missed(tmp_path: Path) -> None:
    """In a bare installation PNG ends in GS901 with the command to run; the other formats work."""
    code = (
        "import importlib.util, sys\n"
        "for name in ('PIL', 'numpy', 'tensorflow', 'keras', 'rich'): sys.modules[name] = None\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'PIL' else found(name, *more)\n"
        "from graphspec.cli import main\n"
        "main()\n"
    )
    for name, status in (("a.png", 1), ("a.svg", 0), ("a.html", 0), ("a.mmd", 0)):
        command = [sys.executable, "-c", code, "plot", str(UNET), "-o", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == status, done.stderr
        assert ("GS901" in done.stderr) == bool(status)
        assert ("graphspec[images]" in done.stderr) == bool(status)


@pytest.mark.parametrize("folder", sorted(ROOT.glob("tests/rules/GS*")), ids=lambda path: path.name)
def test_what_can_be_read_of_a_faulty_spec_is_drawn(folder: Path) -> None:
    """Whatever is wrong with a spec, the rest of it is drawn, and every finding is on the page."""
    for path in [*folder.glob("*.yaml"), *folder.glob("*.json")][:4]:
        spec, report = inspect(path, keep_faulty=True)
        if spec is None:
            continue
        drawings = Drawings.of(spec.graph, spec.model.precision)
        for depth in (0, 9):
            ElementTree.fromstring(svg_file(drawings.draw(0, drawings.unfolded(0, depth))))
        page = plot_page(drawings, report, None)
        assert mermaid_text(drawings, None)
        facts = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
        assert len(facts["findings"]) == len(report)


@contextmanager
def watching(path: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running `graphspec plot --watch`, and its port."""
    command = [sys.executable, "-m", "graphspec", "plot", str(path), "--watch", *more]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found is not None, line
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


def ask(port: int, path: str = "/", host: str | None = None, method: str = "GET") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    return connection.getresponse()


def event(response: http.client.HTTPResponse) -> dict[str, Any]:
    """The next event of a stream."""
    while True:
        line = response.readline().decode()
        assert line, "the stream has ended"
        if line.startswith("data: "):
            found: dict[str, Any] = json.loads(line.removeprefix("data: "))
            return found


def test_watching_serves_one_page_to_this_machine_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    """The page and its events are served, nothing else, and only to who asks for this address; Ctrl-C ends it."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(GOOD, encoding="utf-8")
    with watching(spec) as (process, port):
        page = ask(port)
        assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["Cache-Control"] == "no-store"
        text = page.read().decode()
        assert "connect-src &#x27;self&#x27;" in text
        assert ask(port, host=f"localhost:{port}").status == 200
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
            assert ask(port, host=host or " ").status == 403
            assert ask(port, "/events", host=host or " ").status == 403
        for path in ("/spec.yaml", "/../spec.yaml", "/%2e%2e/spec.yaml", "/?x", "/events/", str(spec)):
            assert ask(port, path).status == 404, path
        assert ask(port, method="POST").status == 501
        with socket.create_connection(("127.0.0.1", port)) as odd:
            odd.sendall(b"\x16\x03\x01 no http\r\n\r\n")
        assert ask(port).status == 200
        stream = ask(port, "/events")
        assert [box["title"] for box in event(stream)["diagrams"][0]["boxes"]] == ["x", "a", "y"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert stream.readline() in (b"", b"\n", b": alive\n")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_save_is_drawn_and_findings_are_told(tmp_path: Path) -> None:
    """Each save is an event: new nodes, findings of a faulty text beside what can be drawn, and whole again."""
    spec, part = tmp_path / "spec.yaml", tmp_path / "part.yaml"
    spec.write_text(GOOD, encoding="utf-8")
    with watching(spec) as (process, port):
        stream = ask(port, "/events")
        assert event(stream)["findings"] == []
        spec.write_text(GOOD.replace("Dense: 3", "Conv2D: {filters: 1, kernel_size: 3}"), encoding="utf-8")
        news = event(stream)
        assert [found["rule"].split()[0] for found in news["findings"]] == ["GS404"]
        about = [box["title"] for box in news["diagrams"][0]["boxes"] if news["details"][box["details"]]["findings"]]
        assert about == ["a"]
        spec.write_text("graphspec: 1\ninputs: {x: [2\n", encoding="utf-8")
        news = event(stream)
        assert "diagrams" not in news
        assert news["findings"][0]["severity"] == "error"
        assert "no graph yet" not in ask(port).read().decode()
        spec.write_text(GOOD.replace("graph:", "include: [part.yaml]\ngraph:"), encoding="utf-8")
        assert event(stream)["findings"] != []
        part.write_text("graphspec: 1\nlayers: {mine: {Dense: 2}}\n", encoding="utf-8")
        assert "diagrams" in event(stream)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        _, errors = process.communicate()
    assert "GS404" in errors
    assert "Traceback" not in errors


def test_a_port_that_is_taken_and_a_missing_file_are_findings(tmp_path: Path) -> None:
    """Watching ends at once, with status 1, where it cannot begin."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(GOOD, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = call(spec, "--watch", "--port", taken.getsockname()[1])
    assert done.exit_code == 1
    assert "another --port" in done.output
    assert call(tmp_path / "missing.yaml", "--watch").exit_code == 1


@needs_chromium
def test_an_open_page_follows_the_file(tmp_path: Path) -> None:
    """A page in a browser is drawn again after a save, keeps its selection, and shows findings where they are."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(GOOD, encoding="utf-8")
    with watching(spec) as (_, port), chromium_session() as browser:
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait_for("document.getElementById('watch').textContent === 'watching'")
        browser.run("goTo('a')")
        spec.write_text(GOOD.replace("Dense: 3", "Dense: 7"), encoding="utf-8")
        browser.wait_for("document.getElementById('details').innerText.includes('units\\t7')")
        assert browser.run("selected") == "a"
        spec.write_text(GOOD.replace("Dense: 3", "Conv2D: {filters: 1, kernel_size: 3}"), encoding="utf-8")
        browser.wait_for("nodes.get('a').querySelectorAll('.badge.error').length === 1")
        assert "GS404" in browser.run("document.getElementById('findings').innerText")
        spec.write_text(GOOD[:60], encoding="utf-8")
        browser.wait_for("document.getElementById('findings').innerText.includes('how it was before')")
        assert browser.run("nodes.size") == 3
        spec.write_text(GOOD, encoding="utf-8")
        browser.wait_for("document.getElementById('findings').hidden")
        assert browser.complaints == []
        origin = f"http://127.0.0.1:{port}/"
        assert set(browser.requests) <= {origin, f"{origin}events", f"{origin}favicon.ico"}


def test_the_watch_can_begin_with_a_faulty_file(tmp_path: Path) -> None:
    """A text that cannot be read at all has a page with its findings."""
    spec = tmp_path / "spec.yaml"
    spec.write_text("graphspec: 1\ninputs: {x: [2\n", encoding="utf-8")
    with watching(spec) as (process, port):
        assert "no graph yet" in ask(port).read().decode()
        stream = ask(port, "/events")
        assert event(stream)["findings"] != []
        spec.write_text(GOOD, encoding="utf-8")
        assert len(event(stream)["diagrams"][0]["boxes"]) == 3
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) in (143, -signal.SIGTERM)
