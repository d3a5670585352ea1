"""Import of plugins, modules that register custom objects with Keras; validation never imports them.

A module may lie beside the spec, whose folder is on `sys.path` only during the import.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import PLUGIN_FAILED
from graphspec.language.graph import Plugin
from graphspec.to_keras.keras_messages import reason

_imported: dict[str, Path] = {}
"""Folders of imported modules that lie beside specs, as two specs may have modules of one name."""

_registered: dict[tuple[str, Path], dict[str, Any]] = {}
"""Objects that each plugin registered: Python imports a module once, but Keras may have been reset since."""


def import_plugins(plugins: Iterable[Plugin]) -> None:
    """Import every plugin. Raises SpecError with each one that fails."""
    report = Report()
    for plugin in plugins:
        _import(plugin, report)
    report.raise_if_errors()


def _import(plugin: Plugin, report: Report) -> None:
    folder, root = plugin.folder.resolve(), plugin.module.partition(".")[0]
    if plugin.is_beside:
        if root in sys.modules and _imported.get(root) != folder and not _unload(root, folder, plugin, report):
            return
        _imported[root] = folder
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    objects = keras.saving.get_custom_objects()
    before = dict(objects)
    try:
        importlib.import_module(plugin.module)
        new = {name: each for name, each in objects.items() if before.get(name) is not each}
        known = _registered.setdefault((plugin.module, folder if plugin.is_beside else Path()), {})
        known.update(new)
        objects.update(known)
    except (Exception, SystemExit) as error:
        where = _where(error, folder)
        report.add(
            PLUGIN_FAILED,
            f"the plugin `{plugin.module}` cannot be imported: {where}{type(error).__name__}: {reason(error)}",
            plugin.span,
            expected="a module that is installed, or lies beside the spec",
            help="install it, or check the name" if isinstance(error, ModuleNotFoundError) else "fix the module",
        )
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _unload(root: str, folder: Path, plugin: Plugin, report: Report) -> bool:
    """Unload another spec's module of this name, and report any other module."""
    if root in _imported:
        for name in [each for each in sys.modules if each == root or each.startswith(f"{root}.")]:
            del sys.modules[name]
        return True
    file = getattr(sys.modules[root], "__file__", None)
    if file is not None and Path(file).resolve().is_relative_to(folder):
        return True
    report.add(
        PLUGIN_FAILED,
        f"the plugin `{plugin.module}` lies beside the spec, but another module of that name is loaded already",
        plugin.span,
        expected="a module with a unique name",
        help=f"rename it, for example to `my_{root}`",
    )
    return False


def _where(error: BaseException, folder: Path) -> str:
    """Return the line that raised `error`, if it is in a plugin beside the spec."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.startswith(str(folder))]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
