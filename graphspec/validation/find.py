"""Paths → the spec files that they stand for: files as they are, and of folders all that have a `graphspec` key."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import UNREADABLE_FILE
from graphspec.files import check_file, is_folder, is_of_kernel, is_there, open_file, reason_of
from graphspec.language.document import STANDARD_INPUT
from graphspec.language.document.limits import MAX_BYTES
from graphspec.language.document.overlay import is_overlaid, key

_DEEPEST = 100
"""Folders in each other that are walked."""

SUFFIXES = (".yaml", ".yml", ".json")
_KEY = re.compile(rb'^(?:"graphspec"|\'graphspec\'|graphspec)[ \t]*:', re.MULTILINE)
_FIRST_KEY = re.compile(rb"""\s*\{\s*["']?graphspec["']?\s*:""")


def find_specs(
    paths: Iterable[Path | str], report: Report, is_excluded: Callable[[str], bool] = lambda path: False
) -> Iterator[str]:
    """The spec files that `paths` stand for, each once; that a path stands for none is a finding.

    Hidden folders are passed over, and what of a folder `is_excluded`. A file that is named is always looked at. What
    below a folder has the name of a spec and cannot be opened is given as well, so that it becomes a finding of its
    own; a folder that cannot be listed is a finding in `report`.
    """
    seen: set[str] = set()
    for path in map(str, paths):
        is_text = path == STANDARD_INPUT or is_overlaid(path)
        if not is_text and not is_there(path):
            report.add(UNREADABLE_FILE, f"there is no file {path}", help="check the path")
            continue
        before = len(report)
        is_below = not is_text and is_folder(path)
        files = [file for file in walk(path, is_excluded, report) if _is_spec(file)] if is_below else [path]
        for file in files:
            if key(file) not in seen:
                seen.add(key(file))
                yield file
        if not files and len(report) == before:
            help = f"a spec is a {', '.join(SUFFIXES)} file with a top-level `graphspec` key"
            report.add(UNREADABLE_FILE, f"there is no spec below {path}", help=help)


def walk(
    folder: str, is_excluded: Callable[[str], bool] = lambda path: False, report: Report | None = None
) -> Iterator[str]:
    """Every file below `folder` that could be a spec by its name, in order; links to folders are not followed.

    A folder that cannot be listed is passed over, and a finding in `report`.
    """
    waiting = [_listed(folder, report)]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        path = os.path.normpath(entry.path)
        if _is_own_folder(entry):
            if len(waiting) > _DEEPEST:
                if report is not None:
                    report.add(UNREADABLE_FILE, f"{path[:200]}... lies more than {_DEEPEST} folders deep")
            elif not entry.name.startswith(".") and not is_excluded(path):
                waiting.append(_listed(path, report))
        elif entry.name.endswith(SUFFIXES) and not _is_passed_over(entry) and not is_excluded(path):
            yield path


def _listed(folder: str, report: Report | None) -> Iterator[os.DirEntry[str]]:
    """What lies in `folder`, by name; nothing of what the kernel makes up."""
    try:
        if is_of_kernel(folder):
            return iter(())
        with os.scandir(folder) as entries:
            return iter(sorted(entries, key=lambda entry: entry.name))
    except OSError as error:
        if report is not None:
            reason = reason_of(error)
            report.add(UNREADABLE_FILE, f"cannot look into {folder}: {reason}", help="check the rights of the folder")
        return iter(())


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # it is gone, or the file system does not tell
        return False


def _is_passed_over(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link to a folder, or hidden and no file: such as the locks that editors leave."""
    try:
        check_file(entry.path)
    except IsADirectoryError:
        return True
    except OSError:
        return entry.name.startswith(".")
    return False


def _is_spec(file: str) -> bool:
    """Whether there is a top-level key `graphspec`. A file that cannot be opened counts, so that it is told of."""
    try:
        with open_file(file) as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError:
        return True
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"graphspec" not in data:
        return False
    if not data.lstrip().startswith(b"{"):
        return _KEY.search(data) is not None
    try:
        return "graphspec" in json.loads(data)
    except (ValueError, RecursionError):
        return _FIRST_KEY.match(data) is not None
