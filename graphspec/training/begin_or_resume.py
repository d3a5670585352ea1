"""The start of a training: a new run, or a checkpoint of an existing one."""

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
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.language.traversal import every_plugin
from graphspec.run_directory import Row
from graphspec.run_directory.file_hashes import (
    differing_files,
    hash_kept_files,
    hash_plugins,
    unknown_files,
    unknown_plugins,
)
from graphspec.run_directory.lock import (
    FILES,
    PLUGINS,
    differing_versions,
    lock_of,
    section_hashes,
    unknown_versions,
    unrecorded_warning,
)
from graphspec.run_directory.provenance import write_provenance
from graphspec.run_directory.rows import check_rows, metrics_of, row_hashes
from graphspec.run_directory.spec_hash import KEY, incomparable_warning, is_comparable, spec_record
from graphspec.run_directory.spec_values import checkpoint_hash, values_of
from graphspec.run_directory.starting_model import KEY as STARTED_FROM
from graphspec.run_directory.starting_model import StartingModel
from graphspec.spec import load
from graphspec.to_keras.adapted_layers import adapted_configs, restore_configs
from graphspec.to_keras.keras_internals import flattened_layers
from graphspec.to_keras.weights import LoadedWeights
from graphspec.training.checkpoint_file import CheckpointContents
from graphspec.training.checkpoints import checkpoint_name
from graphspec.training.setup import TrainingSetup
from graphspec.training.state import Position, Start, position_of, stage_of
from graphspec.training.steps_per_execution import MAX_STEPS


@dataclass(frozen=True)
class DataChanges:
    """The data files that have changed since a run began, and unrecorded ones."""

    changed: list[str]
    unknown: list[str]


def begin_run(
    run: Path,
    setup: TrainingSetup,
    data: TrainingData,
    initial_weights: LoadedWeights | None,
    *,
    starting_model: StartingModel | None,
) -> Start:
    """Write all that is known before the first step into `run`, an empty folder."""
    run_directory.write_spec(run, setup.spec)
    write_provenance(run, setup.spec)
    if data.vocabularies:
        run_directory.write_json(run / run_directory.VOCABULARIES, dict(data.vocabularies))
    if adapted := adapted_configs(setup.model):
        run_directory.write_json(run / run_directory.ADAPTED, adapted)
    record = _record(setup)
    if data.train.left_out:
        record["left_out"] = list(data.train.left_out)
    if initial_weights is not None:
        record["initial_weights"] = initial_weights.as_json()
    values = values_of(load(run / run_directory.SPEC))
    start = {}
    if starting_model is not None:
        start[STARTED_FROM] = record[STARTED_FROM] = starting_model.as_json(run)
    lock = {
        **start,
        **_lock(setup.settings.seed),
        KEY: spec_record(values),
        PLUGINS: hash_plugins(every_plugin(setup.spec.graph), run),
        FILES: hash_kept_files(run),
    }
    return Start(run=run, record=record, lock=lock, rows=[], spec_hash=checkpoint_hash(values))


