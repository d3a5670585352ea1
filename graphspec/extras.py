"""Optional packages: the error that says how to install them, and the quiet import of TensorFlow."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import MISSING_EXTRA
from graphspec.signals import put_off


def check_tensorflow() -> None:
    """Raise SpecError with the command to run if TensorFlow, and so NumPy, is not installed. Imports nothing."""
    require("tensorflow", "TensorFlow", "this command needs TensorFlow", "graphspec[tensorflow]")


def require_tensorflow() -> None:
    """Import TensorFlow and Keras. Raises SpecError with the command to run if they are not installed."""
    check_tensorflow()
    if "keras" in sys.modules and "tensorflow" in sys.modules:
        return
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:  # exceptions report errors as well
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with _quiet_import():
        importlib.import_module("keras")
        importlib.import_module("tensorflow")


def require(module: str, package: str, why: str, extra: str) -> None:
    """Raise SpecError with the command to run unless a package is installed.

    Args:
        module: The name to import.
        package: The name for people.
        why: What needs the package, such as `--data reads arrays`.
        extra: The requirement to install.
    """
    if importlib.util.find_spec(module) is None:
        raise SpecError.of(MISSING_EXTRA, f"{why}, but {package} is not installed", help=f"run: pip install '{extra}'")


@contextmanager
def _quiet_import() -> Iterator[None]:
    """Capture what native libraries write to standard error while they load; show it if loading fails.

    TensorFlow writes there before its log level applies. Signals are delayed until the libraries are loaded, since an
    exception inside of their import ends in other errors or an abort.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # closed
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            with put_off():
                yield
        except Exception:
            os.dup2(saved, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
