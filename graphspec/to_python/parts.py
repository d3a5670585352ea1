"""What a function needs from the module around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from graphspec.diagnostics import Span
from graphspec.language.expand.variables import Variables
from graphspec.language.graph import Graph, Layer, Step
from graphspec.language.source_nodes import SourceNodes, SourceUse
from graphspec.to_python.batchless import Batchless
from graphspec.to_python.constants import Constants
from graphspec.to_python.frame import Frame
from graphspec.to_python.identifiers import Identifiers
from graphspec.to_python.objects import Objects
from graphspec.to_python.places import Places
from graphspec.to_python.source import (
    Statement,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFunction:
    """The function of a block, for some of its uses. params: the identifier of each. free: the layers it is passed."""

    name: str
    inputs: list[str]
    params: dict[str, str]
    free: list[Layer]
    is_relative: bool


@dataclass(frozen=True, slots=True)
class ModelFunction:
    """The function that builds a model. free: the layers that it is passed."""

    name: str
    free: list[Layer]


class Parts(Protocol):
    """The module around a function."""

    places: Places
    constants: Constants
    source_nodes: SourceNodes
    identifiers: Identifiers
    policy: str
    names_operations: bool
    batchless: Batchless

    def variables_of(self, span: Span) -> Variables | None:
        """Return the variables of the file at `span`."""

    def owner(self, layer: Layer) -> Graph:
        """Return the graph whose function creates a declared layer."""

    def argument(self, layer: Layer) -> str:
        """Return the argument by which functions are passed a layer."""

    def objects(self, frame: Frame) -> Objects:
        """Return the maker of objects for a function."""

    def model_function(self, layer: Layer) -> ModelFunction:
        """Return the function that builds a declared model."""

    def block_function(self, uses: dict[int, SourceUse]) -> BlockFunction:
        """Return the function of a block that these uses share."""

    def interface(self, layer: Layer) -> tuple[list[str], list[str]] | None:
        """Return the names of a model's inputs and outputs; None for a layer, or where they are unknown."""

    def model_settings(self, graph: Graph) -> list[Statement]:
        """Return the statements for the weights of a model, and for one that is frozen."""

    def is_head(self, step: Step) -> bool:
        """Return whether a step is the last of an output of the spec, which computes in float32."""
