"""Export a trained model to another format, and compare the result with the model before it is published.

Each format is a module with the same functions: `unsupported` reports what the format cannot hold, `convert` writes
the export, `load` loads it as a server would, and `reason` explains an error. `exporter` puts them together.
"""

from __future__ import annotations

from graphspec.exporting.exporter import Exported, export
from graphspec.exporting.formats import FORMATS

__all__ = ["FORMATS", "Exported", "export"]
