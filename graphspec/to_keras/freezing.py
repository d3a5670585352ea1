"""`freeze` → layers of the built model with `trainable = False`, before it is compiled.

Keras then counts their weights as not trainable, and runs a frozen `BatchNormalization` in inference mode.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import keras

from graphspec.diagnostics import Span, SpecError
from graphspec.graph import Layer, Pattern, layer_paths
from graphspec.rules import FROZEN_EVERYTHING
from graphspec.to_keras.model import Built


def freeze(built: Built, patterns: list[Pattern]) -> None:
    """Freeze every layer of `built` whose path one of `patterns` matches; a model's own path freezes all in it."""
    waiting: dict[Layer, Any] = {}
    for path, layer in layer_paths(built.graph) if patterns else ():
        if any(fnmatchcase(path, pattern.text) for pattern in patterns):
            waiting[layer] = built.layers[layer]
    for found in waiting.values():
        found.trainable = False


def check_trainable(model: keras.Model, span: Span) -> None:
    """Raise SpecError where layers are frozen and none with weights is left to train; Keras would only warn."""
    if model.trainable_variables or all(layer.trainable for layer in flattened(model)):
        return
    raise SpecError.of(
        FROZEN_EVERYTHING,
        "every layer that has weights is frozen, so the training would change nothing",
        span,
        expected="at least one layer to train",
        help="leave a layer out of `freeze`, or remove its `trainable: false`",
    )


def flattened(model: keras.Model) -> list[Any]:
    """The layers of `model` and of the models among them."""
    found = []
    for layer in model.layers:
        found.append(layer)
        if isinstance(layer, keras.Model):
            found += flattened(layer)
    return found
