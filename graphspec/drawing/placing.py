"""The places of items in the rows of a layered drawing, by the method of Brandes and Köpf.

Items are aligned with the median of their neighbours in four ways: downwards and upwards, from the left and from the
right. Each way is compacted, and an item is placed between the two middle ones of its four places. Long arrows are
straight, and repeated parts stand below each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Item:
    """An item of a row: a box, or an arrow that passes through.

    Attributes:
        x: The place of its middle.
    """

    width: float
    height: float
    row: int
    is_lane: bool = False
    x: float = 0.0


Links = Mapping[str, Sequence[str]]
_Conflicts = set[tuple[str, str]]


def place(rows: Sequence[Sequence[str]], items: Mapping[str, Item], above: Links, below: Links, *, gap: float) -> None:
    """Set the place of every item.

    Args:
        rows: The keys of the items of each row, in order.
        items: The items by key.
        above: The items that each item is linked with in the row above.
        below: The same in the row below.
        gap: The gap between neighbours in a row.
    """
    conflicts = _conflicts(rows, items, above)
    found: list[dict[str, float]] = []
    for down, right in itertools.product((True, False), (True, False)):
        turned = [row if right else row[::-1] for row in (rows if down else rows[::-1])]
        root = _align(turned, above if down else below, conflicts)
        places = _compact(turned, items, root, gap)
        found.append(places if right else {key: -x for key, x in places.items()})
    _shift(found, items)
    for key, item in items.items():
        _, low, high, _ = sorted(places[key] for places in found)
        item.x = (low + high) / 2


def _conflicts(rows: Sequence[Sequence[str]], items: Mapping[str, Item], above: Links) -> _Conflicts:
    """Return the links that cross a long arrow between two of its lanes: the arrow stays straight instead of them."""
    conflicts: _Conflicts = set()
    for upper, lower in itertools.pairwise(rows):
        at = {key: number for number, key in enumerate(upper)}
        start, before = 0, -1
        for number, key in enumerate(lower):
            inner = next((each for each in above[key] if items[each].is_lane), None) if items[key].is_lane else None
            if inner is None and number < len(lower) - 1:
                continue
            after = at[inner] if inner is not None else len(upper)
            for other in lower[start : number + 1]:
                for end in above[other]:
                    is_inner = items[other].is_lane and items[end].is_lane
                    if not is_inner and not before <= at[end] <= after:
                        conflicts.add((end, other))
            start, before = number + 1, after
    return conflicts


def _align(rows: Sequence[Sequence[str]], neighbours: Links, conflicts: _Conflicts) -> dict[str, str]:
    """Return the first item of the column that each item is aligned in."""
    root = {key: key for row in rows for key in row}
    taken: set[str] = set()
    for upper, lower in itertools.pairwise(rows):
        at = {key: number for number, key in enumerate(upper)}
        last = -1
        for key in lower:
            linked = sorted(neighbours[key], key=at.__getitem__)
            for middle in linked[(len(linked) - 1) // 2 : len(linked) // 2 + 1]:
                free = middle not in taken and (middle, key) not in conflicts and (key, middle) not in conflicts
                if root[key] == key and free and last < at[middle]:
                    root[key], last = root[middle], at[middle]
                    taken.add(middle)
    return root


def _compact(
    rows: Sequence[Sequence[str]], items: Mapping[str, Item], root: Mapping[str, str], gap: float
) -> dict[str, float]:
    """Return the places of the items, with columns as far left as they can be, then as near to the next as they can."""
    after: dict[str, dict[str, float]] = {key: {} for key in root.values()}
    waits = dict.fromkeys(after, 0)
    for row in rows:
        for left, right in itertools.pairwise(row):
            start, end = root[left], root[right]
            distance = (items[left].width + items[right].width) / 2 + gap
            if end not in after[start]:
                waits[end] += 1
            after[start][end] = max(distance, after[start].get(end, 0.0))
    places = dict.fromkeys(after, 0.0)
    ready = [key for key, count in waits.items() if not count]
    for key in ready:
        for end, distance in after[key].items():
            places[end] = max(places[end], places[key] + distance)
            waits[end] -= 1
            if not waits[end]:
                ready.append(end)
    for key in reversed(ready):
        if after[key]:
            places[key] = max(places[key], min(places[end] - distance for end, distance in after[key].items()))
    return {key: places[first] for key, first in root.items()}


def _shift(found: Sequence[dict[str, float]], items: Mapping[str, Item]) -> None:
    """Move each layout to the narrowest: those from the left by their left sides, those from the right by the right."""
    bounds = [
        (
            min((x - items[key].width / 2 for key, x in places.items()), default=0.0),
            max((x + items[key].width / 2 for key, x in places.items()), default=0.0),
        )
        for places in found
    ]
    low, high = min(bounds, key=lambda each: each[1] - each[0])
    for number, places in enumerate(found):
        shift = low - bounds[number][0] if number % 2 == 0 else high - bounds[number][1]
        for key in places:
            places[key] += shift
