"""Runs that are stopped, killed, damaged or given more epochs, and gone on with: the end is that of an unbroken run."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec.cli._verify_resume import differences
from graphspec.diagnostics import SpecError
from graphspec.run_directory import hold, read_json, write_json
from graphspec.training.checkpoint_file import read_checkpoint, write_checkpoint
from graphspec.training.checkpoints import checkpoint_steps

from ..forked import Forked
from ..killed import killed_at
from ..resuming.data import specs_in

HEADS_STEPS = 11
"""Of an epoch of `heads.yaml`: 162 samples in batches of 16."""


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The specs of `tests/resuming` by name, with their data beside them."""
    return {path.stem: path for path in specs_in(tmp_path_factory.mktemp("specs"))}


@pytest.fixture(scope="module")
def whole(specs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> graphspec.Run:
    """`heads.yaml` trained to its end, which early stopping decides, every checkpoint kept."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return graphspec.train(specs["heads"], overrides=["training.checkpoint.keep=1000"], run_dir=folder)


def checkpoint_of(run: graphspec.Run, step: int) -> Path:
    """The file of the checkpoint after so many steps."""
    return run.path / "checkpoints" / f"step_{step:09}.npz"


def before_validation(whole: graphspec.Run) -> int:
    """The step of a checkpoint at which all steps of an epoch were done, and its validation was not."""
    steps = checkpoint_steps(whole.path / "checkpoints")
    positions = {step: read_checkpoint(checkpoint_of(whole, step)).state["position"] for step in steps}
    return next(step for step in steps if positions[step][1] == HEADS_STEPS)


def refusal(work: Any) -> str:
    """What the one finding says that `work` raises."""
    with pytest.raises(SpecError) as refused:
        work()
    return str(refused.value)


@pytest.mark.smoke
def test_early_stopping_ends_the_whole_run(whole: graphspec.Run) -> None:
    """What follows is about a run in which callbacks decided: it stopped early, and the plateau was seen."""
    assert 5 < whole.record["epochs"] < 40
    rates = [row["optimizer/learning_rate"] for row in whole.metrics]
    assert rates[0] > rates[-1]
    assert len(checkpoint_steps(whole.path / "checkpoints")) > 20


@pytest.mark.parametrize(
    "place",
    ["middle", "epoch_end", *(pytest.param(each, marks=pytest.mark.long) for each in ("first", "steps_done", "last"))],
)
def test_every_place_of_an_epoch_goes_on_to_the_same_end(whole: graphspec.Run, tmp_path: Path, place: str) -> None:
    """Before the first step, within an epoch, after its steps but before its validation, after it, at the end."""
    steps = checkpoint_steps(whole.path / "checkpoints")
    best = whole.record["best"]["epoch"]
    step = {
        "first": 0,
        "middle": next(each for each in steps if each > 30 and each % HEADS_STEPS),
        "steps_done": before_validation(whole),
        "epoch_end": (best + 1) * HEADS_STEPS,
        "last": steps[-1],
    }[place]
    run = killed_at(whole, step, tmp_path / "run")
    if place == "epoch_end":
        (run / "checkpoints" / "best.npz").unlink()  # killed before it was put in its place
    resumed = graphspec.resume(run)
    assert list(differences(whole.path, run)) == []
    assert (run / "log.csv").read_bytes() == (whole.path / "log.csv").read_bytes()
    assert resumed.record["status"] == "finished"
    assert resumed.record["best"] == whole.record["best"]
    assert checkpoint_steps(run / "checkpoints") == checkpoint_steps(whole.path / "checkpoints")
    for name in ("model.keras", "best.keras", "kept/best.keras"):
        expected, found = weights_of(whole.path / name), weights_of(run / name)
        assert all(np.array_equal(one, other) for one, other in zip(expected, found, strict=True)), name


def weights_of(file: Path) -> list[Any]:
    """The weights of a saved model, as plain Keras loads it."""
    import keras

    return list(keras.saving.load_model(file).get_weights())


def test_best_model_is_that_of_the_best_epoch(whole: graphspec.Run) -> None:
    """`best.keras` holds the weights that the checkpoint at the end of the best epoch holds; `run.json` names it."""
    best = whole.record["best"]
    values = whole.history["val_kind_accuracy"]
    assert best == {"epoch": int(np.argmax(values)), "monitor": "val_kind_accuracy", "value": max(values)}
    arrays = read_checkpoint(checkpoint_of(whole, (best["epoch"] + 1) * HEADS_STEPS)).arrays
    kept = {name: array.tobytes() for name, array in arrays.items() if name.startswith("model/")}
    assert {each.tobytes() for each in weights_of(whole.path / "best.keras")} <= set(kept.values())
    assert len(weights_of(whole.path / "best.keras")) > 5


@pytest.mark.slow
def test_more_epochs_come_to_what_all_of_them_come_to(specs: dict[str, Path], tmp_path: Path) -> None:
    """A finished run that is given more epochs is the run that had them from the beginning."""
    long = graphspec.train(specs["cnn"], overrides=["training.epochs=4"], run_dir=tmp_path / "long")
    short = graphspec.train(specs["cnn"], overrides=["training.epochs=2"], run_dir=tmp_path / "short")
    extended = graphspec.resume(short, epochs=4)
    assert list(differences(long.path, extended.path)) == []
    assert graphspec.Run(extended.path).spec.model.training.epochs == 4  # type: ignore[union-attr]
    origin = read_json(short.path / "provenance.json")["training.epochs"]
    assert origin == {"value": 4, "from": "--resume --set training.epochs=4"}
    assert refusal(lambda: graphspec.resume(short, epochs=3)).count("has trained 4 epochs") == 1


def test_finished_run_is_left_as_it_is(whole: graphspec.Run, tmp_path: Path) -> None:
    """There is nothing to resume, and nothing is written."""
    run = tmp_path / "run"
    shutil.copytree(whole.path, run)
    before = {each: each.stat().st_mtime_ns for each in run.rglob("*")}
    graphspec.resume(run)
    assert {each: each.stat().st_mtime_ns for each in run.rglob("*")} == before


@pytest.mark.long
def test_a_signal_stops_between_two_steps(whole: graphspec.Run, specs: dict[str, Path], tmp_path: Path) -> None:
    """A process that is asked to end writes where it stands, says how to go on, and that comes to the same end."""
    run = tmp_path / "run"
    with Forked("train", specs["heads"], "--set", "training.checkpoint.keep=1000", "--run-dir", run) as process:
        deadline = time.monotonic() + 240
        while not (run / "metrics.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=240)
    assert process.returncode == 143, said
    assert "Traceback" not in said
    assert f"graphspec train --resume {run}" in said
    stopped = graphspec.Run(run)
    assert stopped.record["status"] == "stopped"
    assert weights_of(run / "model.keras")
    best = stopped.record["best"]
    assert best["value"] == stopped.metrics[best["epoch"]][best["monitor"]]
    found = stopped.predictor("best")
    measured = found.evaluate(found.samples("validation", targets=True)).metrics
    assert measured[best["monitor"].removeprefix("val_")] == pytest.approx(best["value"])
    graphspec.resume(run)
    assert list(differences(whole.path, run)) == []


@pytest.mark.slow
def test_training_goes_on_when_nobody_looks_any_more(specs: dict[str, Path], tmp_path: Path) -> None:
    """A closed pipe ends what is shown and not the run; the log tells the rest."""
    run = tmp_path / "run"
    words = ("train", str(specs["cnn"]), "--set", "training.epochs=4", "--run-dir", str(run))
    command = [sys.executable, "-m", "graphspec", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("epoch 1/4"):
            assert process.poll() is None
        process.stderr.close()
        process.wait(timeout=240)
    assert graphspec.Run(run).record["status"] == "finished"
    assert "epoch 4/4" in (run / "log.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_validation_is_stopped_too(
    whole: graphspec.Run, specs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long validation is not waited for: it is done again, from the metrics that the training had come to."""
    from graphspec.training.checkpoints import Checkpoints

    heard = Checkpoints.on_test_batch_end

    def interrupt(self: Checkpoints, batch: int, logs: Any = None) -> None:
        if self.position.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)
            monkeypatch.undo()
        heard(self, batch, logs)

    monkeypatch.setattr(Checkpoints, "on_test_batch_end", interrupt)
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        graphspec.train(specs["heads"], overrides=["training.checkpoint.keep=1000"], run_dir=run)
    assert not [path for path in open_files() if path.is_relative_to(run)]
    (newest,) = checkpoint_steps(run / "checkpoints")[-1:]
    assert newest == 3 * HEADS_STEPS
    graphspec.resume(run)
    assert list(differences(whole.path, run)) == []


