"""Paths → spec files: files as named, and every file below a folder with a `graphspec` key."""

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
from graphspec.run_paths import LOCK, SPEC, STUDY

_MAX_DEPTH = 100
"""The maximum number of nested folders that are walked."""

SUFFIXES = (".yaml", ".yml", ".json")
_KEY = re.compile(rb'^(?:"graphspec"|\'graphspec\'|graphspec)[ \t]*:', re.MULTILINE)
_FIRST_KEY = re.compile(rb"""\s*\{\s*["']?graphspec["']?\s*:(?!\s*\{)""")


def find_specs(
    paths: Iterable[Path | str], report: Report, is_excluded: Callable[[str], bool] = lambda path: False
) -> Iterator[str]:
    """Yield the spec files that `paths` stand for, each once.

    Hidden folders are skipped, and folders of runs and studies, whose specs are records. A file below a folder that
    cannot be opened is yielded too, so that reading it reports the reason.

    Args:
        paths: Files, folders, or `-` for standard input.
        report: Gets a finding for each path without specs and each folder that cannot be listed.
        is_excluded: Returns whether a path below a folder is skipped; a file that is named is never skipped.
    """
    seen: set[str] = set()
    for path in map(str, paths):
        is_text = path == STANDARD_INPUT or is_overlaid(path)
        if not is_text and not is_there(path):
            report.add(UNREADABLE_FILE, f"there is no file {path}", help="check the path")
            continue
        watch = report.watch()
        is_below = not is_text and is_folder(path)
        files = [file for file in walk(path, is_excluded, report) if _is_spec(file)] if is_below else [path]
        for file in files:
            if key(file) not in seen:
                seen.add(key(file))
                yield file
        if not files and watch.is_clean:
            help = f"a spec is a {', '.join(SUFFIXES)} file with a top-level `graphspec` key"
            report.add(UNREADABLE_FILE, f"there is no spec below {path}", help=help)


def walk(
    folder: str, is_excluded: Callable[[str], bool] = lambda path: False, report: Report | None = None
) -> Iterator[str]:
    """Yield every file below `folder` with the suffix of a spec, in order, without following links to folders.

    A folder that cannot be listed is skipped, with a finding in `report`; so is one of a run or a study, without one.
    """
    open_folders = [iter(_listed(folder, report))]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
            continue
        path = os.path.normpath(entry.path)
        if _is_own_folder(entry):
            if len(open_folders) > _MAX_DEPTH:
                if report is not None:
                    report.add(UNREADABLE_FILE, f"{path[:200]}... is nested more than {_MAX_DEPTH} folders deep")
            elif not entry.name.startswith(".") and not is_excluded(path):
                entries = _listed(path, report)
                open_folders.append(iter(() if _is_result(entries) else entries))
        elif entry.name.endswith(SUFFIXES) and not _is_skipped(entry) and not is_excluded(path):
            yield path


def _listed(folder: str, report: Report | None) -> list[os.DirEntry[str]]:
    """Return the entries of `folder` by name, none if it is on a file system of the kernel."""
    try:
        if is_of_kernel(folder):
            return []
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        if report is not None:
            reason = reason_of(error)
            report.add(UNREADABLE_FILE, f"cannot list {folder}: {reason}", help="check the permissions of the folder")
        return []


def _is_result(entries: list[os.DirEntry[str]]) -> bool:
    """Return whether a folder is that of a run or a study."""
    names = {entry.name for entry in entries}
    return SPEC in names and (LOCK in names or STUDY in names)


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # it is gone
        return False


def _is_skipped(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a link to a folder, or a hidden special file, such as a lock."""
    try:
        check_file(entry.path)
    except IsADirectoryError:
        return True
    except OSError:
        return entry.name.startswith(".")
    return False


def _is_spec(file: str) -> bool:
    """Return whether a file has a top-level key `graphspec`, or cannot be opened."""
    try:
        with open_file(file) as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError:
        return True
    return holds_spec(data)


def holds_spec(data: bytes) -> bool:
    """Return whether the text of a file has a top-level key `graphspec`, other than that of the record of a run."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"graphspec" not in data:
        return False
    if not data.lstrip().startswith(b"{"):
        return _KEY.search(data) is not None
    try:
        content = json.loads(data)
        return "graphspec" in content and not isinstance(content["graphspec"], dict)
    except (ValueError, RecursionError):
        return _FIRST_KEY.match(data) is not None
