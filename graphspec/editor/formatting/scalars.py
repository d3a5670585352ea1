"""Scalars as YAML text: plain if that reads as the same text, otherwise in quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from graphspec.editor.formatting.nodes import Scalar
from graphspec.language.document.scalars import resolve
from graphspec.language.document.write_yaml import write_value

_PLAIN = re.compile(r"[\w./(<^](?:[\w./()<>+\-^$*=;~!?%@ ]|:(?=[\w/]))*+")
"""Text that is plain YAML everywhere, also inside brackets; without backtracking, since a text may be long."""
_WORDS: dict[Any, str] = {None: "null", True: "true", False: "false"}
_BREAK = re.compile(r"[\n\x85\u2028\u2029]")
_SINGLE_SPACE = re.compile(r"(?<! ) (?! )")
_OLD = yaml.SafeLoader.yaml_implicit_resolvers


def write_scalar(scalar: Scalar, *, is_key: bool) -> str:
    """Return the value on one line, without its anchor."""
    value = scalar.value
    if not scalar.style:
        if "${" in value:
            return quoted(value)
        if not is_key and scalar.raw in ("~", "Null", "NULL", "True", "TRUE", "False", "FALSE"):
            return _WORDS[resolve(scalar.raw)]
        if not _BREAK.search(scalar.raw):
            return scalar.raw
        return value if value.isprintable() else quoted(value)
    if is_plain(value):
        return value
    if scalar.style == '"' and not _BREAK.search(scalar.raw) and "\\" in scalar.raw:
        return scalar.raw
    return quoted(value)


def is_plain(text: str) -> bool:
    """Return whether `text` needs no quotes: YAML 1.1 reads it as text too, and it holds no expression."""
    if not _PLAIN.fullmatch(text) or text != text.strip() or " #" in text or not isinstance(resolve(text), str):
        return False
    old = [*_OLD.get(text[0], ()), *_OLD.get(None, ())]
    return text.isprintable() and "${" not in text and not any(pattern.match(text) for _, pattern in old)


def quoted(text: str) -> str:
    """Return the text in double quotes, or in single quotes if that saves escapes."""
    if ('"' in text or "\\" in text) and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    text = json.dumps(text, ensure_ascii=False)
    return text if text.isprintable() else "".join(map(_escaped, text))


def write_text(text: str) -> str:
    """Return the text plain if that reads as the same text, otherwise in quotes."""
    return text if is_plain(text) else quoted(text)


def write_inline(value: Any) -> str:
    """Return a plain value on one line, in the style of `graphspec fmt`."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{write_text(str(key))}: {write_inline(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(write_inline, value))}]"
    return write_text(value) if isinstance(value, str) else write_value(value)


def _escaped(sign: str) -> str:
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04X}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08X}"


def wrap(scalar: Scalar, width: int, first: int) -> list[str] | None:
    """Return a plain text of several lines, filled to `width`; None for everything else.

    `first` is the width that is taken on the first line.
    """
    if scalar.style or not _BREAK.search(scalar.raw) or not _may_be_filled(scalar.value):
        return None
    lines: list[str] = []
    for number, paragraph in enumerate(scalar.value.split("\n")):
        if number:
            lines.append("")  # an empty line stands for a line break in the value
        for words in _fill(_SINGLE_SPACE.split(paragraph), width, first if not number else 0):
            lines.append(words)
    return lines


def _may_be_filled(text: str) -> bool:
    """Return whether `text` may be broken into lines between its words."""
    return "${" not in text and text.replace("\n", "").isprintable()


def _fill(words: list[str], width: int, taken: int) -> Iterator[str]:
    line = ""
    for word in words:
        if line and taken + len(line) + 1 + len(word) > width:
            yield line
            line, taken = word, 0
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line


def block_lines(scalar: Scalar) -> tuple[str, list[str]] | None:
    """Return the head of a block scalar, such as `|-`, and its lines without indentation; None for empty text."""
    head, _, body = scalar.raw.partition("\n")
    style, keeps = head[0], "+" in head.partition("#")[0]
    strips = "-" in head.partition("#")[0]
    lines = body.split("\n")
    first = next((line for line in lines if line.strip(" ")), None)
    if first is None:
        return None
    text = scalar.value.lstrip("\n")
    inner = len(text) - len(text.lstrip(" "))
    indent = len(first) - len(first.lstrip(" ")) - inner
    lines = [line[indent:] for line in lines]
    if keeps and not lines[-1]:
        lines.pop()  # the part after the last line break
    while not keeps and not lines[-1]:
        lines.pop()
    states_indent = "2" if inner or text.startswith("\t") else ""
    return f"{style}{states_indent}{'+' if keeps else '-' if strips else ''}", lines
