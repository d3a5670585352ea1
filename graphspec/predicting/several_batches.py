"""Several batches predicted or evaluated in one call of TensorFlow, which works on while the last ones are written.

Between two calls TensorFlow returns to Python, which takes longer than a batch of a small model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import keras
import tensorflow as tf

from graphspec.training.steps_per_execution import steps_at_once

_T = TypeVar("_T")

_TOGETHER = 10
"""Batches that are computed at the same time, unless the model may change variables: a state, or seeds."""


def batches_at_once(model: keras.Model, batch_size: int) -> int:
    """Return the number of batches for one call; 1 if the outputs of two batches may differ in shape."""
    if any(None in each.shape[1:] for each in model.outputs):
        return 1
    return steps_at_once(model, batch_size, keeps_outputs=True)


def prediction_of(model: keras.Model, chunk: Any) -> Callable[[Any], dict[str, tf.Tensor]]:
    """Return a function that predicts batches on a first axis, as Keras predicts each.

    Args:
        model: A model with inputs and outputs by name.
        chunk: The spec of the argument of the function: inputs by name, shapes (batches, samples, ...).

    Returns:
        A function from a chunk to outputs by name, shapes (batches, samples, ...).
    """
    model.make_predict_function()
    step = model.predict_function
    batch = tf.nest.map_structure(lambda each: tf.TensorSpec(each.shape[1:], each.dtype), chunk)
    traced = step.get_concrete_function([(batch,)])
    outputs = traced.structured_outputs
    only_reads = all(each.type == "ReadVariableOp" for each in traced.graph.control_outputs)
    at_once = _TOGETHER if only_reads else 1
    spec = tf.nest.map_structure(lambda each: tf.TensorSpec(each.shape, each.dtype), outputs)

    def predict(chunk: Any) -> Any:
        return tf.map_fn(lambda inputs: step([(inputs,)]), chunk, fn_output_signature=spec, parallel_iterations=at_once)

    traced_once = tf.function(predict, input_signature=[chunk], autograph=False)
    return traced_once.get_concrete_function()  # type: ignore[no-any-return]


@contextmanager
def evaluated_at_once(model: keras.Model, batches: int) -> Iterator[None]:
    """Let `model.evaluate` take so many batches in one call."""
    before = model.steps_per_execution, model.test_function
    model.steps_per_execution, model.test_function = batches, None
    try:
        yield
    finally:
        model.steps_per_execution, model.test_function = before


def ahead(results: Iterator[_T]) -> Iterator[_T]:
    """Yield `results`, of which the next is computed in a thread while one is used."""
    with ThreadPoolExecutor(1, "predict") as pool:
        pending = pool.submit(next, results, None)
        while (result := pending.result()) is not None:
            pending = pool.submit(next, results, None)
            yield result
