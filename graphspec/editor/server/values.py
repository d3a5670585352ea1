"""The values that a text writes, with their offsets: scalars, mappings and lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["scalar", "mapping", "list"]


@dataclass(eq=False, slots=True)
class Value:
    """A scalar, a mapping or a list from offset `start` to `end`.

    Attributes:
        text: The text of a scalar, without its quotes.
        style: The quote of a scalar, `|` for a block scalar, `*` for an alias; `{` for a collection in brackets.
        entries: The keys of a mapping with their values.
        items: The items of a list.
        is_closed: False where the closing quote or bracket is missing.
    """

    kind: Kind
    start: int
    end: int
    text: str = ""
    style: str = ""
    entries: list[Entry] = field(default_factory=list)
    items: list[Value] = field(default_factory=list)
    is_closed: bool = True

    @property
    def inner(self) -> tuple[int, int]:
        """The offsets of the text of a scalar, inside of its quotes."""
        quoted = self.style in ("'", '"')
        return self.start + quoted, max(self.start + quoted, self.end - (quoted and self.is_closed))

    @property
    def is_verbatim(self) -> bool:
        """True where the text of a scalar stands in the document as it is, without escapes."""
        start, end = self.inner
        return self.style not in ("|", "*") and end - start == len(self.text)

    def get(self, key: str) -> Value | None:
        """Return the value of `key` in a mapping; None where it has none."""
        return next((each.value for each in self.entries if each.key.text == key), None)

    def children(self) -> Iterator[Value]:
        """Return the keys, values or items of a collection."""
        for entry in self.entries:
            yield entry.key
            if entry.value is not None:
                yield entry.value
        yield from self.items

    def scalars(self, *, keys: bool = False) -> Iterator[Value]:
        """Yield the scalars at any depth, with the keys if asked for."""
        waiting = [self]
        while waiting:
            each = waiting.pop()
            if each.kind == "scalar":
                yield each
            if keys:
                waiting += each.children()
            else:
                waiting += [*each.items, *(entry.value for entry in each.entries if entry.value is not None)]


@dataclass(eq=False, slots=True)
class Entry:
    """A key with its value. colon: the offset of its colon; -1 where it has none yet."""

    key: Value
    value: Value | None = None
    colon: int = -1

    @property
    def end(self) -> int:
        """The offset after the entry."""
        return self.value.end if self.value is not None else max(self.key.end, self.colon + 1)


def entries_of(value: Value | None) -> list[Entry]:
    """Return the keys of a mapping with their values."""
    return value.entries if value is not None else []


def items_of(value: Value | None) -> list[Value]:
    """Return the items of a list, or the value itself."""
    return [] if value is None else value.items if value.kind == "list" else [value]
