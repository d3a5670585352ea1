"""Graphs → bodies: inputs, the layers and models that they share, nodes and outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphspec import catalog
from graphspec.diagnostics import Span
from graphspec.language.document.tree import Mapping
from graphspec.language.graph import ExternalModel, Graph, Input, Layer, NestedModel, ObjectLayer, wrapped_layers
from graphspec.rendering.nodes import NodeRenderer, kept_nodes
from graphspec.rendering.objects import ObjectRenderer
from graphspec.rendering.origins import GRAPHSPEC, KERAS, Origins
from graphspec.rendering.tree import Leaf, Tree
from graphspec.spec import Spec

_INPUT_DEFAULTS: dict[str, Any] = {"dtype": "float32", "sparse": False, "batch_size": None, "optional": False}
_MODEL_SETTINGS = ("input_tensor", "weights", "trainable", "name")
"""Arguments of applications that are keys of the language, or that it does not have."""


class BodyRenderer:
    """Renders the graph of a spec, and the models in it.

    Every declared layer and model stands at the top, where all bodies see it; two of one name stand in the bodies that
    use them.
    """

    def __init__(self, spec: Spec, origins: Origins, folder: Path) -> None:
        self.spec = spec
        self.places = dict(_input_mappings(spec))
        self.owners, self.names = _owners(spec.graph)
        self.objects = ObjectRenderer(origins, folder, lambda layer: self.names.get(layer, layer.name))

    def top(self) -> dict[str, Tree]:
        """Return the body of the spec itself, with the loss and metrics of each output."""
        graph = self.spec.graph
        body = self._body(graph)
        outputs = body["outputs"]
        assert isinstance(outputs, dict)
        for name, output in outputs.items():
            assert isinstance(output, dict)
            output |= self._training_of(name)
        if graph.losses:
            nodes = NodeRenderer(self.objects, graph)
            losses: dict[str, Tree] = {}
            for name, loss in graph.losses.items():
                node = graph.nodes[name]
                losses[name] = nodes.node(node, node.steps[: len(node.steps) - loss.ending])
                weight = self.spec.model.losses[name]
                losses[name] |= {"weight": self._setting(loss.weight, weight.tree, "weight")}  # type: ignore[operator]
            body["losses"] = losses
        return body

    def _body(self, graph: Graph) -> dict[str, Tree]:
        body: dict[str, Tree] = {}
        declared = [layer for layer, owner in self.owners.items() if owner is graph]
        layers = {self.names[each]: self._declaration(each) for each in declared if isinstance(each, ObjectLayer)}
        models = {self.names[each]: self._declaration(each) for each in declared if not isinstance(each, ObjectLayer)}
        if layers:
            body["layers"] = layers
        if models:
            body["models"] = models
        body["inputs"] = {name: self._input(each) for name, each in graph.inputs.items()}
        nodes = NodeRenderer(self.objects, graph)
        plain = {
            nodes.names[name]: nodes.node(node, node.steps)
            for name, node in kept_nodes(graph).items()
            if name not in graph.outputs and name not in graph.losses
        }
        if plain:
            body["graph"] = dict(plain)
        body["outputs"] = {name: nodes.node(each.node, each.node.steps) for name, each in graph.outputs.items()}
        return body

    def _declaration(self, layer: Layer) -> Tree:
        if isinstance(layer, ObjectLayer):
            return self.objects.object(layer.object, name=layer.name)
        settings: dict[str, Tree] = {}
        if layer.weights is not None:
            settings["weights"] = self.objects.weights(layer.weights)
        elif isinstance(layer, ExternalModel) and "weights" in layer.arguments:
            settings["weights"] = self.objects.leaf(layer.arguments["weights"], layer.span)
        trainable = Leaf(layer.trainable, GRAPHSPEC if layer.trainable else self.objects.origins.of(layer.span))
        settings["trainable"] = trainable
        if isinstance(layer, NestedModel):
            return {**self._body(layer.graph), **settings}
        assert isinstance(layer, ExternalModel)
        source = self.objects.path(layer.path, layer.source) if layer.path is not None else layer.source
        if layer.origin == "preset" and layer.path is not None and "/" not in source:
            source = f"./{source}"
        model: dict[str, Tree] = {layer.origin: self.objects.leaf(source, layer.source_span)}
        if layer.origin == "application":
            model |= self._application(layer)
        if layer.taps:
            model["taps"] = self.objects.leaf([tap.text for tap in layer.taps], layer.taps[0].span)
        return {**model, **settings}

    def _application(self, model: ExternalModel) -> dict[str, Tree]:
        return {
            name: self.objects.leaf(model.arguments[name], model.span) if name in model.arguments else Leaf(each, KERAS)
            for name, each in catalog.application_arguments(model.source).items()
            if name not in _MODEL_SETTINGS
        }

    def _input(self, input: Input) -> Tree:
        written = self.places.get(input.span)
        found: dict[str, Tree] = {}
        for key in ("shape", *_INPUT_DEFAULTS):
            value = list(input.shape) if key == "shape" else getattr(input, key)
            is_stated = key in written if written is not None else value != _INPUT_DEFAULTS.get(key, ...)
            span = written.value_spans[key] if written is not None and key in written else input.span
            found[key] = self.objects.leaf(value, span) if is_stated else Leaf(value, GRAPHSPEC)
        return found

    def _training_of(self, name: str) -> dict[str, Tree]:
        output, model = self.spec.graph.outputs[name], self.spec.model.outputs[name]
        found: dict[str, Tree] = {}
        if output.loss is not None:
            found["loss"] = self.objects.object(output.loss)
        elif output.loss_stated:
            found["loss"] = self.objects.leaf(None, model.located("loss").span)
        else:
            return found  # without a loss nothing weighs it
        found["loss_weight"] = self._setting(output.loss_weight, model.tree, "loss_weight")
        for key in ("metrics", "weighted_metrics"):
            metrics = getattr(output, key)
            found[key] = [self.objects.object(each) for each in metrics] if metrics else Leaf([], GRAPHSPEC)
        weights: Any = (
            "balanced" if output.is_balanced else {str(key): each for key, each in output.class_weight.items()}
        )
        if weights:
            found["class_weight"] = self.objects.value(weights, model.located("class_weight").span)
        else:
            found["class_weight"] = Leaf(None, GRAPHSPEC)
        return found

    def _setting(self, value: Any, written: Mapping, key: str) -> Leaf:
        """Return a setting of a part of the spec, with its place or as a default."""
        if key in written:
            return self.objects.leaf(value, written.value_spans[key])
        return Leaf(value, GRAPHSPEC)


def _owners(graph: Graph) -> tuple[dict[Layer, Graph], dict[Layer, str]]:
    """Return the body that each declared layer or model stands in, and the name that it has there."""
    users: dict[Layer, list[Graph]] = {}
    for body in (graph, *graph.models()):
        called = [step for node in kept_nodes(body).values() for step in node.steps]
        shared = [step.layer for step in called if not step.fresh]
        wrapped = [inner for step in called for inner in wrapped_layers(step.layer) if inner.declared]
        for layer in dict.fromkeys((*shared, *wrapped)):
            if not layer.is_operation:
                users.setdefault(layer, []).append(body)
    counts = Counter(layer.name for layer in users)
    names, taken = {}, set(counts)
    owners: dict[Layer, Graph] = {}
    for layer, bodies in users.items():
        is_unique = counts[layer.name] == 1
        owners[layer] = graph if is_unique or len(bodies) > 1 else bodies[0]
        names[layer] = layer.name
        if not is_unique and len(bodies) > 1:
            number = next(each for each in range(1, len(users) + 2) if f"{layer.name}_{each}" not in taken)
            names[layer] = f"{layer.name}_{number}"
            taken.add(names[layer])
    return owners, names


def _input_mappings(spec: Spec) -> Iterator[tuple[Span, Mapping]]:
    """Yield the mapping of each input that the files of a spec write, by the place of its name."""
    waiting: list[Any] = [spec.model.tree, *(each.tree for each in spec.library.all_includes())]
    while waiting:
        tree = waiting.pop()
        if not isinstance(tree, Mapping):
            continue
        inputs: Any = tree.get("inputs")
        if isinstance(inputs, Mapping):
            yield from ((inputs.key_spans[name], each) for name, each in inputs.items() if isinstance(each, Mapping))
        models = tree.get("models")
        waiting += models.values() if isinstance(models, Mapping) else []
