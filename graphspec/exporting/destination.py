"""The destination of an export: checked before the conversion, and replaced atomically."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import UNKNOWN_FORMAT
from graphspec.exporting.formats import FORMATS, ExportFormat
from graphspec.files import cannot_write
from graphspec.run_directory import check_destination
from graphspec.run_paths import UNFINISHED

_SAVED_MODEL_FILE = "saved_model.pb"
"""The file in the folder of every SavedModel."""

_ENDINGS = {each.ending for each in FORMATS.values()}


def check_export_path(path: Path, format: ExportFormat, model_file: Path, *, replace: bool) -> None:
    """Raise SpecError unless an export can be written to `path`.

    Args:
        path: File or folder of the export.
        format: Its format.
        model_file: The model to export, which must not be replaced.
        replace: An earlier export, and nothing else, may be replaced.
    """
    if path.suffix.lower() != format.ending and (format.ending or path.suffix.lower() in _ENDINGS):
        raise SpecError.of(
            UNKNOWN_FORMAT,
            f"{format.title} cannot be written to {path.name}: wrong file extension",
            help=f"use the extension {format.ending}" if format.ending else "name a folder",
        )
    check_destination(path)
    if not os.path.lexists(path):
        return
    if path.exists() and model_file.exists() and path.samefile(model_file):
        raise cannot_write(path, "it is the model to export", "choose another path with --output")
    if not replace:
        raise cannot_write(path, "it already exists", "choose another path with --output, or add --force to replace it")
    if format.ending and path.is_dir():
        raise cannot_write(path, "it is a folder", "name a file in it")
    if not format.ending and not (path / _SAVED_MODEL_FILE).is_file():
        raise cannot_write(path, "it already exists and is not a SavedModel", "choose another path with --output")


@contextmanager
def moved_into_place(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; afterwards move its content to `path` atomically.

    If the body raises, `path` is unchanged and nothing is left behind. Raises SpecError if `path` cannot be written, at
    once if its folder cannot.
    """
    missing = [each for each in path.absolute().parents if not each.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=UNFINISHED))
        except OSError as error:
            raise cannot_write(path, error) from None
        try:
            part = temporary / path.name
            yield part
            try:
                _move(part, path, temporary / "before")
            except OSError as error:
                raise cannot_write(path, error) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    finally:
        for folder in missing:
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _move(part: Path, path: Path, before: Path) -> None:
    """Move `part` to `path` after fsync; an existing folder is moved to `before`."""
    for file in [each for each in part.rglob("*") if each.is_file()] if part.is_dir() else [part]:
        with open(file, "rb+") as opened:
            os.fsync(opened.fileno())
    if not (part.is_dir() and path.is_dir()):
        part.replace(path)
        return
    path.rename(before)
    try:
        part.rename(path)
    except OSError:
        before.rename(path)
        raise
