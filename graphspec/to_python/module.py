"""The module of a spec: imports, constants, and a function for each block and model, each after those that it calls."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphspec.diagnostics import Span
from graphspec.language.expand.variables import Variables
from graphspec.language.graph import ExternalModel, Graph, Layer, ModelLayer, NestedModel, Step, wrapped_layers
from graphspec.language.objects import Object
from graphspec.language.source_nodes import SourceNode, SourceUse
from graphspec.language.traversal import every_plugin
from graphspec.spec import Spec
from graphspec.to_python.batchless import Batchless
from graphspec.to_python.blocks import write_block
from graphspec.to_python.constants import Constants
from graphspec.to_python.external import external_function, interface_of, settings_of
from graphspec.to_python.frame import DifferentError, Frame
from graphspec.to_python.freezing import freezing
from graphspec.to_python.identifiers import MODULES, Identifiers
from graphspec.to_python.literals import literal_text
from graphspec.to_python.models import write_model
from graphspec.to_python.objects import Objects
from graphspec.to_python.parts import BlockFunction, ModelFunction
from graphspec.to_python.places import Places
from graphspec.to_python.plugins import Registered, registered_objects
from graphspec.to_python.random_operations import OPERATIONS, random_functions
from graphspec.to_python.source import Assign, Call, Expression, Function, Statement, Text

FUNCTIONS = (
    "as_numbers",
    "constant",
    "for_each_sample",
    "in_shape",
    *(
        "build_model",
        "compile_model",
        "train",
        "read_csv",
        "load_samples",
        "load_train",
        "load_validation",
        "load_test",
    ),
    *("keep_signs", "multiply_learning_rates", "load_trained", "renamed", "named", "as_tensors", "FOLDER"),
    *("named_draw", "random_generators", *random_functions()),
)
"""The names that a module of any spec may define."""


class Module:
    """The parts of a module while it is written.

    folder: the folder that the module lies in, from which its paths start.
    """

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self.source_nodes = spec.source_nodes
        self.places = Places(spec.library)
        self.plugins = {each.module: each for each in every_plugin(spec.graph)}
        self.identifiers = Identifiers([*MODULES, *FUNCTIONS, *(name.partition(".")[0] for name in self.plugins)])
        self.constants = Constants(self.identifiers, self.places)
        self.policy = spec.model.precision if spec.model.precision != "float32" else ""
        self.functions: list[Function] = []
        self.customs: dict[str, str] = {}
        self.registered = {
            name: each for plugin in self.plugins.values() for name, each in registered_objects(plugin).items()
        }
        self.has_paths = False
        self._heads = (
            {id(spec.graph.nodes[name].steps[-1].layer) for name in spec.graph.outputs} if self.policy else set()
        )
        self._arguments: dict[Layer, str] = {}
        self._models: dict[Layer, ModelFunction] = {}
        self._blocks: dict[int, BlockFunction] = {}
        self._interfaces: dict[Layer, tuple[list[str], list[str]] | None] = {}
        self._graphs = [spec.graph, *spec.graph.models()]
        self._owners = _owners(self._graphs)
        self.batchless = Batchless(self._graphs)
        self.is_random = any(layer.is_random for graph in self._graphs for layer in graph.called_layers())
        helpers = (*(_IN_HELPERS if self.batchless.is_used else ()), *(OPERATIONS if self.is_random else ()))
        self.names_operations = any(_may_clash(graph, helpers) for graph in self._graphs)
        self._layers = {
            id(each.graph): each
            for graph in self._graphs
            for called in graph.called_layers()
            for each in (called, *wrapped_layers(called))
            if isinstance(each, NestedModel)
        }
        self._uses = _uses(spec)

    # --- What functions ask for -----------------------------------------------------------------------------

    def variables_of(self, span: Span) -> Variables | None:
        """Return the variables of the file at `span`."""
        for library in (self.spec.library, *self.spec.library.all_includes()):
            if library.written.span.source is span.source:
                return library.variables
        return None

    def owner(self, layer: Layer) -> Graph:
        """Return the graph whose function creates a declared layer."""
        return self._owners.get(layer, self.spec.graph)

    def argument(self, layer: Layer) -> str:
        """Return the argument by which functions are passed a layer."""
        if layer not in self._arguments:
            self._arguments[layer] = self.identifiers.new(layer.name)
        return self._arguments[layer]

    def objects(self, frame: Frame) -> Objects:
        """Return the maker of objects for a function."""
        return Objects(frame, self.custom, self.path)

    def custom(self, made: Object) -> tuple[Expression, Registered | None]:
        """Return the name of a plugin's object, and what its source tells of it."""
        found = self.registered.get(made.name)
        if made.name not in self.customs:
            self.customs[made.name] = self.identifiers.new(found.name if found else made.name.rpartition(">")[2])
        return Text(self.customs[made.name]), found

    def path(self, path: Path) -> Expression:
        """Return the expression for the path of a file, from the folder of the module."""
        self.has_paths = True
        relative = os.path.relpath(path, self.folder)
        return Text(f"FOLDER / {literal_text(Path(relative).as_posix())}")

    def is_head(self, step: Step) -> bool:
        """Return whether a step is the last of an output of the spec, which computes in float32."""
        return id(step.layer) in self._heads

    def interface(self, layer: Layer) -> tuple[list[str], list[str]] | None:
        """Return the names of a model's inputs and outputs; None for a layer, or where they are unknown."""
        if isinstance(layer, NestedModel):
            return list(layer.graph.inputs), list(layer.graph.outputs)
        if layer not in self._interfaces:
            self._interfaces[layer] = interface_of(layer) if isinstance(layer, ExternalModel) else None
        return self._interfaces[layer]

    def model_settings(self, graph: Graph) -> list[Statement]:
        """Return the statements for the weights of a model, and for one that is frozen."""
        if graph is self.spec.graph:
            settings = freezing(graph, self.spec.training.freeze) if self.spec.training is not None else []
            tracked = [Assign("model.seed_generators", Text("random_generators(model)"))] if self.is_random else []
            return [*settings, *tracked]
        layer = self._layers[id(graph)]
        return settings_of(layer.weights, layer.trainable, self.path)

    def model_function(self, layer: Layer) -> ModelFunction:
        """Return the function that builds a declared model."""
        if layer not in self._models:
            name = self.identifiers.new(f"build_{layer.name}")
            if isinstance(layer, NestedModel):
                doc = f"Build the model `{layer.name}`."
                function, free = write_model(self, layer.graph, name, doc, is_top=False)
            else:
                assert isinstance(layer, ExternalModel)
                function, free = external_function(layer, name, self.path), []
            self.functions.append(function)
            self._models[layer] = ModelFunction(name, free)
        return self._models[layer]

    def block_function(self, uses: dict[int, SourceUse]) -> BlockFunction:
        """Return the function of a block that these uses share. Raises DifferentError where they share none."""
        first = next(iter(uses.values()))
        if id(first) not in self._blocks:
            self._write_block(self._uses[first.declared])
        found = self._blocks[id(first)]
        if any(self._blocks.get(id(each)) is not found for each in uses.values()):
            raise DifferentError
        return found

    def _write_block(self, uses: list[SourceUse]) -> None:
        """Write the function of a block: one for all uses, else one for equal parameters, else one for each use."""
        by_values: dict[str, list[SourceUse]] = {}
        for use in uses:
            by_values.setdefault(repr({name: use.names[name] for name in use.params}), []).append(use)
        if self._try_block(uses, is_relative=True):
            return
        for group in by_values.values():
            if not self._try_block(group, is_relative=True):
                for use in group:
                    self._try_block([use], is_relative=False)

    def _try_block(self, uses: list[SourceUse], *, is_relative: bool) -> bool:
        before = self._state()
        name = self.identifiers.new(uses[0].block)
        try:
            function, block = write_block(self, uses, name, is_relative=is_relative)
        except DifferentError:
            self._restore(before)
            if not is_relative:
                raise
            return False
        self.functions.append(function)
        self._blocks |= {id(use): block for use in uses}
        return True

    def _state(self) -> list[Any]:
        parts = (
            self.identifiers.taken,
            self.identifiers.inside,
            self.constants.names,
            self.constants.found,
            self.constants.uses,
            self.places.said,
            self.functions,
            self.customs,
            self._arguments,
            self._models,
            self._blocks,
        )
        return [(each, copy.copy(each)) for each in parts]

    def _restore(self, state: list[Any]) -> None:
        for part, before in state:
            part.clear()
            part.extend(before) if isinstance(part, list) else part.update(before)

    def build_model(self) -> Function:
        """Write the function that builds the model of the spec, and those that it calls."""
        doc = f"Build the model `{self.spec.name}`."
        function, _ = write_model(self, self.spec.graph, "build_model", doc, is_top=True)
        self.functions.append(function)
        return function

    def custom_definitions(self) -> list[Assign]:
        """Return the statements that look up the objects of plugins whose source does not tell where they are."""
        return [
            Assign(variable, Call(Text("keras.saving.get_registered_object"), (Text(literal_text(name)),)))
            for name, variable in self.customs.items()
            if name not in self.registered
        ]


