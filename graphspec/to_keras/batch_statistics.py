"""Layers in models from elsewhere that normalise by the rows of a batch, where only the built model tells of them."""

from __future__ import annotations

from collections.abc import Iterator

import keras

from graphspec.checks.batch_statistics import model_statistics
from graphspec.checks.inner_layers import inner_layers
from graphspec.diagnostics import Diagnostic, Span
from graphspec.language.graph import ExternalModel, PresetPreprocessor
from graphspec.to_keras.freezing import Freezing
from graphspec.to_keras.keras_internals import flattened_layers


def batch_statistics(freezing: Freezing, distributed: Span) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each preset, and each file that validation does not understand, with such layers.

    Args:
        freezing: The built model, and what its stages train.
        distributed: Where the spec says that devices share batches.
    """
    for model, built in freezing.built.layers.items():
        if not isinstance(model, ExternalModel) or isinstance(model, PresetPreprocessor):
            continue
        normalising = [each for each in flattened_layers(built) if _is_apart(each)]
        if normalising and inner_layers(model) is None:
            trained = freezing.trained_layers(normalising)
            if trained:
                yield model_statistics(model, [each.name for each in trained], distributed)


def _is_apart(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized
