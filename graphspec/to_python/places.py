"""What the files of a spec write at the places that its values come from: expressions, conditions, comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics import SourceText, Span
from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.expand import Library

_Key = tuple[int, int, int, int, int]


class Places:
    """The values that the files of a spec write, by their places, with their expressions unresolved."""

    def __init__(self, library: Library) -> None:
        self._values: dict[_Key, Any] = {}
        self._holders: dict[_Key, tuple[Mapping, str]] = {}
        self.said: set[tuple[int, int]] = set()
        self.nowhere = library.written.span
        for each in (library, *library.all_includes()):
            self._read(each.written, each.written.span)

    def _read(self, value: Any, span: Span) -> None:
        waiting = [(value, span)]
        while waiting:
            value, span = waiting.pop()
            self._values[_key(span)] = value
            if isinstance(value, Mapping):
                for key, item in value.entries():
                    self._holders.setdefault(_key(key.span), (value, key.value))
                    waiting.append(tuple(item))
            elif isinstance(value, Sequence):
                waiting += map(tuple, value.entries())

    def value(self, span: Span) -> Any:
        """Return the value written at `span`; None where no file of the spec writes one there."""
        return self._values.get(_key(span))

    def under(self, span: Span) -> Located | None:
        """Return the value of the key at `span`."""
        holder = self._holders.get(_key(span))
        return holder[0].located(holder[1]) if holder is not None else None

    def beside(self, span: Span) -> Mapping | None:
        """Return the mapping with the key at `span`, such as a step with its `repeat`."""
        holder = self._holders.get(_key(span))
        return holder[0] if holder is not None else None

    def comments(self, span: Span, *, above: bool = True) -> list[str]:
        """Return the comment in the first line of `span` and those above it, each once."""
        found: list[str] = []
        number = span.line - 1
        while above and number > 0 and (text := _own_comment(span.source, number)) is not None:
            found += self._once(span.source, number, text)
            number -= 1
        found = found[::-1]
        beside = _trailing_comment(span.source.line(span.line)) if _is_yaml(span.source) else None
        return found + (list(self._once(span.source, span.line, beside)) if beside else [])

    def _once(self, source: SourceText, line: int, text: str) -> Iterator[str]:
        if (id(source), line) not in self.said:
            self.said.add((id(source), line))
            yield _printable(text)


def header(source: SourceText) -> list[str]:
    """Return the comment lines at the top of a file, without those for editors."""
    lines = []
    for number in range(1, len(source.lines) + 1):
        text = _own_comment(source, number)
        if text is None:
            break
        if not re.match(r"\s*(yaml-language-server|graphspec)\s*:", text):
            lines.append(_printable(text))
    return lines


def _key(span: Span) -> _Key:
    return id(span.source), span.line, span.column, span.end_line, span.end_column


def _is_yaml(source: SourceText) -> bool:
    return not source.text.lstrip("\ufeff \t\r\n").startswith("{")


def _own_comment(source: SourceText, number: int) -> str | None:
    """Return the comment of a line that holds nothing else."""
    line = source.line(number).strip()
    return line.lstrip("#").strip() if line.startswith("#") and _is_yaml(source) else None


def _trailing_comment(line: str) -> str | None:
    """Return the comment behind the values of a line."""
    quote = ""
    for index, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and line[:index].rstrip()[-1:] in ("", ":", ",", "[", "{", "-"):
            quote = character
        elif character == "#" and index and line[index - 1] in " \t" and line[:index].strip():
            return line[index + 1 :].strip() or None
    return None


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
