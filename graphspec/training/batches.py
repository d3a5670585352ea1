"""Samples → tf.data: whole batches gathered by index, in an order that (seed, epoch) alone decides.

Every batch holds exactly the model's inputs and outputs by name. Weights, where a spec has any, are full for every
trained output: Keras refuses a partial dict, and class weights at all with several outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from graphspec.graph import Graph, Output
from graphspec.training.data import Array, Samples


def steps(samples: Samples, batch_size: int) -> int:
    """How many batches hold all samples, the last one perhaps a part."""
    return -(-samples.count // batch_size)


def training_batches(graph: Graph, samples: Samples, batch_size: int, seed: int) -> tf.data.Dataset:
    """Batches for ever, each epoch a permutation of all samples that (seed, epoch) alone decides."""
    count = samples.count

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count, dtype=tf.int64), seed=tf.stack([tf.constant(seed, tf.int64), number])
        )
        return _index_batches(order, count, batch_size)

    indices = tf.data.Dataset.counter(dtype=tf.int64).flat_map(epoch)
    return _gathered(graph, samples, indices, training=True)


def evaluation_batches(graph: Graph, samples: Samples, batch_size: int) -> tf.data.Dataset:
    """Every sample once, in order."""
    order = tf.range(samples.count, dtype=tf.int64)
    return _gathered(graph, samples, _index_batches(order, samples.count, batch_size), training=False)


def input_batches(graph: Graph, inputs: dict[str, Array], batch_size: int) -> tf.data.Dataset:
    """The inputs alone, in order, to predict from."""
    samples = Samples(inputs, {}, {})
    indices = _index_batches(tf.range(samples.count, dtype=tf.int64), samples.count, batch_size)
    columns = {("inputs", name): _column(samples, inputs[name], each.dtype) for name, each in graph.inputs.items()}
    return _map(indices, columns).map(lambda batch: batch["inputs"])


def _index_batches(order: tf.Tensor, count: int, batch_size: int) -> tf.data.Dataset:
    number = -(-count // batch_size)
    return tf.data.Dataset.range(number).map(
        lambda step: order[step * batch_size : tf.minimum((step + 1) * batch_size, count)]
    )


class _Column:
    """One array as batches are made of it: `gather` gives the values at an index array, of this dtype and shape."""

    def __init__(self, gather: Callable[[Array], Array], dtype: Any, shape: tuple[int, ...]) -> None:
        self.gather = gather
        self.dtype = tf.as_dtype(dtype)
        self.shape = shape


def _column(samples: Samples, array: Array, dtype: str) -> _Column:
    as_numpy = object if dtype == "string" else tf.as_dtype(dtype).as_numpy_dtype
    return _Column(lambda at: samples.batch(array, at).astype(as_numpy), dtype, array.shape[1:])


def _gathered(graph: Graph, samples: Samples, indices: tf.data.Dataset, *, training: bool) -> tf.data.Dataset:
    columns = {
        ("inputs", name): _column(samples, samples.inputs[name], each.dtype) for name, each in graph.inputs.items()
    }
    for name, output in graph.outputs.items():
        columns["outputs", name] = _target(samples, output)
    weights = _weights(graph, samples, training=training)
    for name, column in weights.items():
        columns["weights", name] = column
    parts = ("inputs", "outputs", "weights") if weights else ("inputs", "outputs")
    return _map(indices, columns).map(lambda batch: tuple(batch.get(part, {}) for part in parts))


def _target(samples: Samples, output: Output) -> _Column:
    """The targets of `output`; an output that is not trained and has none gets zeros, which nothing reads."""
    target = samples.outputs.get(output.name)
    if target is None:
        return _Column(lambda at: np.zeros((len(at), 1), np.float32), "float32", (1,))
    return _column(samples, target, "int64" if target.dtype.kind in "iu" else "float32")


def _weights(graph: Graph, samples: Samples, *, training: bool) -> dict[str, _Column]:
    """Sample weights of every output, ones where none are stated; empty where the spec has none at all.

    Class weights are lowered to sample weights of their own output; as in Keras, they weigh training only.
    """
    by_class = {name: output.class_weight for name, output in graph.outputs.items() if training and output.class_weight}
    if not samples.sample_weights and not by_class:
        return {}
    return {name: _Column(_weigher(samples, name, by_class.get(name)), "float32", ()) for name in graph.outputs}


def _weigher(samples: Samples, name: str, by_class: dict[int, float] | None) -> Callable[[Array], Array]:
    stated, target = samples.sample_weights.get(name), samples.outputs.get(name)

    def weigh(at: Array) -> Array:
        weights = np.ones(len(at), np.float32) if stated is None else samples.batch(stated, at).astype(np.float32)
        if by_class and target is not None:
            batch = samples.batch(target, at).reshape(len(at), -1)
            classes = batch.argmax(axis=1) if batch.shape[1] > 1 else batch[:, 0]
            for index, weight in by_class.items():
                weights[classes == index] *= weight
        return weights

    return weigh


def _map(indices: tf.data.Dataset, columns: dict[tuple[str, str], _Column]) -> tf.data.Dataset:
    """Gather every column at each batch of indices; give nested dicts of part and name."""
    keys = list(columns)

    def read(at: Array) -> list[Array]:
        return [columns[key].gather(at) for key in keys]

    def gather(at: tf.Tensor) -> dict[str, dict[str, tf.Tensor]]:
        values = tf.numpy_function(read, [at], [columns[key].dtype for key in keys], stateful=False)
        batch: dict[str, dict[str, tf.Tensor]] = {}
        for (part, name), value in zip(keys, values, strict=True):
            value.set_shape((None, *columns[part, name].shape))
            batch.setdefault(part, {})[name] = value
        return batch

    return indices.map(gather, num_parallel_calls=2, deterministic=True).prefetch(tf.data.AUTOTUNE)
