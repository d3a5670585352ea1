"""The JSON files of a run and of a study, read and checked: whoever uses one finds in it what is expected there.

Each function returns the file as plain values, and raises SpecError (GS903) with what can still be done.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.run_directory.files import MOST_BYTES, read_json
from graphspec.run_paths import ADAPTED, BEST, CHECKPOINTS, LOCK, MODEL, PROVENANCE, RECORD, VOCABULARIES

_LARGE = 2**29
"""Bytes of a file that holds words of the data, each once, or the names of its files."""

GREATEST = 1e300
"""Of a number that is recorded: what is drawn and compared must not grow beyond all numbers."""

Count = Annotated[int, Field(ge=0, lt=2**53)]
Number = Annotated[float, Field(ge=-GREATEST, le=GREATEST, allow_inf_nan=False)]
Metric = Number | list[Any] | None


class _Part(BaseModel):
    """Keys that graphspec reads; others may stand beside them."""

    model_config = ConfigDict(strict=True, extra="allow")


class Samples(_Part):
    """How many samples a run trains on and validates on."""

    train: Count
    validation: Count


class Best(_Part):
    """The best epoch of a run, counted from 0, and the metric that decides."""

    epoch: Count
    monitor: str
    value: Number


class RunRecord(_Part):
    """`run.json`."""

    status: Literal["running", "finished", "stopped", "failed"]
    name: str = ""
    spec: str = ""
    started: str = ""
    reason: str = ""
    seed: Count = 0
    epochs: Count = 0
    seconds: Annotated[Number, Field(ge=0)] = 0.0
    samples: Samples | None = None
    steps_per_execution: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    metrics: dict[str, Metric] = {}
    best: Best | None = None
    resumed: list[dict[str, Any]] = []
    data_changed: list[str] = []
    left_out: list[str] = []


class RecordedFile(_Part):
    """Size in bytes and SHA-256 of a file."""

    size: Count
    sha256: str


class RecordedSpec(_Part):
    """The values of the resolved spec and their SHA-256; next is that of the spec which is taking its place."""

    form: Count
    sha256: str
    values: dict[str, Any]
    next: str = ""


class RunLock(_Part):
    """`lock.json`. A run of an older version has no `resolved`, `plugins` and `files`."""

    command: list[str] = []
    seed: Count = 0
    versions: dict[str, str]
    machine: dict[str, Any] = {}
    installed: dict[str, str] = {}
    data: dict[str, RecordedFile]
    resolved: RecordedSpec | None = None
    plugins: dict[str, RecordedFile] = {}
    files: dict[str, RecordedFile] = {}


class StudyRecord(_Part):
    """`study.json`."""

    status: Literal["running", "finished", "stopped", "failed"]
    name: Annotated[str, Field(min_length=1)]
    monitor: str
    direction: Literal["minimize", "maximize"]
    started: str = ""
    exhausted: bool = False
    resolved: RecordedSpec | None = None


class Origin(_Part):
    """Where a value of the spec comes from; written is the expression that gives it."""

    value: Any
    origin: str = Field(alias="from")
    written: str = ""


_RECORD, _STUDY = TypeAdapter(RunRecord), TypeAdapter(StudyRecord)
_LOCK = TypeAdapter(RunLock)
_PROVENANCE = TypeAdapter(dict[str, Origin])
_WORDS = TypeAdapter(dict[str, list[str | int]], config=ConfigDict(strict=True))
_LAYERS = TypeAdapter(dict[str, list[Any]], config=ConfigDict(strict=True))


def read_record(run: Path) -> dict[str, Any]:
    """Return what `run.json` says."""
    return _read(run / RECORD, _RECORD, _LARGE)


def read_lock(run: Path) -> dict[str, Any]:
    """Return what `lock.json` says."""
    return _read(run / LOCK, _LOCK, _LARGE)


def read_provenance(run: Path) -> dict[str, Any]:
    """Return where each value of the spec comes from."""
    return _read(run / PROVENANCE, _PROVENANCE)


def read_study(study: Path, name: str) -> dict[str, Any]:
    """Return what the record `name` of a study says."""
    return _read(study / name, _STUDY)


def read_vocabularies(run: Path) -> dict[str, tuple[str, ...]]:
    """Return the words of each `vocabulary: auto`, by `inputs.name` and `outputs.name`; none where no file is there."""
    found = _read(run / VOCABULARIES, _WORDS, _LARGE) if os.path.lexists(run / VOCABULARIES) else {}
    return {name: tuple(words) for name, words in found.items()}


def read_adapted(run: Path) -> dict[str, Any]:
    """Return what preprocessing layers learnt before training, by layer; nothing where no file is there."""
    return _read(run / ADAPTED, _LAYERS, _LARGE) if os.path.lexists(run / ADAPTED) else {}


def damaged(path: Path, reason: str) -> SpecError:
    """Return the finding that the file `path` of a run or a study is damaged, with what can still be done."""
    return SpecError.of(BAD_RUN, f"{path} cannot be read: {reason}", help=what_is_left(path.parent))


def what_is_left(run: Path) -> str:
    """Return what can still be done with a run in which something is damaged."""
    for name in (MODEL, BEST):
        if (run / name).is_file():
            return (
                f"restore the file from a copy; the model can still be used: "
                f"{command_line('predict', path_word(run / name))} -i NAME=FILE, or `initial_weights` in a new run"
            )
    if (run / CHECKPOINTS).is_dir():
        return f"restore the file from a copy, or train again; {run / CHECKPOINTS} still holds the weights"
    return "restore the file from a copy, or begin again"


def _read(path: Path, adapter: TypeAdapter[Any], most: int = MOST_BYTES) -> dict[str, Any]:
    found = read_json(path, help=what_is_left(path.parent), most=most)
    try:
        adapter.validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise damaged(path, f"{_place(found, first['loc'])}: {_lower(first['msg'])}") from None
    return found


def _place(value: Any, loc: tuple[int | str, ...]) -> str:
    """Return the key that is at fault; pydantic names the members of a union beside the keys."""
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
