"""`graphspec tune`: trials are runs, the best is the best of them, and a study cut short ends like any other."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.run_directory import RECORD, hold, read_rows
from graphspec.tuning import Study, Trial
from graphspec.tuning.leases import Held
from graphspec.tuning.tuner import Tuner

from ..forked import Forked
from .searches import call, optuna_study, pausing, write_spec

TRIALS = 6


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study that nothing has interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return graphspec.tune(write_spec(folder), study_dir=folder / "study")


def table_sources(run: Path) -> list[dict[str, Any]]:
    """The metrics of a run, without what a clock has told."""
    return [{key: row[key] for key in row if not key.startswith("time/")} for row in read_rows(run)]


def told(study: Study) -> list[tuple[Any, ...]]:
    """All that trials have come to, but for where they lie and how long they took."""
    return [
        (
            each.number,
            each.state,
            dict(each.values),
            each.value,
            each.epoch,
            each.epochs,
            each.reason,
            table_sources(each.run),
        )
        for each in study.trials
    ]


@pytest.mark.slow
@pytest.mark.smoke
def test_best_of_the_study_is_the_best_of_its_runs(whole: Study) -> None:
    """The value of the best trial is the least that the metrics of all complete runs hold; so is each one's own."""
    complete = [trial for trial in whole.trials if trial.state == "complete"]
    least = {trial.number: min(row["val_loss"] for row in read_rows(trial.run)) for trial in complete}
    assert {trial.number: trial.value for trial in complete} == least
    assert whole.best.value == min(least.values())
    assert read_rows(whole.best_run.path)[whole.best.epoch or 0]["val_loss"] == whole.best.value
    assert whole.record["status"] == "finished"
    assert len(whole.trials) == TRIALS


def test_runs_are_trained_with_the_values_of_their_trials(whole: Study) -> None:
    """Each trial's run holds the spec with its values, under the spec's own seed."""
    for trial in whole.trials:
        tree = graphspec.load(trial.run / "spec.yaml").tree
        assert tree["vars"]["hidden"] == trial.values["vars.hidden"]
        adam = tree["training"]["optimizer"]["Adam"]
        assert adam["learning_rate"] == trial.values["training.optimizer.Adam.learning_rate"]
        step = tree["outputs"]["y"]["apply"][0]["Dense"]
        assert step["activation"] == trial.values["outputs.y.apply[0].Dense.activation"]
        assert graphspec.Run(trial.run).lock["seed"] == 0


