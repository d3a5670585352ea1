"""Python: the spec as a module of plain Keras, and beside it what a run has learned.

No code is run, and TensorFlow is not needed: the weights are a file inside the model file of the run.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN, UNKNOWN_FORMAT
from graphspec.files import cannot_write, open_file, reason_of, write_whole, zip_in
from graphspec.run_directory import check_destination
from graphspec.run_directory.links import check_kept
from graphspec.run_paths import EXPORTS
from graphspec.spec import Spec
from graphspec.to_python import Trained, python_source

if TYPE_CHECKING:
    from graphspec.runs.run import Run

ENDING = ".py"
_WEIGHTS, _CONFIG = "model.weights.h5", "config.json"
_STATE = ("vocabulary", "idf_weights", "bin_boundaries")
_MAX_CONFIG, _MAX_WEIGHTS = 256 * 2**20, 2**40
_MAX_RATIO = 20


@dataclass(frozen=True, kw_only=True)
class PythonExport:
    """A module, and the files beside it that it reads. files: the module first."""

    files: list[Path]


def export_spec(spec: Spec, path: Path | None = None, *, force: bool = False) -> PythonExport:
    """Write the module of a spec.

    Args:
        spec: The spec.
        path: The file to write, by default `<spec>.py` beside the spec.
        force: Replace an earlier module.

    Raises:
        SpecError: The file cannot be written, or exists.
    """
    path = path if path is not None else spec.path.with_suffix(ENDING)
    _check(path, force)
    _write(path, python_source(spec, path.parent).encode())
    return PythonExport(files=[path])


def export_run(run: Run, path: Path | None = None, *, checkpoint: str = "last", force: bool = False) -> PythonExport:
    """Write the module of a run's spec, and its weights beside it.

    Args:
        run: The run.
        path: The file to write, by default `export/<name>.py` in the run.
        checkpoint: `last`, or `best` for the weights of the best epoch.
        force: Replace an earlier export.

    Raises:
        SpecError: A file cannot be written or exists, or the model of the run cannot be read.
    """
    from graphspec.runs.run import CHECKPOINTS

    spec = run.spec
    if path is None:
        check_kept(run.path, (EXPORTS,))
        path = run.path / EXPORTS / f"{spec.name}{ENDING}"
    weights = path.with_name(f"{path.stem}.weights.h5")
    states = path.with_name(f"{path.stem}.learned.json")
    model = run.path / CHECKPOINTS[checkpoint]
    learned = _learned(model)
    files = [path, weights, *([states] if learned else [])]
    for each in files:
        _check(each, force)
    trained = Trained(weights=weights.name, states=states.name, learned=learned)
    source = python_source(spec, path.parent, trained=trained)
    _write(weights, _member(model, _WEIGHTS))
    if learned:
        _write(states, json.dumps(learned, ensure_ascii=False, indent=1).encode())
    _write(path, source.encode())
    return PythonExport(files=files)


def _check(path: Path, force: bool) -> None:
    if path.name.endswith(ENDING) != (path.suffix == ENDING) or path.suffix not in (ENDING, ".h5", ".json"):
        raise SpecError.of(
            UNKNOWN_FORMAT,
            f"Python cannot be written to {path.name}: wrong file extension",
            help=f"use the extension {ENDING}",
        )
    check_destination(path)
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise cannot_write(path, "it is a folder", "name a file in it")
    if not force:
        raise cannot_write(path, "it already exists", "choose another path with --output, or add --force to replace it")


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise cannot_write(path, error) from None


def _member(model: Path, name: str, limit: int = _MAX_WEIGHTS) -> bytes:
    """Return a file inside a model file. Raises SpecError if it cannot be read."""
    try:
        with open_file(model) as file, zip_in(file) as archive:
            if archive.getinfo(name).file_size > min(limit, _MAX_RATIO * os.fstat(file.fileno()).st_size):
                raise ValueError("it unpacks to far more than its size")
            return archive.read(name)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not a model file of Keras"
        raise SpecError.of(
            BAD_RUN, f"{model} cannot be read: {reason}", help="train the run to its end, or resume it"
        ) from None


def _learned(model: Path) -> dict[str, dict[str, Any]]:
    """Return what the preprocessing layers of a model have learned, besides weights, by their names."""
    try:
        config = json.loads(_member(model, _CONFIG, _MAX_CONFIG))
        layers = config["config"]["layers"]
        return {
            each["config"]["name"]: state
            for each in layers
            if (state := {key: each["config"][key] for key in _STATE if isinstance(each["config"].get(key), list)})
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
