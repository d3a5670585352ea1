"""A saved model's file → keras.Model. Its configuration is looked through before Keras sees it: `safe_mode` alone is
no sandbox, and graphspec runs no code that lies in a file.
"""

from __future__ import annotations

import io
import json
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
from graphspec.files import open_file, zip_in
from graphspec.to_keras.hdf5_file import check_hdf5
from graphspec.to_keras.keras_internals import weightless_scope
from graphspec.to_keras.keras_messages import reason

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_LARGEST_METADATA = 4096
_LARGEST = 64 * 2**20
_UNPACKED = 20
"""A file may unpack to so many times its size: Keras does not compress, and weights hardly can be."""
_COMPILED = "compile_config"
_NOT_FOUND = re.compile(r"Could not locate (class|function) '([^']+)'")
"""What Keras says of an object that nobody has registered, before it shows the whole configuration."""


def load_saved(path: Path, name: str, span: Span | None = None, *, weightless: bool = False) -> keras.Model:
    """The model in the file `path`, which messages call `name`, not compiled.

    weightless: no array is read or allocated. Raises SpecError where it is no model, or would run code.
    """
    try:
        config = _read(path, with_weights=not weightless)
        _refuse_code({key: value for key, value in config.items() if key != _COMPILED}, name, span)
        if weightless:
            return _model(keras.saving.deserialize_keras_object({**config, _COMPILED: None}, safe_mode=True))
        _check_size(config, path)
        return _model(keras.saving.load_model(path, compile=False, safe_mode=True))  # takes a path; see `files`
    except SpecError:
        raise
    except Exception as error:
        raise _unreadable(path, name, span, error) from error


def _model(loaded: Any) -> keras.Model:
    """Return what Keras made of a configuration. Raises ValueError where that is no model."""
    if not isinstance(loaded, keras.Model):
        raise ValueError(f"its {_CONFIG} holds no model")
    return loaded


def load_compiling(path: Path, name: str) -> dict[str, Any] | None:
    """What the model in the file `path` was compiled with, as arguments of `compile`; None where it was not.

    Raises SpecError where it cannot be read, or would run code.
    """
    try:
        written = _read(path).get(_COMPILED)
        if not isinstance(written, dict):
            return None
        _refuse_code(written, name, None)
        found: dict[str, Any] = keras.saving.deserialize_keras_object(written, safe_mode=True)
        return found
    except SpecError:
        raise
    except Exception as error:
        raise _unreadable(path, name, None, error) from error


def by_name(tensors: Any, names: list[str]) -> dict[str, Any]:
    """The tensors of a model's `input` or `output` by name; where two would bear one name, by number."""
    if isinstance(tensors, dict):
        return dict(tensors)
    listed = list(tensors) if isinstance(tensors, list | tuple) else [tensors]
    return dict(zip(names if len(set(names)) == len(listed) else map(str, range(len(listed))), listed, strict=True))


def _read(path: Path, *, with_weights: bool = False) -> dict[str, Any]:
    """The configuration in the file. Raises an exception of whatever kind where it is none that Keras 3 wrote.

    with_weights: check the weights beside it as well.
    """
    with opened_archive(path) as archive:
        if archive.getinfo(_CONFIG).file_size > _LARGEST:
            raise ValueError(f"its {_CONFIG} is larger than {_LARGEST // 2**20} MiB")
        found = json.loads(archive.read(_CONFIG))
    if with_weights:
        check_saved(path)
    if not isinstance(found, dict):
        raise ValueError(f"its {_CONFIG} holds no model")
    return found


def check_saved(path: Path) -> None:
    """Raise an exception of whatever kind unless the weights in the file of a model may be handed to Keras."""
    with opened_archive(path) as archive, weights_in(archive, most_unpacked(path)):
        pass


@contextmanager
def opened_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive in the file `path`. Raises OSError, BadZipFile, or ValueError where it would unpack to too much."""
    with open_file(path) as file, zip_in(file) as archive:
        unpacked = sum(each.file_size for each in archive.infolist())
        if unpacked > most_unpacked(path):
            raise ValueError(f"it would unpack to {unpacked // 2**20:,} MiB")
        yield archive


@contextmanager
def weights_in(archive: zipfile.ZipFile, limit: int) -> Iterator[h5py.File]:
    """The weights in the archive of a model, checked: they take no more than `limit` bytes."""
    with h5py.File(io.BytesIO(archive.read(_WEIGHTS)), "r") as file:
        check_hdf5(file, limit)
        yield file


def most_unpacked(path: Path) -> int:
    """Return the bytes that the file at `path` may unpack to."""
    return _LARGEST + _UNPACKED * path.stat().st_size


def _check_size(config: dict[str, Any], path: Path) -> None:
    """Raise ValueError where the model that `config` describes has far more weights than its file can hold.

    Keras would make them all before it finds that they are not there.
    """
    largest = max((_size(each) for each in _values(config)), default=0)  # before Keras empties it
    state = random.getstate()  # from which Keras draws the seeds of layers
    try:
        with weightless_scope():
            model = keras.saving.deserialize_keras_object({**config, _COMPILED: None}, safe_mode=True)
            count = sum(math.prod(each.shape) for each in model.variables)
    except Exception:  # whatever it is, loading the model says it
        count = largest
    finally:
        random.setstate(state)
    if count > most_unpacked(path):
        raise ValueError(f"it describes a model of {count:,} weights, and is far too small to hold them")


def _values(value: Any) -> Iterator[Any]:
    """Every value in a configuration."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        yield found
        if isinstance(found, dict | list):
            waiting += found.values() if isinstance(found, dict) else found


def _size(value: Any) -> int:
    """Return the size of the array whose shape `value` may be; 0 where it is no shape."""
    is_shape = isinstance(value, list) and all(each is None or isinstance(each, int) for each in value)
    return math.prod(abs(each) for each in value if each) if is_shape else 0


def _refuse_code(config: dict[str, Any], name: str, span: Span | None) -> None:
    """Refuse a model that holds code, or an object that neither Keras nor a plugin has registered."""
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
    """Every serialised object in a configuration."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if "class_name" in found:
                yield found
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


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
    """The version of Keras that the file names as its writer; empty where it names none."""
    try:
        with open_file(path) as whole, zip_in(whole) as archive, archive.open(_METADATA) as file:
            found = json.loads(file.read(_LARGEST_METADATA))["keras_version"]
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile, RecursionError):
        return ""
    return found if isinstance(found, str) and re.fullmatch(r"[\w.+-]{1,40}", found) else ""
