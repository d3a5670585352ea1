"""The state of a Keras callback as JSON values and arrays, captured and restored.

Callbacks keep state in their attributes: counts, best values, weights. Attributes that are neither data nor an
operation of Keras (an open file, the model) are left as they are.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np

from graphspec.catalog.arguments import CALLBACK_PATHS

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

_NOT_STATE = ("_model", "params")
_ARRAY, _TUPLE, _OPERATION, _NUMBER, _PAIRS = "$array", "$tuple", "$operation", "$number", "$pairs"
_NOT_DATA = object()


def state_of(callback: Any, arrays: Arrays, prefix: str) -> dict[str, Any]:
    """Capture the attributes of `callback`.

    Args:
        callback: The callback.
        arrays: Receives the arrays among the attributes.
        prefix: The first part of their names.

    Returns:
        The other attributes as JSON values, which name the arrays.
    """
    pack = _Packer(arrays, prefix)
    if isinstance(callback, keras.callbacks.CSVLogger):
        return {"keys": pack(callback.keys), "bytes": _size(callback)}
    paths = _written_paths(callback)
    packed = {
        name: pack(value)
        for name, value in vars(callback).items()
        if name not in _NOT_STATE and not _is_below(value, paths)
    }
    return {name: value for name, value in packed.items() if value is not _NOT_DATA}


def restore_callback(callback: Any, state: dict[str, Any], arrays: Arrays) -> None:
    """Restore the attributes of a callback, except for its paths.

    Args:
        callback: The callback, as the spec makes it.
        state: Its attributes as `state_of` captured them.
        arrays: The arrays of the checkpoint, by name.
    """
    paths = _written_paths(callback)
    for name, value in state.items():
        if name in CALLBACK_PATHS or _is_below(getattr(callback, name, None), paths):
            continue  # a checkpoint must not decide where a callback writes
        if not (isinstance(callback, keras.callbacks.CSVLogger) and name == "bytes"):
            setattr(callback, name, _unpack(value, arrays))


def resume_files(callback: Any, state: dict[str, Any]) -> None:
    """Let a callback append to its file, cut to the length in `state`."""
    if isinstance(callback, keras.callbacks.CSVLogger):
        callback.append = True
        path = Path(callback.filename)
        if path.exists() and not path.is_file():  # opening a pipe would block until somebody reads it
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if path.exists() and path.stat().st_size > state["bytes"]:
            with open(path, "rb+") as file:
                file.truncate(state["bytes"])


@contextmanager
def closed_files(callbacks: list[Any]) -> Iterator[None]:
    """Close the files of callbacks on leaving, as Keras does only after a training without errors."""
    try:
        yield
    finally:
        for value in (value for each in callbacks for value in vars(each).values()):
            if isinstance(value, io.IOBase):
                with suppress(OSError):
                    value.close()


def _written_paths(callback: Any) -> tuple[str, ...]:
    """Return the paths that `callback` writes to."""
    return tuple(str(getattr(callback, name)) for name in CALLBACK_PATHS if getattr(callback, name, None))


def _is_below(value: Any, paths: tuple[str, ...]) -> bool:
    """Return whether `value` is a path in the run, which may have moved since."""
    return isinstance(value, str | Path) and bool(paths) and str(value).startswith(paths)


def _size(logger: Any) -> int:
    if logger.csv_file is not None and not logger.csv_file.closed:
        logger.csv_file.flush()
    path = Path(logger.filename)
    return path.stat().st_size if path.exists() else 0


class _Packer:
    """A converter of attributes to JSON values that collects their arrays."""

    def __init__(self, arrays: Arrays, prefix: str) -> None:
        self.arrays = arrays
        self.prefix = prefix
        self.count = 0

    def __call__(self, value: Any) -> Any:
        """Return `value` as JSON, or _NOT_DATA if not all of it is data."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.ndarray | np.generic) or keras.ops.is_tensor(value):
            return self._array(value)
        if isinstance(value, list | tuple):
            items = [self(each) for each in value]
            if any(each is _NOT_DATA for each in items):
                return _NOT_DATA
            return {_TUPLE: items} if isinstance(value, tuple) else items
        if isinstance(value, dict):
            pairs = [[self(key), self(item)] for key, item in value.items()]
            return {_PAIRS: pairs} if not any(each is _NOT_DATA for pair in pairs for each in pair) else _NOT_DATA
        name = getattr(value, "__name__", "")
        if callable(value) and getattr(keras.ops, name, None) is value:
            return {_OPERATION: name}
        return _NOT_DATA

    def _array(self, value: Any) -> Any:
        array = np.asarray(value)
        if array.dtype.kind not in "biufcUV":
            return _NOT_DATA
        name = f"{self.prefix}/{self.count:04}"
        self.count += 1
        self.arrays[name] = array
        return {_NUMBER if isinstance(value, np.generic) else _ARRAY: name}


def _unpack(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, list):
        return [_unpack(each, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    readers: dict[str, Callable[[], Any]] = {
        _ARRAY: lambda: arrays[inner],
        _NUMBER: lambda: arrays[inner][()],
        _TUPLE: lambda: tuple(_unpack(each, arrays) for each in inner),
        _PAIRS: lambda: {_unpack(key, arrays): _unpack(item, arrays) for key, item in inner},
        _OPERATION: lambda: getattr(keras.ops, inner),
    }
    return readers[kind]()
