"""Freezing of layers in a built model, before it is compiled, and by the stages of a training.

Keras then counts their weights as not trainable, and runs a frozen `BatchNormalization` in inference mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import keras

from graphspec.checks.freeze import frozen_everything, unmatched
from graphspec.checks.layer_patterns import LayerPaths
from graphspec.diagnostics import Report
from graphspec.language.graph import ExternalModel
from graphspec.language.objects import Pattern
from graphspec.language.training import Stage, Training
from graphspec.language.traversal import layer_paths
from graphspec.to_keras.adapters import open_adapters
from graphspec.to_keras.keras_internals import flattened_layers, set_trainable
from graphspec.to_keras.model import Built


def freeze(built: Built, patterns: list[Pattern]) -> None:
    """Freeze the layers whose paths match; a model's own path freezes all layers in it.

    Raises:
        SpecError: a pattern matches no layer.
    """
    for layer in matched_layers(built, patterns).values():
        _set_trainable(layer, trainable=False)


def unfreeze(built: Built, patterns: list[Pattern]) -> None:
    """Let the layers whose paths match train again, with all layers in them.

    Keras trains nothing in a frozen model, so models around them are no longer frozen as a whole; their other layers
    stay as they are.

    Raises:
        SpecError: a pattern matches no layer.
    """
    for path, layer in matched_layers(built, patterns).items():
        _set_trainable(layer, trainable=True)
        around = path
        while around := around.rpartition("/")[0]:
            _open(dict(_paths(built)).get(around))


class Freezing:
    """The layers that each stage of a training freezes and unfreezes.

    Args:
        built: The model, with the layers frozen that the training freezes from its beginning.
        training: The training.
    """

    def __init__(self, built: Built, training: Training) -> None:
        self.built = built
        self.training = training
        self._at_first = built.trainable or [(layer, layer.trainable) for layer in flattened_layers(built.model)]

    def enter(self, number: int) -> None:
        """Freeze and unfreeze layers for stage `number`, from 0. Raises SpecError if a pattern matches no layer."""
        self._reset()
        for stage in self.training.stages[: number + 1]:
            freeze(self.built, stage.freeze)
            unfreeze(self.built, stage.unfreeze)
        open_adapters(self.built.model)

    def count_trained(self, *, may_be_none: bool = False) -> list[int]:
        """Return the number of weights that each stage trains, and leave the model as before the first stage.

        Args:
            may_be_none: Allow stages that train nothing.

        Raises:
            SpecError: A pattern matches no layer, or a stage would train nothing.
        """
        counts = []
        for number, stage in enumerate(self.training.stages):
            self.enter(number)
            if not may_be_none:
                check_trainable(self.built.model, self.training, stage)
            counts.append(sum(prod(each.shape) for each in self.built.model.trainable_variables))
        self._reset()
        open_adapters(self.built.model)
        return counts

    def trained_layers(self, layers: list[Any]) -> list[Any]:
        """Return those of `layers` that some stage trains, and leave the model as before the first stage."""
        trained = set()
        for number in range(len(self.training.stages)):
            self.enter(number)
            trained |= {id(each) for each in layers if each.trainable}
        self._reset()
        open_adapters(self.built.model)
        return [each for each in layers if id(each) in trained]

    def _reset(self) -> None:
        for layer, trainable in self._at_first:  # a model comes before its layers, and Keras sets those as well
            set_trainable(layer, trainable)


def matched_layers(built: Built, patterns: list[Pattern]) -> dict[str, Any]:
    """Return the Keras layers whose paths match, by their paths. Raises SpecError if a pattern matches none."""
    if not patterns:
        return {}
    paths = LayerPaths(_paths(built))
    found = [(pattern, list(paths.matches(pattern))) for pattern in patterns]
    Report([unmatched(pattern, list(paths.items)) for pattern, matches in found if not matches]).raise_if_errors()
    chosen = {path for _, matches in found for path in matches}
    return {path: layer for path, layer in paths.every() if path in chosen}


def _set_trainable(layer: Any, *, trainable: bool) -> None:
    """Set the flag of a layer and of each layer in it: Keras leaves those alone where the outer flag is so already."""
    for each in flattened_layers(layer):
        set_trainable(each, trainable)


def _open(model: Any) -> None:
    """Let a model train its layers, each of which stays frozen or not."""
    if model is None or model.trainable:
        return
    flags = [(layer, layer.trainable) for layer in flattened_layers(model, include_self=False)]
    model.trainable = True  # Keras sets all layers inside as well
    for layer, trainable in flags:
        layer.trainable = trainable


def _paths(built: Built) -> Iterator[tuple[str, Any]]:
    """Yield every Keras layer with its path; inside external models, by the names there."""
    for path, layer in layer_paths(built.graph):
        yield path, built.layers[layer]
        if isinstance(layer, ExternalModel):
            yield from _nested_layers(built.layers[layer], f"{path}/")


def _nested_layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the layers of a model, at any depth of nested models, with their paths; none of a preprocessor."""
    for layer in model.layers if isinstance(model, keras.Model) else ():
        yield f"{prefix}{layer.name}", layer
        if isinstance(layer, keras.Model):
            yield from _nested_layers(layer, f"{prefix}{layer.name}/")


def check_trainable(model: keras.Model, training: Training, stage: Stage) -> None:
    """Raise SpecError if freezing leaves no weights to train in `stage`; Keras would only warn."""
    if model.trainable_variables or all(layer.trainable for _, layer in _nested_layers(model)):
        return
    listed = stage.freeze or training.freeze
    report = Report([frozen_everything(stage, listed[0].span if listed else training.optimizer.span)])
    report.raise_if_errors()
