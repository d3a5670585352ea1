"""The command line: exit codes, help, standard input, and messages for people."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main
from graphspec.signals import SIGNALS

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    *("new", "validate", "fmt", "render", "summary", "plot", "data", "diff"),
    *("train", "launch", "verify-resume", "runs", "evaluate", "predict", "export", "report", "tune"),
    *("decompile", "layers", "explain", "schema", "server", "cache", "doctor", "completion"),
)
Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: {units: 1, activation: sigmoid}}, loss: binary_crossentropy, metrics: [accuracy]}}
training: {optimizer: sgd, epochs: 2, batch_size: 8}
data:
  train: {file: table.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: y}}}
  test: {file: others.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: y}}}
"""


def call(*arguments: object, stdin: str | bytes | None = None) -> Result:
    """Run `graphspec` in this process."""
    return CliRunner().invoke(main, [str(each) for each in arguments], input=stdin)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A small trainable spec with its tables."""
    rows = [f"{i / 10},{-i / 7:.3f},{i % 2}" for i in range(20)]
    for name in ("table.csv", "others.csv"):
        (tmp_path / name).write_text("\n".join(["a,b,y", *rows]), encoding="utf-8")
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    """`--help` says what a command does and shows it in use."""
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f"graphspec {command} " in result.output


def test_help_lists_every_command() -> None:
    """The group's help names all commands in the order of use."""
    output = call("--help").output
    listed = output[output.index("Commands:") :]
    assert [line.split()[0] for line in listed.splitlines()[1:] if line.strip()] == list(COMMANDS)


@pytest.mark.parametrize("arguments", [["validate"], ["nonsense"], ["validate", "--nonsense", "x"], ["predict", "x"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    """What click refuses is wrong usage."""
    assert call(*arguments).exit_code == 2


def test_validate_exit_codes_and_standard_input(spec: Path) -> None:
    """0 for clean, 1 for findings; `-` reads standard input, as YAML or as JSON."""
    assert call("validate", spec).output == "1 spec is valid.\n"
    assert call("validate", spec, "--set", "training.epochs=none").exit_code == 1
    text = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n"
    assert call("validate", "-", stdin=text).exit_code == 0
    result = call("validate", "-", stdin=text.replace("Dense", "Dens"))
    assert result.exit_code == 1
    assert "<stdin>:3:32: error[GS201]" in result.output
    tree = {"graphspec": 1, "inputs": {"x": [2]}, "outputs": {"y": {"from": "x", "apply": {"Dense": 1}}}}
    assert call("validate", "-", stdin=json.dumps(tree)).exit_code == 0


def test_validate_walks_folders(tmp_path: Path) -> None:
    """Only files with a `graphspec` key count; hidden folders do not; a folder without specs is a finding."""
    good = "graphspec: 1\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n"
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "deep" / "er" / "a.yml").write_text(good, encoding="utf-8")
    (tmp_path / "b.yaml").write_text("# first\n" + good, encoding="utf-8")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x}}\n", encoding="utf-8")
    (tmp_path / ".hidden" / "c.yaml").write_text("graphspec: 1\n", encoding="utf-8")
    assert call("validate", tmp_path).output == "2 specs are valid.\n"
    (tmp_path / "empty").mkdir()
    result = call("validate", tmp_path / "empty", tmp_path / "missing.yaml")
    assert result.exit_code == 1
    assert "there is no spec below" in result.output
    assert "there is no file" in result.output


def test_train_evaluate_predict(spec: Path, tmp_path: Path) -> None:
    """The three commands in a row, each told by the one before where to look."""
    run = tmp_path / "run"
    result = call("train", spec, "--run-dir", run, "--set", "training.epochs=1")
    assert result.exit_code == 0, result.output
    assert "epoch 1/1" in result.stderr
    assert f"The run is in {run}" in result.stdout
    assert f"Next: graphspec evaluate {run}" in result.stdout
    result = call("evaluate", run, "--json")
    assert set(json.loads(result.stdout)) == {"loss", "accuracy", "data/samples", "time/seconds"}
    assert "on test: loss" in call("evaluate", tmp_path).stdout
    result = call("predict", run, "--split", "test", "--limit", "3")
    assert result.exit_code == 0, result.output
    assert "sample" in result.stdout
    out = tmp_path / "new" / "out.npz"
    result = call("predict", run, "-i", f"x={tmp_path / 'table.csv'}#a,b", "-o", out)
    assert result.exit_code == 0, result.output
    with np.load(out) as arrays:
        assert arrays["y"].shape == (20, 1)


