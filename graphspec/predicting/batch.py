"""What one batch of samples gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Batch:
    """The predictions of the samples `at`, by output, first axis samples. `at` counts in the files they came from."""

    at: Array
    predicted: dict[str, Array]


def watched(batches: Iterator[Batch], advance: Callable[[int], None], not_finite: Counter[str]) -> Iterator[Batch]:
    """The same batches. advance is told of each, and not_finite counts the samples with NaN or infinity by output."""
    for batch in batches:
        for name, values in batch.predicted.items():
            if values.dtype.kind == "f":
                finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
                not_finite[name] += len(values) - int(finite.sum())
        advance(len(batch.at))
        yield batch
