"""What a callback has come to know while a model was trained, as JSON values and arrays, and put back into one.

Keras' callbacks keep it in their attributes: counts, best values, weights. What is neither data nor an operation of
Keras (an open file, the model) is left as the callback has made it itself.
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
_NOTHING = object()


def state_of(callback: Any, arrays: Arrays, prefix: str) -> dict[str, Any]:
    """The attributes of `callback` as JSON values; arrays among them go to `arrays`, under names with `prefix`."""
    pack = _Packer(arrays, prefix)
    if isinstance(callback, keras.callbacks.CSVLogger):
        return {"keys": pack(callback.keys), "bytes": _size(callback)}
    places = _places(callback)
    packed = {
        name: pack(value)
        for name, value in vars(callback).items()
        if name not in _NOT_STATE and not _is_below(value, places)
    }
    return {name: value for name, value in packed.items() if value is not _NOTHING}


def put_back(callback: Any, state: dict[str, Any], arrays: Arrays) -> None:
    """Give `callback` the attributes that `state_of` has told; where it writes is never among them."""
    places = _places(callback)
    for name, value in state.items():
        if name in CALLBACK_PATHS or _is_below(getattr(callback, name, None), places):
            continue  # whoever has written the checkpoint does not say where a callback writes
        if not (isinstance(callback, keras.callbacks.CSVLogger) and name == "bytes"):
            setattr(callback, name, _unpack(value, arrays))


def go_on_writing(callback: Any, state: dict[str, Any]) -> None:
    """Let a callback that begins a file when a training begins go on with it, from where `state` was told."""
    if isinstance(callback, keras.callbacks.CSVLogger):
        callback.append = True
        path = Path(callback.filename)
        if path.exists() and not path.is_file():  # Keras would wait for whoever reads a pipe
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        if path.exists() and path.stat().st_size > state["bytes"]:
            with open(path, "rb+") as file:
                file.truncate(state["bytes"])


@contextmanager
def closed_files(callbacks: list[Any]) -> Iterator[None]:
    """Close the files that callbacks keep open, however the training within ends: Keras does at an end in order."""
    try:
        yield
    finally:
        for value in (value for each in callbacks for value in vars(each).values()):
            if isinstance(value, io.IOBase):
                with suppress(OSError):
                    value.close()


def _places(callback: Any) -> tuple[str, ...]:
    """Return the paths that `callback` writes to."""
    return tuple(str(getattr(callback, name)) for name in CALLBACK_PATHS if getattr(callback, name, None))


def _is_below(value: Any, places: tuple[str, ...]) -> bool:
    """Whether `value` is a path in a run: the run may have moved since."""
    return isinstance(value, str | Path) and bool(places) and str(value).startswith(places)


def _size(logger: Any) -> int:
    if logger.csv_file is not None and not logger.csv_file.closed:
        logger.csv_file.flush()
    path = Path(logger.filename)
    return path.stat().st_size if path.exists() else 0


class _Packer:
    def __init__(self, arrays: Arrays, prefix: str) -> None:
        self.arrays = arrays
        self.prefix = prefix
        self.count = 0

    def __call__(self, value: Any) -> Any:
        """`value` as JSON, or _NOTHING where it is no data, or holds what is none."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, np.ndarray | np.generic) or keras.ops.is_tensor(value):
            return self._array(value)
        if isinstance(value, list | tuple):
            items = [self(each) for each in value]
            if any(each is _NOTHING for each in items):
                return _NOTHING
            return {_TUPLE: items} if isinstance(value, tuple) else items
        if isinstance(value, dict):
            pairs = [[self(key), self(item)] for key, item in value.items()]
            return {_PAIRS: pairs} if not any(each is _NOTHING for pair in pairs for each in pair) else _NOTHING
        name = getattr(value, "__name__", "")
        if callable(value) and getattr(keras.ops, name, None) is value:
            return {_OPERATION: name}
        return _NOTHING

    def _array(self, value: Any) -> Any:
        array = np.asarray(value)
        if array.dtype.kind not in "biufcUV":
            return _NOTHING
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
