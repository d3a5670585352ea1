"""Where the entries of `[tool.graphspec]` stand: the standard library reads TOML, but says nothing of places."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphspec.diagnostics import Source, Span

_HEADER = re.compile(r"\s*\[\s*tool\s*\.\s*graphspec\b")
_ANY_HEADER = re.compile(r"\s*\[[^\[\],]+\]\s*(#.*)?$")
_ERROR_AT = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True)
class TomlPlaces:
    """Looks for keys and texts in the lines of the section; what it does not find is at the section's first line."""

    source: Source

    def of(self, key: str | None = None, text: str | None = None) -> Span:
        """The place of `text` at or after `key`, or of the key, or of the section."""
        lines = self._section()
        found = self._line(lines[0] if lines else 1)
        if key is None:
            return found
        named = rf"(?<![\w-])[\"']?{re.escape(key)}(?![\w-])[\"']?"
        found = next(filter(None, (self._find(named, line) for line in lines)), found)
        if text is None:
            return found
        quoted = rf"([\"']){re.escape(text)}\1"
        return next(filter(None, (self._find(quoted, line) for line in lines if line >= found.line)), found)

    def of_error(self, message: str) -> Span:
        """The place that an error of `tomllib` names."""
        match = _ERROR_AT.search(message)
        if match is None:
            return self._line(self.source.text.rstrip().count("\n") + 1)
        line, column = int(match[1]), int(match[2])
        return Span(self.source, line, column, line, column + 1)

    def _section(self) -> list[int]:
        """The numbers of the section's lines, its tables included."""
        found, inside = [], False
        for number, line in enumerate(self.source.lines, 1):
            if _ANY_HEADER.match(line):
                inside = _HEADER.match(line) is not None
            if inside:
                found.append(number)
        return found

    def _text(self, line: int) -> str:
        return self.source.line(line).partition(" #")[0]

    def _find(self, pattern: str, line: int) -> Span | None:
        match = re.search(pattern, self._text(line))
        return Span(self.source, line, match.start() + 1, line, match.end() + 1) if match is not None else None

    def _line(self, line: int) -> Span:
        text = self._text(line)
        start = len(text) - len(text.lstrip())
        return Span(self.source, line, start + 1, line, max(start + 2, len(text.rstrip()) + 1))
