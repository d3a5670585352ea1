"""The values of a spec by their paths: its meaning without its notation.

They do not depend on comments, the order of keys, short forms and expressions. They include those of included files,
of specs that are models of this one, and of the layers of saved models. Names without effect are left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphspec.files import json_in, open_file, zip_in
from graphspec.language.document.tree import plain
from graphspec.language.expand import Library
from graphspec.language.feed import Reference
from graphspec.language.graph import (
    ExternalModel,
    Graph,
    Layer,
    NestedModel,
    Node,
    ObjectLayer,
    Plugin,
    PresetModel,
    PresetPreprocessor,
    Step,
)
from graphspec.language.objects import Object, Weights
from graphspec.language.schema import CheckpointModel, TrainingModel
from graphspec.language.schema.model import BALANCED
from graphspec.language.schema.part import Part
from graphspec.shapes.presets import PART_FILES
from graphspec.sources import DataSource, Split
from graphspec.sources.fingerprint import sha256 as file_hash
from graphspec.spec import Spec

FORM = 1
"""The version of the values, increased with each change: values of different forms cannot be compared."""

EPOCHS = "training.epochs"
_STAGE_EPOCHS = re.compile(r"training\.stages\[(\d+)\]\.epochs")
_MAX_CONFIG = 2**26
"""Bytes of the configuration of a saved model."""
_MAX_ASSETS = 100
_NO_TRAINING = ("data.test.",)
_BUDGET = ("search.trials", "search.timeout")
_ADDED = ("drop_remainder", "stages", "learning_rate_multipliers")
"""Settings of `training` that older runs do not have: their default is left out, so that the hash stays the same."""

Values = dict[str, Any]


def values_of(spec: Spec) -> Values:
    """Return the values that determine a training, defaults included, by their paths."""
    collector = _ValueCollector(spec.path.parent)
    collector.add_graph("", spec.graph)
    if spec.graph.weights is not None:
        collector.add("weights", spec.graph.weights)
    collector.values["outputs"] = list(spec.graph.outputs)  # the order of losses and metrics in Keras
    if spec.model.training is not None:
        for path, value, _ in _settings("training", spec.model.training):
            collector.add(path, value)
    if spec.training is not None:
        collector.add("training.optimizer", spec.training.optimizer)
        collector.add("training.callbacks", spec.training.callbacks)
    if spec.data is not None:
        collector.add("data.validation.split", spec.data.held_out)
        for split in spec.data.splits():
            collector.add_split(split)
    return collector.values


def study_values_of(spec: Spec) -> Values:
    """Return the values of a training, a search and expressions, which determine a study."""
    values = values_of(spec)
    sources = [("", spec.tree), *((f"{each.path.name}: ", each.written) for each in _libraries(spec.includes))]
    for prefix, tree in sources:
        for path, value in _leaves(plain(tree), ""):
            part = path.partition(".")[0]
            if part in ("search", "vars") or (isinstance(value, str) and "${" in value):
                values[prefix + path] = value
    return {path: value for path, value in values.items() if path not in _BUDGET}


def of_training(values: Values) -> Values:
    """Return the `values` that a training depends on: all but those of the test split."""
    return {path: value for path, value in values.items() if not path.startswith(_NO_TRAINING)}


def checkpoint_hash(values: Values) -> str:
    """Return the hash of the values of a training, except its number of epochs, or that of its last stage."""
    epochs = epochs_path(values)
    return f"{FORM}:{sha256_of({path: value for path, value in of_training(values).items() if path != epochs})}"


def epochs_path(values: Values) -> str:
    """Return the path of the number of epochs, with which a training can become longer; that of the last stage."""
    stages = [int(match[1]) for path in values if (match := _STAGE_EPOCHS.fullmatch(path))]
    return f"training.stages[{max(stages)}].epochs" if stages else EPOCHS


def default_paths(spec: Spec) -> set[str]:
    """Return the paths of the values of `training` that `spec` leaves to their defaults."""
    training = spec.model.training
    if training is None:
        return set()
    return {path for path, _, is_stated in _settings("training", training) if not is_stated}


def sha256_of(values: Values) -> str:
    """Return the SHA-256 of `values` as canonical JSON."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _settings(path: str, part: Part) -> Iterator[tuple[str, Any, bool]]:
    """Yield path and value of each setting, and whether the spec states it."""
    for key in type(part).model_fields:
        value = getattr(part, key)
        if isinstance(part, TrainingModel) and key == "checkpoint" and value is None:
            value = CheckpointModel.model_construct()
        if isinstance(part, TrainingModel) and part.stages and key == "epochs":
            continue  # each stage has its own
        if isinstance(part, TrainingModel) and key in _ADDED and value == type(part).model_fields[key].default:
            continue
        if isinstance(value, Part):
            yield from _settings(f"{path}.{key}", value)
        elif key == "learning_rate_multipliers":
            yield f"{path}.{key}", [[layers, factor] for layers, factor in value.items()], True  # their order counts
        elif key == "stages":
            for number, stage in enumerate(value):
                yield from _settings(f"{path}.{key}[{number}]", stage)
        elif key not in ("optimizer", "callbacks"):
            yield f"{path}.{key}", plain(value), "tree" in vars(part) and part.states(key)