def open_files() -> list[Path]:
    """Return the files that this process holds open, where the system tells."""
    return [each.readlink() for each in Path("/proc/self/fd").glob("*") if os.path.lexists(each)]


@pytest.mark.slow
def test_damaged_checkpoint_is_passed_over(
    whole: graphspec.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one before it is used, the damaged one is named, and the end is the same."""
    run = killed_at(whole, 60, tmp_path / "run")
    newest = run / "checkpoints" / "step_000000060.npz"
    newest.write_bytes(newest.read_bytes()[:-1000])
    graphspec.resume(run)
    assert f"{newest} is damaged and skipped" in capsys.readouterr().err
    assert list(differences(whole.path, run)) == []


def test_run_without_a_whole_checkpoint_is_refused(whole: graphspec.Run, tmp_path: Path) -> None:
    """There is nothing to resume from, and that is said."""
    run = killed_at(whole, 0, tmp_path / "run")
    (run / "checkpoints" / "step_000000000.npz").write_bytes(b"")
    assert "no intact checkpoint" in refusal(lambda: graphspec.resume(run))


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("run.json", "{", "run.json cannot be read"),
        ("run.json", "[]", "run.json cannot be read: it does not hold a JSON object"),
        ("lock.json", "", "lock.json cannot be read"),
        ("metrics.jsonl", '{"epoch": "one"}\n', "metrics.jsonl cannot be read: it holds lines that are not rows"),
        ("spec.yaml", "graphspec: [", "spec.yaml:1:"),
    ],
)
def test_damaged_run_is_refused(whole: graphspec.Run, tmp_path: Path, file: str, content: str, said: str) -> None:
    """Each file of a run that something else has written over is a finding that names it."""
    run = killed_at(whole, 60, tmp_path / "run")
    (run / file).write_text(content, encoding="utf-8")
    assert said in refusal(lambda: graphspec.resume(run))


@pytest.mark.parametrize(
    "precision",
    [
        pytest.param("mixed_float16", marks=pytest.mark.slow),
        pytest.param("mixed_bfloat16", marks=pytest.mark.long),
    ],
)
def test_mixed_precision_goes_on_as_it_was(specs: dict[str, Path], tmp_path: Path, precision: str) -> None:
    """The scale of the loss is part of the state, as all that the optimizer keeps."""
    overrides = [f"training.precision={precision}", "training.epochs=2", "training.checkpoint.keep=100"]
    full = graphspec.train(specs["heads"], overrides=overrides, run_dir=tmp_path / "full")
    run = killed_at(full, 12, tmp_path / "cut")
    graphspec.resume(run)
    assert list(differences(full.path, run)) == []


def test_checkpoint_of_another_model_is_refused(whole: graphspec.Run, tmp_path: Path) -> None:
    """A changed spec does not go on with its checkpoints, even without its hash; nothing is written over."""
    run = killed_at(whole, 60, tmp_path / "run")
    lock = read_json(run / "lock.json")
    del lock["resolved"]
    write_json(run / "lock.json", lock)
    text = (run / "spec.yaml").read_text(encoding="utf-8")
    assert "units: 16" in text
    (run / "spec.yaml").write_text(text.replace("units: 16", "units: 17"), encoding="utf-8")
    assert "another spec" in refusal(lambda: graphspec.resume(run))
    assert checkpoint_steps(run / "checkpoints")[-1] == 60


@pytest.mark.slow
def test_changed_data_is_told(
    whole: graphspec.Run, specs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other values are a warning; another number of samples is refused, since nothing could go on as it was."""
    shutil.copy(specs["heads"], tmp_path)
    with np.load(specs["heads"].parent / "heads.npz") as found:
        arrays = dict(found)
    np.savez(tmp_path / "heads.npz", **arrays)
    run = graphspec.train(tmp_path / "heads.yaml", overrides=["training.epochs=2"], run_dir=tmp_path / "run")
    np.savez(tmp_path / "heads.npz", **{**arrays, "size": arrays["size"] + 1})
    graphspec.resume(run, epochs=3)
    assert "heads.npz has changed since the run began" in capsys.readouterr().err
    np.savez(tmp_path / "heads.npz", **{name: each[:-1] for name, each in arrays.items()})
    before = (run.path / "spec.yaml").read_bytes()
    assert "trained on 162 samples" in refusal(lambda: graphspec.resume(run, epochs=4))
    assert (run.path / "spec.yaml").read_bytes() == before, "what was refused has changed nothing"


def test_other_versions_are_told(whole: graphspec.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that was begun with another Keras goes on, with a warning."""
    run = killed_at(whole, checkpoint_steps(whole.path / "checkpoints")[-1], tmp_path / "run")
    lock = read_json(run / "lock.json")
    write_json(run / "lock.json", {**lock, "versions": {**lock["versions"], "keras": "3.0.0"}})
    graphspec.resume(run)
    assert "(was 3.0.0)" in capsys.readouterr().err


def test_run_that_is_being_trained_is_left_alone(whole: graphspec.Run, tmp_path: Path) -> None:
    """Two processes never write into one run."""
    run = killed_at(whole, 0, tmp_path / "run")
    code = "import sys, time; from pathlib import Path; from graphspec.run_directory import hold\n"
    code += "with hold(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code, str(run)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert "being trained by another process" in refusal(lambda: graphspec.resume(run))
        holder.kill()
    with hold(run):
        pass  # a killed process holds nothing


def limit_file_size(size: int) -> None:
    """Let this process write no file beyond `size`, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.slow
def test_full_disk_ends_with_the_last_checkpoint_whole(
    whole: graphspec.Run, specs: dict[str, Path], tmp_path: Path
) -> None:
    """Where a file can no longer be written, that is said in one finding with how to go on; which then works."""
    run = tmp_path / "run"
    size = max(each.stat().st_size for each in (whole.path / "checkpoints").iterdir())
    words = ("train", specs["heads"], "--set", "training.checkpoint.keep=1000", "--run-dir", run)
    with Forked(*words, before=partial(limit_file_size, size - 1)) as process:
        _, said = process.communicate(timeout=240)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    assert "error[GS904] cannot-write: cannot write" in said
    assert f"graphspec train --resume {run}" in said
    record = graphspec.Run(run).record
    assert record["status"] == "failed"
    assert "cannot write" in record["reason"]
    assert not list(run.rglob(".writing-*"))
    graphspec.resume(run)
    assert list(differences(whole.path, run)) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "pass either a SPEC to train, or --resume RUN"),
        (("spec.yaml", "--resume", "run"), "pass either a SPEC to train, or --resume RUN"),
        (("--resume", "run", "--run-dir", "other"), "excludes --run-dir"),
        (("--resume", "run", "--set", "training.seed=3"), "--set takes only training.epochs=N"),
        (("--resume", "run", "--set", "training.epochs=many"), "--set takes only training.epochs=N"),
    ],
)
def test_wrong_use_of_resume_is_told(words: tuple[str, ...], said: str) -> None:
    """Status 2, and what to write instead."""
    from click.testing import CliRunner

    from graphspec.cli import main

    result = CliRunner().invoke(main, ["train", *words])
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


