"""Readers of data files: headers without NumPy, columns of samples, and their transforms.

`header` returns what is known without reading the data; `load` returns a column, which is indexed like an array whose
first axis is the samples. A new format is one module with a `FORMAT`, and one line in `format.FORMATS`.
"""

from __future__ import annotations

from graphspec.sources.column import Column, dtype_of, in_order, skipped
from graphspec.sources.format import FORMATS, Format, endings, format_for, format_of
from graphspec.sources.reading import Progress, blocks_of, header, load
from graphspec.sources.shards import files_of
from graphspec.sources.source import AUTO, COMMAND_LINE, Data, DataError, DataSource, Header, Split, Transforms, Window

__all__ = [
    "AUTO",
    "COMMAND_LINE",
    "FORMATS",
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