def test_pruned_trials_end_early(whole: Study) -> None:
    """A pruned run has fewer epochs than the spec says, a whole model, and was worse than the median then."""
    pruned = [trial for trial in whole.trials if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        rows = read_rows(trial.run)
        assert trial.epochs == len(rows) < 4
        assert graphspec.Run(trial.run).record["status"] == "finished"
        assert (trial.run / "model.keras").exists()
        before = [each.run for each in whole.trials[: trial.number] if each.state == "complete"]
        known = [min(row["val_loss"] for row in read_rows(run)[: len(rows)]) for run in before]
        assert min(row["val_loss"] for row in rows) > np.median(known)


def test_best_spec_trains_to_the_same_numbers(whole: Study, tmp_path: Path) -> None:
    """`best.yaml` is the user's text with the best values, and trains as the best trial did, to the bit."""
    text = whole.best_spec.read_text(encoding="utf-8")
    assert "# What comes first stays first." in text
    assert "# how wide" in text
    assert len(graphspec.validate(whole.best_spec)) == 0
    run = graphspec.train(whole.best_spec, run_dir=tmp_path / "again")
    assert table_sources(run.path) == table_sources(whole.best.run)


@pytest.mark.smoke
def test_optuna_reads_the_study(whole: Study) -> None:
    """`study.db` is a study of optuna, with the metric of each epoch and the same best trial."""
    with optuna_study(f"sqlite:///{whole.path / 'study.db'}") as found:
        assert found.best_trial.number == whole.best.number
        assert found.best_value == whole.best.value
        for trial in whole.trials:
            reported = found.trials[trial.number].intermediate_values
            assert list(reported.values()) == [row["val_loss"] for row in read_rows(trial.run)]


def test_table_holds_a_row_a_trial(whole: Study) -> None:
    """`trials.csv` says of each trial what the study says."""
    with open(whole.path / "trials.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["number"], row["state"], row["run"]) for row in rows] == [
        (str(trial.number), trial.state, f"trials/{trial.number:04}") for trial in whole.trials
    ]
    assert [float(row["val_loss"]) for row in rows] == [trial.value for trial in whole.trials]
    assert [int(row["vars.hidden"]) for row in rows] == [trial.values["vars.hidden"] for trial in whole.trials]


@pytest.mark.slow
def test_a_study_in_pieces_is_the_same(whole: Study, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut short before values are kept, within a training, and before a result is told, a study comes to the same end.

    The first piece ends by its budget, and that is raised: trials count over all pieces.
    """
    study = graphspec.tune(spec, trials=2, study_dir=spec.parent / "study")
    assert len(study.trials) == 2
    for name, after in (("set_user_attr", 0), ("report", 2), ("report", 6), ("tell", 0)):
        with monkeypatch.context() as patch:
            owner: Any = optuna.Study if name == "tell" else optuna.Trial
            patch.setattr(owner, name, dying(getattr(owner, name), after))
            with pytest.raises(Killed):
                graphspec.tune(study, trials=TRIALS)
        assert study.record["status"] == "running"
    graphspec.tune(study, trials=TRIALS)
    assert told(study) == told(whole)
    assert study.best_spec.read_text() == whole.best_spec.read_text()


class Killed(BaseException):
    """Ends a process as no code of its own can handle."""


def dying(call: Callable[..., Any], after: int) -> Callable[..., Any]:
    """`call`, which answers so many times and then ends all."""
    answered = 0

    def answer(*arguments: Any, **keywords: Any) -> Any:
        nonlocal answered
        if answered == after:
            raise Killed
        answered += 1
        return call(*arguments, **keywords)

    return answer


@pytest.mark.slow
def test_studies_are_never_mixed(whole: Study, spec: Path, tmp_path: Path) -> None:
    """A folder that is taken, a study that is gone, one in use and one that is damaged are each told of."""
    taken = call("tune", spec, "--study-dir", spec.parent)
    assert (taken.exit_code, "is not empty" in taken.stderr) == (1, True)
    gone = call("tune", "--resume", tmp_path / "nowhere")
    assert (gone.exit_code, "there is no folder" in gone.stderr) == (1, True)
    with hold(whole.path):
        other = [sys.executable, "-m", "graphspec", "tune", "--resume", str(whole.path)]
        done = subprocess.run(other, capture_output=True, text=True, check=False)
    assert (done.returncode, "by another process" in done.stderr) == (1, True)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for name in (RECORD.replace("run", "study"), "spec.yaml"):
        (damaged / name).write_bytes((whole.path / name).read_bytes())
    (damaged / "study.db").write_bytes(b"no database" * 1000)
    broken = call("tune", "--resume", damaged)
    assert (broken.exit_code, "cannot be read" in broken.stderr) == (1, True), broken.output
    assert call("tune").exit_code == 2
    assert call("tune", spec, "--resume", whole.path).exit_code == 2
    assert call("tune", "--resume", whole.path, "--set", "training.epochs=1").exit_code == 2


@pytest.fixture
def copied(whole: Study) -> Iterator[Path]:
    """A copy of the whole study beside it, so that it finds its data."""
    copy = whole.path.with_name("copy")
    shutil.copytree(whole.path, copy)
    yield copy
    shutil.rmtree(copy)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("epochs: 4", "epochs: 5", "training.epochs: 4 → 5"),
        ("hidden: 16", "hidden: 12", "vars.hidden: 16 → 12"),
        ('"${hidden}"', "16", "outputs.y.apply[0].Dense.units: ${hidden} → 16"),
        ("high: 32", "high: 16", "search.parameters.vars.hidden.int.high: 32 → 16"),
        ("seed: 1", "seed: 2", "search.sampler.TPESampler.seed: 1 → 2"),
    ],
)
def test_edited_study_is_refused(copied: Path, old: str, new: str, said: str) -> None:
    """A study goes on as it was begun: what differs in its spec is shown, and nothing is trained or written."""
    text = (copied / "spec.yaml").read_text(encoding="utf-8")
    assert old in text, text
    (copied / "spec.yaml").write_text(text.replace(old, new), encoding="utf-8")
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    result = call("tune", "--resume", copied, "--trials", 7)
    assert result.exit_code == 1
    assert "error[GS909]" in result.stderr
    assert said in result.stderr
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before


def test_budget_and_comments_of_a_study_may_change(copied: Path) -> None:
    """More trials change nothing of those before, by an option or by hand; neither do comments."""
    text = (copied / "spec.yaml").read_text(encoding="utf-8").replace("# how wide", "# as wide as it is")
    (copied / "spec.yaml").write_text(text.replace("trials: 6", "trials: 5"), encoding="utf-8")
    assert call("tune", "--resume", copied, "--quiet").exit_code == 0
    assert call("tune", "--resume", copied, "--trials", 7, "--quiet").exit_code == 0
    assert len(Study(copied).trials) == TRIALS + 1
    assert call("tune", "--resume", copied, "--quiet").exit_code == 0


def test_study_of_an_older_version_goes_on_with_a_warning(copied: Path) -> None:
    """Nobody can tell whether its spec was edited, and that is said."""
    record = json.loads((copied / "study.json").read_text())
    del record["resolved"]
    (copied / "study.json").write_text(json.dumps(record))
    result = call("tune", "--resume", copied, "--quiet")
    assert result.exit_code == 0, result.output
    assert "changes of the spec since then are not detected" in result.stderr


@pytest.mark.parametrize("key", ["name", "status", "monitor", "direction"])
@pytest.mark.parametrize("value", [None, 3, "other", [], {}, ...])
def test_damaged_record_of_a_study_is_a_finding(copied: Path, key: str, value: Any) -> None:
    """Whatever stands in `study.json`, or is missing there, is said by the command that reads it."""
    record = {**json.loads((copied / "study.json").read_text()), key: value}
    (copied / "study.json").write_text(json.dumps({name: each for name, each in record.items() if each is not ...}))
    result = call("tune", "--resume", copied, "--json")
    if key == "monitor" and value == "other":  # a metric like any other, and no run has it
        assert result.exit_code in (0, 1)
        return
    assert result.exit_code == 1, result.output
    assert "error[GS903]" in result.output


@pytest.mark.parametrize("file", ["study.json", "study.db"])
@pytest.mark.parametrize("kind", ["gone", "empty", "text", "folder", "pipe"])
def test_damaged_file_of_a_study_is_a_finding(copied: Path, file: str, kind: str) -> None:
    """What is no file, or none of a study, is neither read nor waited for, and no study is begun in its place."""
    path = copied / file
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "gone":
        path.write_bytes(b"" if kind == "empty" else b"neither JSON nor SQLite" * 100)
    result = call("tune", "--resume", copied, "--trials", 7)
    assert result.exit_code == 1, result.output
    assert "error[GS903]" in result.stderr
    assert not (copied / "trials" / "0006").exists()


def test_damaged_run_of_a_trial_ends_the_study(copied: Path) -> None:
    """It says nothing of the values of the trial, which is no failed one: it can be mended, and the study resumed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optuna.Study, "tell", dying(optuna.Study.tell, 0))
        with pytest.raises(Killed):
            graphspec.tune(Study(copied), trials=7)
    whole_record = (copied / "trials" / "0006" / "run.json").read_bytes()
    (copied / "trials" / "0006" / "run.json").write_text('{"status": 3}')
    result = call("tune", "--resume", copied)
    assert result.exit_code == 1
    assert "error[GS903]" in result.stderr
    assert Study(copied).trials[-1].state == "running"
    (copied / "trials" / "0006" / "run.json").write_bytes(whole_record)
    assert call("tune", "--resume", copied, "--quiet").exit_code == 0
    assert Study(copied).trials[-1].state in ("complete", "pruned")


def await_trial(study: Path, number: int, process: Forked) -> None:
    """Until the trial has begun to be trained, or the process has ended."""
    checkpoints = study / "trials" / f"{number:04}" / "checkpoints"
    deadline = time.monotonic() + 600
    while not list(checkpoints.glob("*.npz")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_study_that_can_go_on(
    process: Callable[..., Forked], spec: Path, number: signal.Signals, status: int
) -> None:
    """Ctrl-C and SIGTERM end it with the status of each and the line to go on by, and its trial with a checkpoint."""
    study = spec.parent / "study"
    signalled = spec.parent / "signalled"
    running = process(spec, "--study-dir", study, "--set", "search.pruner=null", before=pausing(signalled, trial=1))
    await_trial(study, 1, running)
    running.send_signal(number)
    signalled.touch()
    _, said = running.communicate(timeout=300)
    assert running.returncode == status, said
    assert f"resume it with: graphspec tune --resume {study}" in said
    assert "Traceback" not in said
    assert Study(study).record["status"] == "stopped"
    assert [trial.state for trial in Study(study).trials] == ["complete", "running"]


@pytest.mark.slow
def test_a_killed_study_comes_to_the_same_end(process: Callable[..., Forked], whole: Study, spec: Path) -> None:
    """Killed (SIGKILL) at random moments, and gone on with, a study has the trials of one that never was."""
    chance = random.Random(0)
    study = spec.parent / "study"
    for kill in range(2):
        running = process(spec, "--study-dir", study) if not kill else process("--resume", study)
        await_trial(study, 2 * kill, running)
        time.sleep(chance.uniform(0, 1.5))
        running.kill()
        running.communicate()
    last = process("--resume", study)
    said = last.communicate(timeout=300)[1]
    assert last.returncode == 0, said
    assert told(Study(study)) == told(whole)
    assert (study / "best.yaml").read_text() == whole.best_spec.read_text()


@pytest.mark.long
def test_memory_stays_where_it_is(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many trials in one process: what one has taken is given back before the next."""
    taken: list[float] = []
    try_one = Tuner._run

    def measured(self: Tuner, held: Held, trial: optuna.Trial) -> None:
        try_one(self, held, trial)
        taken.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)

    monkeypatch.setattr(Tuner, "_run", measured)
    overrides = ["training.epochs=1", "search.pruner=null"]
    graphspec.tune(spec, overrides=overrides, trials=14, study_dir=spec.parent / "study")
    assert len(taken) == 14
    assert taken[-1] - taken[5] < 8


def test_trials_are_told_apart(whole: Study) -> None:
    """A trial is plain data, and the best is one of them."""
    assert all(isinstance(trial, Trial) for trial in whole.trials)
    assert whole.best in whole.trials
    with pytest.raises(SpecError, match="there is no study"):
        Study.at(whole.path / "trials")
