"""A saved model's file → keras.Model. Its configuration is looked through before Keras sees it: `safe_mode` alone is
no sandbox, and graphspec runs no code that lies in a file.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from graphspec.catalog.refused import CODE_CARRYING as CODE_CARRYING_NAMES
from graphspec.diagnostics import Span, SpecError
from graphspec.keras_messages import reason
from graphspec.rules import CODE_CARRYING, UNREADABLE_DATA, UNREGISTERED

_CONFIG = "config.json"
_METADATA = "metadata.json"
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
        config = _read(path)
        _refuse_code({key: value for key, value in config.items() if key != _COMPILED}, name, span)
        if weightless:
            return keras.saving.deserialize_keras_object({**config, _COMPILED: None}, safe_mode=True)
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except SpecError:
        raise
    except Exception as error:
        raise _unreadable(path, name, span, error) from error


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


def _read(path: Path) -> dict[str, Any]:
    """The configuration in the file. Raises an exception of whatever kind where it is none that Keras 3 wrote."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(each.file_size for each in archive.infolist())
        if unpacked > _LARGEST + _UNPACKED * path.stat().st_size:
            raise ValueError(f"it would unpack to {unpacked // 2**20:,} MiB")
        if archive.getinfo(_CONFIG).file_size > _LARGEST:
            raise ValueError(f"its {_CONFIG} is larger than {_LARGEST // 2**20} MiB")
        found = json.loads(archive.read(_CONFIG))
    if not isinstance(found, dict):
        raise ValueError(f"its {_CONFIG} holds no model")
    return found


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
        with zipfile.ZipFile(path) as archive, archive.open(_METADATA) as file:
            found = json.loads(file.read(_LARGEST_METADATA))["keras_version"]
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile, RecursionError):
        return ""
    return found if isinstance(found, str) and re.fullmatch(r"[\w.+-]{1,40}", found) else ""
