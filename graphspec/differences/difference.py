"""The difference of two specs, as data that the formats show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from graphspec.differences.values import UNSET

Aspect = Literal["argument", "layer", "from", "name", "shared", "output", "parameter"]
"""A changed argument; a layer added, removed or replaced; other inputs; the name in Keras; the sharing of weights; what
the model returns; a parameter of a block."""

Status = Literal["added", "removed", "changed"]
Part = Literal["inputs", "layers", "graph", "outputs", "losses"]


@dataclass(frozen=True, slots=True)
class Change:
    """One value before and after; `UNSET` where there is none."""

    aspect: Aspect
    path: str
    before: Any = UNSET
    after: Any = UNSET


@dataclass(frozen=True, slots=True)
class Size:
    """The shapes that a node returns, as lists of sizes, and its number of parameters; None for what is unknown."""

    shape: Any = None
    parameters: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeChange:
    """A node, input or declared layer that differs.

    was: its name before, if it is another one. model: the path of the nested models that it is in, such as `encoder/`.
    feed, layers, consumers: of a node that is added or removed, the tensors that it takes, its layers, and the nodes
    that take it. use: the prefix of the use of a block that it is in.
    """

    status: Status
    part: Part
    name: str
    was: str = ""
    model: str = ""
    changes: tuple[Change, ...] = ()
    before: Size | None = None
    after: Size | None = None
    feed: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    use: str = ""

    @property
    def is_direct(self) -> bool:
        """False where only the shape differs, in consequence of other changes."""
        return self.status != "changed" or bool(self.changes) or bool(self.was)


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockChange:
    """The uses of a block that differ in the same way.

    was: the block's name before, if it is another one. nodes: the nodes that use it, one entry a use. parameters: those
    of the block, all of them for a use that is added or removed. members: the changes inside the block. is_explained:
    the block itself is the same, so that they all follow from its parameters.
    """

    status: Status
    block: str
    was: str = ""
    model: str = ""
    nodes: tuple[str, ...]
    parameters: tuple[Change, ...] = ()
    members: tuple[NodeChange, ...] = ()
    is_explained: bool = False


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """A layer with weights. was: its path before, if it is another one. shapes: before and after; None if unknown."""

    path: str
    was: str = ""
    before: tuple[tuple[int, ...], ...] | None = None
    after: tuple[tuple[int, ...], ...] | None = None

    @property
    def parameters(self) -> int:
        """The number of parameters after the change, before it for a layer that is gone."""
        return sum(_product(shape) for shape in (self.after if self.after is not None else self.before or ()))


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


@dataclass(slots=True)
class CarriedWeights:
    """The layers whose weights the second spec can take over from a training of the first.

    carried: same shapes. reshaped: other shapes. fresh: layers that were not there. lost: layers that are gone.
    unknown: layers whose weights are known only when they are built.
    """

    carried: list[LayerWeights] = field(default_factory=list)
    reshaped: list[LayerWeights] = field(default_factory=list)
    fresh: list[LayerWeights] = field(default_factory=list)
    lost: list[LayerWeights] = field(default_factory=list)
    unknown: list[LayerWeights] = field(default_factory=list)

    @property
    def renamed(self) -> list[LayerWeights]:
        """The carried layers that have another path."""
        return [each for each in self.carried if each.was]


@dataclass(frozen=True, slots=True)
class Described:
    """One of the two specs. source: how the user named it. kind: `spec`, `run`, `model` or `revision`."""

    source: str
    kind: str
    name: str
    parameters: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """All differences of two specs.

    blocks, nodes: the changes of the graph. reshaped: nodes whose shape alone is another one. settings: other values of
    training, losses, data, search and plugins, by their paths.
    """

    first: Described
    second: Described
    blocks: tuple[BlockChange, ...]
    nodes: tuple[NodeChange, ...]
    reshaped: tuple[NodeChange, ...]
    settings: tuple[Change, ...]
    weights: CarriedWeights

    @property
    def is_empty(self) -> bool:
        """True where the two specs mean the same."""
        return not (self.blocks or self.nodes or self.settings)

    def of_part(self, part: Part) -> Iterator[NodeChange]:
        """Yield the changes of inputs, declared layers, nodes or outputs."""
        return (each for each in self.nodes if each.part == part)
