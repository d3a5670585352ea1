"""`graphspec report`: the page of a run, whatever the run has come to."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec import Run, SpecError
from graphspec.cli import main
from graphspec.runs.report import report_page, write_report
from graphspec.runs.report.series import MAX_POINTS, metric_groups

from .report_pages import EVIL, Reader, charts, read, row, write_record, write_rows


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_the_page_tells_of_the_whole_run(run: Path) -> None:
    """Name, status, time, samples, best epoch, curves by output, graph, data, spec, versions and origins are there."""
    page = read(run)
    for said in (
        *("shop", "finished", "4 May 2026", "1 min 15 s", "best val_loss, epoch 3", "0.25", "last validation loss"),
        *("kind loss", "size loss", "sold loss", "each output's share of the loss", "samples a second"),
        *("trunk", "model trunk_two", "(batch, 4)", "train.inputs.x", "3 different", "50 % of it is held out"),
        *("optimizer: adam", "3.15.1", "specs/shop.yaml:9:3"),
    ):
        assert said in page.text, said
    assert len(page.all("svg", "graph")) == 2
    assert len(page.all("polygon", "area")) == 3
    first = charts(page)[0]
    assert [curve["name"] for curve in first["curves"]] == ["training", "validation"]
    assert first["curves"][0]["points"] == [
        [epoch + 1, pytest.approx(row(epoch)["loss"], rel=1e-4)] for epoch in range(4)
    ]


def test_the_page_is_one_file_that_fetches_nothing(run: Path) -> None:
    """No element names anything outside the page, and the policy forbids whatever would; only its own script runs."""
    page = read(run)
    policy = next(found["content"] for found in page.all("meta") if found.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for name, attributes in page.elements:
        assert name not in ("img", "link", "iframe", "object", "embed", "base", "form")
        assert not {"src", "srcset", "style", "action"} & set(attributes)
        assert not any(key.startswith("on") for key in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert len(page.all("script")) == 1


def test_nothing_of_a_run_becomes_markup(run: Path) -> None:
    """Hostile names and values in every file of a run are shown as text."""
    write_record(run, name=EVIL, status=EVIL, reason=EVIL, best={"epoch": 1, "monitor": EVIL, "value": 1})
    write_rows(run, [row(0, **{f"{EVIL}_loss": 1.0}), row(1, **{f"{EVIL}_loss": 2.0})])
    spec = (run / "spec.yaml").read_text(encoding="utf-8")
    (run / "spec.yaml").write_text(f"# {EVIL}\n{spec}", encoding="utf-8")
    page = read(run)
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not page.all("b", "shoe")
    assert page.text.count("alert(1)") >= 5


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"status": "failed", "reason": "the disk is full"}, "The training failed: the disk is full"),
        ({"status": "stopped"}, "was stopped before its end"),
        ({"status": "running"}, "The training was killed"),
        ({"status": 7, "samples": None, "seconds": None, "started": "?", "best": None}, "trained ?"),
        ({"best": {"epoch": None}, "samples": {}}, "last loss"),
        ({"seconds": "long", "samples": {"train": [1]}, "best": {"epoch": "x", "value": {}}}, "training samples"),
    ],
)
def test_a_run_of_any_status_has_a_page(run: Path, more: dict[str, Any], said: str) -> None:
    """Failed, stopped, killed and odd runs are told as such; without a model, that is said."""
    write_record(run, **more)
    page = read(run)
    assert said in page.text
    assert "holds no model yet" in page.text


def test_a_run_that_is_being_written_says_so(run: Path) -> None:
    """While another process holds the run, the training goes on."""
    from graphspec.run_directory import hold

    write_record(run, status="running")
    with hold(run):
        assert "still running" in read(run).text


@pytest.mark.parametrize("rows", [[], None])
def test_a_run_without_an_epoch_says_so(run: Path, rows: list[Any] | None) -> None:
    """A run that has just begun has no curves."""
    (run / "metrics.jsonl").unlink()
    if rows is not None:
        write_rows(run, rows)
    page = read(run)
    assert "No epoch has been finished" in page.text
    assert not charts(page)


def test_one_epoch_is_drawn_as_dots(run: Path) -> None:
    """One epoch makes no line, and is seen all the same."""
    write_rows(run, [row(0)])
    page = read(run)
    assert not page.all("path", "line")
    assert len(page.all("circle", "dot training")) >= 4
    assert len(page.all("polygon", "area")) == 3


def test_what_is_not_finite_breaks_the_line(run: Path) -> None:
    """Epochs without a finite value are counted, and leave a gap; a metric that never had one has no chart."""
    rows = [row(epoch, loss=None if epoch in (3, 4) else 1.0, never=None, val_never=None) for epoch in range(9)]
    write_rows(run, rows)
    (whole, *_) = metric_groups(rows, ["kind", "size", "sold"])
    assert whole.charts[0].gaps == 2
    assert [len(each) for each in whole.charts[0].curves[0].segments] == [3, 4]
    text = read(run).text
    assert "not a finite number in 2 epochs" in text
    assert "never" not in text


def test_a_metric_of_several_values_has_a_chart_each() -> None:
    """Each value of a list is a metric of its own."""
    rows = [{"epoch": epoch, "f1": [0.1 * epoch, 0.2 * epoch]} for epoch in range(3)]
    (group,) = metric_groups(rows, ["y"])
    assert [chart.title for chart in group.charts] == ["f1 [0]", "f1 [1]"]
    assert group.charts[1].curves[0].points[2][1] == pytest.approx(0.4)


def test_a_metric_belongs_to_the_longest_output_that_it_names() -> None:
    """Of `size` and `size_of`, `size_of_loss` is the latter's; what is of neither is the whole model's."""
    rows = [{"epoch": 0, "loss": 3.0, "size_loss": 1.0, "size_of_loss": 2.0, "val_size_of_mae": 1.0}]
    groups = metric_groups(rows, ["size", "size_of"])
    titles = {group.output: [chart.title for chart in group.charts] for group in groups}
    assert titles == {"": ["loss"], "size": ["loss"], "size_of": ["loss", "mae"]}


def test_thousands_of_epochs_are_thinned_and_keep_their_extremes(run: Path) -> None:
    """Of 5,000 epochs few points are drawn, the one spike among them, and the page says so and stays small."""
    write_rows(run, [row(epoch, loss=1000.0 if epoch == 3210 else 1 + 1 / (epoch + 1)) for epoch in range(5_000)])
    text = report_page(Run(run))
    page = Reader(text)
    points = charts(page)[0]["curves"][0]["points"]
    assert len(points) <= 1.1 * MAX_POINTS
    assert [3211, 1000.0] in points
    assert (points[0][0], points[-1][0]) == (1, 5000)
    assert "Of 5,000 epochs" in page.text
    assert len(text) < 500_000


def test_thirty_outputs_and_a_graph_of_three_hundred_nodes(tmp_path: Path) -> None:
    """Every output has its charts, the small shares are one, and a wide and deep graph is drawn."""
    nodes = [f"  n{i}: {{from: {f'n{i - 1}' if i % 30 else 'x'}, apply: {{Dense: 2}}}}" for i in range(300)]
    outputs = [f"  out_{i}: {{from: n{29 + 30 * (i % 10)}, apply: {{Dense: 1}}, loss: mse}}" for i in range(30)]
    spec = "\n".join(["graphspec: 1", "inputs: {x: [2]}", "graph:", *nodes, "outputs:", *outputs])
    (tmp_path / "spec.yaml").write_text(spec + "\ntraining: {optimizer: sgd}\n", encoding="utf-8")
    write_record(tmp_path)
    row_ = {f"out_{i}_loss": i + 1.0 for i in range(30)} | {f"share/out_{i}": (i + 1) / 465 for i in range(30)}
    write_rows(tmp_path, [{"epoch": epoch, "loss": 465.0, **row_} for epoch in range(3)])
    page = read(tmp_path)
    assert len(charts(page)) == 31
    assert len(page.all("polygon", "area")) == 8
    assert "23 others" in page.text
    assert len(page.all("rect", "box")) == 331
    assert "The spec names no data" in page.text


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("spec.yaml", "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: z}}\n", "undefined-name"),
        ("spec.yaml", "outputs: 1", "3.15.1"),
        ("spec.yaml", "\0\0", "The spec of the run cannot be read."),
        ("metrics.jsonl", "{half", "The metrics cannot be read."),
        ("lock.json", "[]", "The lock.json of the run cannot be read."),
        ("provenance.json", "{", "optimizer: adam"),
        ("run.json", "{", "run"),
        ("x.npy", "no array", "x.npy"),
    ],
)
def test_a_damaged_file_is_told_on_the_page(run: Path, file: str, text: str, said: str) -> None:
    """Whatever is damaged, the page tells it and shows the rest."""
    (run / file).write_text(text, encoding="utf-8")
    page = read(run)
    assert said in page.text
    assert "Curves" in page.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("status", "name", "started", "seconds", "samples", "best", "reason", "metrics")
NAMES = ("loss", "val_loss", "kind_loss", "share/kind", "share/size", "optimizer/learning_rate", "time/data_wait", "f")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    record=st.dictionaries(st.sampled_from(KEYS), JSON),
    rows=st.lists(st.dictionaries(st.sampled_from(NAMES), JSON | st.floats()), max_size=4),
    lock=JSON,
    provenance=JSON,
)
def test_whatever_the_files_of_a_run_hold_there_is_a_page(
    run: Path, record: dict[str, Any], rows: list[dict[str, Any]], lock: Any, provenance: Any
) -> None:
    """Any JSON in the place of any value gives a page."""
    write_record(run, **record)
    write_rows(run, [{**each, "epoch": number} for number, each in enumerate(rows)])
    (run / "lock.json").write_text(json.dumps(lock), encoding="utf-8")
    (run / "provenance.json").write_text(json.dumps(provenance), encoding="utf-8")
    page = Reader(report_page(Run(run)))
    assert "Curves" in page.text
    assert not [found for _, found in page.elements if "nan" in (found.get("d") or "")]


def test_data_that_is_gone_is_told(with_model: Path) -> None:
    """Without its data, a run has its page, which names the files that are missing."""
    (with_model / "t.csv").unlink()
    page = read(with_model)
    assert "The model cannot be applied to its data" in page.text
    assert page.text.count("t.csv") >= 2
    assert charts(page)


def test_a_damaged_model_is_told(with_model: Path) -> None:
    """A model that cannot be read is told where predictions would stand."""
    (with_model / "model.keras").write_bytes(b"nothing")
    assert "The model cannot be applied to its data" in read(with_model).text


def test_without_tensorflow_and_numpy_the_page_says_what_it_lacks(with_model: Path) -> None:
    """Curves, graph and spec need neither; what needs them says so."""
    code = (
        "import sys\n"
        "for name in ('numpy', 'tensorflow', 'keras'): sys.modules[name] = None\n"
        "from graphspec.runs.report import write_report\n"
        "write_report(sys.argv[1])\n"
    )
    subprocess.run([sys.executable, "-c", code, str(with_model)], check=True, capture_output=True)
    page = Reader((with_model / "report.html").read_text(encoding="utf-8"))
    assert "Predicting needs numpy, which is not installed." in page.text
    assert "Reading the data needs numpy, which is not installed." in page.text
    assert len(charts(page)) == 8
    assert len(page.all("svg", "graph")) == 2


def test_the_command_writes_into_the_run_and_replaces_its_own_page_alone(run: Path, tmp_path: Path) -> None:
    """By default report.html in the run; a page of graphspec is replaced, another file only with --force."""
    first = call("report", run)
    assert first.exit_code == 0, first.output
    assert f"Wrote {run / 'report.html'}" in first.stdout
    assert call("report", tmp_path).exit_code == 0
    other = tmp_path / "mine.html"
    other.write_text("<!DOCTYPE html><p>mine</p>", encoding="utf-8")
    refused = call("report", run, "-o", other)
    assert refused.exit_code == 1
    assert "it is not a report of graphspec" in refused.output
    assert other.read_text(encoding="utf-8") == "<!DOCTYPE html><p>mine</p>"
    assert call("report", run, "-o", other, "--force").exit_code == 0
    assert "graphspec report" in other.read_text(encoding="utf-8")
    assert call("report", run, "-o", tmp_path / "new" / "deep" / "page.html").exit_code == 0
    assert list(tmp_path.glob("**/.writing-*")) == []


@pytest.mark.parametrize("to", ["folder", "file/page.html"])
def test_a_bad_path_is_refused_before_the_work(run: Path, tmp_path: Path, to: str) -> None:
    """Where nothing can be written, nothing is read first."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    doing: list[str] = []
    with pytest.raises(SpecError, match="GS904"):
        write_report(run, tmp_path / to, on_stage=doing.append)
    assert doing == []


def test_where_there_is_no_run_that_is_said(tmp_path: Path) -> None:
    """A folder without runs is a finding."""
    refused = call("report", tmp_path)
    assert refused.exit_code == 1
    assert "GS903" in refused.output


def test_a_page_is_whole_while_it_is_replaced(run: Path) -> None:
    """Whoever reads the page meanwhile sees a whole one."""
    page = write_report(run)
    ends: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            ends.add(page.read_text(encoding="utf-8")[-8:])

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(5):
        write_report(run)
    done.set()
    watcher.join()
    assert ends == {"</html>\n"}
