"""graphspec: YAML and JSON specs that compile to Keras 3 functional models.

    spec = graphspec.load("specs/headline.yaml")
    model = graphspec.build(spec)                  # a keras.Model
    run = graphspec.train(spec)

Importing graphspec imports neither TensorFlow nor Keras; `build`, `train` and `summarize` do when they are called.
"""

from __future__ import annotations

from graphspec.api import build, summarize, train
from graphspec.diagnostics import Diagnostic, Report, SpecError
from graphspec.run import Run
from graphspec.spec import Spec, load
from graphspec.validation import validate
from graphspec.version import __version__

__all__ = [
    "Diagnostic",
    "Report",
    "Run",
    "Spec",
    "SpecError",
    "__version__",
    "build",
    "load",
    "summarize",
    "train",
    "validate",
]
