"""Write YAML that `read_yaml` reads back as the same values."""

from __future__ import annotations

import json
import math
from typing import Any

import yaml

from graphspec.language.document.scalars import resolve
from graphspec.language.document.tree import plain


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes text that YAML 1.2 would resolve, and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "'" if "\n" not in value and not isinstance(resolve(value), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write_yaml(tree: Any) -> str:
    """Return a tree as YAML, keys in their order, innermost collections on one line."""
    text: str = yaml.dump(
        plain(tree), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True
    )
    return text


_SIGNS = frozenset("-_./ ")
_YAML11_BOOLEANS = frozenset(("y", "n", "yes", "no", "on", "off"))
"""Booleans of YAML 1.1."""


def write_value(value: Any) -> str:
    """Return a plain value as YAML on one line: a scalar, or collections in brackets."""
    if isinstance(value, dict):
        entries = [f"{_quoted(str(key))}: {write_value(item)}" for key, item in value.items()]
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        return _number(value)
    return "null" if value is None else str(value).lower()


def _number(value: float) -> str:
    """Return a float with the point before its exponent that YAML 1.1 requires."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else "-.inf" if value < 0 else ".inf"
    written = repr(value)
    return written.replace("e", ".0e") if "e" in written and "." not in written else written


def _quoted(value: str) -> str:
    """Return text unquoted where every YAML parser reads it as a string, else in quotes."""
    is_word = value[:1].isalpha() and value.isascii() and all(sign.isalnum() or sign in _SIGNS for sign in value)
    is_word = is_word and value.strip() == value and isinstance(resolve(value), str)
    return value if is_word and value.lower() not in _YAML11_BOOLEANS else json.dumps(value, ensure_ascii=False)
