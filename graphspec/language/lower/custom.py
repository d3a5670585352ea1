"""Custom objects, `package>Name`: what a plugin registers with Keras, unknown to the catalogue.

Validation imports no plugin, so what such an object takes is not known: arguments are handed on as they stand, but for
objects and layers where an argument's name says that it holds one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from graphspec import catalog
from graphspec.catalog import SINGULAR, Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import UNKNOWN_OBJECT
from graphspec.diagnostics.suggest import a
from graphspec.language.document.tree import Located, Mapping, Sequence, plain
from graphspec.language.graph import FIRST, Layer, Object
from graphspec.language.lower.declared import Declared

ReadObject = Callable[[Kind, Located, Report, Declared | None], Object | None]
"""Reads an object that may stand among the arguments: `lower.objects.read_object`."""

_FORM = re.compile(r"[^>\s]+>[^>\s]+")


def is_custom(name: str) -> bool:
    """Whether an object of this name is one that a plugin registers."""
    return ">" in name


def read_custom(
    kind: Kind, name: Located, arguments: Located, report: Report, declared: Declared | None, read: ReadObject
) -> Object | None:
    """The custom object `name` with `arguments`; None, with findings, where it is not written as one."""
    if not _FORM.fullmatch(name.value):
        report.add(
            UNKNOWN_OBJECT,
            f"`{name.value}` is no name of {a(SINGULAR[kind])}",
            name.span,
            expected="`package>Name`, as a plugin registers it",
            help="write both parts, without spaces",
        )
        return None
    before = len(report)
    values: dict[str, Any] = {}
    if isinstance(arguments.value, Mapping):
        for key, value in arguments.value.entries():
            values[key.value] = _argument(argument_kind(key.value), value, report, declared, read)
    elif arguments.value is not None:
        values[FIRST] = _argument("layers" if kind == "layers" else None, arguments, report, declared, read)
    return Object(kind, name.value, values, name.span) if len(report) == before else None


def _argument(kind: Kind | None, value: Located, report: Report, declared: Declared | None, read: ReadObject) -> Any:
    """The value of an argument that may hold an object of `kind`; where it names none, it is plain data."""
    if kind == "layers" and isinstance(value.value, Sequence):
        items = list(value.value.entries())
        if items and all(_names_one(kind, item, declared) for item in items):
            return [_argument(kind, item, report, declared, read) for item in items]
    if kind is None or not _names_one(kind, value, declared):
        return plain(value.value)
    if kind != "layers":
        return read(kind, value, report, declared)
    if isinstance(value.value, str) and declared is not None and declared.declares(value.value):
        return declared.find(value.value, value.span)
    made = read("layers", value, report, declared)
    return Layer(made, made.span) if made is not None else None


def _names_one(kind: Kind, value: Located, declared: Declared | None) -> bool:
    """Whether `value` is written as an object of `kind` that is known, or as a custom one."""
    name = value.value
    if isinstance(name, Mapping) and len(name) == 1:
        name = next(iter(name))
    elif not isinstance(name, str):
        return False
    is_declared = kind == "layers" and declared is not None and declared.declares(name)
    known = catalog.find(kind, name) is not None or catalog.is_identifier(kind, name)
    return is_declared or known or is_custom(name)
