"""The layout of the boxes and arrows of a directed graph, by a compact form of Sugiyama's method.

Each box is one row below the lowest of its inputs. An arrow over several rows has a place in each. Rows are sorted by
the barycentres of their neighbours. Places in a row are as near to their neighbours as the distances allow; pooling
items that would overlap gives the optimum.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

GAP, ROW_GAP, LANE = 28.0, 44.0, 14.0
"""The gap between boxes of a row, the gap between rows, and the width of an arrow through a row, in px."""

_SWEEPS = 12
_LANE_WEIGHT = 4.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """The layout of a drawing.

    An arrow runs straight down to its second point, where it leaves a row, to its third, where it enters the next, then
    straight down to its fourth, and so on.

    Attributes:
        places: The top left corner of each box, by key.
        routes: The points of each arrow, in the order of the arrows.
        width: The width of the drawing.
        height: The height of the drawing.
    """

    places: dict[str, Point]
    routes: list[list[Point]]
    width: float
    height: float


@dataclass(slots=True)
class _Item:
    """An item of a row: a box, or an arrow that passes through."""

    width: float
    height: float
    row: int
    is_lane: bool = False
    x: float = 0.0  # of its middle


def lay_out(sizes: Mapping[str, Point], arrows: Sequence[tuple[str, str]]) -> Placement:
    """Return a layout of boxes and arrows.

    Args:
        sizes: The (width, height) of each box by key; the order of boxes that are otherwise equal.
        arrows: The start and end of each arrow.

    Raises:
        ValueError: The arrows have a cycle.
    """
    rows = _rows(sizes, arrows)
    items = {key: _Item(*sizes[key], rows[key]) for key in sizes}
    chains = [_chain(number, start, end, items) for number, (start, end) in enumerate(arrows)]
    links = [(chain[i], chain[i + 1]) for chain in chains for i in range(len(chain) - 1)]
    above: dict[str, list[str]] = {key: [] for key in items}
    below: dict[str, list[str]] = {key: [] for key in items}
    for start, end in links:
        below[start].append(end)
        above[end].append(start)
    order: list[list[str]] = [[] for _ in range(1 + max((item.row for item in items.values()), default=0))]
    for key, item in items.items():
        order[item.row].append(key)
    _order(order, above, below)
    _place(order, items, above, below)
    return _finished(order, items, sizes, chains, above, below)


def _rows(keys: Iterable[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the row of each box: one below its lowest input, or above its first consumer."""
    rows = dict.fromkeys(keys, 0)
    after: dict[str, list[str]] = {key: [] for key in rows}
    waits = dict.fromkeys(rows, 0)
    for start, end in arrows:
        after[start].append(end)
        waits[end] += 1
    sources = {key for key, count in waits.items() if not count}
    ready = list(sources)
    for key in ready:
        for end in after[key]:
            rows[end] = max(rows[end], rows[key] + 1)
            waits[end] -= 1
            if not waits[end]:
                ready.append(end)
    if len(ready) < len(rows):
        raise ValueError("the arrows make a circle")
    for key in sources:
        if after[key]:
            rows[key] = min(rows[end] for end in after[key]) - 1
    return rows


def _chain(number: int, start: str, end: str, items: dict[str, _Item]) -> list[str]:
    """Return the items of an arrow: its boxes, and its place in each row between them."""
    passed = range(items[start].row + 1, items[end].row)
    lanes = [f"\0{number}/{row}" for row in passed]
    items.update({lane: _Item(LANE, 0, row, is_lane=True) for lane, row in zip(lanes, passed, strict=True)})
    return [start, *lanes, end]


def _order(order: list[list[str]], above: dict[str, list[str]], below: dict[str, list[str]]) -> None:
    """Sort each row by the barycentres of the linked items, and keep the order with the fewest crossings."""
    best, fewest = [list(row) for row in order], _crossings(order, below)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        numbers = range(1, len(order)) if down else range(len(order) - 2, -1, -1)
        for number in numbers:
            at = {key: place for place, key in enumerate(order[number - 1 if down else number + 1])}
            row = order[number]
            centres = {key: _mean([at[each] for each in neighbours[key]], place) for place, key in enumerate(row)}
            row.sort(key=centres.__getitem__)
        crossings = _crossings(order, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in order], crossings
    order[:] = best


