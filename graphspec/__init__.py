"""graphspec: YAML and JSON specs that compile to Keras 3 functional models.

    spec = graphspec.load("specs/headline.yaml")
    model = graphspec.build(spec)                  # a keras.Model
    run = graphspec.train(spec)

Importing graphspec does not import TensorFlow or Keras; `build`, `train` and `summarize` do when they are called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphspec.version import __version__

if TYPE_CHECKING:
    from graphspec.api import build, decompile, resume, summarize, train, validate
    from graphspec.diagnostics import Diagnostic, Report, SpecError
    from graphspec.differences import Difference, diff
    from graphspec.exporting import Exported, export
    from graphspec.runs.report import write_report
    from graphspec.runs.run import Run
    from graphspec.spec import Spec, load
    from graphspec.to_python import python_source
    from graphspec.tuning import Study, tune

__all__ = [
    "Diagnostic",
    "Difference",
    "Exported",
    "Report",
    "Run",
    "Spec",
    "SpecError",
    "Study",
    "__version__",
    "build",
    "decompile",
    "diff",
    "export",
    "load",
    "python_source",
    "resume",
    "summarize",
    "train",
    "tune",
    "validate",
    "write_report",
]

_HOMES = {
    "build": "api",
    "decompile": "api",
    "resume": "api",
    "summarize": "api",
    "train": "api",
    "export": "exporting",
    "Diagnostic": "diagnostics",
    "Difference": "differences",
    "diff": "differences",
    "Exported": "exporting",
    "Report": "diagnostics",
    "SpecError": "diagnostics",
    "Run": "runs.run",
    "Study": "tuning",
    "python_source": "to_python",
    "tune": "tuning",
    "Spec": "spec",
    "load": "spec",
    "validate": "api",
    "write_report": "runs.report",
}


def __getattr__(name: str) -> Any:
    """Import a name of the public API on first use, since a command needs few of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'graphspec' has no attribute {name!r}")
    found = getattr(import_module(f"graphspec.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
