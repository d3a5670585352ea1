"""Diagrams: boxes for the tensors of a graph, in groups for blocks and models, and the arrows between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from graphspec.language.graph import Layer, Node, ObjectLayer, Step, wrapped_layers

Kind = Literal["input", "node", "output", "block", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One call of a layer: its description and its output shape.

    Attributes:
        mark: The mark of a layer that is called several times.
        node: The node of the call; None for an input.
        step: The step of the call; None where a node is another name for a tensor.
    """

    text: str
    shape: str
    mark: str = ""
    layer: Layer | None = None
    node: Node | None = None
    step: Step | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An input, a node, or a group: a node in parts, a use of a block or of a model.

    Attributes:
        key: A name that is unique in the diagram.
        title: The name in the spec; empty for a part of a node.
        kind: The kind; a group of an output is an `output`.
        note: What the box is, beside its title: the name of a block or a model.
        lines: The calls of a box that is no group.
        boxes: The boxes of a group; those of a model are in the diagram of its name.
        model: The number of the diagram of a model.
    """

    key: str
    title: str
    kind: Kind
    note: str = ""
    lines: tuple[Line, ...] = ()
    boxes: tuple[Box, ...] = ()
    model: int | None = None

    @property
    def is_group(self) -> bool:
        """True for a box that can be unfolded."""
        return bool(self.boxes) or self.model is not None

    def within(self) -> Iterator[Box]:
        """Return the box and all boxes in it, the outer ones first."""
        yield self
        for box in self.boxes:
            yield from box.within()

    def calls(self) -> Iterator[Line]:
        """Return the lines of the box and of all boxes in it."""
        for box in self.within():
            yield from box.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A tensor from one box to another, neither of them a group of boxes.

    Attributes:
        text: The reference as the spec writes it.
        output: The output of the model that the arrow begins in; empty for all.
        input: The input of the model that the arrow ends in; empty for all.
    """

    start: str
    end: str
    text: str
    output: str = ""
    input: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """A graph: that of the spec, or a model in it.

    Attributes:
        arrows: The arrows, at most one from one box to another.
        shared: The description of the layer of each mark.
        inputs: The key of the box of each input.
        outputs: The key of the box of each output.
    """

    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    shared: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def every_box(self) -> Iterator[Box]:
        """Return the boxes at any depth."""
        for box in self.boxes:
            yield from box.within()


def describe(layer: Layer) -> str:
    """Return the declared name and class of a layer, with the layers inside of a wrapper."""
    if not isinstance(layer, ObjectLayer):
        return f"{layer.name} ({layer.type_name})"
    held = ", ".join(inner.name if inner.declared else inner.type_name for inner in wrapped_layers(layer))
    described = f"{layer.type_name}({held})" if held else layer.type_name
    return f"{layer.name} ({described})" if layer.declared else described


def mark_text(number: int) -> str:
    """Return the mark with this index: A, B, ... Z, A1, B1, ..."""
    letter, turn = chr(ord("A") + number % 26), number // 26
    return f"{letter}{turn or ''}"
