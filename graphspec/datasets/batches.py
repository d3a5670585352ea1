"""Samples → tf.data: several batches gathered at once by index, in an order that (seed, epoch, step) alone decides.

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

from graphspec.datasets.faults import Fault
from graphspec.datasets.order import Order
from graphspec.datasets.samples import Array, Samples
from graphspec.language.graph import Graph, Output
from graphspec.sources import Column, DataError

MAX_BATCHES = 32
"""Batches of a chunk at most: they share what gathering costs beside copying."""

_MAX_BYTES = 1 << 23
"""Bytes of a chunk at most, unless one batch takes more."""

_unconverted = tf.autograph.experimental.do_not_convert
"""Decorator that keeps AutoGraph from a search of half a second for code to convert."""


class TrainingBatches:
    """The batches of one epoch at a time, from any step on: the same ones whenever they are read.

    `dataset` yields the batches of the epoch that `start` has named, once: Keras reads again after each epoch, in vain,
    and nothing should be gathered for that. An epoch has `steps` batches; it is one pass over the samples unless the
    spec gives it another length, and then the next epoch continues where it has ended.
    """

    def __init__(self, graph: Graph, samples: Samples, order: Order, steps: int | None = None) -> None:
        self.steps = steps or order.steps
        self._order = order
        columns = _columns(graph, samples, training=True)
        self._per_chunk = _batches_per_chunk(columns, order)
        self._chunks = tf.Variable(tf.zeros((0, 3), tf.int64), shape=(None, 3), dtype=tf.int64, trainable=False)
        self._timer = WaitTimer()
        chunks = tf.data.Dataset.range(1).flat_map(_unconverted(self._read_once))
        gathered = self._timer.measured(_gather(samples, columns, chunks, order))
        # `repeat` and `take` let Keras know the length, and let an epoch that starts in its middle be shorter.
        # Little is read ahead at the end: what does so is what waits for data, before the training itself would.
        self.dataset = gathered.unbatch().repeat().take(self.steps).prefetch(2)

    def start(self, epoch: int, step: int = 0) -> None:
        """Let the next iteration of the data set yield `epoch` from batch `step` on, both from 0."""
        first, end = epoch * self.steps + step, (epoch + 1) * self.steps
        self._chunks.assign(_chunks(self._order, self._per_chunk, first, end))

    def samples_between(self, epoch: int, first: int, end: int) -> int:
        """Return the number of samples in the batches of `epoch` from `first` up to `end`."""
        return self._samples_before(epoch * self.steps + end) - self._samples_before(epoch * self.steps + first)

    def waited(self) -> float:
        """Return the seconds that the reader of the data set has waited for it so far."""
        return self._timer.seconds

    def _samples_before(self, batches: int) -> int:
        passes, rest = divmod(batches, self._order.steps)
        return passes * self._order.count + min(rest * self._order.batch_size, self._order.count)

    def _read_once(self, _: tf.Tensor) -> tf.data.Dataset:
        chunks = self._chunks.read_value()
        with tf.control_dependencies([chunks]):
            self._chunks.assign(tf.zeros((0, 3), tf.int64))
        return tf.data.Dataset.from_tensor_slices(chunks)


def evaluation_batches(graph: Graph, samples: Samples, batch_size: int) -> tf.data.Dataset:
    """Return batches of every sample once, in order."""
    columns = _columns(graph, samples, training=False)
    return _one_pass(samples, columns, batch_size)


def input_batches(graph: Graph, samples: Samples, batch_size: int) -> tf.data.Dataset:
    """Return batches of the inputs alone, in order, to predict from."""
    columns = {
        ("inputs", name): _column(samples, samples.inputs[name], each.dtype) for name, each in graph.inputs.items()
    }
    return _one_pass(samples, columns, batch_size).map(_unconverted(lambda inputs, _: inputs))


class _Column:
    """One part of a batch: `gather` returns values at an index array in dtype `read`, which are cast to `dtype`.

    TensorFlow casts them, so that small values, such as pixels, are copied as they are stored.
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
    """Return the targets of `output`; zeros, which nothing reads, where it is not trained and has none."""
    target = samples.outputs.get(output.name)
    if target is None:
        return _Column(lambda at: np.zeros((len(at), 1), np.float32), "float32", (1,))
    return _column(samples, target, "int64" if target.dtype.kind in "iu" else "float32")


