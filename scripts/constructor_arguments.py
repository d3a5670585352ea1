"""The arguments of a constructor of Keras, and their defaults as JSON.

They are its own plus those that it hands on through `**kwargs`, which its source tells: an argument of a parent counts
unless the class passes it to `super().__init__` itself.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import Any


def own_parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Return the parameters of the constructor that `cls` itself defines, `self` left out."""
    return dict(list(inspect.signature(cls.__dict__["__init__"]).parameters.items())[1:])


def handed_on(cls: type) -> tuple[int, set[str]] | None:
    """Return how many arguments `cls` passes on by position, and which by name; None where it passes no **kwargs."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls.__dict__["__init__"])))
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"):
            continue
        if any(keyword.arg is None for keyword in call.keywords):
            return len(call.args), {keyword.arg for keyword in call.keywords if keyword.arg is not None}
    return None


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """Return every named argument that constructing `cls` takes, its own first."""
    lineage = [base for base in cls.__mro__ if "__init__" in base.__dict__ and base is not object]
    found: dict[str, inspect.Parameter] = {}
    blocked: set[str] = set()
    for base in lineage:
        own = own_parameters(base)
        for name, parameter in own.items():
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) and name not in blocked:
                found.setdefault(name, parameter)
        passed = handed_on(base)
        if passed is None or not any(parameter.kind is parameter.VAR_KEYWORD for parameter in own.values()):
            break
        following = lineage[lineage.index(base) + 1 :]
        if following:
            blocked |= passed[1] | set(list(own_parameters(following[0]))[: passed[0]])
    return found


def default(parameter: inspect.Parameter) -> Any:
    """Return the default as JSON holds it; a default that JSON cannot hold is given by its text."""
    value = parameter.default
    if isinstance(value, tuple):
        value = list(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value
