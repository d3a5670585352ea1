"""Samples → tf.data: several batches gathered at once by index, in an order that (seed, epoch, step) alone decides.

Every batch holds exactly the model's inputs and outputs by name. Weights, where a spec has any, are full for every
trained output: Keras refuses a partial dict, and class weights at all with several outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

from graphspec.graph import Graph, Output
from graphspec.sources import Column
from graphspec.training.data import Array, Samples
from graphspec.training.order import Order

TOGETHER = 32
"""The most batches that are gathered at once: what one gathering costs beside its copying is shared by them."""

_READ = -1
"""Stands for the epoch once it has been read."""

_BYTES_TOGETHER = 1 << 23
"""So many bytes are gathered at once where batches are large."""


class TrainingBatches:
    """The batches of one epoch at a time, from any step on: the same ones whenever they are read.

    dataset gives the batches of the epoch that `start` has named, once: Keras reads again after each epoch, in vain,
    and nothing should be gathered for that. An epoch has `steps` batches; it is one pass over the samples unless the
    spec gives it another length, and then the next goes on where it has ended.
    """

    def __init__(self, graph: Graph, samples: Samples, order: Order, steps: int | None = None) -> None:
        self.steps = steps or order.steps
        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        columns = _columns(graph, samples, training=True)
        passes = tf.data.Dataset.range(1).flat_map(self._passes(order))
        batches = _batches(columns, passes, order).map(_as_tuple(columns))
        # So the length is known to Keras, and an epoch that starts in its middle may still be shorter.
        self.dataset = batches.repeat().take(self.steps).prefetch(tf.data.AUTOTUNE)

    def start(self, epoch: int, step: int = 0) -> None:
        """Let the next reading of the data set give epoch `epoch`, both counted from 0, from its batch `step` on."""
        self._epoch.assign(epoch)
        self._step.assign(step)

    def _passes(self, order: Order) -> Callable[[tf.Tensor], tf.data.Dataset]:
        """What of which passes the epoch holds: (pass, first batch, batch after the last)."""

        def passes(_: tf.Tensor) -> tf.data.Dataset:
            epoch = self._epoch.read_value()
            with tf.control_dependencies([epoch]):
                self._epoch.assign(_READ)
            begin = epoch * self.steps
            first, end = begin + self._step.read_value(), begin + self.steps
            end = tf.where(epoch == _READ, first, end)
            numbers = tf.data.Dataset.range(first // order.steps, (end + order.steps - 1) // order.steps)
            return numbers.map(
                lambda number: (
                    number,
                    tf.maximum(first - number * order.steps, 0),
                    tf.minimum(end - number * order.steps, order.steps),
                )
            )

        return passes


def evaluation_batches(graph: Graph, samples: Samples, batch_size: int) -> tf.data.Dataset:
    """Every sample once, in order."""
    columns = _columns(graph, samples, training=False)
    return _one_pass(columns, samples.count, batch_size).map(_as_tuple(columns)).prefetch(tf.data.AUTOTUNE)


def input_batches(graph: Graph, samples: Samples, batch_size: int) -> tf.data.Dataset:
    """The inputs alone, in order, to predict from."""
    columns = {
        ("inputs", name): _column(samples, samples.inputs[name], each.dtype) for name, each in graph.inputs.items()
    }
    batches = _one_pass(columns, samples.count, batch_size).map(lambda batch: batch["inputs"])
    return batches.prefetch(tf.data.AUTOTUNE)


class _Column:
    """One part of a batch: `gather` gives the values at an index array, of this dtype and shape."""

    def __init__(self, gather: Callable[[Array], Array], dtype: Any, shape: tuple[int, ...]) -> None:
        self.gather = gather
        self.dtype = tf.as_dtype(dtype)
        self.shape = shape


_Columns = dict[tuple[str, str], _Column]


def _columns(graph: Graph, samples: Samples, *, training: bool) -> _Columns:
    """What batches hold, by part and name."""
    columns = {
        ("inputs", name): _column(samples, samples.inputs[name], each.dtype) for name, each in graph.inputs.items()
    }
    columns |= {("outputs", name): _target(samples, output) for name, output in graph.outputs.items()}
    return columns | {("weights", name): column for name, column in _weights(graph, samples, training=training).items()}


def _column(samples: Samples, column: Column, dtype: str) -> _Column:
    as_numpy = object if dtype == "string" else tf.as_dtype(dtype).as_numpy_dtype
    return _Column(lambda at: samples.batch(column, at).astype(as_numpy, copy=False), dtype, column.shape[1:])


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
        weights = np.ones(len(at), np.float32)
        if stated is not None:
            weights = samples.batch(stated, at).astype(np.float32).reshape(len(at))
        if by_class and target is not None:
            batch = samples.batch(target, at).reshape(len(at), -1)
            classes = batch.argmax(axis=1) if batch.shape[1] > 1 else batch[:, 0]
            for index, weight in by_class.items():
                weights[classes == index] *= weight
        return weights

    return weigh


def _one_pass(columns: _Columns, count: int, batch_size: int) -> tf.data.Dataset:
    order = Order(count, batch_size, shuffled=False)
    whole = tf.data.Dataset.from_tensors((tf.constant(0, tf.int64), tf.constant(0, tf.int64), _int64(order.steps)))
    return _batches(columns, whole, order).apply(tf.data.experimental.assert_cardinality(order.steps))


def _batches(columns: _Columns, passes: tf.data.Dataset, order: Order) -> tf.data.Dataset:
    """The batches of `passes`, several gathered at once by two threads, and then cut apart."""
    sample = sum(prod(each.shape) * max(1, each.dtype.size) for each in columns.values())
    together = max(1, min(TOGETHER, _BYTES_TOGETHER // max(1, sample * order.own_size)))
    gather = _gathering(columns)

    def cut(number: tf.Tensor, first: tf.Tensor, end: tf.Tensor) -> tf.data.Dataset:
        starts = tf.data.Dataset.range(first, end, together)
        return starts.map(lambda start: (number, start, tf.minimum(start + together, end)))

    def read(number: tf.Tensor, first: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, dict[str, Any]]:
        return last - first, gather(order.indices(number, first, last))

    def apart(count: tf.Tensor, values: dict[str, Any]) -> tf.data.Dataset:
        def batch(step: tf.Tensor) -> dict[str, Any]:
            at = slice(step * order.own_size, (step + 1) * order.own_size)
            return {part: {name: value[at] for name, value in named.items()} for part, named in values.items()}

        return tf.data.Dataset.range(count).map(batch)

    chunks = passes.flat_map(cut).map(read, num_parallel_calls=2, deterministic=True).prefetch(1)
    return chunks.flat_map(apart)


def _gathering(columns: _Columns) -> Callable[[tf.Tensor], dict[str, dict[str, tf.Tensor]]]:
    """A function that gives every column at some indices: nested dicts of part and name."""
    keys = list(columns)

    def read(at: Array) -> list[Array]:
        return [columns[key].gather(at) for key in keys]

    def gather(at: tf.Tensor) -> dict[str, dict[str, tf.Tensor]]:
        values = tf.numpy_function(read, [at], [columns[key].dtype for key in keys], stateful=False)
        found: dict[str, dict[str, tf.Tensor]] = {}
        for (part, name), value in zip(keys, values, strict=True):
            value.set_shape((None, *columns[part, name].shape))
            found.setdefault(part, {})[name] = value
        return found

    return gather


def _as_tuple(columns: _Columns) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Batches as Keras takes them: (inputs, outputs), and weights where there are any."""
    parts = ("inputs", "outputs", "weights") if any(part == "weights" for part, _ in columns) else ("inputs", "outputs")
    return lambda batch: tuple(batch.get(part, {}) for part in parts)


def _int64(value: int) -> tf.Tensor:
    return tf.constant(value, tf.int64)
