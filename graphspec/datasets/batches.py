"""Batches of samples as `tf.data`, gathered several at once by index, in an order of (seed, epoch, step) alone.

Every batch holds exactly the model's inputs and outputs by name. Weights, where a spec has any, are full for every
trained output: Keras refuses a partial dict, and class weights at all with several outputs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

from graphspec.datasets.class_weights import ClassWeights, class_weights
from graphspec.datasets.faults import Fault
from graphspec.datasets.order import Order, Part
from graphspec.datasets.samples import Array, Samples
from graphspec.language.graph import Graph, Output
from graphspec.sources import Column, DataError

MAX_BATCHES = 128
"""Batches of one chunk: they share the costs of gathering besides copying."""

_FIRST = 8
"""Batches of the first chunk, after which each is twice as long: the first step need not wait for many."""

_MAX_BYTES = 1 << 23
"""Bytes of one chunk, unless a single batch takes more."""

_unconverted = tf.autograph.experimental.do_not_convert
"""Decorator against AutoGraph, which would search half a second for code to convert."""


class TrainingBatches:
    """The batches of one epoch at a time, from any step on; they are the same whenever they are read.

    An epoch is one pass over the samples unless the spec sets its length; then the next epoch continues where it ended.

    Attributes:
        dataset: Yields the batches of the epoch set by `start`, once: Keras reads on after the last batch of an epoch,
            and nothing is gathered for that. With a `part` of the batches, each is a tuple over replicas of the batch
            of the replica, the number of its rows, and that of all replicas.
        steps: Batches of an epoch.
    """

    def __init__(
        self, graph: Graph, samples: Samples, order: Order, steps: int | None = None, *, part: Part | None = None
    ) -> None:
        self.steps = steps or order.steps
        self._order = order
        columns = _columns(graph, samples, training=True)
        self._per_chunk = _batches_per_chunk(columns, order)
        self._chunks = tf.Variable(tf.zeros((0, 3), tf.int64), shape=(None, 3), dtype=tf.int64, trainable=False)
        self._timer = WaitTimer()
        chunks = tf.data.Dataset.range(1).flat_map(_unconverted(self._read_once))
        gathered = self._timer.measured(_gather(samples, columns, chunks, order, part=part))
        # `repeat` and `take` tell Keras the length, and allow an epoch that starts in its middle to be shorter.
        self.dataset = _ahead(gathered.unbatch().repeat().take(self.steps), self._per_chunk)

    def start(self, epoch: int, step: int = 0) -> None:
        """Set the epoch and the first step, both from 0, of the next iteration of `dataset`."""
        first, end = epoch * self.steps + step, (epoch + 1) * self.steps
        self._chunks.assign(_chunks(self._order, self._per_chunk, first, end))

    def samples_between(self, epoch: int, first: int, end: int) -> int:
        """Return the number of samples in the batches `first` to `end`, exclusive, of `epoch`.

        Keras counts the steps of an execution that the end of the epoch cuts short, so `end` may lie behind it.
        """
        end = min(end, self.steps)
        return self._samples_before(epoch * self.steps + end) - self._samples_before(epoch * self.steps + first)

    def waited(self) -> float:
        """Return the seconds spent waiting for `dataset` so far."""
        return self._timer.seconds

    def _samples_before(self, batches: int) -> int:
        passes, rest = divmod(batches, self._order.steps)
        return passes * self._order.samples + min(rest * self._order.batch_size, self._order.samples)

    def _read_once(self, _: tf.Tensor) -> tf.data.Dataset:
        chunks = self._chunks.read_value()
        with tf.control_dependencies([chunks]):
            self._chunks.assign(tf.zeros((0, 3), tf.int64))
        return tf.data.Dataset.from_tensor_slices(chunks)


def evaluation_batches(graph: Graph, samples: Samples, batch_size: int, part: Part | None = None) -> tf.data.Dataset:
    """Return batches of every sample once, in order, with targets and sample weights; or a `part` of each batch."""
    columns = _columns(graph, samples, training=False)
    chunks, per_chunk = _one_pass(samples, columns, batch_size, MAX_BATCHES, part=part)
    steps = Order(samples.count, batch_size).steps
    return _ahead(chunks.unbatch().apply(tf.data.experimental.assert_cardinality(steps)), per_chunk)


def input_batches(graph: Graph, samples: Samples, batch_size: int) -> tf.data.Dataset:
    """Return batches of the inputs alone, in order."""
    return input_chunks(graph, samples, batch_size).unbatch()


def input_chunks(graph: Graph, samples: Samples, batch_size: int, most: int = MAX_BATCHES) -> tf.data.Dataset:
    """Return up to `most` batches of the inputs at a time, in order, shapes (batches, samples, ...)."""
    columns = {
        ("inputs", name): _column(samples, samples.inputs[name], each.dtype) for name, each in graph.inputs.items()
    }
    chunks, _ = _one_pass(samples, columns, batch_size, most)
    return chunks.map(_unconverted(lambda inputs, _: inputs))


class _Column:
    """One part of a batch.

    Attributes:
        gather: Returns the values at an array of indices.
        dtype: Dtype of the batch; TensorFlow casts to it, so that pixels are copied as bytes.
        read: Dtype of the gathered values.
        shape: Shape of one sample.
    """

    def __init__(self, gather: Callable[[Array], Array], dtype: Any, shape: tuple[int, ...], read: Any = None) -> None:
        self.gather = gather
        self.dtype = tf.as_dtype(dtype)
        self.read = tf.as_dtype(read if read is not None else dtype)
        self.shape = shape


_Columns = dict[tuple[str, str], _Column]


def _columns(graph: Graph, samples: Samples, *, training: bool) -> _Columns:
    """Return the parts of a batch, by part and name."""
    columns = {
        ("inputs", name): _column(samples, samples.inputs[name], each.dtype) for name, each in graph.inputs.items()
    }
    columns |= {("outputs", name): _target(samples, output) for name, output in graph.outputs.items()}
    return columns | {("weights", name): column for name, column in _weights(graph, samples, training=training).items()}


def _column(samples: Samples, column: Column, dtype: str) -> _Column:
    read = str(column.dtype) if dtype != "string" and str(column.dtype) in _READ else dtype
    as_numpy = object if read == "string" else tf.as_dtype(read).as_numpy_dtype
    return _Column(lambda at: samples.batch(column, at).astype(as_numpy, copy=False), dtype, column.shape[1:], read)


_READ = ("bool", "uint8", "int8", "uint16", "int16", "int32", "int64", "float16", "float32", "float64")
"""Dtypes that TensorFlow casts."""


def _target(samples: Samples, output: Output) -> _Column:
    """Return the targets of `output`, or unused zeros if it has none because it is not trained."""
    target = samples.outputs.get(output.name)
    if target is None:
        return _Column(lambda at: np.zeros((len(at), 1), np.float32), "float32", (1,))
    return _column(samples, target, "int64" if target.dtype.kind in "iu" else "float32")


def _weights(graph: Graph, samples: Samples, *, training: bool) -> dict[str, _Column]:
    """Return sample weights of every output, by default ones; empty if the spec has no weights at all.

    Class weights are lowered to sample weights of their own output; as in Keras, they weigh training only.
    """
    by_class = class_weights(graph, samples) if training else {}
    if not samples.sample_weights and not by_class:
        return {}
    return {name: _Column(_weigher(samples, name, by_class.get(name)), "float32", ()) for name in graph.outputs}


def _weigher(samples: Samples, name: str, by_class: dict[int, float] | None) -> Callable[[Array], Array]:
    stated, target = samples.sample_weights.get(name), samples.outputs.get(name)
    classes = ClassWeights(by_class) if by_class else None

    def weigh(at: Array) -> Array:
        weights = np.ones(len(at), np.float32)
        if stated is not None:
            weights = samples.batch(stated, at).astype(np.float32).reshape(len(at))
        if classes is not None and target is not None:
            weights *= classes.of(samples.batch(target, at))
        return weights

    return weigh


def _one_pass(
    samples: Samples, columns: _Columns, batch_size: int, most: int, *, part: Part | None = None
) -> tuple[tf.data.Dataset, int]:
    """Return chunks of every sample once, in order, and the batches of a chunk, at most `most`."""
    order = Order(samples.count, batch_size, shuffled=False)
    per_chunk = min(most, _batches_per_chunk(columns, order))
    chunks = tf.data.Dataset.from_tensor_slices(_chunks(order, per_chunk, 0, order.steps))
    return _gather(samples, columns, chunks, order, part=part), per_chunk


def _batches_per_chunk(columns: _Columns, order: Order) -> int:
    """Return the number of batches that are gathered at once."""
    sample: int = sum(prod(each.shape) * max(1, each.dtype.size) for each in columns.values())
    return max(1, min(MAX_BATCHES, _MAX_BYTES // max(1, sample * order.own_size)))


def _chunks(order: Order, per_chunk: int, first: int, end: int) -> Array:
    """Return the chunks of the batches `first` to `end`, exclusive, counted over all passes: int64, shape (chunks, 3).

    A row is a pass, and the first and the last batch of it, exclusive. The batches of a chunk are of one size: the last
    of a pass, which may be smaller, is gathered alone.
    """
    rows = []
    whole = order.count // order.batch_size
    for number in range(first // order.steps, -(-end // order.steps)):
        begin = max(first - number * order.steps, 0)
        stop = min(end - number * order.steps, order.steps)
        at, size = begin, min(_FIRST, per_chunk)
        starts = []
        while at < min(stop, whole):
            starts.append(at)
            at, size = at + size, min(2 * size, per_chunk)
        starts += range(max(begin, whole), stop)
        rows += [(number, start, last) for start, last in pairwise([*starts, stop])]
    return np.array(rows, np.int64).reshape(-1, 3)


def _ahead(dataset: tf.data.Dataset, per_chunk: int) -> tf.data.Dataset:
    """Return `dataset`, its large batches copied ahead; to hand over a small one costs more than to copy it.

    The buffer is small: it waits for data before the training does, which hides that from `WaitTimer`.
    """
    if per_chunk < MAX_BATCHES:
        return dataset.prefetch(2)
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False
    return dataset.with_options(options)


def _gather(
    samples: Samples, columns: _Columns, chunks: tf.data.Dataset, order: Order, *, part: Part | None
) -> tf.data.Dataset:
    """Return the batches of each chunk on a first axis, gathered ahead by two threads.

    `unbatch` of tf.data splits the chunks: a Python function for each batch would cost more than copying it.
    """
    reader = _reader(samples, columns, order) if part is None else _part_reader(samples, columns, order.of_part(part))
    read = _unconverted(reader)
    return chunks.map(read, num_parallel_calls=2, deterministic=True).prefetch(2)


def _reader(samples: Samples, columns: _Columns, order: Order) -> Callable[[tf.Tensor], tuple[Any, ...]]:
    """Return a function that gathers a chunk in the structure of Keras, shapes (batches, samples, ...).

    The structure is (inputs, outputs) or (inputs, outputs, weights), each by name. There are few TensorFlow operations:
    each would be set up again for each pass.
    """

    def gather(chunk: Array) -> list[Array]:
        number, first, last = chunk.tolist()
        return _gathered(samples, columns, order.indices(number, first, last), last - first)

    def read(chunk: tf.Tensor) -> tuple[Any, ...]:
        return _structured(columns, tf.numpy_function(gather, [chunk], _dtypes(columns), stateful=False))

    return read


def _part_reader(samples: Samples, columns: _Columns, orders: list[Order]) -> Callable[[tf.Tensor], tuple[Any, ...]]:
    """Return a function that gathers a chunk for the replicas with these `orders`.

    The structure is a tuple over replicas of (that of `_reader`, the number of rows, that of the whole batch). A
    replica without rows gets the first row of the batch, and 0 as its number.
    """

    def gather(chunk: Array) -> list[Array]:
        number, first, last = chunk.tolist()
        arrays = []
        for order in orders:
            at = order.indices(number, first, last)
            rows = len(at) // (last - first)
            gathered = _gathered(samples, columns, at if rows else order.first_index(number, first), last - first)
            counts = [np.full(last - first, count, np.float32) for count in (rows, order.size(first))]
            arrays += [*gathered, *counts]
        return arrays

    def read(chunk: tf.Tensor) -> tuple[Any, ...]:
        dtypes = [*_dtypes(columns), tf.float32, tf.float32]
        values = tf.numpy_function(gather, [chunk], dtypes * len(orders), stateful=False)
        parts = []
        for begin in range(0, len(values), len(dtypes)):
            *own, rows, size = values[begin : begin + len(dtypes)]
            for each in (rows, size):
                each.set_shape((None,))
            parts.append((_structured(columns, own), rows, size))
        return tuple(parts)

    return read


def _gathered(samples: Samples, columns: _Columns, at: Array, batches: int) -> list[Array]:
    """Return the values of each column at the indices of several batches of one size."""
    arrays = []
    for (part, name), column in columns.items():
        try:
            values = column.gather(at)
        except (DataError, OSError) as error:
            samples.faults.append(Fault(samples.source(part, name), error))
            raise
        arrays.append(values.reshape(batches, len(at) // batches, *column.shape))
    return arrays


def _dtypes(columns: _Columns) -> list[tf.DType]:
    return [column.read for column in columns.values()]


def _structured(columns: _Columns, values: list[tf.Tensor]) -> tuple[dict[str, tf.Tensor], ...]:
    """Return gathered values in the structure of Keras."""
    batch: dict[str, dict[str, tf.Tensor]] = {}
    for (part, name), value in zip(columns, values, strict=True):
        column = columns[part, name]
        value.set_shape((None, None, *column.shape))
        batch.setdefault(part, {})[name] = value if value.dtype == column.dtype else tf.cast(value, column.dtype)
    return tuple(batch.get(part, {}) for part in ("inputs", "outputs", "weights") if part != "weights" or part in batch)


class WaitTimer:
    """A timer of the waits for the elements of one data set, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._asked = 0.0

    def measured(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Return `dataset` with the wait for each element measured.

        It costs about 0.1 ms an element. TensorFlow's own clock does not work with deterministic operations.
        """
        asked = tf.data.Dataset.range(sys.maxsize).map(_unconverted(self._ask))  # zip asks for this one first
        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False  # nobody waits for a prefetched element
        options.experimental_optimization.map_parallelization = False
        return tf.data.Dataset.zip((asked, dataset)).map(_unconverted(self._hand_over)).with_options(options)

    def _ask(self, number: tf.Tensor) -> tf.Tensor:
        def note(number: Any) -> Any:
            self._asked = time.monotonic()
            return number

        return tf.numpy_function(note, [number], tf.int64)

    def _hand_over(self, number: tf.Tensor, element: Any) -> Any:
        def note(number: Any) -> Any:
            self.seconds += time.monotonic() - self._asked
            return np.int64(number)

        with tf.control_dependencies([tf.numpy_function(note, [number], tf.int64)]):
            return tf.nest.map_structure(tf.identity, element)
