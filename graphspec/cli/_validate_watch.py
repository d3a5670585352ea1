"""`graphspec validate --watch`: validate again whenever a file changes that the result depends on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from graphspec.cli._stamps import INTERVAL, Stamps, stamps_of
from graphspec.files import is_folder
from graphspec.language.document.overlay import key
from graphspec.signals import forget
from graphspec.validation.run import Request, Result, run
from graphspec.validation.settings import Finder
from graphspec.validation.spec_files import walk


def watch(request: Request, write_output: Callable[[Result, str | None], int]) -> int:
    """Validate, show the result and wait for a change, until Ctrl-C. Return the last exit status."""
    dependencies: frozenset[str] = frozenset()
    status = None
    try:
        while True:
            before = _stamps(request.paths, dependencies)
            if sys.stdout.isatty():
                click.clear()
            settings = Finder()
            result = run(request, settings)
            status = write_output(result, settings.of_folder(Path.cwd()).format)
            dependencies = result.dependencies
            after = _stamps(request.paths, dependencies)
            ours = {key(path) for path in result.fixed.after}
            known = _below(request.paths)
            seen = {
                path: stamp if path in ours or (path not in before and path not in known) else before.get(path)
                for path, stamp in after.items()
            }
            click.echo(f"Watching {len(after):,} files; press Ctrl-C to stop.", err=True)
            while _stamps(request.paths, dependencies) == seen:
                time.sleep(INTERVAL)
    except KeyboardInterrupt:
        if status is None:
            raise
        forget()
        return status


def _stamps(paths: Iterable[str], dependencies: Iterable[str]) -> Stamps:
    """Return the stamps of every possible spec below `paths`, and of `dependencies`."""
    return stamps_of({*_below(paths), *dependencies})


def _below(paths: Iterable[str]) -> set[str]:
    return {key(file) for path in paths for file in (walk(path) if is_folder(path) else [path])}
