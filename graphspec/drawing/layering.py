"""The layout of the boxes and arrows of a directed graph, by Sugiyama's method.

Each box is one row below the lowest of its inputs. An arrow over several rows has a lane in each. Rows are sorted by
the barycentres of their neighbours; `placing` finds the places in a row.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphspec.drawing.placing import Item, place

GAP, ROW_GAP, LANE = 28.0, 40.0, 14.0
"""The gap between boxes of a row, the gap between rows, and the width of an arrow through a row, in px."""

EDGE_GAP = 18.0
"""The gap beside a row of no height."""

_SWEEPS = 12
_PORT_GAP, _PORT_MARGIN = 14.0, 12.0

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


def lay_out(
    sizes: Mapping[str, Point],
    arrows: Sequence[tuple[str, str]],
    *,
    top: Collection[str] = (),
    bottom: Collection[str] = (),
    ports: Mapping[tuple[int, bool], float] | None = None,
) -> Placement:
    """Return a layout of boxes and arrows.

    Args:
        sizes: The (width, height) of each box by key; the order of boxes that are otherwise equal.
        arrows: The start and end of each arrow.
        top: Boxes of the first row, which holds no others.
        bottom: Boxes of the last row, which holds no others.
        ports: The distance from the left of the box at which an arrow, by its number, begins (False) or ends (True);
            elsewhere it is chosen.

    Returns:
        The layout, in which one arrow of each cycle goes up.
    """
    turned = _turned(sizes, arrows)
    arrows = [(end, start) if number in turned else (start, end) for number, (start, end) in enumerate(arrows)]
    fixed = {(number, is_end != (number in turned)): x for (number, is_end), x in (ports or {}).items()}
    rows = _rows(sizes, arrows, top, bottom)
    items = {key: Item(*sizes[key], rows[key]) for key in sizes}
    chains = [_chain(number, start, end, items) for number, (start, end) in enumerate(arrows)]
    above: dict[str, list[str]] = {key: [] for key in items}
    below: dict[str, list[str]] = {key: [] for key in items}
    for start, end in (link for chain in chains for link in itertools.pairwise(chain)):
        below[start].append(end)
        above[end].append(start)
    order: list[list[str]] = [[] for _ in range(1 + max((item.row for item in items.values()), default=0))]
    for key, item in items.items():
        order[item.row].append(key)
    _order(order, above, below)
    place(order, items, above, below, gap=GAP)
    placement = _finished(order, items, sizes, chains, fixed=fixed)
    for number in turned:
        placement.routes[number].reverse()
    return placement


def _turned(keys: Iterable[str], arrows: Sequence[tuple[str, str]]) -> set[int]:
    """Return the numbers of the arrows that close a cycle in a search from the first box on."""
    after: dict[str, list[tuple[int, str]]] = {key: [] for key in keys}
    for number, (start, end) in enumerate(arrows):
        after[start].append((number, end))
    turned: set[int] = set()
    done: set[str] = set()
    for first in after:
        path, active = [(first, iter(after[first]))], {first}
        while path and first not in done:
            key, ends = path[-1]
            number, end = next(ends, (-1, key))
            if number < 0:
                path.pop()
                active.discard(key)
                done.add(key)
            elif end in active:
                turned.add(number)
            elif end not in done:
                path.append((end, iter(after[end])))
                active.add(end)
    return turned


def _rows(
    keys: Iterable[str], arrows: Sequence[tuple[str, str]], top: Collection[str], bottom: Collection[str]
) -> dict[str, int]:
    """Return the row of each box: one below its lowest input, or above its first consumer."""
    first = 1 if top else 0
    rows = {key: 0 if key in top else first for key in keys}
    after: dict[str, list[str]] = {key: [] for key in rows}
    waits = dict.fromkeys(rows, 0)
    for start, end in arrows:
        after[start].append(end)
        waits[end] += 1
    sources = [key for key, count in waits.items() if not count]
    ready = list(sources)
    for key in ready:
        for end in after[key]:
            rows[end] = max(rows[end], rows[key] + 1)
            waits[end] -= 1
            if not waits[end]:
                ready.append(end)
    for key in sources:
        if after[key] and key not in top:
            rows[key] = min(rows[end] for end in after[key]) - 1
    last = 1 + max((row for key, row in rows.items() if key not in bottom), default=-1)
    return rows | dict.fromkeys(bottom, last)


def _chain(number: int, start: str, end: str, items: dict[str, Item]) -> list[str]:
    """Return the items of an arrow: its boxes, and its lane in each row between them."""
    passed = range(items[start].row + 1, items[end].row)
    lanes = [f"\0{number}/{row}" for row in passed]
    items.update({lane: Item(LANE, 0, row, is_lane=True) for lane, row in zip(lanes, passed, strict=True)})
    return [start, *lanes, end]


def _order(order: list[list[str]], above: dict[str, list[str]], below: dict[str, list[str]]) -> None:
    """Sort each row by the barycentres of the linked items, and keep the order with the fewest crossings."""
    best, fewest = [list(row) for row in order], _crossings(order, below)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
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


def _finished(
    order: list[list[str]],
    items: dict[str, Item],
    sizes: Mapping[str, Point],
    chains: list[list[str]],
    *,
    fixed: Mapping[tuple[int, bool], float],
) -> Placement:
    left = min((item.x - item.width / 2 for item in items.values()), default=0.0)
    for item in items.values():
        item.x -= left
    heights = [max((items[key].height for key in row), default=0.0) for row in order]
    tops, y = [], 0.0
    for number, height in enumerate(heights):
        tops.append(y)
        is_edge = not height or (number + 1 < len(heights) and not heights[number + 1])
        y += height + (EDGE_GAP if is_edge else ROW_GAP)
    y -= (EDGE_GAP if heights and not heights[-1] else ROW_GAP) if heights else 0.0
    ports = _ports(items, chains, fixed)
    routes = []
    for number, chain in enumerate(chains):
        first = items[chain[0]]
        points = [(ports[number, False], tops[first.row] + first.height)]
        for step, (start, end) in enumerate(itertools.pairwise(chain)):
            upper, lower = items[start], items[end]
            out = ports[number, False] if step == 0 else upper.x
            into = ports[number, True] if step == len(chain) - 2 else lower.x
            points += [(out, tops[upper.row] + heights[upper.row]), (into, tops[lower.row])]
        routes.append(points)
    places = {key: (items[key].x - items[key].width / 2, tops[items[key].row]) for key in sizes}
    width = max((item.x + item.width / 2 for item in items.values()), default=0.0)
    return Placement(places, routes, width, y)


def _ports(
    items: dict[str, Item], chains: list[list[str]], fixed: Mapping[tuple[int, bool], float]
) -> dict[tuple[int, bool], float]:
    """Return where each arrow, by its number, begins (False) and ends (True): straight below or above what it joins."""
    ends: dict[tuple[str, bool], list[tuple[float, int]]] = {}
    for number, chain in enumerate(chains):
        for is_end in (False, True):
            box, other = (chain[-1], chain[-2]) if is_end else (chain[0], chain[1])
            x, item = items[other].x, items[box]
            if (number, is_end) in fixed:
                x = item.x - item.width / 2 + fixed[number, is_end]
            ends.setdefault((box, is_end), []).append((x, number))
    ports: dict[tuple[int, bool], float] = {}
    for (box, is_end), wanted in ends.items():
        item = items[box]
        wanted.sort()
        if all((number, is_end) in fixed for _, number in wanted):
            ports |= {(number, is_end): x for x, number in wanted}
            continue
        margin = min(_PORT_MARGIN, item.width / 4)
        gap = min(_PORT_GAP, (item.width - 2 * margin) / max(1, len(wanted) - 1))
        low, high = item.x - item.width / 2 + margin, item.x + item.width / 2 - margin
        places = [min(max(x, low + gap * i), high - gap * (len(wanted) - 1 - i)) for i, (x, _) in enumerate(wanted)]
        for i in range(1, len(places)):
            places[i] = max(places[i], places[i - 1] + gap)
        ports |= {(number, is_end): x for x, (_, number) in zip(places, wanted, strict=True)}
    return ports


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
