"""`graphspec validate --watch`: look again whenever a file changes that the result depends on.

Times of files are compared a few times a second: that needs no library, and works on every file system.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from graphspec.files import is_folder
from graphspec.language.document.overlay import key
from graphspec.signals import forget
from graphspec.validation.find import walk
from graphspec.validation.run import Request, Result, run
from graphspec.validation.settings import Finder

_SECONDS = 0.25

Stamps = dict[str, tuple[int, int] | None]
"""When each file was changed and its size, by path; None where there is none."""


def watch(request: Request, show: Callable[[Result, str | None], int]) -> int:
    """Look, show, and wait for a change, until Ctrl-C. Gives the last exit status."""
    asked: frozenset[str] = frozenset()
    status = None
    try:
        while True:
            before = _stamps(request.paths, asked)
            if sys.stdout.isatty():
                click.clear()
            settings = Finder()
            result = run(request, settings)
            status = show(result, settings.of_folder(Path.cwd()).format)
            asked = result.asked
            after = _stamps(request.paths, asked)
            ours = {key(path) for path in result.fixed.after}
            known = _below(request.paths)
            seen = {
                path: stamp if path in ours or (path not in before and path not in known) else before.get(path)
                for path, stamp in after.items()
            }
            click.echo(f"Watching {len(after):,} files; Ctrl-C ends.", err=True)
            while _stamps(request.paths, asked) == seen:
                time.sleep(_SECONDS)
    except KeyboardInterrupt:
        if status is None:
            raise
        forget()
        return status


def _stamps(paths: Iterable[str], asked: Iterable[str]) -> Stamps:
    """Of every file that could be a spec below `paths`, and of those that were asked for."""
    return {path: _stamp(path) for path in {*_below(paths), *asked}}


def _below(paths: Iterable[str]) -> set[str]:
    return {key(file) for path in paths for file in (walk(path) if is_folder(path) else [path])}


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
