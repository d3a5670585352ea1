"""The predictions of one batch, and the monitoring of a stream of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Batch:
    """The predictions of a batch, by output, first axis samples; `at` holds the samples' indices in their files."""

    at: Array
    predicted: dict[str, Array]


def monitor(batches: Iterator[Batch], advance: Callable[[int], None], not_finite: Counter[str]) -> Iterator[Batch]:
    """Yield the batches unchanged, and report each.

    Args:
        batches: Predictions, in order.
        advance: Is called with the number of samples of each batch.
        not_finite: Counts the samples with NaN or infinity, by output; updated in place.
    """
    for batch in batches:
        for name, values in batch.predicted.items():
            if values.dtype.kind == "f":
                finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
                not_finite[name] += len(values) - int(finite.sum())
        advance(len(batch.at))
        yield batch
