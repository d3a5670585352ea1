"""Standard streams that are closed, full, or of an odd encoding: every command ends in order, and says so."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from graphspec.cli import main
from graphspec.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    *("new", "validate", "fmt", "render", "summary", "plot", "data"),
    *("train", "launch", "verify-resume", "runs", "evaluate", "predict", "export", "report", "tune"),
    *("layers", "explain", "schema", "server", "cache", "doctor", "completion"),
)
STATUSES = {0, 1, 2, 3, 130}
GOOD = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n"
BAD = GOOD.replace("y:", "\N{CJK UNIFIED IDEOGRAPH-5B57}:").replace("Dense", "Dens")

TRAINING = """
training:
  {optimizer: sgd, epochs: 2, callbacks: [{EarlyStopping: {monitor: loss, verbose: 1, baseline: 0, patience: 0}}]}
data: {train: {file: rows.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: y}}}}
"""

PRINTING = {
    "validate": "validate bad.yaml",
    "validate as json": "validate bad.yaml --format json",
    "validate in colour": "validate bad.yaml --color",
    "validate --diff": "validate bad.yaml --diff --unsafe-fixes",
    "validate -": "validate - --fix --unsafe-fixes < bad.yaml",
    "fmt --check": "fmt --check loose.yaml",
    "fmt --diff": "fmt --diff loose.yaml",
    "fmt -": "fmt - < loose.yaml",
    "render": "render data.yaml",
    "new --list": "new --list",
    "data": "data data.yaml --headers",
    "layers": "layers",
    "layers NAME": "layers LSTM",
    "explain": "explain GS502",
    "schema": "schema",
    "completion": "completion fish",
}
REFUSED = {
    "summary": "summary bad.yaml",
    "data as json": "data data.yaml --headers --json",
    "train": "train bad.yaml",
    "launch": "launch bad.yaml --workers 2",
    "verify-resume": "verify-resume bad.yaml",
    "runs": "runs .",
    "runs compare": "runs compare a b",
    "evaluate": "evaluate none",
    "predict": "predict none --split test",
    "export": "export none --to keras",
    "report": "report none",
    "tune": "tune bad.yaml",
    "layers NOTHING": "layers Nonsense",
    "cache": "cache",
    "cache clear": "cache clear",
    "wrong usage": "validate --nonsense",
    "stdin": "validate -",
    "fmt stdin": "fmt -",
}
HELP = {f"{name} --help": f"{name} --help" for name in ("", *COMMANDS)}
ALL = {**PRINTING, **REFUSED, **HELP}
"""Calls of every command that need no TensorFlow."""

FAILING = {
    "closed input": ("{} <&-", ["stdin", "fmt stdin", "validate -", "cache clear"]),
    "full output": ("{} >/dev/full", ["validate", "validate -", "fmt -", "fmt --diff", "runs", "schema", " --help"]),
    "closed output": ("{} >&-", ["validate", "validate -", "fmt -", "layers", "evaluate --help"]),
    "full errors": ("{} 2>/dev/full", ["train", "fmt --check", "fmt -", "wrong usage"]),
    "closed errors": ("{} 2>&-", ["train", "fmt --check", "fmt -", "wrong usage", "evaluate"]),
    "all closed": ("{} <&- >&- 2>&-", ["validate", "validate -", "fmt -", "train", "tune --help"]),
    "all full": ("{} >/dev/full 2>&1", ["validate", "fmt --check", "train", "wrong usage"]),
    "a pipe that closes": ("{} | head -n 1 >/dev/null; exit ${{PIPESTATUS[0]}}", ["schema", "explain", "layers"]),
    "a pipe that is closed": ("{} | true; exit ${{PIPESTATUS[0]}}", ["validate", "validate -", "fmt -", "schema"]),
    "a folder that is gone": (
        "cd gone; rmdir ../gone; {}; status=$?; mkdir ../gone; exit $status",
        ["validate", "validate -", "fmt --check", "fmt -", "data", "train", "runs", "predict", "cache", "layers"],
    ),
}
"""The ways, each with the calls that it is tried on; what begins and ends with the process is seen in no other way."""

ODD = {
    "latin-1": "PYTHONIOENCODING=latin-1 {}",
    "ascii": "PYTHONIOENCODING=ascii {}",
    "utf-16": "PYTHONIOENCODING=utf-16 {}",
    "the C locale": "LC_ALL=C LANG=C PYTHONCOERCECLOCALE=0 PYTHONUTF8=0 {}",
    "a narrow terminal": "COLUMNS=1 LINES=1 {}",
    "a colourful log": "FORCE_COLOR=1 COLUMNS=3 {}",
}

SHOWN = ("validate", "fmt --diff", "fmt -", "layers NAME")

Done = Mapping[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec of each kind, with letters that no old encoding has."""
    path = tmp_path_factory.mktemp("odd")
    (path / "gone").mkdir()
    (path / "bad.yaml").write_text(BAD, encoding="utf-8")
    (path / "loose.yaml").write_text(f"{GOOD}name:    \N{SNOWMAN}\n", encoding="utf-8")
    (path / "rows.csv").write_text("a,b,y\n1,2,3\n", encoding="utf-8")
    data = "data: {train: {file: rows.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: y}}}}\n"
    (path / "data.yaml").write_text(GOOD + data, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ordinary(folder: Path) -> Done:
    """What is tried, with nothing odd."""
    names = {name for _, names in FAILING.values() for name in names} | set(SHOWN)
    return call_all(folder, "{}", {name: ALL[name] for name in sorted(names)})


def call_all(folder: Path, how: str, calls: Mapping[str, str]) -> Done:
    """Make every call in that way."""
    left_out = ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "GITHUB_ACTIONS")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "PYTHONPATH": str(ROOT),
        "GRAPHSPEC_CACHE": str(folder / "cache"),
    }

    def call(arguments: str) -> subprocess.CompletedProcess[str]:
        written, _, read = arguments.partition(" <")
        line = how.format(f"{shlex.quote(sys.executable)} -m graphspec {written}")
        if read and "<" not in how:
            line = f"{{ {line}; }} < {read}"
        return subprocess.run(
            ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True,
            encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, check=False, timeout=120,
        )  # fmt: skip

    with ThreadPoolExecutor(1 if "gone" in how else 2) as pool:
        return dict(zip(calls, pool.map(call, calls.values()), strict=True))


