"""Readers of the JSON files of runs and studies, with their schemas.

Each returns plain values, or raises SpecError (GS903) with what can still be done.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.run_directory.files import MAX_BYTES, read_json
from graphspec.run_paths import (
    ADAPTED,
    BEST,
    CHECKPOINTS,
    LEARNING_RATES,
    LOCK,
    MODEL,
    PROVENANCE,
    RECORD,
    VOCABULARIES,
)

_LARGE = 2**29
"""The size limit of a file that holds words of the data, or names of its files."""

_MAX_RATES = 10_000

MAX_NUMBER = 1e300
"""The limit of a recorded number, so that plots and comparisons do not overflow."""

Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
Metric = Number | list[Any] | None


class _Record(BaseModel):
    """A model of the keys that graphspec reads; other keys are allowed."""

    model_config = ConfigDict(strict=True, extra="allow")


class SampleCounts(_Record):
    """The number of training and validation samples of a run."""

    train: Count
    validation: Count


class BestEpoch(_Record):
    """The best epoch of a run, counted from 0, and its monitored metric."""

    epoch: Count
    monitor: str
    value: Number


class StartedFrom(_Record):
    """The run that a training started from, by its path from the run directory."""

    run: str
    checkpoint: str
    sha256: str


class RecordedStage(_Record):
    """A stage that has begun, with its first epoch, counted from 0, and the number of weights that it trains."""

    name: str
    first_epoch: Count
    trained: Count = 0


class RecordedDistribution(_Record):
    """The numbers of processes and of devices that share each batch."""

    workers: Count
    replicas: Count


class RunRecord(_Record):
    """The content of `run.json`."""

    status: Literal["running", "finished", "stopped", "failed"]
    name: str = ""
    spec: str = ""
    started: str = ""
    reason: str = ""
    seed: Count = 0
    epochs: Count = 0
    seconds: Annotated[Number, Field(ge=0)] = 0.0
    samples: SampleCounts | None = None
    steps_per_execution: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    metrics: dict[str, Metric] = {}
    best: BestEpoch | None = None
    resumed: list[dict[str, Any]] = []
    data_changed: list[str] = []
    left_out: list[str] = []
    started_from: StartedFrom | None = None
    distribution: RecordedDistribution | None = None
    stages: list[RecordedStage] = []


class RecordedFile(_Record):
    """The size in bytes and the SHA-256 of a file."""

    size: Count
    sha256: str


class RecordedSpec(_Record):
    """The values of a resolved spec, and in `next` the SHA-256 of the one that replaces it."""

    form: Count
    sha256: str
    values: dict[str, Any]
    next: str = ""


class RunLock(_Record):
    """The content of `lock.json`. Runs of older versions have no `resolved`, `plugins` and `files`."""

    command: list[str] = []
    seed: Count = 0
    versions: dict[str, str]
    machine: dict[str, Any] = {}
    installed: dict[str, str] = {}
    data: dict[str, RecordedFile]
    resolved: RecordedSpec | None = None
    plugins: dict[str, RecordedFile] = {}
    files: dict[str, RecordedFile] = {}


class StudyRecord(_Record):
    """The content of `study.json`."""

    status: Literal["running", "finished", "stopped", "failed"]
    name: Annotated[str, Field(min_length=1)]
    monitor: str
    direction: Literal["minimize", "maximize"]
    started: str = ""
    exhausted: bool = False
    folder: str = ""
    storage: str = ""
    terms: dict[str, str] = {}
    resolved: RecordedSpec | None = None


class RecordedRangeTest(_Record):
    """The content of `learning_rates.json`: a loss for each learning rate, and the rate to try."""

    rates: Annotated[list[Annotated[Number, Field(gt=0)]], Field(min_length=1, max_length=_MAX_RATES)]
    losses: Annotated[list[Number | None], Field(min_length=1, max_length=_MAX_RATES)]
    suggestion: Annotated[Number, Field(gt=0)] | None


class Origin(_Record):
    """The origin of a value of the spec, with the expression that was evaluated."""

    value: Any
    origin: str = Field(alias="from")
    written: str = ""


_RANGE_TEST = TypeAdapter(RecordedRangeTest)
_RECORD, _STUDY = TypeAdapter(RunRecord), TypeAdapter(StudyRecord)
_LOCK = TypeAdapter(RunLock)
_PROVENANCE = TypeAdapter(dict[str, Origin])
_WORDS = TypeAdapter(dict[str, list[str | int]], config=ConfigDict(strict=True))
_LAYERS = TypeAdapter(dict[str, list[Any]], config=ConfigDict(strict=True))


def read_record(run: Path) -> dict[str, Any]:
    """Read `run.json`."""
    return _read(run / RECORD, _RECORD, _LARGE)


def read_lock(run: Path) -> dict[str, Any]:
    """Read `lock.json`."""
    return _read(run / LOCK, _LOCK, _LARGE)


def read_provenance(run: Path) -> dict[str, Any]:
    """Read the origin of each value of the spec."""
    return _read(run / PROVENANCE, _PROVENANCE)


def read_learning_rates(run: Path) -> dict[str, Any] | None:
    """Read the result of the range test of learning rates; None without one."""
    path = run / LEARNING_RATES
    if not os.path.lexists(path):
        return None
    content = _read(path, _RANGE_TEST)
    if len(content["rates"]) != len(content["losses"]):
        raise damaged(path, "it does not hold a loss for each rate")
    return content


def read_study(study: Path, name: str) -> dict[str, Any]:
    """Read the record `name` of a study."""
    return _read(study / name, _STUDY)


def read_vocabularies(run: Path) -> dict[str, tuple[str, ...]]:
    """Read the words of each `vocabulary: auto` by `inputs.name` and `outputs.name`; empty without a file."""
    content = _read(run / VOCABULARIES, _WORDS, _LARGE) if os.path.lexists(run / VOCABULARIES) else {}
    return {name: tuple(words) for name, words in content.items()}


def read_adapted(run: Path) -> dict[str, Any]:
    """Read the adapted state of preprocessing layers, by layer; empty without a file."""
    return _read(run / ADAPTED, _LAYERS, _LARGE) if os.path.lexists(run / ADAPTED) else {}


def damaged(path: Path, reason: str) -> SpecError:
    """Return the error that the file `path` of a run or a study is damaged."""
    return SpecError.of(BAD_RUN, f"{path} cannot be read: {reason}", help=recovery_help(path.parent))


def recovery_help(run: Path) -> str:
    """Return the hint what can still be done with a damaged run."""
    for name in (MODEL, BEST):
        if (run / name).is_file():
            return (
                f"restore the file from a copy; the model can still be used: "
                f"{command_line('predict', path_word(run / name))} -i NAME=FILE, or `initial_weights` in a new run"
            )
    if (run / CHECKPOINTS).is_dir():
        return f"restore the file from a copy, or train again; {run / CHECKPOINTS} still holds the weights"
    return "restore the file from a copy, or start again"


def _read(path: Path, adapter: TypeAdapter[Any], limit: int = MAX_BYTES) -> dict[str, Any]:
    content = read_json(path, help=recovery_help(path.parent), limit=limit)
    try:
        adapter.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise damaged(path, f"{_place(content, first['loc'])}: {_lower(first['msg'])}") from None
    return content


def _place(value: Any, loc: tuple[int | str, ...]) -> str:
    """Return the path of the wrong key, without the union members of pydantic."""
    keys = []
    for part in loc:
        is_key = isinstance(value, dict) and part in value
        is_index = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not is_key and not is_index:
            keys += [str(part)] if isinstance(value, dict) and part is loc[-1] else []
            break
        keys.append(str(part))
        value = value[part]
    return f"`{'.'.join(keys)}`"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
