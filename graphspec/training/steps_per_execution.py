"""The number of steps that Keras runs in one call: `steps_per_execution: auto`, and that of an evaluation.

Between two calls Keras returns to Python, which costs a small model more than the step itself; within one, nothing is
printed and nothing can be stopped. So one call should take about a quarter of a second. The time of a step is estimated
from its operations: each weight of a layer is used once at every position of its inputs or outputs, in the forward pass
and, twice that, in the backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import keras
import tensorflow as tf

from graphspec.language.schema import TrainingModel
from graphspec.to_keras.keras_internals import calls_of

MAX_STEPS = 128
"""More steps per execution make no difference even to the smallest models."""

_SECONDS = 0.25
_CPU, _GPU = 2e10, 5e12
"""Assumed operations per second of a few cores, and of an accelerator, well below their peak."""
_MAX_BYTES = 1 << 25
"""Bytes of inputs in one execution: large inputs take long even with few weights."""
_MAX_OUTPUT = 1 << 20
"""Bytes of outputs in one execution that returns all: several stay in memory while they are written."""
_UNKNOWN = 100
"""The assumed size of an unknown dimension."""


def choose_steps_per_execution(settings: TrainingModel, model: keras.Model, epoch_steps: int) -> int:
    """Return the steps per execution of the spec, or an estimate for `auto`.

    With `auto`, no execution passes a checkpoint within an epoch. An epoch that the number does not divide ends where
    its data set ends.

    Args:
        settings: `training` of the spec.
        model: The model, built.
        epoch_steps: Steps of an epoch.
    """
    if settings.steps_per_execution != "auto":
        return settings.steps_per_execution
    limit = steps_at_once(model, settings.batch_size, passes=3)
    every = settings.checkpoint.every_steps if settings.checkpoint is not None else None
    if every is None:
        return limit
    return max(number for number in range(1, limit + 1) if every % number == epoch_steps % number == 0)


def steps_at_once(model: keras.Model, batch_size: int, *, passes: int = 1, keeps_outputs: bool = False) -> int:
    """Estimate how many steps one call may run: at least 1.

    Args:
        model: The model, built.
        batch_size: Samples of a batch.
        passes: Forward passes that take as long as a step: 3 for a training step, with its backward pass.
        keeps_outputs: Whether the outputs of all steps are returned.
    """
    speed = _GPU if tf.config.list_physical_devices("GPU") else _CPU
    seconds = 2 * passes * batch_size * operations(model) / speed
    limits = [int(_SECONDS / max(seconds, 1e-9)), _MAX_BYTES // _bytes(model.inputs, batch_size)]
    if keeps_outputs:
        limits.append(_MAX_OUTPUT // _bytes(model.outputs, batch_size))
    return max(1, min(MAX_STEPS, *limits))


def _bytes(tensors: Sequence[Any], batch_size: int) -> int:
    return max(1, batch_size * sum(prod(_known_sizes(each.shape[1:])) * 4 for each in tensors))


def operations(model: keras.Model) -> int:
    """Estimate the multiplications of one sample in the forward pass."""
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer: Any) -> int:
    if isinstance(layer, keras.Model):
        return operations(layer) * len(calls_of(layer))
    if isinstance(layer, keras.layers.Embedding):
        return 0
    inner = getattr(layer, "layer", None)
    if isinstance(layer, keras.layers.TimeDistributed) and isinstance(inner, keras.Model):
        return operations(inner) * _known_sizes(layer.input.shape[1:2])[0] * len(calls_of(layer))
    positions = 1
    for node in calls_of(layer):
        for tensor in (*node.input_tensors, *node.output_tensors):
            positions = max(positions, prod(_known_sizes(tensor.shape[1:-1])))
    return int(layer.count_params()) * positions * len(calls_of(layer)) if layer.built else 0


def _known_sizes(shape: Any) -> list[int]:
    return [_UNKNOWN if size is None else size for size in shape]
