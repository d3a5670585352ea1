"""Values → the same values as a spec writes them: `${` in a text is no expression."""

from __future__ import annotations

from typing import Any


def literal(value: Any) -> Any:
    """Return a value in which every `${` is written as text."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, list | tuple):
        return [literal(each) for each in value]
    if isinstance(value, dict):
        return {key: literal(each) for key, each in value.items()}
    return value
