"""Where an export goes: refused before long work where it cannot, and put there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE, UNKNOWN_FORMAT
from graphspec.exporting.formats import FORMATS, Format
from graphspec.files import reason_of
from graphspec.run_directory import check_destination
from graphspec.run_paths import UNFINISHED

_MARK = "saved_model.pb"
"""The file that every SavedModel has in its folder."""

_ENDINGS = {each.ending for each in FORMATS.values()}


def check_place(path: Path, format: Format, model_file: Path, *, replace: bool) -> None:
    """Raise SpecError unless an export to `format` may be put at `path`.

    model_file is what is exported. replace: an earlier export may be replaced, and nothing but such.
    """
    if path.suffix.lower() != format.ending and (format.ending or path.suffix.lower() in _ENDINGS):
        raise SpecError.of(
            UNKNOWN_FORMAT,
            f"{format.title} is not written to {path.name}",
            help=f"give it the ending {format.ending}" if format.ending else "name a folder",
        )
    check_destination(path)
    if not os.path.lexists(path):
        return
    if path.exists() and model_file.exists() and path.samefile(model_file):
        raise _refused(path, "it is the model that is exported", "give another path with --output")
    if not replace:
        raise _refused(path, "it is there already", "give another path with --output, or --force to replace it")
    if format.ending and path.is_dir():
        raise _refused(path, "it is a folder", "name a file in it")
    if not format.ending and not (path / _MARK).is_file():
        raise _refused(path, "it is there already and is no SavedModel", "give another path with --output")


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """A path to write to, of the same name; what lies there at the end takes the place of `path`.

    Where an exception is raised within, nothing is left, and `path` is as it was. Raises SpecError where it cannot be
    written, at once if the folder is at fault.
    """
    made = [each for each in path.absolute().parents if not each.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(dir=path.parent, prefix=UNFINISHED))
        except OSError as error:
            raise _failed(path, error) from None
        try:
            part = beside / path.name
            yield part
            try:
                _put(part, path, beside / "before")
            except OSError as error:
                raise _failed(path, error) from None
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    finally:
        for folder in made:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


def _put(part: Path, path: Path, before: Path) -> None:
    """Move `part` to `path`, once it is on the disk; a folder that is there gives way, to `before`."""
    for file in [each for each in part.rglob("*") if each.is_file()] if part.is_dir() else [part]:
        with open(file, "rb+") as written:
            os.fsync(written.fileno())
    if not (part.is_dir() and path.is_dir()):
        part.replace(path)
        return
    path.rename(before)
    try:
        part.rename(path)
    except OSError:
        before.rename(path)
        raise


def _failed(path: Path, error: OSError) -> SpecError:
    return _refused(path, reason_of(error), "check the path, its permissions and the disk")


def _refused(path: Path, reason: str, help: str) -> SpecError:
    return SpecError.of(CANNOT_WRITE, f"cannot write {path}: {reason}", help=help)
