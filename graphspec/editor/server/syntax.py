"""Text → the values that it writes, with their offsets, however broken the text is.

`language.document` reads a spec as YAML defines it, and stops at the first mistake. An editor asks about texts in which
half a line is missing. This reader takes indentation and brackets as far as they make sense, never fails, and gives for
a valid document the same values.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from graphspec.editor.server.values import Entry, Value

MAX_DEPTH = 100


def parse(text: str) -> Value:
    """Return the root mapping, list or scalar of `text`; an empty mapping for an empty text."""
    return _Parser(text).document()


_QUOTED = r'"(?:[^"\\\n\r]|\\.)*"|\'(?:[^\'\n\r]|\'\')*\''
_KEY = re.compile(
    rf"(?P<key>{_QUOTED}|(?:[^\s\-?:,\[\]{{}}#&*!|>'\"%@`]|[-?:](?=\S))"
    r"(?:[^\s:#]|:(?=[^\s])|(?<=\S)#|[ \t]+(?![#:\s]))*)[ \t]*:(?=[ \t\r\n]|$)"
)
_DASH = re.compile(r"-(?=[ \t\r\n]|$)")
_BLANK = re.compile(r"(?:[ \t\r\n]|(?:(?<=[ \t\r\n])|(?<![^\n]))#[^\r\n]*|\ufeff)+")
_SPACES = re.compile(r"[ \t]*")
_PROPERTY = re.compile(r"[&!][^\s,\[\]{}]*[ \t]*")
_PLAIN = re.compile(r"(?:[^\s#]|(?<=\S)#|[ \t]+(?![#\s]))+")
_FLOW_PLAIN = re.compile(
    r"(?:[^\s,\[\]{}:#]|:(?![\s,\[\]{}]|$)|(?<=[^\s,\[\]{}])#|[ \t]+(?![#\s,\[\]{}:])|[ \t]+(?=:\S))+"
)
_LINE_END = re.compile(r"\r\n|\n|\r")
_FOLD = re.compile(r"[ \t]*(?:\r\n|\n|\r)[ \t]*")
_MARKER = re.compile(r"(?:---|\.\.\.|%[A-Z]+[^\r\n]*)(?=[ \t\r\n]|$)")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class _Parser:
    """The position in a text. Each method begins at `at`, and leaves it after what it has read."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self.documents = 0

    def document(self) -> Value:
        root: Value | None = None
        while self.blank():
            if self.column == 0 and (marker := _MARKER.match(self.text, self.at)) is not None:
                if root is not None:
                    break
                self.at = marker.end()
                continue
            before = self.at
            found = self.block(-1)
            if root is None:
                root = found
            elif found.kind == root.kind == "mapping":
                root.entries += found.entries
                root.end = max(root.end, found.end)
            self.at = max(self.at, before + 1)
        return root if root is not None else Value("mapping", 0, 0)

    @property
    def column(self) -> int:
        """The column of `at`, from 0."""
        return self.at - self.starts[bisect_right(self.starts, self.at) - 1]

    @property
    def sign(self) -> str:
        """The character at `at`; empty at the end."""
        return self.text[self.at : self.at + 1]

    def blank(self) -> bool:
        """Pass blanks, line ends and comments. Return whether there is more text."""
        match = _BLANK.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.at < len(self.text)

    def spaces(self) -> None:
        self.at = _SPACES.match(self.text, self.at).end()  # type: ignore[union-attr] # it matches nothing, too

    @property
    def is_line_end(self) -> bool:
        return self.sign in ("", "\n", "\r", "#")

    def block(self, parent: int) -> Value:
        """Return the value that begins here, in a collection whose column is `parent`."""
        if self.depth >= MAX_DEPTH:
            return self.plain(parent)
        self.depth += 1
        try:
            if _DASH.match(self.text, self.at) is not None:
                return self.block_list()
            if _KEY.match(self.text, self.at) is not None:
                return self.block_mapping()
            return self.inline(parent)
        finally:
            self.depth -= 1

    def inline(self, parent: int) -> Value:
        """Return the value on this line: in brackets, in quotes, or plain."""
        sign = self.sign
        if sign in ("{", "["):
            return self.flow(parent)
        if sign in ("|", ">"):
            return self.block_scalar(parent)
        if sign in ("'", '"'):
            return self.quoted(parent)
        return self.plain(parent)

    def block_mapping(self) -> Value:
        column = self.column
        found = Value("mapping", self.at, self.at)
        while True:
            match = _KEY.match(self.text, self.at)
            if match is not None:
                key = self.scalar_of(match["key"], match.start("key"), match.end("key"))
                entry = Entry(key, colon=match.end() - 1)
                self.at = match.end()
                entry.value = self.value_after(column, in_mapping=True)
            else:  # half a line
                entry = Entry(self.plain(column, one_line=True))
            found.entries.append(entry)
            found.end = entry.end
            if not self.blank() or self.column < column or self.is_marker or _DASH.match(self.text, self.at):
                return found

    @property
    def is_marker(self) -> bool:
        return self.column == 0 and _MARKER.match(self.text, self.at) is not None

    def block_list(self) -> Value:
        column = self.column
        found = Value("list", self.at, self.at)
        while True:
            match = _DASH.match(self.text, self.at)
            self.at = match.end() if match is not None else self.at
            item = (
                self.value_after(column, in_mapping=False) if match is not None else self.plain(column, one_line=True)
            )
            found.items.append(item if item is not None else Value("scalar", self.item_end, self.item_end))
            found.end = found.items[-1].end
            if not self.blank() or self.column < column or self.is_marker:
                return found
            if self.column == column and _DASH.match(self.text, self.at) is None:
                return found

    item_end = 0
    """The offset after the last indicator that nothing follows."""

    def value_after(self, column: int, *, in_mapping: bool) -> Value | None:
        """Return the value after a key or a dash of a collection at `column`; None where there is none."""
        self.item_end = self.at
        self.spaces()
        while (match := _PROPERTY.match(self.text, self.at)) is not None:
            self.at = match.end()
        if not self.is_line_end:
            if not in_mapping:
                return self.block(column)
            return self.inline(column)
        indicator = self.item_end
        if not self.blank() or self.is_marker:
            return None
        is_list = _DASH.match(self.text, self.at) is not None
        if self.column > column or (in_mapping and is_list and self.column == column):
            return self.block(column)
        self.item_end = indicator
        return None

    def plain(self, parent: int, *, one_line: bool = False) -> Value:
        """Return a plain scalar, which further lines continue that are indented more than `parent` and hold no key."""
        start = self.at
        texts = [self.plain_line()]
        end = self.at
        while not one_line and self.blank():
            if self.column <= parent or _KEY.match(self.text, self.at) or _DASH.match(self.text, self.at):
                break
            if self.is_marker or self.sign in ("{", "["):
                break
            texts.append(self.plain_line())
            end = self.at
        self.at = end
        text = " ".join(texts)
        return Value("scalar", start, end, text, "*" if text.startswith("*") else "")

    def plain_line(self) -> str:
        match = _PLAIN.match(self.text, self.at)
        before = self.at
        self.at = match.end() if match is not None else self.at + 1
        return self.text[before : self.at]

    def block_scalar(self, parent: int) -> Value:
        start = self.at
        line = bisect_right(self.starts, self.at)
        end = self.line_end(line - 1)
        while line < len(self.starts):
            first = _SPACES.match(self.text, self.starts[line]).end()  # type: ignore[union-attr] # it matches nothing, too
            is_blank = self.text[first : first + 1] in ("", "\n", "\r")
            if not is_blank and first - self.starts[line] <= parent:
                break
            if not is_blank:
                end = self.line_end(line)
            line += 1
        self.at = end
        return Value("scalar", start, end, self.text[start:end], "|")

    def line_end(self, line: int) -> int:
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        return self.starts[line] + len(self.text[self.starts[line] : end].rstrip("\r\n"))

    def quoted(self, parent: int) -> Value:
        """Return a scalar in quotes. One that is not closed ends with its line, unless the next lines may be of it."""
        start, quote = self.at, self.sign
        at = start + 1
        while at < len(self.text):
            sign = self.text[at]
            if sign == quote and not (quote == "'" and self.text[at + 1 : at + 2] == "'"):
                self.at = at + 1
                return self.scalar_of(self.text[start : self.at], start, self.at)
            if sign in "\r\n" and not self.continues(at, parent):
                break
            at += 2 if (sign == "\\" and quote == '"') or sign == quote else 1
        self.at = end = min(at, len(self.text))
        return Value("scalar", start, end, self.text[start + 1 : end], quote, is_closed=False)

    def continues(self, at: int, parent: int) -> bool:
        """Return whether the line after the line end at `at` may be part of a text in quotes."""
        match = _BLANK.match(self.text, at)
        following = match.end() if match is not None else at
        if following >= len(self.text):
            return False
        column = following - self.starts[bisect_right(self.starts, following) - 1]
        return column > parent and _KEY.match(self.text, following) is None and not _DASH.match(self.text, following)

    def scalar_of(self, written: str, start: int, end: int) -> Value:
        quote = written[:1] if written[:1] in ("'", '"') else ""
        text = _FOLD.sub(" ", written[1:-1]) if quote else written
        if quote == "'":
            text = text.replace("''", "'")
        elif quote and "\\" in text:
            text = _ESCAPE.sub(_unescaped, text)
        return Value("scalar", start, end, text, quote)

    def flow(self, parent: int) -> Value:
        """Return a collection in brackets. One that is not closed ends before the next line that begins a key."""
        if self.depth >= MAX_DEPTH:
            return self.plain(parent)
        self.depth += 1
        is_mapping = self.sign == "{"
        found = Value("mapping" if is_mapping else "list", self.at, self.at, style="{", is_closed=False)
        self.at += 1
        found.end = self.at
        while self.more_of_flow(parent):
            sign = self.sign
            if sign in ("}", "]"):
                if (sign == "}") == is_mapping or self.depth == 1:
                    self.at += 1
                    found.end, found.is_closed = self.at, True
                break
            if sign == ",":
                self.at += 1
                found.end = self.at
                continue
            if is_mapping:
                found.entries.append(self.flow_entry(parent))
                found.end = found.entries[-1].end
            else:
                found.items.append(self.flow_item(parent))
                found.end = found.items[-1].end
        self.depth -= 1
        return found

    def more_of_flow(self, parent: int) -> bool:
        """Pass blanks. Return whether the collection goes on here."""
        before = self.at
        if not self.blank():
            self.at = before
            return False
        is_new_line = _LINE_END.search(self.text, before, self.at) is not None
        if is_new_line and self.column <= parent and self.sign not in ("}", "]"):
            self.at = before
            return False
        return True

    def flow_entry(self, parent: int) -> Entry:
        key = self.flow_scalar(parent)
        entry = Entry(key)
        self.spaces()
        if self.sign == ":":
            entry.colon = self.at
            self.at += 1
            entry.value = self.flow_value(parent)
        return entry

    def flow_value(self, parent: int) -> Value | None:
        end = self.at
        if not self.more_of_flow(parent) or self.sign in (",", "}", "]"):
            self.at = end
            return None
        while (match := _PROPERTY.match(self.text, self.at)) is not None:
            self.at = match.end()
        if self.sign in ("{", "["):
            return self.flow(parent)
        return self.flow_scalar(parent)

    def flow_item(self, parent: int) -> Value:
        item = self.flow_value(parent)
        if item is None or item.kind != "scalar":
            return item if item is not None else Value("scalar", self.at, self.at)
        before = self.at
        self.spaces()
        if self.sign != ":":
            self.at = before
            return item
        entry = Entry(item, colon=self.at)
        self.at += 1
        entry.value = self.flow_value(parent)
        return Value("mapping", item.start, entry.end, style="{", entries=[entry])

    def flow_scalar(self, parent: int) -> Value:
        if self.sign in ("'", '"'):
            return self.quoted(parent)
        match = _FLOW_PLAIN.match(self.text, self.at)
        start = self.at
        self.at = match.end() if match is not None else self.at + 1
        text = self.text[start : self.at]
        return Value("scalar", start, self.at, text, "*" if text.startswith("*") else "")


def _unescaped(match: re.Match[str]) -> str:
    if code := match[1] or match[2]:
        return chr(int(code, 16))
    return _ESCAPES.get(match[3], match[3])
