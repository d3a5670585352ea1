"""`plugins`: modules that register custom objects with Keras, imported by what builds and never by validation.

A module is looked for beside the spec as well: its folder is on the path while it is imported, and no longer.
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
"""The folder of each module beside a spec that was imported here: another spec's module may bear the same name."""

_registered: dict[tuple[str, Path], dict[str, Any]] = {}
"""What each plugin registered when it was imported: Python imports once, and Keras may have been made to forget."""


def import_plugins(plugins: Iterable[Plugin]) -> None:
    """Import every plugin. Raises SpecError with each that cannot be."""
    report = Report()
    for plugin in plugins:
        _import(plugin, report)
    report.raise_if_errors()


def _import(plugin: Plugin, report: Report) -> None:
    folder, root = plugin.folder.resolve(), plugin.module.partition(".")[0]
    if plugin.is_beside:
        if root in sys.modules and _imported.get(root) != folder and not _make_room(root, folder, plugin, report):
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
            help="install it, or check the name" if isinstance(error, ModuleNotFoundError) else "mend the module",
        )
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _make_room(root: str, folder: Path, plugin: Plugin, report: Report) -> bool:
    """Forget another spec's module of this name; a module of somebody else's is left, and found to be in the way."""
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
    """The line of the plugin that raised `error`, where it lies beside the spec."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.startswith(str(folder))]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
