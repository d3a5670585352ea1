"""`graphspec validate`: what is selected and ignored, how files are found, processes, watching, and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main
from graphspec.diagnostics.rules import RULES, Severity
from graphspec.validation.spec_files import walk

ROOT = Path(__file__).resolve().parents[2]
CLEAN = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n"
UNUSED = CLEAN.replace("{x: [2]}", "{x: [2], z: [3]}")
MISSPELLED = CLEAN.replace("Dense", "Dens")


def call(*arguments: object, stdin: str | bytes | None = None) -> Result:
    """Run `graphspec validate` in this process."""
    runner = CliRunner(env={"GITHUB_ACTIONS": None, "NO_COLOR": "1"})
    return runner.invoke(main, ["validate", *map(str, arguments)], input=stdin)


def codes(result: Result) -> list[str]:
    """The codes of a result in JSON."""
    return [finding["code"] for finding in json.loads(result.stdout)["findings"]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], ["GS201", "GS101"]),
        (["--select", "GS101"], ["GS101"]),
        (["--select", "GS1,GS2"], ["GS201", "GS101"]),
        (["--select", "GS1", "--select", "unknown-object"], ["GS201", "GS101"]),
        (["--select", "unknown-key", "--ignore", "GS1"], []),
        (["--ignore", "unknown-key"], ["GS201"]),
        (["--ignore", "GS"], []),
        (["--ignore", "GS2", "--ignore", "GS101"], []),
    ],
)
def test_rules_are_chosen_by_code_prefix_and_name(options: list[str], found: list[str]) -> None:
    """Selecting leaves these alone, ignoring leaves them out, and what is left decides the status."""
    result = call("-", "--format", "json", *options, stdin=MISSPELLED.replace("1}", "1}, los: mse"))
    assert codes(result) == found
    assert result.exit_code == (1 if found else 0)
    assert json.loads(result.stdout)["summary"]["ignored"] == 2 - len(found)


@pytest.mark.parametrize("option", ["--select", "--ignore"])
@pytest.mark.parametrize(
    ("rules", "said"),
    [("unusd", "did you mean `unused`?"), ("GS350", "there is no rule `GS350`"), ("GS305x", "did you mean `GS305`?")],
)
def test_an_unknown_rule_is_wrong_usage(option: str, rules: str, said: str) -> None:
    """A rule that does not exist is said to be none, with the one that is near."""
    result = call("-", option, rules, stdin=CLEAN)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_what_was_not_read_is_never_clean() -> None:
    """Errors of the document are shown whatever is selected: nothing else was looked at."""
    for options in (["--ignore", "GS"], ["--select", "unused"]):
        result = call("-", "--format", "json", *options, stdin="graphspec: [1\n")
        assert codes(result) == ["GS002"]
        assert result.exit_code == 1
    assert call("-", "--ignore", "GS002", stdin=CLEAN).exit_code == 2
    fixed = [rule for rule in RULES.values() if rule.code < "GS1" and rule.severity is Severity.ERROR]
    assert len(fixed) > 5


def test_hidden_findings_are_counted_and_no_spec_called_valid() -> None:
    """A spec with an ignored error is not said to be valid."""
    assert call("-", stdin=CLEAN).stdout == "1 spec is valid.\n"
    result = call("-", "--ignore", "GS201", stdin=MISSPELLED)
    assert result.stdout == "Nothing else found in 1 spec, 1 finding ignored.\n"


def test_exit_zero_is_for_findings_alone() -> None:
    """`--exit-zero` leaves the status of wrong usage."""
    assert call("-", stdin=UNUSED).exit_code == 1
    assert call("-", "--exit-zero", stdin=UNUSED).exit_code == 0
    assert call("-", "--exit-zero", "--select", "GS999", stdin=UNUSED).exit_code == 2


@pytest.mark.parametrize(
    "options",
    [["-", "--watch"], ["a.yaml", "--stdin-filename", "b"], ["-", "--unsafe-fixes"], ["a", "--watch", "--diff"]],
)
def test_options_that_do_not_fit_are_wrong_usage(options: list[str]) -> None:
    """What cannot be meant is refused before anything is read."""
    assert call(*options, stdin=CLEAN).exit_code == 2


def test_standard_input_under_a_name_finds_what_lies_there(folder: Path) -> None:
    """An editor's text is checked as the file that it will be: what it includes is found beside it."""
    (folder / "sub").mkdir()
    (folder / "sub" / "shared.yaml").write_text("graphspec: 1\nlayers: {head: {Dense: 1}}\n", encoding="utf-8")
    (folder / "sub" / "spec.yaml").write_text("what is on the disk does not count", encoding="utf-8")
    text = CLEAN.replace("Dense: 1", "head: ").replace("inputs", "include: shared.yaml\ninputs")
    assert call("-", stdin=text).exit_code == 1
    assert call("-", "--stdin-filename", "sub/spec.yaml", stdin=text).stdout == "1 spec is valid.\n"
    assert call("-", "--stdin-filename", "sub/new.yaml", stdin=text).stdout == "1 spec is valid.\n"


