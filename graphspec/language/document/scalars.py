"""Resolve plain scalars by the core schema of YAML 1.2.

Unlike in YAML 1.1, `no`, `on`, `012` and `1:30` are text, text, 12 and text, and `1e-3` is a number. See section 10.3.2
of the YAML 1.2.2 specification, from which the expressions come.
"""

from __future__ import annotations

import re

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
MAX_NUMBER_LENGTH = 100


def resolve(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar. A number of more than MAX_NUMBER_LENGTH characters stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_NUMBER_LENGTH or not (text[0].isdigit() or text[0] in "+-."):
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


_INVALID = re.compile(r"[\0\ud800-\udfff]")


def replace_invalid(text: str) -> tuple[str, str | None]:
    """Replace NUL and surrogates, which escapes can write and no name or path can hold.

    Returns:
        The text, and the first invalid character, None if there is none.
    """
    match = _INVALID.search(text)
    return (text, None) if match is None else (_INVALID.sub("\N{REPLACEMENT CHARACTER}", text), match[0])