def _libraries(includes: Any) -> Iterator[Library]:
    for library in includes:
        yield library
        yield from _libraries(library.includes)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each scalar in `value`, and each empty list or mapping, with its path."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    else:
        yield path, list(value) if isinstance(value, tuple) else value


class _ValueCollector:
    """A collector of values, with paths relative to `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.values: Values = {}
        self.seen: dict[Layer, str] = {}

    def add(self, path: str, value: Any) -> None:
        """Add a value of the graph; layers are added at their first use."""
        if isinstance(value, Object):
            self._add_object(path, value)
        elif isinstance(value, Layer):
            self._add_layer(path, value)
        elif isinstance(value, Reference):
            self.values[path] = str(value)
        elif isinstance(value, Weights):
            self.values[path] = value.text
        elif isinstance(value, DataSource):
            self.values |= {f"{path}.{key}": each for key, each in _source(value)}
        elif isinstance(value, dict) and value:
            for key, item in value.items():
                self.add(f"{path}.{key}", item)
        elif isinstance(value, list | tuple) and value:
            for number, item in enumerate(value):
                self.add(f"{path}[{number}]", item)
        elif isinstance(value, dict | list | tuple):
            self.values[path] = {} if isinstance(value, dict) else []
        else:
            self.values[path] = value

    def add_graph(self, prefix: str, graph: Graph) -> None:
        """Add the inputs, nodes and outputs of a model, nodes sorted by name."""
        for plugin in graph.plugins:
            self.values[f"{prefix}plugins.{plugin.module}"] = self._folder(plugin)
        for name, each in graph.inputs.items():
            path = f"{prefix}inputs.{name}"
            self.values[f"{path}.shape"] = list(each.shape)
            self.values[f"{path}.dtype"] = each.dtype
            for key in ("sparse", "batch_size", "optional"):
                if getattr(each, key):
                    self.values[f"{path}.{key}"] = getattr(each, key)
        for name in sorted(graph.nodes):
            part = "outputs" if name in graph.outputs else "losses" if name in graph.losses else "graph"
            self._add_node(f"{prefix}{part}.{name}", graph.nodes[name])
        for name, loss in graph.losses.items():
            self.values[f"{prefix}losses.{name}.weight"] = loss.weight
        for name, output in graph.outputs.items():
            path = f"{prefix}outputs.{name}"
            for key in ("loss", "loss_weight", "metrics", "weighted_metrics", "class_weight"):
                self.add(f"{path}.{key}", getattr(output, key))
            if output.is_balanced:
                self.values[f"{path}.class_weight"] = BALANCED

    def add_split(self, split: Split) -> None:
        """Add the sources of a split: their paths as written, and their transforms."""
        parts = (("inputs", split.inputs), ("outputs", split.outputs), ("sample_weights", split.sample_weights))
        for part, sources in parts:
            for name, source in sources.items():
                for key, value in _source(source):
                    self.add(f"data.{split.name}.{part}.{name}.{key}", value)

    def _folder(self, plugin: Plugin) -> str | None:
        if not plugin.is_beside:
            return None
        return Path(os.path.relpath(plugin.folder.resolve(), self.folder.resolve())).as_posix()

    def _add_node(self, path: str, node: Node) -> None:
        if node.feed.tensors:
            self.add(f"{path}.from", node.feed.map(str))
        if node.merge is not None:
            self.values[f"{path}.merge"] = node.merge
        for number, step in enumerate(node.steps):
            self._add_step(f"{path}.apply[{number}]" if len(node.steps) > 1 else f"{path}.apply", step)

    def _add_step(self, path: str, step: Step) -> None:
        self.add(path, step.layer)
        if step.call:
            self.add(f"{path}.call", step.call)

    def _add_object(self, path: str, value: Object) -> None:
        if not value.arguments:
            self.values[path] = value.name
        for argument, item in value.arguments.items():
            self.add(f"{path}.{value.name}.{argument}" if argument else f"{path}.{value.name}", item)

    def _add_layer(self, path: str, layer: Layer) -> None:
        if layer in self.seen:
            self.values[path] = f"shared with {self.seen[layer]}"
            return
        self.seen[layer] = path
        if isinstance(layer, ObjectLayer):
            self.add(path, layer.object)
            return
        if isinstance(layer, NestedModel):
            self.add_graph(f"{path}.", layer.graph)
        elif isinstance(layer, ExternalModel):
            self.values[f"{path}.{layer.origin}"] = layer.source
            self.add(f"{path}.arguments", layer.arguments)
            if layer.taps:
                self.values[f"{path}.taps"] = [tap.text for tap in layer.taps]
            if layer.path is not None:
                if isinstance(layer, PresetPreprocessor):
                    self.values[f"{path}.files"] = _preset_files(layer.path)
                else:
                    is_preset = isinstance(layer, PresetModel)
                    self.values[f"{path}.layers"] = _preset_layers(layer.path) if is_preset else _layers_of(layer.path)
        if layer.weights is not None:
            self.add(f"{path}.weights", layer.weights)
        if not layer.trainable:
            self.values[f"{path}.trainable"] = False


def _source(source: DataSource) -> Iterator[tuple[str, Any]]:
    """Yield the keys that a source states, with their values."""
    yield "file", source.text
    for key in ("key", "column", "columns", "feature", "decode", "size", "channels", "interpolation"):
        if getattr(source, key) is not None:
            yield key, getattr(source, key)
    if source.on_error != "fail":
        yield "on_error", source.on_error
    for key in ("vocabulary", "pad", "scale", "cast", "one_hot"):
        if getattr(source.transforms, key) is not None:
            yield key, getattr(source.transforms, key)
    window = source.transforms.window
    if window is not None:
        for key in ("size", "stride", "horizon"):
            yield f"window.{key}", getattr(window, key)


def _preset_layers(folder: Path) -> str | None:
    """Return the SHA-256 of the configuration of a preset, or None if unreadable."""
    try:
        with open_file(folder / "config.json") as file:
            return sha256_of({"config": json.loads(file.read(_MAX_CONFIG))["config"]})
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _preset_files(folder: Path) -> str | None:
    """Return the SHA-256 of the files that preprocessors of a preset are made from, or None if unreadable."""
    try:
        names = [each for each in PART_FILES.values() if (folder / each).exists()]
        names += sorted(str(each.relative_to(folder)) for each in (folder / "assets").glob("*/*"))[:_MAX_ASSETS]
        return sha256_of({name: file_hash(folder / name) for name in names})
    except (OSError, ValueError):
        return None


def _layers_of(path: Path) -> str | None:
    """Return the SHA-256 of a saved model's configuration, or None if unreadable."""
    try:
        with open_file(path) as file, zip_in(file) as archive:
            return sha256_of({"config": json_in(archive, "config.json", _MAX_CONFIG)["config"]})
    except (OSError, ValueError, LookupError, zipfile.BadZipFile, RecursionError):
        return None
