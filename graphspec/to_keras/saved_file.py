"""Readers of a saved model's file, which is not trusted.

The configuration is checked before Keras reads it: `safe_mode` is no sandbox, and graphspec runs no code from a file.
"""

from __future__ import annotations

import io
import math
import random
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import keras

from graphspec.catalog.refused import CODE_CARRYING as CODE_CARRYING_NAMES
from graphspec.diagnostics import Span, SpecError
from graphspec.diagnostics.rules import CODE_CARRYING, UNREADABLE_DATA, UNREGISTERED
from graphspec.files import json_in, open_file, zip_in
from graphspec.hdf5_file import open_checked
from graphspec.to_keras.hub import HUB_OBJECTS, import_hub
from graphspec.to_keras.keras_internals import weightless_scope
from graphspec.to_keras.keras_messages import reason

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_METADATA = 4096
_MAX_CONFIG = 64 * 2**20
_MAX_RATIO = 20
"""Bytes that a file may unpack to, by its size: Keras does not compress, and weights hardly can be."""
_COMPILED = "compile_config"
_NOT_FOUND = re.compile(r"Could not locate (class|function) '([^']+)'")
"""The start of Keras' message about an unregistered object; the whole configuration follows."""


def load_saved(path: Path, name: str, span: Span | None = None, *, weightless: bool = False) -> keras.Model:
    """Return the model in a file, not compiled.

    Args:
        path: the file.
        name: the file in messages.
        span: where the spec names it.
        weightless: read and allocate no array.

    Raises:
        SpecError: the file holds no model, or would run code.
    """
    try:
        config = read_config(path)
        if not weightless:
            check_saved_weights(path)
        refuse_code({key: value for key, value in config.items() if key != _COMPILED}, name, span)
        if weightless:
            return _model(keras.saving.deserialize_keras_object({**config, _COMPILED: None}, safe_mode=True))
        check_size(config, max_unpacked(path))
        return _model(keras.saving.load_model(path, compile=False, safe_mode=True))  # takes a path; see `files`
    except SpecError:
        raise
    except Exception as error:
        raise _unreadable(path, name, span, error) from error


def _model(loaded: Any) -> keras.Model:
    """Return a loaded object that is a model. Raises ValueError for another."""
    if not isinstance(loaded, keras.Model):
        raise ValueError(f"its {_CONFIG} holds no model")
    return loaded


def load_compiling(path: Path, name: str) -> dict[str, Any] | None:
    """Return the arguments of `compile` in a model's file; None if not compiled.

    Args:
        path: the file.
        name: the file in messages.

    Raises:
        SpecError: the file cannot be read, or would run code.
    """
    try:
        config = read_config(path).get(_COMPILED)
        if not isinstance(config, dict):
            return None
        refuse_code(config, name, None)
        arguments: dict[str, Any] = keras.saving.deserialize_keras_object(config, safe_mode=True)
        return arguments
    except SpecError:
        raise
    except Exception as error:
        raise _unreadable(path, name, None, error) from error


def by_name(tensors: Any, names: list[str]) -> dict[str, Any]:
    """Return a model's inputs or outputs by name, or by number if names repeat."""
    if isinstance(tensors, dict):
        return dict(tensors)
    listed = list(tensors) if isinstance(tensors, list | tuple) else [tensors]
    return dict(zip(names if len(set(names)) == len(listed) else map(str, range(len(listed))), listed, strict=True))


def read_config(path: Path, *, limit: int = _MAX_CONFIG) -> dict[str, Any]:
    """Return the configuration in a model's file.

    Args:
        path: the file.
        limit: bytes that the configuration may have.

    Raises:
        OSError, BadZipFile, ValueError: the file is none that Keras 3 wrote.
    """
    with _open_archive(path) as archive:
        return json_in(archive, _CONFIG, limit)


def check_saved_weights(path: Path) -> None:
    """Raise an exception of any type if the weights in a model's file are unsafe."""
    with saved_weights(path):
        pass


@contextmanager
def saved_weights(path: Path) -> Iterator[h5py.File]:
    """Open the weights in a model's file, checked. Raises an exception of any type."""
    with (
        _open_archive(path) as archive,
        open_checked(io.BytesIO(archive.read(_WEIGHTS)), max_unpacked(path)) as file,
    ):
        yield file


def max_unpacked(path: Path) -> int:
    """Return the bytes that a file may unpack to."""
    return _MAX_CONFIG + _MAX_RATIO * path.stat().st_size


