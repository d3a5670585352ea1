"""A run or a study that is removed, moved or replaced while it is trained is noticed, and not made again."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket as unix_socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec
from graphspec.run_directory import LogFile, WatchedFolder
from graphspec.runs.run import Run

from .small_runs import refusal, written


def snapshot(folder: Path) -> dict[str, int]:
    """Every file below a folder, with its time."""
    return {str(each.relative_to(folder)): each.stat().st_mtime_ns for each in folder.rglob("*") if each.is_file()}


def gone(run: Path) -> None:
    shutil.rmtree(run)


def moved(run: Path) -> None:
    run.rename(run.with_name("moved"))


def replaced(run: Path) -> None:
    """Another run in its place, with every file that a run has."""
    moved(run)
    shutil.copytree(run.with_name("moved"), run)


def without(name: str) -> Callable[[Path], None]:
    def remove(run: Path) -> None:
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def other_checkpoints(run: Path) -> None:
    (run / "checkpoints").rename(run / "old")
    shutil.copytree(run / "old", run / "checkpoints")


def file_in_its_place(run: Path) -> None:
    moved(run)
    run.write_text("mine", encoding="utf-8")


CHANGES = {
    "gone": gone,
    "replaced": replaced,
    "a file": file_in_its_place,
    "checkpoints": without("checkpoints"),
    "metrics": without("metrics.csv"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_run_that_is_removed_meanwhile_is_not_made_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """Where a run or a part of it is removed or replaced while it is trained, the training ends with GS904.

    Nothing is made again, and nothing is written into what lies in its place.
    """
    spec = written(tmp_path / "spec", '{CSVLogger: kept/log.csv}, {ModelCheckpoint: "models/{epoch:02d}.keras"}')
    place = tmp_path / "runs" / "one"
    after: list[dict[str, int]] = []

    def on_epoch(row: dict[str, object]) -> bool:
        if row["epoch"] == 1:
            change(place)
            after.append(snapshot(tmp_path / "runs"))
        return True

    assert refusal(lambda: graphspec.train(spec, run_dir=place, on_epoch=on_epoch)) == "GS904"
    assert snapshot(tmp_path / "runs") == after[0]


PARTS = ("run.json", "lock.json", "spec.yaml", "provenance.json", "metrics.jsonl", "metrics.csv", "log.txt", ".held")


@pytest.mark.parametrize("change", [gone, moved, replaced, other_checkpoints, *map(without, (*PARTS, "checkpoints"))])
def test_every_change_of_a_run_is_noticed(run: Path, change: Callable[[Path], None]) -> None:
    """The run, its checkpoints and each of its files are missed when they are removed, moved or replaced."""
    watched = WatchedFolder(run)
    watched.check()
    for name in PARTS:  # a file is replaced whenever it is written
        shutil.copy2(run / name, run / "copy")
        (run / "copy").replace(run / name)
    (run / "model.keras").unlink()
    watched.check()
    assert not watched.is_lost
    change(run)
    assert watched.is_lost
    assert refusal(watched.check) == "GS904"


@pytest.mark.slow
@pytest.mark.parametrize("change", [gone, replaced], ids=["gone", "replaced"])
def test_a_study_that_is_removed_meanwhile_is_not_made_again(
    tmp_path: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a run: the study ends with GS904, and its folder stays as it was left."""
    pytest.importorskip("optuna")
    from graphspec.training.recorder import Recorder
    from graphspec.tuning import tune

    spec = written(tmp_path / "spec")
    with open(spec, "a", encoding="utf-8") as file:
        file.write("search: {trials: 3, parameters: {training.batch_size: [2, 4, 8]}}\n")
    study = tmp_path / "studies" / "one"
    after: list[dict[str, int]] = []
    finish = Recorder.finish

    def finish_and_change(self: Recorder, status: str) -> None:
        finish(self, status)
        if not after:
            change(study)
            after.append(snapshot(tmp_path / "studies"))

    monkeypatch.setattr(Recorder, "finish", finish_and_change)
    assert refusal(lambda: tune(spec, study_dir=study)) == "GS904"
    assert after
    assert snapshot(tmp_path / "studies") == after[0]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def socket(path: Path) -> None:
    with unix_socket.socket(unix_socket.AF_UNIX) as bound, contextlib.chdir(path.parent):  # its path must be short
        bound.bind(path.name)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


IN_ITS_PLACE: dict[str, Callable[[Path], None]] = {
    "a pipe": pipe,
    "a socket": socket,
    "a device": device,
    "a folder": lambda path: (path / "inner").mkdir(parents=True),
    "a link": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("kind", IN_ITS_PLACE)
@pytest.mark.parametrize("name", [*PARTS, "checkpoints"])
def test_what_takes_the_place_of_a_file_meanwhile_is_not_waited_for(run: Path, name: str, kind: str) -> None:
    """A pipe, a device, a folder, ... in the place of a file of the run is noticed before anything is written."""
    watched = WatchedFolder(run)
    watched.check()
    place = run / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    IN_ITS_PLACE[kind](place)
    if kind != "a folder" or name != "checkpoints":
        assert refusal(watched.check) == "GS904"
    if kind != "a link":
        assert refusal(lambda: LogFile(place)) == "GS904"


@pytest.mark.parametrize("kind", IN_ITS_PLACE)
def test_log_that_was_replaced_is_not_written(run: Path, kind: str) -> None:
    """A line that is to be added ends in GS904, at once."""
    log = LogFile(run / "log.txt")
    (run / "log.txt").unlink()
    IN_ITS_PLACE[kind](run / "log.txt")
    assert refusal(lambda: log.add("a line")) == "GS904"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("callbacks", "name", "code"),
    [
        ("", "log.txt", "GS904"),
        ("", "metrics.jsonl", "GS904"),
        ("", "checkpoints/best.npz", ""),
        ("", "model.keras", ""),
        ("{ModelCheckpoint: one.keras}", "one.keras", "GS514"),
        ('{ModelCheckpoint: "{epoch:02d}.keras"}', "03.keras", "GS514"),
        ('{ModelCheckpoint: "deep/{epoch:02d}.keras"}', "deep/03.keras", "GS514"),
        ('{ModelCheckpoint: {filepath: "b{batch}.keras", save_freq: 1}}', "b0.keras", "GS514"),
    ],
)
def test_pipe_that_is_put_there_meanwhile_ends_the_training(
    tmp_path: Path, callbacks: str, name: str, code: str
) -> None:
    """A training that is to write into a pipe ends with a finding, or replaces it: it never waits."""
    spec = written(tmp_path / "spec", callbacks)
    place = tmp_path / "runs" / "one"

    def on_epoch(row: dict[str, object]) -> bool:
        if row["epoch"] == 1:
            (place / name).unlink(missing_ok=True)
            os.mkfifo(place / name)
        return True

    def train() -> None:
        graphspec.train(spec, run_dir=place, on_epoch=on_epoch)

    if code:
        assert refusal(train) == code
    else:
        train()
        assert Run(place).record["status"] == "finished"
