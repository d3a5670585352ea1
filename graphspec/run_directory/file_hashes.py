"""Size and SHA-256 of files that a training depends on beside its data: plugins, and what it learnt before training."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from graphspec.diagnostics.formats.outcome import legible
from graphspec.language.graph import Plugin
from graphspec.run_directory.files import relative
from graphspec.run_paths import ADAPTED, VOCABULARIES
from graphspec.sources.fingerprint import sha256

Recorded = dict[str, dict[str, Any]]
"""Size in bytes and SHA-256 of each file, by its path as seen from the run."""

_MOST_FILES = 1_000


def recorded_plugins(plugins: Iterable[Plugin], run: Path) -> Recorded:
    """Return the source files of `plugins`, and of the modules beside them that they have imported."""
    files = dict.fromkeys(file for plugin in plugins for file in _sources(plugin))
    return _recorded(list(files)[:_MOST_FILES], run)


def recorded_files(run: Path) -> Recorded:
    """Return what `run` keeps of its data: vocabularies, and the state of preprocessing layers."""
    return _recorded([run / name for name in (VOCABULARIES, ADAPTED) if (run / name).is_file()], run)


def differing_files(known: Recorded, run: Path) -> list[str]:
    """Return the paths of the files in `known` that are not what they were, or are gone."""
    return [name for name, was in known.items() if _recorded([run / name], run).get(name) != was]


def unknown_plugins(plugins: Iterable[Plugin], known: Recorded, run: Path) -> list[str]:
    """Return the source files of `plugins` that `known` does not have; modules that they import are no part of it."""
    files = dict.fromkeys(file for plugin in plugins for file in _own_sources(plugin))
    return [name for name in _recorded(list(files)[:_MOST_FILES], run) if name not in known]


def unknown_files(known: Recorded, run: Path) -> list[str]:
    """Return what `run` keeps of its data and `known` does not have."""
    return [name for name in recorded_files(run) if name not in known]


def _recorded(files: Iterable[Path], run: Path) -> Recorded:
    found: Recorded = {}
    for file in files:
        with suppress(OSError, ValueError):
            if file.is_file():
                name = legible(relative(file.resolve(), run.resolve()))
                found[name] = {"size": file.stat().st_size, "sha256": sha256(file)}
    return found


def _sources(plugin: Plugin) -> Iterator[Path]:
    yield from _own_sources(plugin)
    if plugin.is_beside:
        yield from _imported_below(plugin.folder.resolve())


def _own_sources(plugin: Plugin) -> Iterator[Path]:
    root = plugin.module.partition(".")[0]
    if plugin.is_beside:
        package = plugin.folder / root
        yield from sorted(package.rglob("*.py")) if package.is_dir() else [plugin.folder / f"{root}.py"]
        return
    with suppress(ImportError, ValueError):
        found = importlib.util.find_spec(plugin.module)
        if found is not None and found.origin is not None and found.origin.endswith(".py"):
            yield Path(found.origin)


def _imported_below(folder: Path) -> Iterator[Path]:
    """Return the modules of this process that lie in `folder`, but for the program itself and what is installed."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or name.partition(".")[0] in ("__main__", "graphspec"):
            continue
        path = Path(file)
        if path.is_relative_to(folder) and not {"site-packages", "dist-packages"} & set(path.parts):
            yield path
