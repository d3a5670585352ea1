"""The functions of random operations in a module: their source is that by which graphspec builds them."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.resources import files

from graphspec.to_python.source import Call, Expression, Function, Lines, Text

PREFIX = "ops.random."
_SOURCE = files("graphspec").joinpath("to_keras", "random_operations.py").read_text(encoding="utf-8")

OPERATIONS = (*dict.fromkeys(re.findall(r"\bops\.(\w+)\(", _SOURCE)), "activation", "get_item")
"""The operations and layers in these functions, by the names that Keras gives them."""


def function_name(operation: str) -> str:
    """Return the function of a random operation, such as `ops.random.normal`."""
    return f"random_{operation.removeprefix(PREFIX)}"


def named_draw(made: Call, name: Expression) -> Expression:
    """Return the call of a random operation, with its operations named `name`."""
    return Call(Text("named_draw"), (made.function, *made.arguments, name), made.keywords)


@cache
def random_functions() -> dict[str, Function]:
    """Return the functions by their names."""
    lines = _SOURCE.splitlines()
    found: dict[str, Function] = {}
    for node in ast.parse(_SOURCE).body:
        if isinstance(node, ast.FunctionDef):
            parameters = re.sub(r": Any( = )?", lambda found: "=" if found[1] else "", ast.unparse(node.args))
            parameters = parameters.replace("'", '"')
            body = "\n".join(line[4:] for line in lines[node.body[1].lineno - 1 : node.end_lineno])
            doc = ast.get_docstring(node) or ""
            found[node.name] = Function(name=node.name, parameters=parameters.split(", "), doc=doc, body=[Lines(body)])
    return found