@pytest.mark.parametrize(
    ("option", "code", "said"),
    [
        (["-i", "x"], 2, "does not have the form NAME=FILE"),
        (["-i", "x=a.npy", "-i", "x=b.npy"], 2, "given twice"),
        (["-i", "x=table.xls"], 1, "has an unknown format"),
        (["-i", "x=missing.npy"], 1, "there is no file"),
        (["-i", "x=table.csv#a,c"], 1, "has no column `c`"),
        (["-i", "x=table.csv"], 1, "names no column"),
        (["-i", "z=table.csv#a,b"], 1, "names the input `z`"),
        (["--split", "test", "-o", "out.xls"], 1, ".npz"),
        (["--split", "test", "-i", "x=a.npy"], 2, "either"),
        (["--split", "validation"], 1, "no `validation` split"),
    ],
)
def test_predict_refuses_what_does_not_fit(
    spec: Path, monkeypatch: pytest.MonkeyPatch, option: list[str], code: int, said: str
) -> None:
    """Each wrong option is one message and the right status, and no traceback."""
    monkeypatch.chdir(spec.parent)
    assert call("train", spec, "--run-dir", "run", "--quiet").exit_code == 0
    result = call("predict", "run", *option)
    assert result.exit_code == code, result.output
    assert said in result.output
    assert "Traceback" not in result.output


def test_quiet_training_prints_the_run_alone(spec: Path, tmp_path: Path) -> None:
    """`--quiet` is for scripts: standard output is the path of the run. Without it each epoch is told as it ends."""
    result = call("train", spec, "--run-dir", tmp_path / "run", "--quiet")
    assert result.stdout == f"{tmp_path / 'run'}\n"
    assert result.stderr == ""
    assert "epoch 1/" in call("train", spec, "--run-dir", tmp_path / "other").stderr


def test_default_run_directory(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --run-dir every run gets a folder of its own below `runs/<name>`."""
    monkeypatch.chdir(spec.parent)
    paths = {call("train", "spec.yaml", "--quiet").stdout.strip() for _ in range(2)}
    assert len(paths) == 2
    assert all(Path(path).parent == Path("runs/spec") for path in paths)


def test_missing_run_is_a_finding(tmp_path: Path) -> None:
    """A path without a run says so."""
    result = call("evaluate", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "there is no folder" in result.output


@pytest.mark.parametrize("command", ["summary", "train", "evaluate", "predict"])
def test_missing_tensorflow_is_one_line_to_run(spec: Path, command: str) -> None:
    """Without TensorFlow, and without the NumPy it brings, a command that needs it says what to install."""
    run = spec.parent / "run"
    run.mkdir()
    (run / "run.json").write_text("{}", encoding="utf-8")
    (run / "spec.yaml").write_text(SPEC, encoding="utf-8")
    arguments = [
        str(run if command in ("evaluate", "predict") else spec),
        *(["--split", "test"] * (command == "predict")),
    ]
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'numpy', 'rich')))\n"
        "from graphspec.cli import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, command, *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1, result.stderr
    assert "pip install 'graphspec[tensorflow]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_failure_of_graphspec_itself_exits_with_3(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an internal error shows a traceback, and says that it is one."""
    monkeypatch.setattr("graphspec.spec.parse", lambda *_: 1 / 0)
    result = call("summary", spec)
    assert result.exit_code == 3
    assert "ZeroDivisionError" in result.stderr
    assert "GS902" in result.stderr


@pytest.mark.parametrize("start", [["-m", "graphspec"], ["cli.py"]])
def test_other_ways_to_start(start: list[str]) -> None:
    """`python -m graphspec` and `python cli.py` from a checkout are the same command."""
    result = subprocess.run(
        [sys.executable, *start, "validate", "specs/mlp.yaml"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (result.returncode, result.stdout) == (0, "1 spec is valid.\n")


def test_call_from_a_program_leaves_signals_as_they_were(spec: Path) -> None:
    """A command that is called with arguments ends, and the process that called it goes on hearing Ctrl-C."""
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(spec)])
    assert ended.value.code == 0
    assert [signal.getsignal(number) for number in SIGNALS] == before
