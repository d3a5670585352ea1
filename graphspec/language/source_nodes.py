"""The nodes of a body as the spec writes them, with the uses of blocks that a `Graph` expands."""

from __future__ import annotations

from collections.abc import Mapping as Names
from dataclasses import dataclass, field

from graphspec.diagnostics import Span
from graphspec.language.document.tree import Located
from graphspec.language.expand import Value
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import Graph, Layer, Step


@dataclass(eq=False, slots=True)
class SourceNode:
    """A node of a body or a block. References are names of that body or block; the steps are those of the graph.

    each: the values of a node that `each` makes. lead: the number of steps before those of `apply`: those of a merge,
    of a constant or of a weight.
    """

    name: str
    feed: Feed
    items: list[Step | SourceUse]
    span: Span
    each: Names[str, Value] = field(default_factory=dict)
    lead: int = 0


@dataclass(eq=False, slots=True, kw_only=True)
class SourceUse:
    """A use of a block.

    Attributes:
        block: The name of the block.
        declared: The place of its declaration.
        names: The values of its parameters and of the variables in scope.
        params: The default of each parameter, as written.
        arguments: What the step writes for the parameters.
        prefix: The beginning of the names of its nodes in the graph.
        inputs: The tensor for each input, by the names of the caller.
        nodes: The nodes of the block by their names in it.
        outputs: The names of its outputs.
        called: The inputs whose tensors the step writes under `call`.
        layers: The layers of this use, by their names in the block.
    """

    block: str
    declared: Span
    names: Names[str, Value]
    params: Names[str, Value]
    arguments: Located
    prefix: str
    inputs: dict[str, Reference]
    nodes: dict[str, SourceNode]
    outputs: list[str]
    span: Span
    called: frozenset[str] = frozenset()
    layers: Names[str, Layer] = field(default_factory=dict)


@dataclass
class SourceNodes:
    """The source nodes of every graph that is lowered."""

    bodies: dict[int, dict[str, SourceNode]] = field(default_factory=dict)

    def of(self, graph: Graph) -> dict[str, SourceNode]:
        """Return the source nodes of `graph` by name."""
        return self.bodies[id(graph)]
