"""The objects that the modules of plugins register, read from their source without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from graphspec.files import read_text
from graphspec.language.graph import Plugin

_MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Registered:
    """A class or function that a module registers. arguments: those of its constructor; None for any."""

    module: str
    name: str
    arguments: frozenset[str] | None
    is_function: bool

    def takes(self, argument: str) -> bool:
        """Return whether the constructor takes an argument."""
        return self.arguments is None or argument in self.arguments


def registered_objects(plugin: Plugin) -> dict[str, Registered]:
    """Return the objects of a module beside the spec by their registered names; none where it cannot be read."""
    path = plugin.folder.joinpath(*plugin.module.split("."))
    file = path.with_name(f"{path.name}.py")
    try:
        tree = ast.parse(read_text(file if file.is_file() else path / "__init__.py", _MAX_BYTES))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return {}
    found: dict[str, Registered] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            for name in _names(node):
                found[name] = Registered(plugin.module, node.name, _arguments(node), isinstance(node, ast.FunctionDef))
    return found


def _names(node: ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    """Yield the names under which decorators register a class or function."""
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call):
            continue
        called = decorator.func
        if (
            called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        ) != "register_keras_serializable":
            continue
        given = dict(zip(("package", "name"), decorator.args, strict=False))
        given |= {each.arg: each.value for each in decorator.keywords if each.arg is not None}
        texts = {key: str(each.value) for key, each in given.items() if isinstance(each, ast.Constant) and each.value}
        if len(texts) == len(given):
            yield f"{texts.get('package', 'Custom')}>{texts.get('name', node.name)}"


def _arguments(node: ast.ClassDef | ast.FunctionDef) -> frozenset[str] | None:
    if isinstance(node, ast.FunctionDef):
        return frozenset()
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            if each.args.kwarg is not None:
                return None
            return frozenset(one.arg for one in (*each.args.args, *each.args.kwonlyargs))
    return None
