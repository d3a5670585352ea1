"""A run is written through no link and no pipe, and its own files lead nowhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

import graphspec
from graphspec.training.callback_state import restore_callback
from graphspec.training.checkpoint_file import CheckpointContents, read_checkpoint, write_checkpoint

from .small_runs import command, ends_well, refusal, written


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file and a folder of somebody else, which nothing may change."""
    path = tmp_path / "victim"
    path.mkdir()
    (path / "file.txt").write_text("mine", encoding="utf-8")
    yield path
    assert [each.name for each in path.iterdir()] == ["file.txt"]
    assert (path / "file.txt").read_text(encoding="utf-8") == "mine"


LINKED = [
    *("log.txt", ".held", "run.json", "lock.json", "metrics.jsonl", "metrics.csv", "provenance.json", "model.keras"),
    *("kept/log.csv", "models/01.keras", "models/02.keras"),
]


@pytest.mark.parametrize("name", LINKED)
def test_no_file_of_a_run_is_written_through_a_link(run: Path, victim: Path, name: str) -> None:
    """A run that is resumed, and holds a link where something is written, is refused before anything is."""
    place = run / name
    if place.exists():
        content = place.read_bytes()
        place.unlink()
        (run.parent / "elsewhere").write_bytes(content)
    place.symlink_to(victim / "file.txt")
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


@pytest.mark.parametrize("name", ["checkpoints", "kept", "models", "logs", "logs/train", "included", "mlflow"])
def test_no_folder_of_a_run_leads_elsewhere(run: Path, victim: Path, name: str) -> None:
    """A link in the place of a folder is refused, that of graphspec's own as that of a callback."""
    if (run / name).exists():
        shutil.move(run / name, run.parent / "moved")
    (run / name).symlink_to(victim)
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


@pytest.mark.parametrize("name", ["kept/log.csv", "log.txt", "models/02.keras"])
def test_no_file_with_a_second_name_is_written(run: Path, victim: Path, name: str) -> None:
    """A hard link to a file elsewhere is refused: writing it would change that file."""
    (run / name).unlink(missing_ok=True)
    os.link(victim / "file.txt", run / name)
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


def test_no_export_leaves_the_run_by_a_link(run: Path, victim: Path) -> None:
    """Where nobody says where an export goes, it goes into the run, and not where a link in it leads."""
    (run / "export").symlink_to(victim)
    assert ends_well(command("export", run, "--to", "keras"))
    (run / "report.html").symlink_to(victim / "file.txt")
    assert ends_well(command("report", run))


def test_no_pipe_is_written(run: Path) -> None:
    """A pipe where a callback writes is refused, and does not hang."""
    (run / "kept" / "log.csv").unlink()
    os.mkfifo(run / "kept" / "log.csv")
    assert refusal(lambda: graphspec.resume(run, epochs=2)) == "GS514"


def test_a_spec_of_a_run_that_was_changed_is_held_to_the_same(run: Path, victim: Path) -> None:
    """Paths in the `spec.yaml` of a run are checked when it is resumed."""
    text = (run / "spec.yaml").read_text(encoding="utf-8")
    assert "kept/log.csv" in text
    (run / "spec.yaml").write_text(text.replace("kept/log.csv", str(victim / "file.txt")), encoding="utf-8")
    assert refusal(lambda: graphspec.resume(run, epochs=2)) in ("GS514", "GS903")


def test_no_checkpoint_says_where_callbacks_write(run: Path, victim: Path) -> None:
    """What a checkpoint holds of a callback is its counts and values, never its paths."""
    (path,) = (run / "checkpoints").glob("step_*2.npz")
    contents = read_checkpoint(path)
    for told in contents.state["told"]:
        told |= dict.fromkeys(("filepath", "filename", "log_dir", "_train_dir", "_val_dir"), str(victim / "file.txt"))
    write_checkpoint(path, CheckpointContents(contents.state, contents.arrays))
    graphspec.resume(run, epochs=2)
    assert (run / "models" / "02.keras").is_file()


def test_paths_in_a_state_are_passed_over(tmp_path: Path) -> None:
    """Whatever a state tells, a callback writes where it was made to."""
    callback = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    restore_callback(callback, {"filename": "/etc/motd", "keys": ["loss"], "bytes": 5}, {})
    assert callback.filename == str(tmp_path / "log.csv")
    assert callback.keys == ["loss"]


@pytest.mark.parametrize("name", ["02.keras", "-1e+05.keras"])
def test_no_file_that_a_number_names_leads_elsewhere(tmp_path: Path, victim: Path, name: str) -> None:
    """A link at any path that a placeholder may come to, in the run itself too, is refused when it is resumed."""
    spec = written(tmp_path / "spec", '{ModelCheckpoint: "{epoch:02d}.keras"}')
    place = graphspec.train(spec, run_dir=tmp_path / "run", overrides=["training.epochs=1"]).path
    (place / name).symlink_to(victim / "file.txt")
    assert refusal(lambda: graphspec.resume(place, epochs=2)) == "GS514"