def _weights(graph: Graph, samples: Samples, *, training: bool) -> dict[str, _Column]:
    """Return sample weights of every output, ones where none are stated; nothing where the spec has none.

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


def _one_pass(samples: Samples, columns: _Columns, batch_size: int) -> tf.data.Dataset:
    order = Order(samples.count, batch_size, shuffled=False)
    chunks = tf.data.Dataset.from_tensor_slices(_chunks(order, _batches_per_chunk(columns, order), 0, order.steps))
    batches = _gather(samples, columns, chunks, order).unbatch()
    return batches.apply(tf.data.experimental.assert_cardinality(order.steps)).prefetch(tf.data.AUTOTUNE)


def _batches_per_chunk(columns: _Columns, order: Order) -> int:
    """Return how many batches are gathered at once."""
    sample: int = sum(prod(each.shape) * max(1, each.dtype.size) for each in columns.values())
    return max(1, min(MAX_BATCHES, _MAX_BYTES // max(1, sample * order.own_size)))


def _chunks(order: Order, together: int, first: int, end: int) -> Array:
    """Return the chunks of batches from `first` up to `end` of all passes: int64, shape (chunks, 3).

    A row is a pass, its first batch and the one after its last. The batches of a chunk are of one size: the last of a
    pass, which may hold fewer samples, is gathered alone.
    """
    rows = []
    whole = order.count // order.batch_size
    for number in range(first // order.steps, -(-end // order.steps)):
        begin = max(first - number * order.steps, 0)
        stop = min(end - number * order.steps, order.steps)
        starts = [*range(begin, min(stop, whole), together), *(range(max(begin, whole), stop))]
        rows += [(number, start, last) for start, last in pairwise([*starts, stop])]
    return np.array(rows, np.int64).reshape(-1, 3)


def _gather(samples: Samples, columns: _Columns, chunks: tf.data.Dataset, order: Order) -> tf.data.Dataset:
    """Return the batches of each chunk on a first axis, gathered by two threads ahead of their use.

    The work on a single batch is left to tf.data, as `unbatch`: a Python function would cost more than the copying.
    """
    read = _unconverted(_reader(samples, columns, order))
    return chunks.map(read, num_parallel_calls=2, deterministic=True).prefetch(2)


def _reader(samples: Samples, columns: _Columns, order: Order) -> Callable[[tf.Tensor], tuple[Any, ...]]:
    """Return a function that gathers every column of a chunk, in the structure that Keras takes.

    That is (inputs, outputs), with weights where there are any, each by name, with an axis for the batches before that
    of the samples. It has few TensorFlow operations: each would be set up anew for each pass.
    """
    keys = list(columns)

    def gather(chunk: Array) -> list[Array]:
        number, first, last = chunk.tolist()
        at = order.indices(number, first, last)
        found = []
        for part, name in keys:
            column = columns[part, name]
            try:
                values = column.gather(at)
            except (DataError, OSError) as error:
                samples.faults.append(Fault(samples.source(part, name), error))
                raise
            found.append(values.reshape(last - first, len(at) // (last - first), *column.shape))
        return found

    parts = ("inputs", "outputs", "weights") if any(part == "weights" for part, _ in keys) else ("inputs", "outputs")

    def read(chunk: tf.Tensor) -> tuple[dict[str, tf.Tensor], ...]:
        values = tf.numpy_function(gather, [chunk], [columns[key].read for key in keys], stateful=False)
        found: dict[str, dict[str, tf.Tensor]] = {part: {} for part in parts}
        for (part, name), value in zip(keys, values, strict=True):
            column = columns[part, name]
            value.set_shape((None, None, *column.shape))
            found[part][name] = value if value.dtype == column.dtype else tf.cast(value, column.dtype)
        return tuple(found.values())

    return read


class WaitTimer:
    """The seconds for which the one reader of a `measured` data set has waited for its elements."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._asked = 0.0

    def measured(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Return `dataset` with the waiting of its reader measured.

        It costs about a tenth of a millisecond an element, so it is for elements that are worth it. (TensorFlow's own
        clock is refused where operations are to be deterministic.)
        """
        unconverted = tf.autograph.experimental.do_not_convert  # there is nothing to convert, and looking takes long
        asked = tf.data.Dataset.range(sys.maxsize).map(unconverted(self._ask))  # zip asks for this one first
        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False  # what nobody has asked for yet is not waited for
        options.experimental_optimization.map_parallelization = False
        return tf.data.Dataset.zip((asked, dataset)).map(unconverted(self._hand_over)).with_options(options)

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