def resume_run(
    run: Path,
    setup: TrainingSetup,
    *,
    checkpoint: Path,
    contents: CheckpointContents,
    data: DataChanges,
    reporter: Reporter,
) -> Start:
    """Check that `run` can be resumed, and restore its adapted layers.

    Args:
        run: The run directory.
        setup: The training, with a new model.
        checkpoint: The file to resume from.
        contents: What the checkpoint holds.
        data: The data files that differ from those of the run; each is reported.
        reporter: Receives a warning for each change that makes the resumed training differ.

    Raises:
        SpecError: The files of the run contradict each other, or the samples are no longer the same in number.
    """
    record, lock = run_directory.read_record(run), run_directory.read_lock(run)
    position = position_of(contents)
    if checkpoint.name != checkpoint_name(position.epoch * setup.batches.steps + position.step):
        raise run_directory.damaged(checkpoint, "the step in its name is not the step of its state")
    values = values_of(setup.spec)
    _check_owner(checkpoint, contents, checkpoint_hash(values))
    _check_lock(run, lock, checkpoint, contents)
    rows = _rows_until(run, position, checkpoint, contents, epochs=setup.settings.all_epochs)
    check_rows(run, rows, setup.batches.steps)
    _check_stage(setup, checkpoint, contents)
    _check_record(run, record, setup)
    _check_samples(setup, record, run)
    restore_adapted(setup.model, run)
    current_lock = _lock(setup.settings.seed)
    plugins = list(every_plugin(setup.spec.graph))
    for name in data.changed:
        reporter.warn(f"{name} has changed since the run began; it resumes with different data")
    for name in differing_files(lock.get(PLUGINS, {}), run):
        reporter.warn(f"the plugin {name} has changed since the run began; it resumes with different code")
    for package in differing_versions(lock, current_lock):
        reporter.warn(f"{package}: results may differ from those of an uninterrupted training")
    unknown = [*data.unknown, *(f"the plugin {name}" for name in unknown_plugins(plugins, lock.get(PLUGINS, {}), run))]
    unknown += unknown_files(lock.get(FILES, {}), run)
    unknown += [f"the version of {name}" for name in unknown_versions(lock)]
    for name in unknown:
        reporter.warn(unrecorded_warning(name))
    if not is_comparable(lock):
        reporter.warn(incomparable_warning(run))
    _warn_of_other_replicas(record, setup, reporter)
    reporter.info(f"resuming from {checkpoint}, after step {position.step} of epoch {position.epoch + 1}")
    if _epochs_span(setup).source.name == "--set":
        lock = run_directory.change_epochs(run, setup.spec)
    else:
        lock[KEY] = spec_record(values)
    lock.setdefault(PLUGINS, hash_plugins(plugins, run))
    lock.setdefault(FILES, hash_kept_files(run))
    record["metrics"] = metrics_of(rows)  # later epochs are discarded
    record["best"] = contents.state["best"]
    record.setdefault("resumed", []).append(
        {"at": _now(), "epoch": position.epoch, "step": position.step, "command": current_lock["command"]}
    )
    record.pop("reason", None)
    return Start(run=run, record=record, lock=lock, rows=rows, spec_hash=checkpoint_hash(values), resumed=contents)


def _epochs_span(setup: TrainingSetup) -> Span:
    """Return the place of the number of epochs, or of that of the last stage."""
    settings = setup.settings
    return (settings.stages[-1] if settings.stages else settings).located("epochs").span


def _check_stage(setup: TrainingSetup, checkpoint: Path, contents: CheckpointContents) -> None:
    """Raise SpecError if the checkpoint is of a stage that the training does not have, or that begins later."""
    stage, position = stage_of(contents), position_of(contents)
    if stage.number >= len(setup.stages) or stage.first_epoch > position.epoch:
        raise run_directory.damaged(checkpoint, "the training has no such stage")


def _check_owner(checkpoint: Path, contents: CheckpointContents, spec_hash: str) -> None:
    """Raise SpecError if the checkpoint belongs to another spec; older versions did not record which."""
    owner = contents.state.get("spec")
    if isinstance(owner, str) and owner != spec_hash and owner.partition(":")[0] == spec_hash.partition(":")[0]:
        raise run_directory.damaged(checkpoint, "it belongs to a run of another spec")


def _check_lock(run: Path, lock: dict[str, Any], checkpoint: Path, contents: CheckpointContents) -> None:
    """Raise SpecError if `lock` has changed since the checkpoint was written.

    Checkpoints of older versions hold no hashes, and the first ones of a run none of its data.
    """
    hashes = section_hashes(lock)
    for section, expected in contents.state.get("lock", {}).items():
        if hashes.get(section) != expected:
            raise run_directory.damaged(
                run / run_directory.LOCK, f"its `{section}` has changed since {checkpoint.name} was written"
            )


def _check_record(run: Path, record: dict[str, Any], setup: TrainingSetup) -> None:
    """Raise SpecError if the record of `run` contradicts the settings of its spec."""
    seed, steps = record.get("seed", 0), record.get("steps_per_execution")
    stated = setup.settings.steps_per_execution
    if seed != setup.settings.seed:
        raise run_directory.damaged(run / run_directory.RECORD, f"its seed is {seed}, not {setup.settings.seed}")
    if steps is not None and (steps > MAX_STEPS if stated == "auto" else steps != stated):
        raise run_directory.damaged(
            run / run_directory.RECORD, f"its steps_per_execution is {steps}, and the spec says {stated}"
        )


