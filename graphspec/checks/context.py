"""What a check looks at: a graph with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from graphspec.language.graph import Graph, Output, Training
from graphspec.language.schema import TrainingModel
from graphspec.language.search_space import SearchSpace
from graphspec.shapes import Shapes, Tensor
from graphspec.sources import Data


@dataclass(frozen=True, slots=True)
class Subject:
    """A spec's graph with the shapes of its tensors, its training and where its data lies.

    settings are the plain values of `training`, which stand there where `training` does; training its objects, None
    where one of them is faulty.
    """

    graph: Graph
    shapes: Shapes
    settings: TrainingModel | None = None
    training: Training | None = None
    data: Data | None = None
    search: SearchSpace | None = None

    def tensor(self, output: Output) -> Tensor | None:
        """What is known of an output's tensor; None where that is nothing."""
        found = self.shapes.of(self.graph, output.name)
        return found if isinstance(found, Tensor) else None