_IN_HELPERS = ("add", "cast", "get_item", "logical_or", "multiply", "reshape", "size", "zeros_like")
"""The operations of the helpers that make tensors of constants."""


def _may_clash(graph: Graph, further: Iterable[str]) -> bool:
    """Return whether Keras might give an operation of a graph, which it numbers, the name of a layer or input."""
    layers = graph.called_layers()
    operations = {each.class_name.rpartition(".")[2] for each in layers if each.is_operation} | {*further}
    names = [*graph.inputs, *(each.name for each in layers if not each.is_operation)]
    return any(name in operations or re.sub(r"_[0-9]+$", "", name) in operations for name in names)


def _owners(graphs: list[Graph]) -> dict[Layer, Graph]:
    """Return the graph that alone uses each declared layer; others are made by the first graph."""
    users: dict[Layer, dict[int, Graph]] = {}
    for graph in graphs:
        for called in graph.called_layers():
            for layer in (called, *wrapped_layers(called)):
                if layer.declared or isinstance(layer, ModelLayer):
                    users.setdefault(layer, {})[id(graph)] = graph
    return {layer: next(iter(each.values())) for layer, each in users.items() if len(each) == 1}


def _uses(spec: Spec) -> dict[Span, list[SourceUse]]:
    """Return the uses of each block, by the place of its declaration."""
    found: dict[Span, list[SourceUse]] = {}

    def visit(nodes: dict[str, SourceNode]) -> None:
        for node in nodes.values():
            for item in node.items:
                if isinstance(item, SourceUse):
                    found.setdefault(item.declared, []).append(item)
                    visit(item.nodes)

    for graph in (spec.graph, *spec.graph.models()):
        visit(spec.source_nodes.of(graph))
    return found
