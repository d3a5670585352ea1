"""Diagrams with some of their groups unfolded: the boxes to be drawn, and the arrows between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from graphspec.drawing.diagram import Box, Diagram

MAX_BOXES = 24
"""The number of boxes up to which groups are unfolded of their own accord."""

INSIDE = " "
"""The separator in the path of a box: the keys of the models that it lies in, and its own. No key has a space."""


@dataclass(slots=True)
class BoxView:
    """A box to be drawn. An unfolded group has boxes; `depth` counts the groups around it."""

    path: str
    box: Box
    depth: int
    boxes: list[BoxView] = field(default_factory=list)

    def within(self) -> Iterator[BoxView]:
        """Return the box and all boxes in it, the outer ones first."""
        yield self
        for each in self.boxes:
            yield from each.within()


Link = tuple[str, str, str]
"""An arrow between boxes that are drawn: the paths of both, and its text."""


def view_of(
    diagrams: Sequence[Diagram], unfolded: Collection[str], number: int = 0
) -> tuple[list[BoxView], list[Link]]:
    """Return the boxes and arrows of the diagram with this number, with the groups of these paths unfolded."""
    viewer = _Viewer(diagrams, unfolded, number)
    boxes = viewer.boxes(diagrams[number].boxes, "", 0)
    return boxes, [(start, end, ", ".join(dict.fromkeys(texts))) for (start, end), texts in viewer.links().items()]


def unfolded_to(diagrams: Sequence[Diagram], depth: int | None, number: int = 0) -> set[str]:
    """Return the paths of the groups to unfold.

    Args:
        diagrams: The diagram of the spec and those of its models.
        depth: The number of levels to unfold; None for as many as stay readable.
        number: The number of the diagram that is drawn.
    """
    found: set[str] = set()
    level = 0
    while depth is None or level < depth:
        boxes, _ = view_of(diagrams, found, number)
        every = [each for box in boxes for each in box.within()]
        more = {each.path for each in every if each.box.is_group and not each.boxes}
        if not more:
            break
        if depth is None:
            after, _ = view_of(diagrams, found | more, number)
            if sum(not each.boxes for box in after for each in box.within()) > MAX_BOXES:
                break
        found |= more
        level += 1
    return found


class _Viewer:
    def __init__(self, diagrams: Sequence[Diagram], unfolded: Collection[str], number: int) -> None:
        self.diagrams, self.unfolded = diagrams, unfolded
        self.instances = [("", number)]
        self.parents = [_parents(diagram) for diagram in diagrams]

    def boxes(self, boxes: Sequence[Box], prefix: str, depth: int) -> list[BoxView]:
        found = []
        for box in boxes:
            view = BoxView(prefix + box.key, box, depth)
            if box.is_group and view.path in self.unfolded:
                inner, inner_prefix = box.boxes, prefix
                if box.model is not None:
                    inner, inner_prefix = self.diagrams[box.model].boxes, view.path + INSIDE
                    self.instances.append((inner_prefix, box.model))
                view.boxes = self.boxes(inner, inner_prefix, depth + 1)
            found.append(view)
        return found

    def links(self) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for prefix, diagram in self.instances:
            for arrow in self.diagrams[diagram].arrows:
                for start in self.ends(prefix, diagram, arrow.start, arrow.output, is_start=True):
                    for end in self.ends(prefix, diagram, arrow.end, arrow.input, is_start=False):
                        if start != end:
                            texts = found.setdefault((start, end), [])
                            texts += [arrow.text] if arrow.text else []
        return found

    def ends(self, prefix: str, diagram: int, key: str, name: str, *, is_start: bool) -> list[str]:
        """Return the paths of the boxes that are drawn for an end of an arrow."""
        chain = self.parents[diagram][key]
        for box in chain:
            path = prefix + box.key
            if box.is_group and path not in self.unfolded:
                return [path]
        box = chain[-1]
        if box.model is None:
            return [prefix + key]
        inside = self.diagrams[box.model]
        named = inside.outputs if is_start else inside.inputs
        keys = dict.fromkeys([named[name]] if name in named else named.values())
        return [
            path for each in keys for path in self.ends(prefix + key + INSIDE, box.model, each, "", is_start=is_start)
        ]


def _parents(diagram: Diagram) -> dict[str, tuple[Box, ...]]:
    """Return the groups around each box, the outermost first, and the box itself."""
    found: dict[str, tuple[Box, ...]] = {}
    waiting: list[tuple[Box, tuple[Box, ...]]] = [(box, (box,)) for box in diagram.boxes]
    for box, chain in waiting:
        found[box.key] = chain
        waiting += [(inner, (*chain, inner)) for inner in box.boxes]
    return found
