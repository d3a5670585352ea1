"""Weights of preprocessing layers in a `.weights.h5` file."""

from __future__ import annotations

import io
from typing import Any

import h5py

from graphspec.hdf5_file import open_checked

_MAX_NUMBERS = 2**24
_POSITIONS = {"mean": "0", "variance": "1"}
"""The places of the variables of `Normalization`, which its `build` adds in this order."""


class UnreadableWeightsError(ValueError):
    """Weights that are not as Keras writes them."""


def read_weight(data: bytes, place: str, name: str) -> Any:
    """Return a weight as nested lists of floats; None if the file does not hold it.

    Args:
        data: The file.
        place: The layer in it, as `layers/normalization`.
        name: The weight: `mean`, `variance` or `idf_weights`.

    Raises:
        UnreadableWeightsError: The file is damaged, or the weight is none.
    """
    try:
        with open_checked(io.BytesIO(data), 2 * len(data)) as weights:
            found = weights.get(f"{place}/vars/{_POSITIONS.get(name, name)}")
            if found is None:
                return None
            if not isinstance(found, h5py.Dataset) or found.dtype.kind != "f" or found.size > _MAX_NUMBERS:
                raise ValueError(f"`{name}` of `{place}` is no array of floats")
            return found[()].tolist()
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise UnreadableWeightsError(str(error)) from None
