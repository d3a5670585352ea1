"""A checkpoint on disk: an uncompressed zip file of arrays (`.npy`) and one `state.json`.

Each member has a CRC-32 and the directory is at the end of the file, so a truncated or altered file is detected.
`numpy.load` opens it too. Needs no TensorFlow.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401 - registers bfloat16 and the like with NumPy
import numpy as np

from graphspec.files import open_file, zip_in
from graphspec.run_directory import write

Array = np.ndarray[Any, Any]

ENDING = ".npz"
_STATE = "state.json"
_FORMAT = 1


class DamagedError(Exception):
    """A checkpoint cannot be used; the message is the reason."""


@dataclass(frozen=True)
class CheckpointContents:
    """The contents of a checkpoint: JSON values, and arrays by name."""

    state: dict[str, Any]
    arrays: dict[str, Array]


def write_checkpoint(path: Path, contents: CheckpointContents) -> None:
    """Replace `path` by `contents` atomically. Raises SpecError if it cannot be written."""
    write(path, lambda part: _write(part, contents))


def read_checkpoint(path: Path) -> CheckpointContents:
    """Return the contents of the checkpoint at `path`. Raises DamagedError if it is not intact."""
    try:
        with open_file(path) as file, zip_in(file) as archive:
            state = json.loads(archive.read(_STATE))
            if state.pop("format") != _FORMAT:
                raise DamagedError("it was written by another version of graphspec")
            arrays = {name: _read(archive, name, dtype) for name, dtype in state.pop("arrays").items()}
    except DamagedError:
        raise
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise DamagedError(str(error) or type(error).__name__) from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, MemoryError) as error:
        raise DamagedError(str(error)) from error
    return CheckpointContents(state, arrays)


def _write(path: Path, contents: CheckpointContents) -> None:
    dtypes = {name: str(array.dtype) for name, array in contents.arrays.items()}
    state = {"format": _FORMAT, **contents.state, "arrays": dtypes}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in contents.arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _plain(array), allow_pickle=False)
        archive.writestr(_STATE, json.dumps(state))


def _read(archive: zipfile.ZipFile, name: str, dtype: str) -> Array:
    array: Array = np.lib.format.read_array(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
    expected = np.dtype(dtype)
    return array if array.dtype == expected else array.view(expected)


def _plain(array: Array) -> Array:
    """Return `array` in a dtype of `.npy`: bfloat16 and the like as integers."""
    return array if array.dtype.kind in "biufcU" else array.view(f"u{array.dtype.itemsize}")
