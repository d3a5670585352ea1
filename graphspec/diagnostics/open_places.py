"""The places that a diagnostic left open, where further diagnostics are dropped."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import itemgetter

from graphspec.diagnostics.model import SourceText, Span

_Position = tuple[int, int]
_start, _end = itemgetter(0), itemgetter(1)


class OpenPlaces:
    """A set of spans, merged where they overlap, since a long line may hold thousands."""

    def __init__(self) -> None:
        self._count = 0
        self._places: set[Span] = set()
        self._merged: dict[SourceText, list[tuple[_Position, _Position]]] = {}

    def __len__(self) -> int:
        """Return the number of calls of `add`."""
        return self._count

    def __contains__(self, span: Span) -> bool:
        """Return whether `span` is one of the places or overlaps one."""
        joined = self._merged.get(span.source, [])
        behind = bisect_right(joined, span.start, key=_end)
        return span in self._places or (behind < len(joined) and joined[behind][0] < span.end)

    def add(self, span: Span) -> None:
        """Add a place."""
        self._count += 1
        self._places.add(span)
        joined = self._merged.setdefault(span.source, [])
        first, last = bisect_right(joined, span.start, key=_end), bisect_left(joined, span.end, key=_start)
        around = [(span.start, span.end), *joined[first:last]]
        joined[first:last] = [(min(map(_start, around)), max(map(_end, around)))]
