"""The context of a check: a spec's graph and everything known about it without Keras."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from graphspec.language.graph import Graph, Layer, Output
from graphspec.language.schema import TrainingModel
from graphspec.language.search_space import SearchSpace
from graphspec.language.training import Training
from graphspec.language.traversal import every_layer
from graphspec.shapes import Shapes, Tensor
from graphspec.shapes.tensor import Shape
from graphspec.sources import Data


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """A graph with the shapes of its tensors, its training, data and search.

    Attributes:
        settings: plain values of `training`; None where the spec has no `training`.
        training: objects of `training`; None where there is none, or one of them is faulty.
    """

    graph: Graph
    shapes: Shapes
    settings: TrainingModel | None = None
    training: Training | None = None
    data: Data | None = None
    search: SearchSpace | None = None

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """The graph and every model nested in it."""
        return (self.graph, *self.graph.models())

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer of them, also those in wrappers, each once."""
        return tuple(every_layer(self.graph))

    @property
    def is_whole(self) -> bool:
        """Return whether no graph has a diagnostic about its wiring."""
        return all(graph.is_whole for graph in self.graphs)

    @property
    def validates(self) -> bool:
        """Return whether a training may validate: it has validation data, or no data is named."""
        return self.data is None or self.data.validation is not None or self.data.held_out > 0

    def output_shape(self, output: Output) -> Shape | None:
        """Return the shape of one sample of an output; None if unknown."""
        return output_shape(self.shapes, self.graph, output)


def output_shape(shapes: Shapes, graph: Graph, output: Output) -> Shape | None:
    """Return the shape of one sample of an output of `graph`; None if unknown."""
    tensor = shapes.of(graph, output.name)
    return tensor.shape[1:] if isinstance(tensor, Tensor) else None
