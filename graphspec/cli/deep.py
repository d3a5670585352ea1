"""`graphspec validate --deep`: Keras is asked about one spec after the other; a terminal shows which one it is at."""

from __future__ import annotations

import sys

from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.escapes import escaped
from graphspec.extras import require_tensorflow
from graphspec.spec import Spec
from graphspec.validation.check import Deep

_ERASE = "\r\x1b[K"


def ask_keras() -> Deep:
    """What asks Keras. Raises SpecError where TensorFlow is not installed."""
    require_tensorflow()
    from graphspec.training.dry_run import DryRun

    check, asked = DryRun(), 0

    def ask(spec: Spec) -> list[Diagnostic]:
        nonlocal asked
        asked += 1
        sys.stderr.write(f"{_ERASE}{asked}: Keras builds {escaped(spec.path)}")
        sys.stderr.flush()
        try:
            return check(spec)
        finally:
            sys.stderr.write(_ERASE)

    return ask if sys.stderr.isatty() else check