@contextmanager
def _open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a model's file. Raises OSError, BadZipFile, or ValueError if it is too large."""
    with open_file(path) as file, zip_in(file) as archive:
        unpacked = sum(each.file_size for each in archive.infolist())
        if unpacked > max_unpacked(path):
            raise ValueError(f"it would unpack to {unpacked // 2**20:,} MiB")
        yield archive


def check_size(config: dict[str, Any], limit: int) -> None:
    """Raise ValueError if a model has far more weights than its files can hold.

    Keras would allocate them all before it finds them missing.

    Args:
        config: the configuration of the model.
        limit: the bytes that its files may unpack to.
    """
    largest = max((_size(each) for each in _values(config)), default=0)  # Keras empties `config`
    state = random.getstate()  # from which Keras draws the seeds of layers
    try:
        with weightless_scope():
            model = keras.saving.deserialize_keras_object({**config, _COMPILED: None}, safe_mode=True)
            count = sum(math.prod(each.shape) for each in model.variables)
    except Exception:  # loading the model reports it
        count = largest
    finally:
        random.setstate(state)
    if count > limit:
        raise ValueError(f"it describes a model of {count:,} weights, and is far too small to hold them")


def _values(value: Any) -> Iterator[Any]:
    """Yield every value in a configuration."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each, dict | list):
            waiting += each.values() if isinstance(each, dict) else each


def _size(value: Any) -> int:
    """Return the size of an array of shape `value`; 0 if it is none."""
    is_shape = isinstance(value, list) and all(each is None or isinstance(each, int) for each in value)
    return math.prod(abs(each) for each in value if each) if is_shape else 0


def refuse_code(config: dict[str, Any], name: str, span: Span | None) -> None:
    """Raise SpecError if a configuration holds code, or an object that is not registered.

    Args:
        config: the configuration.
        name: the file in messages.
        span: where the spec names it.
    """
    if any(str(each.get("registered_name")).startswith(HUB_OBJECTS) for each in _objects(config)):
        import_hub(f"{name} holds layers of KerasHub", span)
    for each in _objects(config):
        kind = str(each["class_name"])
        registered = str(each.get("registered_name") or kind)
        module = each.get("module")
        if keras.saving.get_registered_object(registered) is not None:
            continue
        if kind.rpartition(">")[2] in CODE_CARRYING_NAMES or kind == "__lambda__":
            raise SpecError.of(
                CODE_CARRYING,
                f"{name} holds `{kind.strip('_')}`, which carries code, and graphspec runs none",
                span,
                expected="a model of layers that carry no code",
                help=CODE_CARRYING_NAMES.get(kind, "build the model without functions of its own"),
            )
        if not (module in (None, "builtins", "keras") or str(module).startswith("keras.")):
            raise _unregistered(f"{name} holds `{registered}` of the module `{module}`, which is not of Keras", span)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every serialised object in a configuration."""
    yield from (each for each in _values(value) if isinstance(each, dict) and "class_name" in each)


def _unregistered(message: str, span: Span | None) -> SpecError:
    return SpecError.of(
        UNREGISTERED,
        message,
        span,
        expected="objects of Keras, or of a plugin",
        help='register it, `@keras.saving.register_keras_serializable(package="pkg")`, '
        "and name its module under `plugins`",
    )


def _unreadable(path: Path, name: str, span: Span | None, error: Exception) -> SpecError:
    written_by = _keras_of(path)
    if missing := _NOT_FOUND.search(str(error)):
        where = "of Keras" if written_by in ("", keras.__version__) else f"in Keras {keras.__version__}"
        return _unregistered(f"{name} holds the {missing[1]} `{missing[2]}`, which is not {where}", span)
    help = "the file is damaged or of another kind; save the model again"
    if written_by not in ("", keras.__version__):
        help = f"Keras {written_by} wrote it, and {keras.__version__} is installed: install that one, or save it again"
    return SpecError.of(
        UNREADABLE_DATA,
        f"{name} cannot be read as a model: {reason(error)}",
        span,
        expected="a `.keras` file that Keras 3 wrote",
        help=help,
    )


def _keras_of(path: Path) -> str:
    """Return the version of Keras that wrote a file; empty if unknown."""
    try:
        with open_file(path) as file, zip_in(file) as archive:
            version = json_in(archive, _METADATA, _MAX_METADATA).get("keras_version")
    except (OSError, ValueError, zipfile.BadZipFile):
        return ""
    return version if isinstance(version, str) and re.fullmatch(r"[\w.+-]{1,40}", version) else ""
