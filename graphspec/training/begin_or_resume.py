"""Where a training begins: in a new run, whose files are written, or at a checkpoint of an old one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from graphspec import run_directory
from graphspec.console.reporter import Reporter
from graphspec.datasets.samples import TrainingData
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.language.traversal import every_plugin
from graphspec.run_directory import Row
from graphspec.run_directory.consistency import check_rows, metrics_of
from graphspec.run_directory.file_hashes import (
    differing_files,
    recorded_files,
    recorded_plugins,
    unknown_files,
    unknown_plugins,
)
from graphspec.run_directory.lock import (
    FILES,
    PLUGINS,
    differing_versions,
    lock_of,
    nothing_recorded,
    section_hashes,
    unknown_versions,
)
from graphspec.run_directory.provenance import write_provenance
from graphspec.run_directory.rows import row_hashes
from graphspec.run_directory.spec_hash import KEY, is_comparable, recorded
from graphspec.run_directory.spec_values import checkpoint_hash, values_of
from graphspec.spec import load
from graphspec.to_keras.adapted_layers import adapted_configs, restore_configs
from graphspec.to_keras.weights import LoadedWeights
from graphspec.training.checkpoint_file import Contents
from graphspec.training.checkpoints import name_of
from graphspec.training.prepared import Prepared
from graphspec.training.state import Position, position_of
from graphspec.training.steps_per_execution import MOST


@dataclass(frozen=True)
class DataChanges:
    """The data files that are no longer what they were when a run was begun, and those that it recorded nothing of."""

    changed: list[str]
    unknown: list[str]


@dataclass(frozen=True)
class Start:
    """Where a training begins: its run, what the run's record and lock say, the epochs before, and the checkpoint."""

    run: Path
    record: dict[str, Any]
    lock: dict[str, Any]
    rows: list[Row]
    spec_hash: str
    resumed: Contents | None = None

    @property
    def position(self) -> Position:
        """The first step that is to be taken."""
        return position_of(self.resumed) if self.resumed is not None else Position(0, 0)


def begin(run: Path, prepared: Prepared, data: TrainingData, started_from: LoadedWeights | None) -> Start:
    """The first step of a new run: what is known before it is written into `run`, an empty folder.

    started_from: the file that all weights were loaded from, if any.
    """
    run_directory.write_spec(run, prepared.spec)
    write_provenance(run, prepared.spec)
    if data.vocabularies:
        run_directory.write_json(run / run_directory.VOCABULARIES, dict(data.vocabularies))
    if known := adapted_configs(prepared.model):
        run_directory.write_json(run / run_directory.ADAPTED, known)
    record = _record(prepared)
    if data.train.left_out:
        record["left_out"] = list(data.train.left_out)
    if started_from is not None:
        record["initial_weights"] = started_from.as_json()
    values = values_of(load(run / run_directory.SPEC))
    lock = {
        **_lock(prepared.settings.seed),
        KEY: recorded(values),
        PLUGINS: recorded_plugins(every_plugin(prepared.spec.graph), run),
        FILES: recorded_files(run),
    }
    return Start(run, record, lock, [], checkpoint_hash(values))


def go_on(
    run: Path, checkpoint: Path, contents: Contents, prepared: Prepared, data: DataChanges, reporter: Reporter
) -> Start:
    """The step after the `contents` of a checkpoint of `run`; the model is given what its layers had learnt from data.

    Raises SpecError where the run cannot be gone on with.
    """
    record, lock = run_directory.read_record(run), run_directory.read_lock(run)
    position = position_of(contents)
    if checkpoint.name != name_of(position.epoch * prepared.batches.steps + position.step):
        raise run_directory.damaged(checkpoint, "its state is not of the step that its name says")
    values = values_of(prepared.spec)
    _check_owner(checkpoint, contents, checkpoint_hash(values))
    _check_lock(run, lock, checkpoint, contents)
    rows = _rows_until(run, position, checkpoint, contents, prepared.settings.epochs)
    check_rows(run, rows, prepared.batches.steps)
    _check_record(run, record, prepared)
    _check_samples(prepared, record, run)
    _restore_adapted(prepared.model, run)
    now = _lock(prepared.settings.seed)
    plugins = list(every_plugin(prepared.spec.graph))
    for name in data.changed:
        reporter.warn(f"{name} has changed since the run was begun; it goes on with other data")
    for name in differing_files(lock.get(PLUGINS, {}), run):
        reporter.warn(f"the plugin {name} has changed since the run was begun; it goes on with other code")
    for package in differing_versions(lock, now):
        reporter.warn(f"{package}: the numbers may differ from those of a training that was never stopped")
    unknown = [*data.unknown, *(f"the plugin {name}" for name in unknown_plugins(plugins, lock.get(PLUGINS, {}), run))]
    unknown += unknown_files(lock.get(FILES, {}), run)
    unknown += [f"the version of {name}" for name in unknown_versions(lock)]
    for name in unknown:
        reporter.warn(nothing_recorded(name))
    if not is_comparable(lock):
        reporter.warn(
            f"{run} was begun by another version of graphspec, which kept no hash of the spec that this one can "
            "compare: whether the spec was edited since then cannot be told"
        )
    reporter.info(f"going on from {checkpoint}, after step {position.step} of epoch {position.epoch + 1}")
    if prepared.settings.located("epochs").span.source.name == "--set":
        lock = run_directory.change_epochs(run, prepared.spec)
    else:
        lock[KEY] = recorded(values)
    lock.setdefault(PLUGINS, recorded_plugins(plugins, run))
    lock.setdefault(FILES, recorded_files(run))
    record["metrics"] = metrics_of(rows)  # what was reached after the checkpoint is not reached any more
    record["best"] = contents.state["best"]
    record.setdefault("resumed", []).append(
        {"at": _now(), "epoch": position.epoch, "step": position.step, "command": now["command"]}
    )
    record.pop("reason", None)
    return Start(run, record, lock, rows, checkpoint_hash(values), contents)


