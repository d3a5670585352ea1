"""Promotion of dtypes: the dtype of a result of several operands.

Keras orders dtypes; the dtype of a result is the least of those that are above all operands. Python's numbers are `int`
and `float`, which are below the strict dtypes: a number adopts the dtype of the tensor that it is combined with. The
order is in the catalogue, read from Keras.
"""

from __future__ import annotations

from graphspec import catalog
from graphspec.catalog.versions import cached

FLOAT = "float32"
"""Keras' `floatx`: the default dtype."""

INT_NUMBER, FLOAT_NUMBER = "int", "float"
"""The dtypes of Python's numbers."""

_OF_NUMBERS = {INT_NUMBER: "int32", FLOAT_NUMBER: FLOAT}


@cached
def promote(*dtypes: str) -> str | None:
    """Return the common dtype of `dtypes`, those of numbers being `int` and `float`; None where Keras has none.

    A result of numbers alone has 32 bits, as `floatx` says, which graphspec does not change.
    """
    if any(each.startswith("float8") for each in dtypes):
        return None
    if len(set(dtypes)) == 1 and dtypes[0] not in _OF_NUMBERS:
        common: str | None = dtypes[0]
    elif all(each in _OF_NUMBERS for each in dtypes):
        common = FLOAT_NUMBER if FLOAT_NUMBER in dtypes else INT_NUMBER
    else:
        common = _least_above(dtypes)
    if common is None:
        return None
    common = _OF_NUMBERS.get(common, common)
    narrowed: str = catalog.promotion()["narrowed"].get(common, common)
    return narrowed


def _least_above(dtypes: tuple[str, ...]) -> str | None:
    above = catalog.promotion()["above"]
    if any(each not in above for each in dtypes):
        return None
    common = set.intersection(*(set(above[each]) for each in dtypes))
    return next((each for each in sorted(common) if common <= set(above[each])), None)


def strict(dtype: str) -> str:
    """Return the dtype that a number has by itself; any other dtype is unchanged."""
    own: str = catalog.promotion()["numbers"].get(dtype, dtype)
    return own


def is_integer(dtype: str) -> bool:
    """Return whether the dtype is of whole numbers."""
    return dtype.startswith(("int", "uint"))


def is_float(dtype: str) -> bool:
    """Return whether the dtype is of floats."""
    return dtype.startswith(("float", "bfloat"))
