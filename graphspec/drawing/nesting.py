"""The layout of boxes in groups: each group by itself, from the inside out.

An arrow into a group or out of it goes through a port at its upper or lower edge, one for each tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphspec.drawing.faces import HEAD
from graphspec.drawing.layering import LANE, Placement, Point, lay_out
from graphspec.drawing.view import BoxView, Link

INNER = 14.0
"""The space between the edges of a group and the boxes in it."""

_ROOT = ""
_IN, _OUT = "\0in ", "\0out "


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box with its place in the drawing."""

    view: BoxView
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A part of an arrow within one group, as in `Placement`.

    Attributes:
        start: The path of the box that the arrow begins in.
        ends: The paths of the boxes that the arrow, or a branch of it, ends in.
        is_last: True for a part that ends in a box, not at the edge of a group.
    """

    points: list[Point]
    start: str
    ends: tuple[str, ...]
    text: str
    is_last: bool

    @property
    def tip(self) -> float:
        """The length of the tip: upwards, unless the arrow itself goes up."""
        return 7.0 if self.points[-2][1] > self.points[-1][1] else -7.0


@dataclass(slots=True)
class Picture:
    """All boxes with their places, the outer ones first, and the parts of all arrows."""

    width: float
    height: float
    boxes: list[PlacedBox] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """A group, or the whole drawing, while it is laid out.

    arrows: for each pair of a box or port and another, and the tensor if a port is among them, the arrows there.
    offsets: where each port stands, from the left of the group. left: the space at the left of the boxes.
    """

    boxes: list[BoxView]
    arrows: dict[tuple[str, str, str], list[Link]] = field(default_factory=dict)
    offsets: dict[str, float] = field(default_factory=dict)
    placement: Placement = field(default_factory=lambda: Placement({}, [], 0.0, 0.0))
    size: Point = (0.0, 0.0)
    left: float = 0.0


def arrange(boxes: Sequence[BoxView], links: Sequence[Link], size_of: Callable[[BoxView], Point]) -> Picture:
    """Return the layout of boxes and arrows.

    Args:
        boxes: The outermost boxes.
        links: The arrows between boxes at any depth.
        size_of: Returns the size of a box, of an unfolded group the least width.
    """
    groups = {_ROOT: _Group(list(boxes))}
    least = {_ROOT: 0.0}
    chains: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[BoxView, tuple[str, ...]]] = [(box, (_ROOT,)) for box in boxes]
    for box, chain in waiting:
        chains[box.path] = (*chain, box.path)
        if box.boxes:
            groups[box.path], least[box.path] = _Group(box.boxes), size_of(box)[0]
            waiting += [(inner, chains[box.path]) for inner in box.boxes]
    for link in links:
        _split(link, chains[link[0]], chains[link[1]], groups)
    for key in reversed(groups):
        _place(groups[key], groups, size_of, least[key], inner=INNER if key else 0.0)
    picture = Picture(*groups[_ROOT].size)
    _collect(picture, groups, _ROOT, (0.0, 0.0), size_of=size_of)
    return picture


def _split(link: Link, start: tuple[str, ...], end: tuple[str, ...], groups: dict[str, _Group]) -> None:
    """Add the parts of an arrow to the groups that it goes through."""
    shared = next(number for number, pair in enumerate(zip(start, end, strict=False)) if pair[0] != pair[1])
    parts = [(start[number], start[number + 1], _OUT + link[0]) for number in range(shared, len(start) - 1)]
    parts.append((start[shared - 1], start[shared], end[shared]))
    parts += [(end[number], _IN + link[0], end[number + 1]) for number in range(shared, len(end) - 1)]
    for group, one, other in parts:
        tensor = link[0] if one in groups or other in groups else ""
        groups[group].arrows.setdefault((one, other, tensor), []).append(link)


def _place(
    group: _Group, groups: dict[str, _Group], size_of: Callable[[BoxView], Point], least: float, *, inner: float
) -> None:
    sizes = {box.path: groups[box.path].size if box.boxes else size_of(box) for box in group.boxes}
    top = dict.fromkeys(start for start, _, _ in group.arrows if start.startswith(_IN))
    bottom = dict.fromkeys(end for _, end, _ in group.arrows if end.startswith(_OUT))
    sizes |= dict.fromkeys((*top, *bottom), (LANE, 0.0))
    fixed: dict[tuple[int, bool], float] = {}
    for number, (start, end, tensor) in enumerate(group.arrows):
        if start in groups:
            fixed[number, False] = groups[start].offsets[_OUT + tensor]
        if end in groups:
            fixed[number, True] = groups[end].offsets[_IN + tensor]
    arrows = [(start, end) for start, end, _ in group.arrows]
    placement = group.placement = lay_out(sizes, arrows, top=top, bottom=bottom, ports=fixed)
    width = max(placement.width + 2 * inner, least)
    group.left = (width - placement.width) / 2
    group.offsets = {port: group.left + placement.places[port][0] + LANE / 2 for port in (*top, *bottom)}
    group.size = (width, placement.height + (HEAD + 2 * inner if inner else 0.0))


def _collect(
    picture: Picture, groups: dict[str, _Group], key: str, corner: Point, *, size_of: Callable[[BoxView], Point]
) -> None:
    """Add a group's boxes and arrows at their places in the whole drawing."""
    group = groups[key]
    x, y = corner[0] + group.left, corner[1] + (HEAD + INNER if key else 0.0)
    for (start, end, _), points, links in zip(group.arrows, group.placement.routes, group.arrows.values(), strict=True):
        moved = [(x + at_x, y + at_y) for at_x, at_y in points]
        if start.startswith(_IN):
            moved[0] = (moved[0][0], y - INNER)
        if end.startswith(_OUT):
            moved.append((moved[-1][0], corner[1] + group.size[1]))
        picture.routes.append(
            Route(
                points=moved,
                start=links[0][0],
                ends=tuple(dict.fromkeys(link[1] for link in links)),
                text=", ".join(dict.fromkeys(link[2] for link in links if link[2])),
                is_last=not end.startswith(_OUT) and end not in groups,
            )
        )
    for box in group.boxes:
        at = group.placement.places[box.path]
        size = groups[box.path].size if box.boxes else size_of(box)
        picture.boxes.append(PlacedBox(box, x + at[0], y + at[1], *size))
        if box.boxes:
            _collect(picture, groups, box.path, (x + at[0], y + at[1]), size_of=size_of)
