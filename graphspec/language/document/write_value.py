"""A plain value → YAML on one line, which `read_yaml` reads back as the same value, wherever it stands."""

from __future__ import annotations

import json
import math
from typing import Any

from graphspec.language.document.scalars import resolve

_SIGNS = frozenset("-_./ ")


def write_value(value: Any) -> str:
    """`value` as YAML in one line: a scalar, or collections in brackets."""
    if isinstance(value, dict):
        entries = [f"{_text(str(key))}: {write_value(item)}" for key, item in value.items()]
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    return "null" if value is None else str(value).lower()


def _number(value: float) -> str:
    """With a point before the exponent, without which older YAML readers take it for text."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else "-.inf" if value < 0 else ".inf"
    written = repr(value)
    return written.replace("e", ".0e") if "e" in written and "." not in written else written


def _text(value: str) -> str:
    """Plain where it is a word to every YAML reader, and else in quotes."""
    is_word = value[:1].isalpha() and value.isascii() and all(sign.isalnum() or sign in _SIGNS for sign in value)
    is_word = is_word and value.strip() == value and isinstance(resolve(value), str)
    return value if is_word and value.lower() not in _OLD_TRUTHS else json.dumps(value, ensure_ascii=False)


_OLD_TRUTHS = frozenset(("y", "n", "yes", "no", "on", "off"))
"""What YAML 1.1 takes for truth values."""