@pytest.mark.slow
def test_command_goes_on_with_the_newest_run(whole: graphspec.Run, tmp_path: Path) -> None:
    """`train --resume FOLDER` finds the run; the record says when it was gone on with, the log tells it all."""
    from click.testing import CliRunner

    from graphspec.cli import main

    run = killed_at(whole, 60, tmp_path / "run")
    result = CliRunner().invoke(main, ["train", "--resume", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "resuming from" in result.stderr
    assert f"The run is in {run}" in result.stdout
    (resumed,) = graphspec.Run(run).record["resumed"]
    assert (resumed["epoch"], resumed["step"]) == divmod(60, HEADS_STEPS)
    assert "resuming from" in (run / "log.txt").read_text(encoding="utf-8")
    result = CliRunner().invoke(main, ["train", "--resume", str(run)])
    assert result.exit_code == 0
    assert "is complete; train it for more epochs" in result.stderr


def test_differences_are_seen(whole: graphspec.Run, tmp_path: Path) -> None:
    """A single bit of a weight, a metric of one epoch, or what a callback knows: each is told."""
    run = tmp_path / "run"
    shutil.copytree(whole.path, run)
    (last,) = checkpoint_steps(run / "checkpoints")[-1:]
    path = run / "checkpoints" / f"step_{last:09}.npz"
    contents = read_checkpoint(path)
    name = next(each for each, called in contents.state["paths"].items() if called == "kind/kernel")
    contents.arrays[name].view(np.uint32)[0, 0] ^= 1
    contents.state["told"][1]["wait"] += 1
    write_checkpoint(path, contents)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    rows[2]["val_loss"] = float(np.nextafter(rows[2]["val_loss"], 9))
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert list(differences(whole.path, run)) == [
        *("metrics.jsonl", f"{path.name}: kind/kernel", f"{path.name}: EarlyStopping")
    ]
