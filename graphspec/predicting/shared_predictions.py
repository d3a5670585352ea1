"""Predictions that several workers share.

Each worker computes whole batches, chosen by position, that one process would compute too. Then all have the results in
the order of the rows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice

import numpy as np

from graphspec.datasets.samples import Samples
from graphspec.distribution.agreement import check_same_model
from graphspec.distribution.strategy import Distribution
from graphspec.predicting.batch import Array, Batch
from graphspec.predicting.predictor import Predictor
from graphspec.predicting.several_batches import batches_at_once

_AT, _VALUES, _SIZES, _BYTES = "at", "values:", "sizes:", "bytes:"


def predict_together(
    predictor: Predictor, samples: Samples, batch_size: int | None, distribution: Distribution
) -> Iterator[Batch]:
    """Yield the predictions of all workers, in the order of `samples`, on each of them.

    Args:
        predictor: The model; its computations are those of `Predictor.batches`.
        samples: All samples, the same on each worker.
        batch_size: That of the training by default.
        distribution: The workers.

    Raises:
        SpecError: A file cannot be read, or a worker was lost or has another model or other samples.
    """
    size = batch_size or predictor.batch_size
    check_same_model(distribution, predictor.model, samples, size)
    rows = batches_at_once(predictor.model, size) * size
    rounds = -(-samples.count // (rows * distribution.workers))
    index = distribution.cluster.index if distribution.cluster is not None else 0
    blocks = [_block(samples.count, rows, number * distribution.workers + index) for number in range(rounds)]
    own = predictor.batches(samples.part(np.concatenate(blocks)), size) if any(map(len, blocks)) else iter(())
    for block in blocks:
        batches = list(islice(own, -(-len(block) // size)))
        for packed in distribution.gather(_packed(batches)):
            if packed:
                yield _unpacked(packed)


def _block(count: int, rows: int, number: int) -> Array:
    return np.arange(min(number * rows, count), min((number + 1) * rows, count))


def _packed(batches: list[Batch]) -> bytes:
    """Return batches as bytes; none for no batch. Text is kept as its bytes and their sizes."""
    if not batches:
        return b""
    arrays: dict[str, Array] = {_AT: np.concatenate([each.at for each in batches])}
    for name in batches[0].predicted:
        values = np.concatenate([each.predicted[name] for each in batches])
        if values.dtype.kind == "O":
            texts = [each if isinstance(each, bytes) else str(each).encode() for each in values.flat]
            arrays[_SIZES + name] = np.array([len(each) for each in texts], np.int64).reshape(values.shape)
            arrays[_BYTES + name] = np.frombuffer(b"".join(texts), np.uint8)
        else:
            arrays[_VALUES + name] = values
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _unpacked(packed: bytes) -> Batch:
    predicted: dict[str, Array] = {}
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        for key in arrays.files:
            if key.startswith(_VALUES):
                predicted[key.removeprefix(_VALUES)] = arrays[key]
            elif key.startswith(_SIZES):
                name = key.removeprefix(_SIZES)
                predicted[name] = _texts(arrays[key], arrays[_BYTES + name].tobytes())
        return Batch(arrays[_AT], predicted)


def _texts(sizes: Array, joined: bytes) -> Array:
    ends = np.cumsum(sizes)
    values = np.empty(sizes.size, object)
    for index, (size, end) in enumerate(zip(sizes.flat, ends, strict=True)):
        values[index] = joined[end - size : end]
    return values.reshape(sizes.shape)
