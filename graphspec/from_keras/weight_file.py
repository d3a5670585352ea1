"""Weights of preprocessing layers in a `.keras` archive."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import h5py

from graphspec.files import open_file, zip_in
from graphspec.from_keras.model_file import WEIGHTS
from graphspec.hdf5_file import check_hdf5

_MAX_BYTES = 2**31
_POSITIONS = {"mean": "0", "variance": "1"}
"""The places of the variables of `Normalization`, which its `build` adds in this order."""


def read_weight(path: Path, place: str, name: str) -> Any:
    """Return a weight as nested lists of floats; None if the archive does not hold it, or is damaged.

    Args:
        path: The archive.
        place: The layer in it, as `layers/normalization`.
        name: The weight: `mean`, `variance` or `idf_weights`.
    """
    try:
        with open_file(path) as file, zip_in(file) as archive:
            if archive.getinfo(WEIGHTS).file_size > _MAX_BYTES:
                return None
            data = archive.read(WEIGHTS)
        with h5py.File(io.BytesIO(data), "r") as weights:
            check_hdf5(weights, 2 * _MAX_BYTES)
            found = weights.get(f"{place}/vars/{_POSITIONS.get(name, name)}")
            return found[()].tolist() if isinstance(found, h5py.Dataset) else None
    except (OSError, KeyError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