def _crossings(order: list[list[str]], below: dict[str, list[str]]) -> int:
    """Count the links that cross each other: the inversions, by a Fenwick tree."""
    count = 0
    for upper, lower in itertools.pairwise(order):
        at = {key: place for place, key in enumerate(lower)}
        sums, seen = [0] * (len(lower) + 1), 0
        for key in upper:
            ends = [at[each] for each in below[key]]
            for end in ends:
                at_or_before, place = 0, end + 1
                while place > 0:
                    at_or_before += sums[place]
                    place -= place & -place
                count += seen - at_or_before
            for end in ends:
                place = end + 1
                while place < len(sums):
                    sums[place] += 1
                    place += place & -place
            seen += len(ends)
    return count


def _place(
    order: list[list[str]], items: dict[str, _Item], above: dict[str, list[str]], below: dict[str, list[str]]
) -> None:
    for row in order:
        x = 0.0
        for key in row:
            items[key].x = x + items[key].width / 2
            x += items[key].width + GAP
    above, below = _pulls(above, items), _pulls(below, items)
    both = _pulls({key: above[key] + below[key] for key in items}, items)
    for sweep in range(2 * _SWEEPS):
        neighbours = both if sweep > _SWEEPS else (above, below)[sweep % 2]
        for row in order if sweep % 2 == 0 else reversed(order):
            wanted = [_mean([items[each].x for each in neighbours[key]], items[key].x) for key in row]
            _spread(row, wanted, items)


def _pulls(links: dict[str, list[str]], items: dict[str, _Item]) -> dict[str, list[str]]:
    """Return the items that attract each item: boxes attract boxes, an arrow attracts its own items.

    This keeps chains of boxes upright and long arrows straight.
    """
    pulls = {}
    for key, linked in links.items():
        of_a_kind = [each for each in linked if items[each].is_lane == items[key].is_lane]
        pulls[key] = of_a_kind or linked
    return pulls


def _spread(row: list[str], wanted: list[float], items: dict[str, _Item]) -> None:
    """Place each item as near to its wanted position as distances allow, by weighted least squares."""
    offsets = [0.0]
    for left, right in itertools.pairwise(row):
        offsets.append(offsets[-1] + (items[left].width + items[right].width) / 2 + GAP)
    pools: list[tuple[float, float, int]] = []  # place, weight, how many items
    for key, want, offset in zip(row, wanted, offsets, strict=True):
        place, weight, count = want - offset, _LANE_WEIGHT if items[key].is_lane else 1.0, 1
        while pools and pools[-1][0] > place:
            other, more, others = pools.pop()
            place = (place * weight + other * more) / (weight + more)
            weight, count = weight + more, count + others
        pools.append((place, weight, count))
    places = [place for place, _, count in pools for _ in range(count)]
    for key, place, offset in zip(row, places, offsets, strict=True):
        items[key].x = place + offset


def _finished(
    order: list[list[str]],
    items: dict[str, _Item],
    sizes: Mapping[str, Point],
    chains: list[list[str]],
    above: dict[str, list[str]],
    below: dict[str, list[str]],
) -> Placement:
    left = min((item.x - item.width / 2 for item in items.values()), default=0.0)
    for item in items.values():
        item.x -= left
    tops, y = [], 0.0
    for row in order:
        tops.append(y)
        y += max((items[key].height for key in row), default=0.0) + ROW_GAP
    heights = [max((items[key].height for key in row), default=0.0) for row in order]
    ports = _ports(sizes, items, above, below)
    routes = []
    for chain in chains:
        first = items[chain[0]]
        points = [(ports[chain[0], chain[1], "out"], tops[first.row] + first.height)]
        for start, end in itertools.pairwise(chain):
            upper, lower = items[start], items[end]
            points.append((ports.get((start, end, "out"), upper.x), tops[upper.row] + heights[upper.row]))
            points.append((ports.get((start, end, "in"), lower.x), tops[lower.row]))
        routes.append(points)
    places = {key: (items[key].x - items[key].width / 2, tops[items[key].row]) for key in sizes}
    width = max((item.x + item.width / 2 for item in items.values()), default=0.0)
    return Placement(places, routes, width, max(0.0, y - ROW_GAP))


def _ports(
    sizes: Mapping[str, Point], items: dict[str, _Item], above: dict[str, list[str]], below: dict[str, list[str]]
) -> dict[tuple[str, str, str], float]:
    """Return where each link begins and ends along the edges of its boxes."""
    ports = {}
    for key in sizes:
        for side, linked in (("in", above[key]), ("out", below[key])):
            ends = sorted(dict.fromkeys(linked), key=lambda each: items[each].x)
            step = min(18.0, items[key].width / (len(ends) + 1))
            for number, end in enumerate(ends):
                x = items[key].x + (number - (len(ends) - 1) / 2) * step
                ports[(end, key, side) if side == "in" else (key, end, side)] = x
    return ports


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
