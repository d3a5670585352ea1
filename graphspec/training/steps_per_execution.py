"""How many steps Keras runs at a time: `steps_per_execution: auto`.

Between two executions Keras returns to Python, which costs a small model more than the step itself; while one runs,
nothing is shown and nothing can be stopped. So an execution is to take about a quarter of a second, by an estimate of
what a step computes: each weight of a layer is used once at every position of what comes in or goes out, forwards and,
twice that, backwards.
"""

from __future__ import annotations

from math import prod
from typing import Any

import keras
import tensorflow as tf

from graphspec.language.schema import TrainingModel
from graphspec.to_keras.keras_internals import calls_of

MOST = 128
"""The most steps at a time: more make no difference to the smallest models."""

_SECONDS = 0.25
_CPU, _GPU = 2e10, 5e12
"""Operations a second of a few cores, and of an accelerator; a step is not expected to reach what they could do."""
_BYTES = 1 << 25
"""So many bytes of inputs pass in one execution: what is large takes long, however few weights look at it."""
_OPEN = 100
"""Stands for a length that the spec leaves open."""


def steps_per_execution(settings: TrainingModel, model: keras.Model, epoch_steps: int) -> int:
    """What the spec says, or as many as take a quarter of a second; never past a checkpoint between two of them.

    An epoch that the number does not divide ends where it should, since its data set ends there.
    """
    if settings.steps_per_execution != "auto":
        return settings.steps_per_execution
    seconds = 6 * settings.batch_size * operations(model) / (_GPU if tf.config.list_physical_devices("GPU") else _CPU)
    sizes = [prod(_closed(each.shape[1:])) * 4 for each in model.inputs]
    most = min(MOST, int(_SECONDS / max(seconds, 1e-9)), _BYTES // max(1, settings.batch_size * sum(sizes)))
    every = settings.checkpoint.every_steps if settings.checkpoint is not None else None
    if every is None:
        return max(1, most)
    return max(number for number in range(1, max(1, most) + 1) if every % number == epoch_steps % number == 0)


def operations(model: keras.Model) -> int:
    """About how many multiplications one sample takes, forwards."""
    return sum(_of_layer(layer) for layer in model.layers)


def _of_layer(layer: Any) -> int:
    if isinstance(layer, keras.Model):
        return operations(layer) * len(calls_of(layer))
    if isinstance(layer, keras.layers.Embedding):
        return 0
    inner = getattr(layer, "layer", None)
    if isinstance(layer, keras.layers.TimeDistributed) and isinstance(inner, keras.Model):
        return operations(inner) * _closed(layer.input.shape[1:2])[0] * len(calls_of(layer))
    positions = 1
    for node in calls_of(layer):
        for tensor in (*node.input_tensors, *node.output_tensors):
            positions = max(positions, prod(_closed(tensor.shape[1:-1])))
    return int(layer.count_params()) * positions * len(calls_of(layer)) if layer.built else 0


def _closed(shape: Any) -> list[int]:
    return [_OPEN if size is None else size for size in shape]