def _check_owner(checkpoint: Path, contents: Contents, spec_hash: str) -> None:
    """Raise SpecError where the checkpoint is of another spec; one of an older version does not say of which."""
    owner = contents.state.get("spec")
    if isinstance(owner, str) and owner != spec_hash and owner.partition(":")[0] == spec_hash.partition(":")[0]:
        raise run_directory.damaged(checkpoint, "it belongs to the run of another spec")


def _check_lock(run: Path, lock: dict[str, Any], checkpoint: Path, contents: Contents) -> None:
    """Raise SpecError where `lock` names other files than when the checkpoint was written.

    A checkpoint of an older version does not say which, and one that was written early says nothing of data.
    """
    now = section_hashes(lock)
    for section, was in contents.state.get("lock", {}).items():
        if now.get(section) != was:
            raise run_directory.damaged(
                run / run_directory.LOCK, f"its `{section}` is not what it was when {checkpoint.name} was written"
            )


def _check_record(run: Path, record: dict[str, Any], prepared: Prepared) -> None:
    """Raise SpecError where the record of `run` says other settings than its spec."""
    seed, steps = record.get("seed", 0), record.get("steps_per_execution")
    stated = prepared.settings.steps_per_execution
    if seed != prepared.settings.seed:
        raise run_directory.damaged(run / run_directory.RECORD, f"its seed is {seed}, not {prepared.settings.seed}")
    if steps is not None and (steps > MOST if stated == "auto" else steps != stated):
        raise run_directory.damaged(
            run / run_directory.RECORD, f"its steps_per_execution is {steps}, which the spec does not say"
        )


def _rows_until(run: Path, position: Position, checkpoint: Path, contents: Contents, epochs: int) -> list[Row]:
    """The rows of all epochs before `position`. Raises SpecError where they are lost, or are no longer the same."""
    rows = run_directory.read_rows(run)
    if len(rows) > epochs:
        raise run_directory.damaged(
            run / run_directory.METRICS, f"it holds {len(rows)} epochs, and {epochs} are trained"
        )
    if len(rows) >= position.epoch:
        rows = rows[: position.epoch]
        hashes: list[str] = []
        row_hashes(rows, hashes)
        if rows and contents.state.get("rows", hashes[-1]) != hashes[-1]:
            raise run_directory.damaged(
                run / run_directory.METRICS, f"its rows are not what they were when {checkpoint.name} was written"
            )
        return rows
    raise run_directory.damaged(
        run / run_directory.METRICS,
        f"it holds {len(rows)} of the {position.epoch} epochs that stand behind {checkpoint.name}",
    )


def _restore_adapted(model: keras.Model, run: Path) -> None:
    """Give preprocessing layers what they have learnt before the first step; their weights are in the checkpoint."""
    file = run / run_directory.ADAPTED
    saved = run_directory.read_adapted(run)
    try:
        if left := restore_configs(model, saved):
            raise ValueError(f"it does not tell what `{left[0]}` has learnt")
    except Exception as error:
        raise run_directory.damaged(file, str(error)) from error


def _check_samples(prepared: Prepared, record: dict[str, Any], run: Path) -> None:
    """Raise SpecError where the data no longer holds as many samples: then nothing could go on as it was."""
    now, was = _samples(prepared), record.get("samples")
    if was is None:
        raise run_directory.damaged(run / run_directory.RECORD, "it does not tell how many samples there were")
    if now != was:
        raise SpecError.of(
            BAD_RUN,
            f"{run} was trained on {was['train']} samples and validated on {was['validation']}; now there are "
            f"{now['train']} and {now['validation']}",
            help="restore the data, or begin a new run from the run's model with `training.initial_weights`",
        )


def _samples(prepared: Prepared) -> dict[str, int]:
    validation = prepared.validation
    return {"train": prepared.samples.count, "validation": validation.count if validation is not None else 0}


def _record(prepared: Prepared) -> dict[str, Any]:
    return {
        "status": "running",
        "name": prepared.spec.name,
        "spec": str(prepared.spec.path),
        "started": _now(),
        "seed": prepared.settings.seed,
        "samples": _samples(prepared),
        "steps_per_execution": int(prepared.model.steps_per_execution),
    }


def _lock(seed: int) -> dict[str, Any]:
    loaded = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}
    return lock_of(seed, loaded, [each.name for each in tf.config.list_physical_devices()])


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
