"""The tree that a document is read into: plain Python values whose containers remember where everything stood.

A `Mapping` is a dict and a `Sequence` a list, so later stages and pydantic take them as plain data; both also
know the span of every key and value they hold. Scalars are bare str, int, float, bool or None: their place is
known to their parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from graphspec.diagnostics import Span


class Mapping(dict[str, Any]):
    """A dict that knows the span of itself, of each key and of each value.

    absent holds the place of each key that a condition has left out.
    """

    __slots__ = ("absent", "key_spans", "span", "value_spans")

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span
        self.absent: dict[str, Span] = {}
        self.key_spans: dict[str, Span] = {}
        self.value_spans: dict[str, Span] = {}

    def put(self, key: str, value: Any, key_span: Span, value_span: Span) -> None:
        """Set `key` to `value` and remember both places."""
        self[key] = value
        self.key_spans[key] = key_span
        self.value_spans[key] = value_span

    def located(self, key: str) -> Located:
        """The value under `key` with its span; None at the mapping's own span where the key is absent."""
        return Located(self.get(key), self.value_spans.get(key, self.span))

    def entries(self) -> Iterator[tuple[Located, Located]]:
        """Each key and value, both with their spans."""
        for key, value in self.items():
            yield Located(key, self.key_spans[key]), Located(value, self.value_spans[key])


class Sequence(list[Any]):
    """A list that knows the span of itself and of each item."""

    __slots__ = ("item_spans", "span")

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span
        self.item_spans: list[Span] = []

    def put(self, value: Any, span: Span) -> None:
        """Append `value` and remember its place."""
        self.append(value)
        self.item_spans.append(span)

    def entries(self) -> Iterator[Located]:
        """Each item with its span."""
        for value, span in zip(self, self.item_spans, strict=True):
            yield Located(value, span)


class Located(NamedTuple):
    """A value of the tree together with its span."""

    value: Any
    span: Span

    def as_list(self) -> list[Located]:
        """The items of a list, or the value itself as the only item; nothing for None."""
        if self.value is None:
            return []
        return list(self.value.entries()) if isinstance(self.value, Sequence) else [self]


def descend(tree: Any, path: tuple[str | int, ...]) -> tuple[Any, Span | None, Span | None]:
    """Follow `path` as deep as it goes: the value reached, the span of its key (if it has one) and its own span.

    Steps that the tree does not have are passed over, so that paths with entries of another origin can be followed.
    """
    value, key_span, span = tree, None, getattr(tree, "span", None)
    for step in path:
        if isinstance(value, Mapping) and step in value:
            key_span, span = value.key_spans[str(step)], value.value_spans[str(step)]
            value = value[str(step)]
        elif isinstance(value, Sequence) and isinstance(step, int) and step < len(value):
            key_span, span, value = None, value.item_spans[step], value[step]
    return value, key_span, span


def tree_size(value: Any) -> int:
    """Return how many values a tree holds, at all depths."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(tree_size, inner))


def plain(value: Any) -> Any:
    """The value as plain dicts, lists and scalars, without spans."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
