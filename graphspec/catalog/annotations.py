"""Type checks of values by annotations of Python: `int`, `bool | None`, `str | int`.

The annotations of optuna's constructors are kept in `optuna.json`, which `scripts/make_optuna.py` reads from optuna.
"""

from __future__ import annotations

import re
from typing import Any

from graphspec.catalog.generated import read_file

_OPTIONAL = re.compile(r"(?:typing\.)?Optional\[(.*)\]")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "None": "`null`",
    "dict": "a mapping",
    "list": "a list",
}
"""The types that a spec can write, in words; other types are not checked."""


def expected_type(annotation: str, value: Any) -> str | None:
    """Return the expected type in words; None if `value` has it, or the annotation is not known."""
    members = _members(annotation)
    if not set(members) <= set(_WORDS) or any(_is_of(member, value) for member in members):
        return None
    return " or ".join(_WORDS[member] for member in members)


def _members(annotation: str) -> list[str]:
    """Return the types of a union, without their parameters."""
    text = annotation.strip().strip("'\"")
    if (optional := _OPTIONAL.fullmatch(text)) is not None:
        text = f"{optional[1]} | None"
    while (plain := re.sub(r"\[[^\[\]]*\]", "", text)) != text:
        text = plain
    return [member.strip() for member in text.split("|")]


def _is_of(member: str, value: Any) -> bool:
    if isinstance(value, bool) or member == "bool":
        return member == "bool" and isinstance(value, bool)
    if value is None or member == "None":
        return member == "None" and value is None
    types: dict[str, tuple[type, ...]] = {
        "int": (int,), "float": (int, float), "str": (str,), "dict": (dict,), "list": (list,),
    }  # fmt: skip
    return isinstance(value, types[member])


def annotations_of(name: str) -> dict[str, str]:
    """Return the annotations of the arguments of a sampler or pruner of optuna; empty for an unknown one."""
    found: dict[str, str] = read_file("optuna.json")["classes"].get(name, {})
    return found
