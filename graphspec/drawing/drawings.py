"""`Drawings`: the diagrams of a graph, and what it takes to draw them with any of their groups unfolded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from graphspec.drawing.diagram import Diagram
from graphspec.drawing.faces import Face, faces
from graphspec.drawing.layering import Point
from graphspec.drawing.nesting import Picture, arrange
from graphspec.drawing.outline import diagrams
from graphspec.drawing.view import BoxView, unfolded_to, view_of
from graphspec.language.graph import Graph
from graphspec.shapes import Shapes, infer

COLOURS = 6
"""The number of colours of the marks of shared layers; the letters distinguish more layers."""


@dataclass(frozen=True)
class Drawing:
    """A diagram that is laid out, with the faces of its boxes by their ids, and the colours of marks."""

    name: str
    picture: Picture
    faces: Mapping[int, Face]
    colours: Mapping[str, int]

    def face(self, view: BoxView) -> Face:
        """Return the face of a box."""
        return self.faces[id(view.box)]


@dataclass(frozen=True)
class Drawings:
    """The diagram of a graph, and those of its nested models."""

    graph: Graph
    shapes: Shapes
    diagrams: Sequence[Diagram]
    faces: Mapping[int, Face]

    @classmethod
    def of(cls, graph: Graph, precision: str = "float32") -> Drawings:
        """Return the diagrams of `graph`, with shapes under the dtype policy `precision`."""
        shapes = infer(graph, precision)
        found = diagrams(graph, shapes)
        return cls(graph, shapes, found, faces(found, shapes))

    @property
    def colours(self) -> dict[str, int]:
        """The number of the colour of each mark."""
        marks = dict.fromkeys(mark for diagram in self.diagrams for mark in diagram.shared)
        return {mark: number % COLOURS for number, mark in enumerate(marks)}

    def unfolded(self, number: int = 0, depth: int | None = None) -> set[str]:
        """Return the paths of the groups of a diagram to unfold: to a depth, by default while it stays readable."""
        return unfolded_to(self.diagrams, depth, number)

    def draw(self, number: int = 0, unfolded: Collection[str] | None = None) -> Drawing:
        """Lay out the diagram with this number.

        Args:
            number: 0 for the graph itself.
            unfolded: The paths of the groups to unfold, by default those of `unfolded`.
        """
        chosen = self.unfolded(number) if unfolded is None else unfolded
        boxes, links = view_of(self.diagrams, chosen, number)
        return Drawing(self.diagrams[number].name, arrange(boxes, links, self._size), self.faces, self.colours)

    def _size(self, view: BoxView) -> Point:
        face = self.faces[id(view.box)]
        return face.width, face.height
