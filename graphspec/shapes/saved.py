"""The file of a saved model → a graph, as far as shapes need one, without Keras and without weights.

A `.keras` file is an archive whose `config.json` lists the layers of a functional model, each with the arguments of its
constructor and the calls that were made of it (keras/src/models/functional.py, `get_config`). What is not understood —
layers of others, wrappers, calls with tensors by keyword — stays unknown in the graph.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from graphspec import catalog
from graphspec.diagnostics import Span
from graphspec.files import json_in, open_file, zip_in
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import (
    ExternalModel,
    Graph,
    Input,
    KerasLayer,
    Layer,
    Node,
    Output,
    PresetModel,
    Step,
)
from graphspec.language.objects import Object

_MAX_CONFIG_BYTES = 16 * 2**20
"""Bytes of a configuration that is read: as Python values it takes many times as many."""


Result = TypeVar("Result")


def read_saved(model: ExternalModel) -> Graph | None:
    """Return the graph of the model in a file; None where there is no such file or it is not understood."""
    return _understood(model, lambda config: _with_taps(_functional(config, model), model))


def written_layers(model: ExternalModel) -> list[tuple[str, str, dict[str, Any]]] | None:
    """Return path, class and arguments of each layer in a file, inside other layers as well.

    None where there is no such file, or a layer in it is not one of Keras, so that it may hold any.
    """
    return _understood(model, lambda config: list(_written(config["config"]["layers"])))


def _understood(model: ExternalModel, read: Callable[[Any], Result]) -> Result | None:
    """Return what `read` makes of the configuration in a file; None where it understands none."""
    if model.path is None or isinstance(model, PresetModel):
        return None
    try:
        with open_file(model.path) as file, zip_in(file) as archive:
            return read(json_in(archive, "config.json", _MAX_CONFIG_BYTES))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile, RecursionError):
        return None  # whoever builds the model says what is wrong with the file


_HOLDING = ("layers", "layer", "cell", "cells", "forward_layer", "backward_layer")
"""The arguments that hold the layers of a layer or a model."""


def _written(layers: list[Any], prefix: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, class and arguments of layers and of all that they hold. Raises ValueError for one not of Keras."""
    for each in layers:
        if str(each["module"]).partition(".")[0] != "keras":
            raise ValueError(each["module"])
        config = each["config"]
        path = prefix + config["name"]
        yield path, each["class_name"], config
        for key in _HOLDING:
            inner = config.get(key) or []
            yield from _written(inner if isinstance(inner, list) else [inner], f"{path}/")


def _functional(config: Any, model: ExternalModel) -> Graph:
    """Return the graph of a functional model. Raises ValueError for another."""
    if config["class_name"] != "Functional":
        raise ValueError(config["class_name"])
    return _graph(config["config"], model.name, model.source_span)


def _graph(config: dict[str, Any], name: str, span: Span) -> Graph:
    inputs: dict[str, Input] = {}
    nodes: dict[str, Node] = {}
    for written in config["layers"]:
        if written["class_name"] == "InputLayer":
            batch_size, *shape = written["config"]["batch_shape"]
            inputs[written["name"]] = Input(
                written["name"], tuple(shape), written["config"]["dtype"], span, batch_size=batch_size
            )
            continue
        layer = _layer(written, span)
        for number, call in enumerate(written["inbound_nodes"]):
            feed = _feed(call, inputs, span)
            node = Node(_node(written["name"], number), feed or Feed(), [], span, is_faulty=feed is None)
            node.steps = [Step(layer, span)] if feed is not None else []
            nodes[node.name] = node
    outputs = {
        key: Output(nodes[_node(layer, number)], span)
        for key, (layer, number, _) in _named(config["output_layers"]).items()
    }
    for key, output in outputs.items():
        nodes[key] = output.node = Node(key, Feed((Reference(output.name, span),)), [], span)
    taken = {key: inputs[layer] for key, (layer, _, _) in _named(config["input_layers"]).items()}
    return Graph(name, taken, nodes, outputs, span=span)


def _with_taps(graph: Graph, model: ExternalModel) -> Graph:
    """Return the graph with the inner layers that are outputs, too; those that are not there are unknown."""
    for tap in model.taps:
        tapped = graph.nodes.get(_node(tap.text, 0))
        feed = Feed((Reference(tapped.name, tap.span),)) if tapped is not None else Feed()
        graph.nodes[tap.text] = Node(tap.text, feed, [], tap.span, is_faulty=tapped is None)
        graph.outputs[tap.text] = Output(graph.nodes[tap.text], tap.span)
    return graph


def layers_of(graph: Graph) -> list[str]:
    """Return the names of the layers of a saved model, without its inputs."""
    return list(dict.fromkeys(name.rpartition("/")[0] for name in graph.nodes if "/" in name))


def _node(layer: str, number: int) -> str:
    """Return the name of the node of a layer's call. No name of Keras has a `/`."""
    return f"{layer}/{number}"


def _named(places: Any) -> dict[str, tuple[str, int, int]]:
    """Return the places of inputs or outputs by name, whether one, a list or a mapping is written."""
    if isinstance(places, dict):
        return {key: tuple(each) for key, each in places.items()}
    listed = [places] if isinstance(places[0], str) else places
    return {each[0]: tuple(each) for each in listed}


def _layer(written: dict[str, Any], span: Span) -> Layer:
    """Return the layer with its plain arguments; one that holds layers, or is not of Keras, has none."""
    name, config = written["class_name"], dict(written["config"])
    own = str(written.get("module")).startswith("keras.") and catalog.find("layers", name) is not None
    if not own or any(key in config for key in ("layer", "cell", "layers", "forward_layer")):
        return ExternalModel(name=written["name"], span=span, source=name, source_span=span)
    if isinstance(config.get("dtype"), dict):
        config["dtype"] = config["dtype"]["config"]["name"]
    plain = {key: each for key, each in config.items() if not isinstance(each, dict)}
    return KerasLayer(name=written["name"], span=span, object=Object("layers", name, plain, span))


def _feed(call: dict[str, Any], inputs: dict[str, Input], span: Span) -> Feed | None:
    """Return the operands of a call: one tensor or a list of them; None for anything else."""
    if len(call["args"]) != 1 or any(isinstance(each, dict | list) for each in call["kwargs"].values()):
        return None
    (given,) = call["args"]
    if isinstance(given, list):
        listed = [_reference(each, inputs, span) for each in given]
        several = tuple(each for each in listed if each is not None)
        return Feed(several, is_list=True) if len(several) == len(listed) else None
    one = _reference(given, inputs, span)
    return Feed((one,)) if one is not None else None


def _reference(given: Any, inputs: dict[str, Input], span: Span) -> Reference | None:
    if not isinstance(given, dict) or given.get("class_name") != "__keras_tensor__":
        return None
    layer, number, index = given["config"]["keras_history"]
    if layer in inputs:
        return Reference(layer, span)
    return Reference(_node(layer, number), span) if index == 0 else None
