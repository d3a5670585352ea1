"""What a model gives and what its export gives for the same samples, held against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Difference:
    """The greatest difference of an output over all samples and units, and the same as a part of its greatest value.

    Infinite where one is NaN or infinite and the other is not.
    """

    absolute: float
    relative: float


class IncomparableError(Exception):
    """Two outputs that cannot be held against each other, with the reason."""


def difference(expected: Array, found: Array) -> Difference:
    """How far `found` is from `expected`. Raises IncomparableError where nothing can be told of it."""
    if expected.shape != found.shape:
        raise IncomparableError(f"has the shape {list(found.shape)}, and the model's has {list(expected.shape)}")
    if expected.dtype.kind in "OSU":
        same = bool((expected == found).all())
        return Difference(0.0, 0.0) if same else Difference(np.inf, np.inf)
    is_whole = expected.dtype.kind in "biu"
    ours, theirs = expected.astype(np.float64), found.astype(np.float64)
    finite = np.isfinite(ours)
    if not finite.any():
        raise IncomparableError("is never finite, so nothing can be told of its numbers")
    if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True) or not np.isfinite(theirs[finite]).all():
        return Difference(np.inf, np.inf)
    absolute = float(np.abs(ours[finite] - theirs[finite]).max())
    if is_whole and absolute:
        return Difference(absolute, np.inf)  # whole numbers are not rounded
    greatest = max(float(np.abs(ours[finite]).max()), float(np.finfo(np.float32).eps))
    return Difference(absolute, absolute / greatest)


def differences(expected: Mapping[str, Array], found: Mapping[str, Array]) -> dict[str, Difference]:
    """How far each output of `found` is from the one of the same name. Raises IncomparableError where there is none."""
    compared = {}
    for name, ours in expected.items():
        try:
            compared[name] = difference(ours, found[name])
        except IncomparableError as error:
            raise IncomparableError(f"`{name}` {error}") from None
    return compared