def _warn_of_other_replicas(record: dict[str, Any], setup: TrainingSetup, reporter: Reporter) -> None:
    """Warn if batches are shared by another number of replicas than before, and record the new one."""
    if setup.distribution is None:
        return
    before, now = (record.get("distribution") or {}).get("replicas"), setup.distribution.replicas
    if before is not None and before != now:
        differences = _differences_of_shares(setup.model)
        effect = (
            f"{' and '.join(differences)}, so the result is not that of an uninterrupted training"
            if differences
            else "sums are rounded in another way, so the result equals that of an uninterrupted training to "
            "rounding, not to the bit"
        )
        reporter.warn(f"the number of devices that share each batch is {now}, and was {before}: {effect}")
    record |= _distribution(setup)


def _differences_of_shares(model: keras.Model) -> list[str]:
    """Return what a model computes otherwise where other devices share a batch."""
    differences = []
    if any("seed_generator" in each.path for each in model.non_trainable_variables):
        differences.append("random layers draw other numbers")
    statistics = [each for each in flattened_layers(model) if isinstance(each, keras.layers.BatchNormalization)]
    if any(each.trainable and not each.synchronized for each in statistics):
        differences.append("`BatchNormalization` normalises by other rows")
    return differences


def _rows_until(
    run: Path, position: Position, checkpoint: Path, contents: CheckpointContents, *, epochs: int
) -> list[Row]:
    """Return the rows before `position`. Raises SpecError if they are missing or changed."""
    rows = run_directory.read_rows(run)
    if len(rows) > epochs:
        raise run_directory.damaged(
            run / run_directory.METRICS, f"it holds {len(rows)} epochs, and the spec trains {epochs}"
        )
    if len(rows) >= position.epoch:
        rows = rows[: position.epoch]
        hashes: list[str] = []
        row_hashes(rows, hashes)
        if rows and contents.state.get("rows", hashes[-1]) != hashes[-1]:
            raise run_directory.damaged(
                run / run_directory.METRICS, f"its rows have changed since {checkpoint.name} was written"
            )
        return rows
    raise run_directory.damaged(
        run / run_directory.METRICS,
        f"it holds {len(rows)} of the {position.epoch} epochs before {checkpoint.name}",
    )


def restore_adapted(model: keras.Model, run: Path) -> None:
    """Restore the state of adapted preprocessing layers that is not in the checkpoint."""
    file = run / run_directory.ADAPTED
    saved = run_directory.read_adapted(run)
    try:
        if missing := restore_configs(model, saved):
            raise ValueError(f"it holds no state of the layer `{missing[0]}`")
    except Exception as error:
        raise run_directory.damaged(file, str(error)) from error


def _check_samples(setup: TrainingSetup, record: dict[str, Any], run: Path) -> None:
    """Raise SpecError if the number of samples, which determines their order, has changed."""
    count, expected = _samples(setup), record.get("samples")
    if expected is None:
        raise run_directory.damaged(run / run_directory.RECORD, "it does not hold the number of samples")
    if count != expected:
        raise SpecError.of(
            BAD_RUN,
            f"{run} was trained on {expected['train']} samples and validated on {expected['validation']}; "
            f"now there are {count['train']} and {count['validation']}",
            help="restore the data, or start a new run from the model of this one with `training.initial_weights`",
        )


def _samples(setup: TrainingSetup) -> dict[str, int]:
    validation = setup.validation
    return {"train": setup.samples.count, "validation": validation.count if validation is not None else 0}


def _record(setup: TrainingSetup) -> dict[str, Any]:
    return {
        "status": "running",
        "name": setup.spec.name,
        "spec": str(setup.spec.path),
        "started": _now(),
        "seed": setup.settings.seed,
        "samples": _samples(setup),
        "steps_per_execution": int(setup.model.steps_per_execution),
        **_distribution(setup),
    }


def _distribution(setup: TrainingSetup) -> dict[str, Any]:
    return {"distribution": setup.distribution.as_json()} if setup.distribution is not None else {}


def _lock(seed: int) -> dict[str, Any]:
    loaded = {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__}
    return lock_of(seed, loaded, [each.name for each in tf.config.list_physical_devices()])


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
