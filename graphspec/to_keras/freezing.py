"""`freeze` → layers of the built model with `trainable = False`, before it is compiled.

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
from graphspec.language.graph import External, Pattern, layer_paths
from graphspec.to_keras.model import Built


def freeze(built: Built, patterns: list[Pattern]) -> None:
    """Freeze every layer of `built` whose path one of `patterns` matches; a model's own path freezes all in it."""
    if not patterns:
        return
    paths = list(_paths(built))
    missed = [each for each in patterns if not any(fnmatchcase(path, each.text) for path, _ in paths)]
    Report([unmatched(pattern, [path for path, _ in paths]) for pattern in missed]).raise_if_errors()
    matched = {id(layer): layer for path, layer in paths if any(fnmatchcase(path, each.text) for each in patterns)}
    for layer in matched.values():
        layer.trainable = False


def _paths(built: Built) -> Iterator[tuple[str, Any]]:
    """Every Keras layer with its path, those inside models from elsewhere by the names they bear there."""
    for path, layer in layer_paths(built.graph):
        yield path, built.layers[layer]
        if isinstance(layer.what, External):
            yield from _inside(built.layers[layer], path)


def _inside(model: keras.Model, path: str) -> Iterator[tuple[str, Any]]:
    for layer in model.layers:
        yield f"{path}/{layer.name}", layer
        if isinstance(layer, keras.Model):
            yield from _inside(layer, f"{path}/{layer.name}")


def check_trainable(model: keras.Model, span: Span) -> None:
    """Raise SpecError where layers are frozen and none with weights is left to train; Keras would only warn."""
    if model.trainable_variables or all(layer.trainable for layer in flattened(model)):
        return
    raise SpecError.of(
        FROZEN_EVERYTHING,
        "every layer with weights is frozen, so training would change nothing",
        span,
        expected="at least one layer to train",
        help="remove a layer from `freeze`, or its `trainable: false`",
    )


def flattened(model: keras.Model) -> list[Any]:
    """The layers of `model` and of the models among them."""
    found = []
    for layer in model.layers:
        found.append(layer)
        if isinstance(layer, keras.Model):
            found += flattened(layer)
    return found
