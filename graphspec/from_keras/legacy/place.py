"""Places inside of a configuration: readers of its values, whose diagnostics name the layer and the path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from graphspec.diagnostics.rules import LEGACY_FORM, Rule
from graphspec.from_keras.findings import Findings

MAX_DEPTH = 200
"""Nested lists and mappings of a configuration; one of Keras has about 10 for each model within another."""

MAX_VALUES = 5_000_000


class FormError(ValueError):
    """A value that is not of the form that Keras writes; its diagnostic is in the report."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place inside of a configuration.

    Attributes:
        findings: Receives the diagnostics.
        path: Keys and indices from the top, such as `layers[3].config.units`.
        layer: The name of the layer around it; empty outside of layers.
    """

    findings: Findings
    path: str = ""
    layer: str = ""

    def at(self, key: str | int) -> Place:
        """Return the place of a key or an index below this one."""
        if isinstance(key, int):
            return replace(self, path=f"{self.path}[{key}]")
        return replace(self, path=f"{self.path}.{key}" if self.path else key)

    def of_layer(self, name: str) -> Place:
        """Return this place as one of a layer."""
        return replace(self, layer=name)

    def add(self, rule: Rule, message: str, *, help: str = "") -> None:
        """Report a diagnostic about this place."""
        where = f"layer `{self.layer}`: " if self.layer else ""
        self.findings.add(rule, f"{where}{message} (at `{self.path or 'the top'}`)", self.layer, help=help)

    def refuse_form(self, expected: str, value: Any) -> FormError:
        """Report a value of another form, and return the error to raise."""
        self.add(LEGACY_FORM, f"there is {kind_of(value)} where Keras writes {expected}", help=DAMAGED)
        return FormError(self.path)

    def mapping(self, value: Any) -> dict[str, Any]:
        """Return a value that is a mapping. Raises FormError for any other."""
        if not isinstance(value, dict):
            raise self.refuse_form("a mapping", value)
        return value

    def items(self, value: Any) -> list[Any]:
        """Return a value that is a list. Raises FormError for any other."""
        if not isinstance(value, list | tuple):
            raise self.refuse_form("a list", value)
        return list(value)

    def text(self, value: Any) -> str:
        """Return a value that is a text with characters. Raises FormError for any other."""
        if not isinstance(value, str) or not value:
            raise self.refuse_form("a name", value)
        return value

    def whole(self, value: Any) -> int:
        """Return a value that is a whole number. Raises FormError for any other."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse_form("a whole number", value)
        return value


DAMAGED = "the file is damaged or was edited; write it again by `model.to_json()` or `model.save()`"


def kind_of(value: Any) -> str:
    """Return the kind of a JSON value, for people."""
    if value is None:
        return "nothing"
    names = ((bool, "true or false"), (str, "a text"), (dict, "a mapping"), (list | tuple, "a list"))
    return next((name for kind, name in names if isinstance(value, kind)), "a number")


def is_bounded(value: Any) -> bool:
    """Return whether a value is nested no deeper, and holds no more, than what Keras writes."""
    level, count = [value], 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if not level or count > MAX_VALUES:
            return not level
        level = [
            item
            for each in level
            if isinstance(each, dict | list | tuple)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
    return False
