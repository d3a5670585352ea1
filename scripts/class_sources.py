"""Fingerprints of the classes of the installed Keras, by the code that decides which values their arguments take.

A fingerprint covers the constructors of the class and of its parents, up to the one that all of its kind inherit from,
and the functions of Keras that these call, but none that computes with tensors; comments, docstrings, annotations and
the messages of errors are left out. It covers the lines of documentation of the arguments, which decide where Keras
takes anything. A class with the same fingerprint in two versions of Keras takes the same values in both, as far as
their code tells.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any

from graphspec import catalog
from graphspec.catalog import Kind
from tests.trials import class_of

_COMPUTING = ("keras.src.backend", "keras.src.ops", "keras.src.tree", "keras.src.random", "keras.src.api_export")
"""Packages whose functions compute with tensors, or say nothing of arguments."""
NAME = "name"
"""The argument whose default and documentation say nothing of what it takes."""


def fingerprint(kind: Kind, name: str, bases: list[type]) -> str:
    """Return the fingerprint of a class.

    Args:
        kind: Its kind.
        name: Its name.
        bases: The classes that all of a kind inherit from, which are left out.
    """
    cls = class_of(kind, name)
    own = [each for each in cls.__mro__ if each is cls or not any(issubclass(base, each) for base in bases)]
    own = [each for each in own if each.__module__.startswith("keras.")]
    named = {id(other): other for each in own for other in _named_in(each)}
    codes = [_code(each.__dict__.get("__init__")) for each in own] + sorted(_code(other) for other in named.values())
    docs = {key: line for key, line in catalog.argument_docs(kind, name).items() if key != NAME}
    return hashlib.sha256("\n".join([*codes, *(f"{key}: {line}" for key, line in docs.items())]).encode()).hexdigest()


def _named_in(cls: type) -> Iterator[Any]:
    """Yield the functions of Keras that the constructor of a class names, themselves or in a module."""
    module = inspect.getmodule(cls)
    for node in ast.walk(_tree(cls.__dict__.get("__init__"))):
        found = None
        if isinstance(node, ast.Name):
            found = getattr(module, node.id, None)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            holder = getattr(module, node.value.id, None)
            found = getattr(holder, node.attr, None) if inspect.ismodule(holder) else None
        if inspect.isfunction(found) and _counts(found.__module__):
            yield found


def _counts(module: str) -> bool:
    return module.startswith("keras.") and not module.startswith(_COMPUTING)


@cache
def _code(subject: Any) -> str:
    return ast.dump(_tree(subject))


@cache
def _tree(subject: Any) -> ast.AST:
    """Return the code of a class or function without docstrings, annotations and messages; no code for None."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(subject)))
    except (OSError, TypeError):
        return ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            optional = node.args.args[len(node.args.args) - len(node.args.defaults) :]
            node.args.defaults = [
                ast.Constant(None) if argument.arg == NAME else default
                for argument, default in zip(optional, node.args.defaults, strict=True)
            ]
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.Raise):
            node.exc = None
    return tree
