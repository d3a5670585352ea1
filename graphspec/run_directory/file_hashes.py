"""Size and SHA-256 of plugins, vocabularies and adapted layers of a training."""

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

FileHashes = dict[str, dict[str, Any]]
"""Size in bytes and SHA-256 of each file, by its path relative to the run."""

_MAX_FILES = 1_000


def hash_plugins(plugins: Iterable[Plugin], run: Path) -> FileHashes:
    """Hash the source files of `plugins` and of imported modules beside them."""
    files = dict.fromkeys(file for plugin in plugins for file in _sources(plugin))
    return _hashes(list(files)[:_MAX_FILES], run)


def plugin_signatures(plugins: Iterable[Plugin], folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the source files of `plugins`, by names that are the same on all machines.

    Args:
        plugins: The plugins.
        folder: The folder of the spec; files outside of it, such as installed ones, go by their last name.
    """
    hashes = hash_plugins(plugins, folder).items()
    return {Path(name).name if name.startswith("..") else name: each["sha256"] for name, each in hashes}


def hash_kept_files(run: Path) -> FileHashes:
    """Hash the files that `run` derives from data: vocabularies, and the state of preprocessing layers."""
    return _hashes([run / name for name in (VOCABULARIES, ADAPTED) if (run / name).is_file()], run)


def differing_files(known: FileHashes, run: Path) -> list[str]:
    """Return the paths in `known` of files that have changed or are missing."""
    return [name for name, entry in known.items() if _hashes([run / name], run).get(name) != entry]


def unknown_plugins(plugins: Iterable[Plugin], known: FileHashes, run: Path) -> list[str]:
    """Return the source files of `plugins`, without their imports, not in `known`."""
    files = dict.fromkeys(file for plugin in plugins for file in _own_sources(plugin))
    return [name for name in _hashes(list(files)[:_MAX_FILES], run) if name not in known]


def unknown_files(known: FileHashes, run: Path) -> list[str]:
    """Return the files that `run` derives from data and that are not in `known`."""
    return [name for name in hash_kept_files(run) if name not in known]


def _hashes(files: Iterable[Path], run: Path) -> FileHashes:
    hashes: FileHashes = {}
    for file in files:
        with suppress(OSError, ValueError):
            if file.is_file():
                name = legible(relative(file.resolve(), run.resolve()))
                hashes[name] = {"size": file.stat().st_size, "sha256": sha256(file)}
    return hashes


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
        module = importlib.util.find_spec(plugin.module)
        if module is not None and module.origin is not None and module.origin.endswith(".py"):
            yield Path(module.origin)


def _imported_below(folder: Path) -> Iterator[Path]:
    """Yield the imported modules in `folder`, except graphspec, `__main__` and installed packages."""
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py") or name.partition(".")[0] in ("__main__", "graphspec"):
            continue
        path = Path(file)
        if path.is_relative_to(folder) and not {"site-packages", "dist-packages"} & set(path.parts):
            yield path
