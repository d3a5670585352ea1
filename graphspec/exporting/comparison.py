"""The difference between the outputs of a model and of its export, on the same samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class OutputDifference:
    """The maximum difference of an output over all samples and units.

    Attributes:
        absolute: The maximum; infinite if one value is NaN or infinite and the other is not.
        relative: `absolute` divided by the maximum absolute value of the output.
    """

    absolute: float
    relative: float


class IncomparableError(Exception):
    """Two outputs cannot be compared, for the reason in the message."""


def difference(expected: Array, actual: Array) -> OutputDifference:
    """Return the difference of `actual` from `expected`. Raises IncomparableError if they cannot be compared."""
    if expected.shape != actual.shape:
        raise IncomparableError(f"has the shape {list(actual.shape)}, but the model's has {list(expected.shape)}")
    if expected.dtype.kind in "OSU":
        same = bool((expected == actual).all())
        return OutputDifference(0.0, 0.0) if same else OutputDifference(np.inf, np.inf)
    is_whole = expected.dtype.kind in "biu"
    ours, theirs = expected.astype(np.float64), actual.astype(np.float64)
    finite = np.isfinite(ours)
    if not finite.any():
        raise IncomparableError("is never finite, so its numbers cannot be compared")
    if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True) or not np.isfinite(theirs[finite]).all():
        return OutputDifference(np.inf, np.inf)
    absolute = float(np.abs(ours[finite] - theirs[finite]).max())
    if is_whole and absolute:
        return OutputDifference(absolute, np.inf)  # whole numbers are not rounded
    maximum = max(float(np.abs(ours[finite]).max()), float(np.finfo(np.float32).eps))
    return OutputDifference(absolute, absolute / maximum)


def differences(expected: Mapping[str, Array], actual: Mapping[str, Array]) -> dict[str, OutputDifference]:
    """Return the difference of each output, by name. Raises IncomparableError if one cannot be compared."""
    compared = {}
    for name, ours in expected.items():
        try:
            compared[name] = difference(ours, actual[name])
        except IncomparableError as error:
            raise IncomparableError(f"`{name}` {error}") from None
    return compared