def assert_orderly(done: Done) -> None:
    for name, each in done.items():
        said = each.stdout + each.stderr
        assert each.returncode in STATUSES, (name, each)
        for word in ("Traceback", "Exception ignored", "GS902", "Error in"):
            assert word not in said, (name, said)


@pytest.mark.parametrize("how", FAILING)
def test_a_stream_that_fails_is_no_traceback(folder: Path, ordinary: Done, how: str) -> None:
    """Whatever is closed, full or gone, a command ends with a status of its own, and with no success by mistake."""
    form, names = FAILING[how]
    done = call_all(folder, form, {name: ALL[name] for name in names})
    assert_orderly(done)
    for name, each in done.items():
        usual = ordinary[name]
        prints = bool(usual.stdout)
        if how in ("full output", "closed output"):
            reason = "no space left on device" if how.startswith("full") else "bad file descriptor"
            assert each.returncode == (usual.returncode or 1 if prints else usual.returncode), (name, each)
            assert (f"cannot write to standard output: {reason}" in each.stderr) == prints, (name, each)
        elif how in ("all closed", "all full"):
            assert each.returncode == (usual.returncode or 1 if prints else usual.returncode), (name, each)
        elif "pipe" in how:
            assert each.returncode in (usual.returncode, 1), (name, each)
            assert usual.stderr.startswith(each.stderr), (name, each)
        elif "errors" in how:
            assert (each.returncode, each.stdout) == (usual.returncode, usual.stdout), (name, each)


@pytest.mark.parametrize("name", ALL)
def test_no_command_succeeds_on_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What a command, or its help, cannot print is said on standard error, and its status is not 0."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(folder / "cache"))
    words, _, read = ALL[name].partition(" < ")
    usual = CliRunner().invoke(main, words.split(), input=Path(read).read_bytes() if read else None)
    said = io.StringIO()
    full = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115  (to close it is an error)
    monkeypatch.setattr("sys.stdin", open(read or os.devnull, encoding="utf-8"))  # noqa: SIM115
    monkeypatch.setattr("sys.stdout", full)
    monkeypatch.setattr("sys.stderr", said)
    with pytest.raises(SystemExit) as ended:
        main(words.split(), prog_name="graphspec")
    monkeypatch.undo()
    with suppress(OSError):
        full.close()
    assert ended.value.code == (usual.exit_code or 1 if usual.stdout else usual.exit_code)
    assert ("cannot write to standard output: no space left on device" in said.getvalue()) == bool(usual.stdout)
    assert "Traceback" not in said.getvalue()


@pytest.mark.parametrize("how", ODD)
def test_an_odd_encoding_or_terminal_changes_no_result(folder: Path, ordinary: Done, how: str) -> None:
    """What cannot be written in an encoding is escaped, and what has no room is wrapped."""
    done = call_all(folder, ODD[how], {name: ALL[name] for name in SHOWN})
    assert_orderly(done)
    assert {name: each.returncode for name, each in done.items()} == {name: ordinary[name].returncode for name in done}
    if how in ("latin-1", "ascii"):
        assert r"\u5b57" in done["validate"].stdout
        assert done["fmt -"].stdout == ordinary["fmt -"].stdout  # bytes come back as they were


def test_standard_input_that_is_closed_is_a_finding(folder: Path) -> None:
    """`-` names standard input, and a finding says that there is none."""
    for each in call_all(folder, "{} <&-", {"validate": "validate -", "fmt": "fmt -"}).values():
        assert each.returncode == 1
        assert "GS001" in each.stdout + each.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_arguments_that_are_no_text_are_refused_or_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A name that is not UTF-8 is shown by its bytes, wherever an argument may stand."""
    monkeypatch.chdir(folder)
    odd = os.fsdecode(b"caf\xe9\xff")
    for arguments in ([command, odd], [command, "bad.yaml", odd], [command, f"--{odd}"]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code in STATUSES
        assert "Traceback" not in done.output
        done.output.encode("utf-8")


def test_a_training_outlives_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed in its course and at its end cannot be written: the run is whole, and the status is 1."""
    (tmp_path / "rows.csv").write_text("a,b,y\n1,2,3\n2,3,4\n", encoding="utf-8")
    spec = tmp_path / "spec.yaml"
    spec.write_text(GOOD.replace("1}}", "1}, loss: mse}") + TRAINING, encoding="utf-8")
    with suppress(OSError), open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(SystemExit) as ended:
            main(["train", str(spec), "--run-dir", str(tmp_path / "run")], prog_name="graphspec")
        monkeypatch.undo()
    assert ended.value.code == 1
    assert Run(tmp_path / "run").record["status"] == "finished"
    assert (tmp_path / "run" / "model.keras").exists()
