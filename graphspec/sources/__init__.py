"""Named data files → columns of samples: one module a format, each with a `FORMAT`, behind one interface.

A header needs no NumPy, and says what it can without reading the data; `load` gives a column: something that reads as
an array whose first axis counts the samples. A new format is one module and one line in `format.FORMATS`.
"""

from __future__ import annotations

from graphspec.sources.column import Column, dtype_of, in_order, skipped
from graphspec.sources.format import FORMATS, Format, endings, format_for, format_of
from graphspec.sources.reading import Progress, blocks_of, header, load
from graphspec.sources.shards import files_of
from graphspec.sources.source import AUTO, INPUT_FILES, Data, DataError, DataSource, Header, Split, Transforms, Window

__all__ = [
    "AUTO",
    "FORMATS",
    "INPUT_FILES",
    "Column",
    "Data",
    "DataError",
    "DataSource",
    "Format",
    "Header",
    "Progress",
    "Split",
    "Transforms",
    "Window",
    "blocks_of",
    "dtype_of",
    "endings",
    "files_of",
    "format_for",
    "format_of",
    "header",
    "in_order",
    "load",
    "skipped",
]
