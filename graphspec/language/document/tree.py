"""The tree of a document: plain values in containers with the places of their entries.

A `Mapping` is a dict and a `Sequence` a list, so later stages and pydantic take them as plain data. Scalars are plain
str, int, float, bool or None, whose places their parent holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from graphspec.diagnostics import Span


class Mapping(dict[str, Any]):
    """A dict with the span of itself, of each key and of each value.

    absent: the places of the keys left out by their `when`. each: for the name of each node with `each`, the names of
    the nodes that stand for it, with their values.
    """

    __slots__ = ("absent", "each", "key_spans", "span", "value_spans")

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span
        self.absent: dict[str, Span] = {}
        self.each: dict[str, dict[str, dict[str, Any]]] = {}
        self.key_spans: dict[str, Span] = {}
        self.value_spans: dict[str, Span] = {}

    def put(self, key: str, value: Any, key_span: Span, value_span: Span) -> None:
        """Set `key` to `value`, with the places of both."""
        self[key] = value
        self.key_spans[key] = key_span
        self.value_spans[key] = value_span

    def located(self, key: str) -> Located:
        """Return the value of `key` with its span, or None with the mapping's span."""
        return Located(self.get(key), self.value_spans.get(key, self.span))

    def filtered(self, keep: Callable[[str], bool] = lambda _: True) -> Mapping:
        """Return a copy of one level with the keys that `keep` accepts."""
        copy = Mapping(self.span)
        for key, item in self.entries():
            if keep(key.value):
                copy.put(key.value, item.value, key.span, item.span)
        return copy

    def entries(self) -> Iterator[tuple[Located, Located]]:
        """Return each key and value, both with their spans."""
        for key, value in self.items():
            yield Located(key, self.key_spans[key]), Located(value, self.value_spans[key])


class Sequence(list[Any]):
    """A list with the span of itself and of each item."""

    __slots__ = ("item_spans", "span")

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span
        self.item_spans: list[Span] = []

    def put(self, value: Any, span: Span) -> None:
        """Append `value` with its place."""
        self.append(value)
        self.item_spans.append(span)

    def entries(self) -> Iterator[Located]:
        """Return each item with its span."""
        for value, span in zip(self, self.item_spans, strict=True):
            yield Located(value, span)


class Located(NamedTuple):
    """A value of the tree with its span."""

    value: Any
    span: Span

    def as_list(self) -> list[Located]:
        """Return the items of a list, or the value itself unless it is None."""
        if self.value is None:
            return []
        return list(self.value.entries()) if isinstance(self.value, Sequence) else [self]


def descend(tree: Any, path: tuple[str | int, ...]) -> tuple[Any, Span | None, Span | None]:
    """Follow `path` through a tree. Steps that the tree does not have, such as pydantic's own, are skipped.

    Returns:
        The last value reached, the span of its key, None for a list item, and the span of the value.
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
    """Return the number of values in a tree, at all depths."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(tree_size, inner))


def plain(value: Any) -> Any:
    """Return the value as plain dicts, lists and scalars, without spans."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