def test_folders_are_walked_for_specs_alone(folder: Path) -> None:
    """A spec has the key at its top, in whatever way YAML and JSON write it; nothing else is looked into."""
    specs = {
        "a.yaml": CLEAN,
        "b.yml": '"graphspec": 1\n' + CLEAN.partition("\n")[2],
        "c.json": json.dumps(
            {"outputs": {"y": {"from": "x", "apply": "ReLU"}}, "graphspec": 1, "inputs": {"x": [2]}}, indent=2
        ),
        "d.yaml": "{graphspec: 1, inputs: {x: [2]}, outputs: {y: {from: x, apply: ReLU}}}",
        "e.yaml": "\ufeff" + CLEAN,
    }
    others = {
        "compose.yaml": "services: {graphspec: {image: x}}\n",
        "indented.yaml": "tool:\n  graphspec: 1\n",
        "package.json": '{"dependencies": {"graphspec": "1"}}',
        "broken.yaml": "a: [",
        "notes.txt": CLEAN,
        ".hidden/f.yaml": MISSPELLED,
    }
    for name, text in {**specs, **others}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "begun.json").write_text('{"graphspec":', encoding="utf-8")
    (folder / "record.json").write_text('{"graphspec": {"value": 1', encoding="utf-8")
    assert set(json.loads(call(".", "--format", "json").stdout)["files"]) == {*specs, "begun.json"}
    (folder / "begun.json").unlink()
    (folder / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    files = json.loads(call(".", "--format", "json").stdout)["files"]
    assert files == sorted(specs)
    (folder / "utf16.yaml").write_bytes(CLEAN.encode("utf-16"))
    assert "utf16.yaml" in call(".", "--format", "concise").stdout


def test_records_of_runs_and_studies_are_left_alone(folder: Path) -> None:
    """No walk finds them, so that neither a fix nor `fmt` changes what was trained; a run that is named is read."""
    files = {
        "a.yaml": CLEAN,
        "runs/wine/first/spec.yaml": MISSPELLED,
        "runs/wine/first/lock.json": "{}",
        "runs/wine/first/provenance.json": '{"graphspec": {"value": 1, "from": "a.yaml:1:1"}}',
        "studies/wine/first/spec.yaml": MISSPELLED,
        "studies/wine/first/best.yaml": MISSPELLED,
        "studies/wine/first/study.json": "{}",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    assert json.loads(call(".", "--format", "json").stdout)["files"] == ["a.yaml"]
    call(".", "--fix", "--unsafe-fixes")
    CliRunner().invoke(main, ["fmt", "."])
    assert {name: (folder / name).read_text(encoding="utf-8") for name in files} | {"a.yaml": CLEAN} == files
    named = json.loads(call("runs/wine/first", "--format", "json").stdout)
    assert named["files"] == ["runs/wine/first/spec.yaml"]


def test_a_file_that_is_named_twice_is_checked_once(folder: Path) -> None:
    """Paths may overlap."""
    (folder / "sub").mkdir()
    (folder / "sub" / "a.yaml").write_text(MISSPELLED, encoding="utf-8")
    result = call("sub", "sub/a.yaml", folder / "sub" / "a.yaml", "--format", "json")
    assert json.loads(result.stdout)["files"] == ["sub/a.yaml"]
    assert codes(result) == ["GS201"]


def test_a_walk_goes_in_order(folder: Path) -> None:
    """The order of files is that of their names, wherever it is run."""
    for name in ("b/z.yaml", "b/a.yaml", "a.yaml", "c.json", "node.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    assert list(walk(".")) == ["a.yaml", "b/a.yaml", "b/z.yaml", "c.json"]


def test_processes_find_what_one_finds_in_the_same_order(folder: Path) -> None:
    """Several processes change nothing but the time: included files, comments and overrides come out alike."""
    (folder / "shared.yaml").write_text("graphspec: 1\nlayers: {head: {Dense: {unit: 1}}}\n", encoding="utf-8")
    for number in range(60):
        text = [CLEAN, UNUSED, MISSPELLED, CLEAN.replace("inputs", "include: shared.yaml\ninputs")][number % 4]
        ignored = "  # graphspec: ignore[unused, GS402]" if number % 8 == 1 else ""
        (folder / f"s{number:02}.yaml").write_text(text.replace("z: [3]}", "z: [3]}" + ignored), encoding="utf-8")
    alone = call(".", "--jobs", "1", "--format", "json").stdout
    assert json.loads(alone)["summary"]["errors"] > 10
    for jobs in ("2", "7"):
        assert call(".", "--jobs", jobs, "--format", "json").stdout == alone
    assert call(".", "--format", "json").stdout == alone


def test_processes_read_the_text_that_is_held(folder: Path) -> None:
    """A file that includes what standard input stands for is checked with that text, in every process."""
    (folder / "shared.yaml").write_text("graphspec: 1\nlayers: {other: {Dense: 1}}\n", encoding="utf-8")
    for number in range(3):
        text = CLEAN.replace("Dense: 1", "head: ").replace("inputs", "include: shared.yaml\ninputs")
        (folder / f"s{number}.yaml").write_text(text, encoding="utf-8")
    held = "graphspec: 1\nlayers: {head: {Dense: 1}}\n"
    result = call("-", "s0.yaml", "s1.yaml", "s2.yaml", "-j2", "--stdin-filename", "shared.yaml", stdin=held)
    assert result.stdout == "4 specs are valid.\n"


PLUGIN = """
import keras

@keras.saving.register_keras_serializable(package="my")
class Moody(keras.layers.Layer):
    def call(self, inputs):
        raise ValueError("not today")
"""


@pytest.mark.parametrize("comment", ["", "  # graphspec: ignore[GS401]"], ids=["shown", "ignored"])
def test_deep_asks_keras_about_what_is_sound(folder: Path, comment: str) -> None:
    """What only Keras knows is found by building, at its node; a comment may ignore it, and without is not unused."""
    name = "moody_ignored" if comment else "moody"
    (folder / f"{name}.py").write_text(PLUGIN.replace("my", name), encoding="utf-8")
    head = f"graphspec: 1\nplugins: [{name}]\ninputs: {{x: [2]}}\n"
    (folder / "spec.yaml").write_text(
        f"{head}outputs: {{y: {{from: x, apply: [{name}>Moody, {{Dense: 1}}]}}}}{comment}\n", encoding="utf-8"
    )
    assert call("spec.yaml").stdout == "1 spec is valid.\n"
    result = call("spec.yaml", "--deep", "--format", "concise")
    if comment:
        assert result.stdout == "Nothing else found in 1 spec, 1 finding ignored.\n"
    else:
        assert result.stdout.startswith("spec.yaml:4:32: GS401 ")
        assert "not today" in result.stdout


class Watched:
    """`graphspec validate --watch` in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-u", "-m", "graphspec", "validate", *arguments, "--watch"]
        environment = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    def shows(self) -> str:
        """All that is printed until it waits again."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            if line.startswith("Watching"):
                return "".join(lines)
            lines.append(line)
        raise AssertionError("".join(lines))

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C: the status, and what was still printed."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=20)
        return self.process.returncode, rest


@pytest.fixture
def watched(folder: Path) -> Iterator[list[Watched]]:
    """Processes that are ended when a test is."""
    started: list[Watched] = []
    yield started
    for each in started:
        each.process.kill()
        each.process.wait()


def write_later(path: Path, text: str) -> None:
    """Write so that the time of the file differs from before, however coarse the clock of the file system is."""
    time.sleep(0.05)
    path.write_text(text, encoding="utf-8")


def test_watching_follows_files_and_what_they_include(folder: Path, watched: list[Watched]) -> None:
    """A change of a spec, of a file that it includes, of settings, or a new file in a folder is seen."""
    (folder / "specs").mkdir()
    text = CLEAN.replace("inputs", "include: ../shared.yaml\ninputs").replace("Dense: 1", "head: ")
    spec, shared = folder / "specs" / "spec.yaml", folder / "shared.yaml"
    spec.write_text(text, encoding="utf-8")
    watched.append(Watched("specs"))
    (watch,) = watched
    assert "cannot read specs/../shared.yaml" in watch.shows()
    write_later(shared, "graphspec: 1\nlayers: {head: {Dens: 1}}\n")
    assert "there is no layer `Dens`" in watch.shows()
    write_later(shared, "graphspec: 1\nlayers: {head: {Dense: 1}}\n")
    assert watch.shows() == "1 spec is valid.\n"
    write_later(folder / "specs" / "more.yaml", UNUSED)
    assert "GS305" in watch.shows()
    write_later(folder / "pyproject.toml", '[tool.graphspec]\nignore = ["GS305"]\n')
    assert watch.shows() == "Nothing else found in 2 specs, 1 finding ignored.\n"
    write_later(spec, text.replace("head", "haed"))
    assert "did you mean `head`?" in watch.shows()
    status, rest = watch.interrupt()
    assert (status, rest) == (1, "")


def test_watching_ends_with_the_last_status_and_clears_no_pipe(folder: Path, watched: list[Watched]) -> None:
    """Ctrl-C is the way to end it, and no failure; a pipe is not cleared; its own fixes start nothing."""
    spec = folder / "spec.yaml"
    spec.write_text(CLEAN.replace("apply", "aply"), encoding="utf-8")
    watched.append(Watched("spec.yaml", "--fix"))
    (watch,) = watched
    assert watch.shows() == "1 finding fixed, 1 spec is valid.\n"
    assert spec.read_text(encoding="utf-8") == CLEAN
    write_later(spec, CLEAN + "\n")
    assert watch.shows() == "1 spec is valid.\n"
    assert watch.interrupt() == (0, "")


def test_interrupted_processes_end_quietly(folder: Path) -> None:
    """Ctrl-C while many specs are checked by several processes: one word, status 130, nothing left behind."""
    for number in range(400):
        (folder / f"s{number}.yaml").write_text((ROOT / "specs" / "video_qa.yaml").read_text(), encoding="utf-8")
    command = [sys.executable, "-m", "graphspec", "validate", ".", "-j2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("it was done before it was interrupted")
    assert process.returncode == 130
    assert (output, errors) == ("", "stopped\n")
