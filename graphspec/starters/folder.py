"""Files → a folder that holds all of them, or none: nothing that is there is replaced."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE
from graphspec.files import cannot_write, is_folder, is_there
from graphspec.run_paths import UNFINISHED


@contextmanager
def new_folder(folder: Path, names: list[str]) -> Iterator[Path]:
    """Yield an empty folder to write files into; afterwards all of them are moved to `folder`, or none.

    Args:
        folder: The folder that the files are for; it may be there already.
        names: The names of the files and folders that it gets.

    Raises:
        SpecError: One of them is there already, or the folder cannot be written to.
    """
    check_free(folder, names)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        is_new = not is_folder(folder)
        part = (folder.parent if is_new else folder) / f"{UNFINISHED}{secrets.token_hex(4)}"
        part.mkdir()
    except OSError as error:
        raise cannot_write(folder, error) from None
    try:
        yield part
        if is_new:
            part.rename(folder)
        else:
            _move(part, folder, names)
    except OSError as error:
        raise cannot_write(folder, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_free(folder: Path, names: list[str]) -> None:
    """Raise SpecError where one of the files is there already, or `folder` is no folder."""
    if is_there(folder) and not is_folder(folder):
        raise cannot_write(folder, "it is a file, not a folder", "choose another name")
    existing = [str(folder / name) for name in names if is_there(folder / name)]
    if existing:
        raise SpecError.of(
            CANNOT_WRITE,
            f"{', '.join(existing)} {'is' if len(existing) == 1 else 'are'} there already",
            expected="a folder without files of these names",
            help="choose another folder",
        )


def _move(part: Path, folder: Path, names: list[str]) -> None:
    """Move files from `part` to `folder`; if one cannot be moved, take the others back."""
    moved: list[str] = []
    try:
        for name in names:
            if is_there(folder / name):
                raise FileExistsError(0, f"{name} is there already")
            _move_to_free_name(part / name, folder / name)
            moved.append(name)
    except BaseException:
        for name in moved:
            (folder / name).rename(part / name)
        raise


def _move_to_free_name(source: Path, target: Path) -> None:
    """Move a file or folder. Raises OSError where somebody else has put one there since it was looked for.

    To rename a file replaces another, to link it does not. Where there are no links, nobody else is expected.
    """
    if not source.is_dir():
        try:
            os.link(source, target)
        except FileExistsError:
            raise
        except OSError:
            pass
        else:
            source.unlink()
            return
    source.rename(target)
