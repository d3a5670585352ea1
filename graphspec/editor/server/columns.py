"""The names of the columns, arrays or features of a data file that a spec names, as its reader knows them."""

from __future__ import annotations

import os
from pathlib import Path

from graphspec.diagnostics import SourceText, Span
from graphspec.editor.server.document import Document
from graphspec.editor.server.project import path_beside
from graphspec.sources import DataError, DataSource, format_of
from graphspec.sources.format import is_glob

_MAX_NAMES = 2_000


def column_names(document: Document, written: str) -> list[str]:
    """Return the names in a file that a document writes; none where it cannot be read, or lies behind a link.

    Parquet and Arrow are read by pyarrow, of the extra `tables`, as the check of the spec reads them.
    """
    path = path_beside(document, written)
    source = DataSource(Path(path), written, Span(SourceText(document.path, ""), 1, 1, 1, 1))
    known = format_of(Path(path).suffix.lower())
    if known is None or is_glob(written) or not source.shows_names or not os.access(path, os.R_OK):
        return []
    try:
        return known.names(source)[:_MAX_NAMES]
    except (DataError, OSError):
        return []
