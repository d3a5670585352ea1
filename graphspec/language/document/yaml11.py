"""Find plain scalars that YAML 1.1 and YAML 1.2 read differently.

In YAML 1.1 `no` is false, `012` is 10 and `1:30` is 90; here they are text, 12 and text. Quoted text is unambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics import Diagnostic, Edit, Fix, Span
from graphspec.diagnostics.rules import YAML_TRAP
from graphspec.language.document.tree import Mapping, Sequence

_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_SEXAGESIMAL = re.compile(r"[-+]?[1-9][0-9]*(?::[0-5]?[0-9])+")


def check_yaml11(tree: Mapping) -> Iterator[Diagnostic]:
    """Return a diagnostic for every plain value of `tree` that differs in YAML 1.1. Keys are text in both."""
    for value, span in _scalars(tree):
        if (isinstance(value, str) and len(value) < 20 and (value.lower() in _WORDS or ":" in value)) or (
            isinstance(value, int) and not isinstance(value, bool)
        ):
            written = span.text
            old = _in_yaml_1_1(written)
            if old is not None:
                yield _diagnostic(written, value, old, span)


def _in_yaml_1_1(written: str) -> str | None:
    """Return the value of a plain scalar in YAML 1.1 as text. Return None where YAML 1.2 agrees."""
    if written.lower() in _WORDS:
        return _WORDS[written.lower()]
    if _OCTAL.fullmatch(written):
        return str(int(written.replace("+", ""), 8))
    if _SEXAGESIMAL.fullmatch(written):
        total = 0
        for part in written.lstrip("+-").split(":"):
            total = total * 60 + int(part)
        return str(-total if written.startswith("-") else total)
    return None


def _diagnostic(written: str, value: str | int, old: str, span: Span) -> Diagnostic:
    text = isinstance(value, str)
    meant = f'"{value}"' if text else str(value)
    return Diagnostic(
        YAML_TRAP,
        f"`{written}` is {'text' if text else f'the number {value}'} in YAML 1.2, but {old} in YAML 1.1",
        span,
        expected="a value that means the same in both",
        help=f"write `{meant}` to keep this meaning, or `{old}` for the other",
        fix=Fix(f"write `{meant}`", (Edit(span, meant),)),
    )


def _scalars(tree: Any) -> Iterator[tuple[Any, Span]]:
    waiting: list[tuple[Any, Span]] = [(tree, tree.span)]
    while waiting:
        value, span = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(item.value, item.span) for _, item in value.entries()]
        elif isinstance(value, Sequence):
            waiting += [(item.value, item.span) for item in value.entries()]
        else:
            yield value, span
