"""Freezing of layers in a built model, before it is compiled.

Keras then counts their weights as not trainable, and runs a frozen `BatchNormalization` in inference mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import keras

from graphspec.checks.freeze import unmatched
from graphspec.diagnostics import Report, Span, SpecError
from graphspec.diagnostics.rules import FROZEN_EVERYTHING
from graphspec.language.graph import ExternalModel, Pattern
from graphspec.language.traversal import layer_paths
from graphspec.to_keras.model import Built


def freeze(built: Built, patterns: list[Pattern]) -> None:
    """Freeze the layers whose paths match; a model's own path freezes all layers in it.

    Raises:
        SpecError: a pattern matches no layer.
    """
    if not patterns:
        return
    paths = list(_paths(built))
    unmatched_patterns = [each for each in patterns if not any(fnmatchcase(path, each.text) for path, _ in paths)]
    Report([unmatched(pattern, [path for path, _ in paths]) for pattern in unmatched_patterns]).raise_if_errors()
    matched = {id(layer): layer for path, layer in paths if any(fnmatchcase(path, each.text) for each in patterns)}
    for layer in matched.values():
        layer.trainable = False


def _paths(built: Built) -> Iterator[tuple[str, Any]]:
    """Yield every Keras layer with its path; inside external models, by the names there."""
    for path, layer in layer_paths(built.graph):
        yield path, built.layers[layer]
        if isinstance(layer, ExternalModel):
            yield from _nested_layers(built.layers[layer], f"{path}/")


def _nested_layers(model: keras.Model, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the layers of a model, at any depth of nested models, with their paths."""
    for layer in model.layers:
        yield f"{prefix}{layer.name}", layer
        if isinstance(layer, keras.Model):
            yield from _nested_layers(layer, f"{prefix}{layer.name}/")


def check_trainable(model: keras.Model, span: Span) -> None:
    """Raise SpecError if freezing leaves no weights to train; Keras would only warn."""
    if model.trainable_variables or all(layer.trainable for _, layer in _nested_layers(model)):
        return
    raise SpecError.of(
        FROZEN_EVERYTHING,
        "every layer with weights is frozen, so training would change nothing",
        span,
        expected="at least one layer to train",
        help="remove a layer from `freeze`, or its `trainable: false`",
    )
