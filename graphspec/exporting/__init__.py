"""A trained model → a file or folder of another format, held against the model before anybody sees it.

One module a format, each with the same three functions: `refused` finds what the format has no place for before any
work is done, `convert` writes it, and `opened` loads it as whoever serves it would. `exporter` puts them together.
"""

from __future__ import annotations

from graphspec.exporting.exporter import Exported, export
from graphspec.exporting.formats import FORMATS

__all__ = ["FORMATS", "Exported", "export"]
