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

EXTRAS = {
    "tensorflow": ("tensorflow", "keras"),
    "arrays": ("numpy", "h5py", "ml_dtypes", "rich"),
    "tables": ("pyarrow",),
    "images": ("PIL",),
    "records": ("google_crc32c", "google"),
    "hub": ("keras_hub",),
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow", "alembic"),
    "sweep": ("optuna", "sqlalchemy"),
    "postgresql": ("psycopg",),
    "editor": ("pygls", "lsprotocol"),
}
"""Modules that each extra of pyproject.toml brings. A test holds the table against it and against all imports."""

PURPOSES = {
    "tensorflow": "build, train, evaluate, predict, tune and export",
    "arrays": "list runs, and look at data",
    "tables": "Parquet, Arrow and Feather",
    "images": "image files, and plots as PNG",
    "records": "TFRecord files",
    "hub": "presets of KerasHub",
    "onnx": "export to ONNX",
    "litert": "export to LiteRT",
    "tensorboard": "look at the logs of TensorBoard",
    "mlflow": "log trainings to MLflow",
    "sweep": "search for hyperparameters",
    "postgresql": "share a study on a PostgreSQL server",
    "editor": "the language server for editors",
}
"""The purpose of each extra, in the words of `graphspec doctor`."""

_EXTRA_OF = {module: extra for extra, modules in EXTRAS.items() for module in modules}


def missing_extra(error: Exception) -> SpecError | None:
    """Return the finding for an import that failed for want of an extra; None for any other error."""
    module = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    extra = _EXTRA_OF.get(module)
    return _missing(f"this needs the module `{module}`, which is not installed", extra) if extra is not None else None


def _missing(why: str, extra: str) -> SpecError:
    return SpecError.of(MISSING_EXTRA, why, help=f"run: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the command line that installs `extra`."""
    return f"pip install 'graphspec[{extra}]'"


def check_tensorflow() -> None:
    """Raise SpecError with the command to run if TensorFlow, and so NumPy, is not installed. Imports nothing."""
    require("tensorflow", "TensorFlow", "this command needs TensorFlow")


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
        tensorflow = importlib.import_module("tensorflow")
        # It looks for a GPU once, and logs an error where there is none, whatever its log level.
        tensorflow.config.list_physical_devices("GPU")


def require(module: str, package: str, why: str, *, extra: str = "") -> None:
    """Raise SpecError with the command to run unless a package is installed.

    Args:
        module: The name to import, one of EXTRAS.
        package: The name for people.
        why: What needs the package, such as `--data reads arrays`.
        extra: The extra to install; by default the one that brings the module.
    """
    if importlib.util.find_spec(module) is None:
        raise _missing(f"{why}, but {package} is not installed", extra or _EXTRA_OF[module])


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
