"""Named data files → arrays: one module a format, each with a `header` and a `load` of one source.

A header needs no NumPy, and says what it can without reading the data; `load` gives an array whose first axis counts
the samples. A new format is one module and one line in `FORMATS`.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from graphspec.sources import csv_table, npy, npz
from graphspec.sources.source import Data, DataError, Header, Source, Split

if TYPE_CHECKING:
    import numpy as np

FORMATS: dict[str, ModuleType] = {".npy": npy, ".npz": npz, ".csv": csv_table}

__all__ = ["FORMATS", "Data", "DataError", "Header", "Source", "Split", "header", "load"]


def header(source: Source) -> Header:
    """What the file of `source` says of it. Raises DataError, or OSError where the file cannot be opened."""
    found: Header = FORMATS[source.path.suffix.lower()].header(source)
    return found


def load(source: Source) -> np.ndarray[Any, Any]:
    """The array of `source`, first axis samples. Raises DataError, or OSError where the file cannot be opened."""
    array: np.ndarray[Any, Any] = FORMATS[source.path.suffix.lower()].load(source)
    return array
