"""Paths → the spec files that they stand for: files as they are, and of folders all that have a `graphspec` key."""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.document import STANDARD_INPUT
from graphspec.document.limits import MAX_BYTES
from graphspec.document.open_texts import is_held, key
from graphspec.rules import UNREADABLE_FILE

SUFFIXES = (".yaml", ".yml", ".json")
_KEY = re.compile(rb'^(?:"graphspec"|\'graphspec\'|graphspec)[ \t]*:', re.MULTILINE)
_FIRST_KEY = re.compile(rb"""\s*\{\s*["']?graphspec["']?\s*:""")


def find_specs(
    paths: Iterable[Path | str], report: Report, is_excluded: Callable[[str], bool] = lambda path: False
) -> Iterator[str]:
    """The spec files that `paths` stand for, each once; that a path stands for none is a finding.

    Hidden folders are passed over, and what of a folder `is_excluded`. A file that is named is always looked at.
    """
    seen: set[str] = set()
    for path in map(str, paths):
        is_text = path == STANDARD_INPUT or is_held(path)
        if not is_text and not Path(path).exists():
            report.add(UNREADABLE_FILE, f"there is no file {path}", help="check the path")
            continue
        is_folder = not is_text and Path(path).is_dir()
        files = [file for file in walk(path, is_excluded) if _is_spec(file)] if is_folder else [path]
        for file in files:
            if key(file) not in seen:
                seen.add(key(file))
                yield file
        if not files:
            help = f"a spec is a {', '.join(SUFFIXES)} file with a top-level `graphspec` key"
            report.add(UNREADABLE_FILE, f"there is no spec below {path}", help=help)


def walk(folder: str, is_excluded: Callable[[str], bool] = lambda path: False) -> Iterator[str]:
    """Every file below `folder` that could be a spec by its name, in order."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = os.path.normpath(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if not entry.name.startswith(".") and not is_excluded(path):
                yield from walk(path, is_excluded)
        elif entry.name.endswith(SUFFIXES) and entry.is_file() and not is_excluded(path):
            yield path


def _is_spec(file: str) -> bool:
    """Whether there is a top-level key `graphspec`. A file that cannot be opened counts, so that it is told of."""
    try:
        with open(file, "rb") as opened:
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
