"""External → keras.Model: a saved model's file, or a function of `keras.applications`.

Whatever form it was saved in, the model is given that of a nested one: bare tensors for one input or one output,
dicts by name for several. A file's configuration is looked through before Keras sees it: `safe_mode` alone is no
sandbox, and a spec carries no code.
"""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from keras.src.backend.common import global_state

from graphspec.catalog.refused import CODE_CARRYING as CODE_CARRYING_NAMES
from graphspec.checks.files import missing_file
from graphspec.diagnostics import Report, SpecError
from graphspec.graph import External
from graphspec.rules import CODE_CARRYING, REFUSED_ARGUMENTS, UNREADABLE_DATA, UNREGISTERED
from graphspec.to_keras.messages import reason

_CONFIG = "config.json"
_LARGEST = 64 * 2**20
_COUNTS = "object_name_uids"


@dataclass(frozen=True)
class Interface:
    """The names of a model's inputs and outputs, as references and `from` write them."""

    inputs: list[str]
    outputs: list[str]


def make_external(what: External, name: str, *, weightless: bool, pretrained: bool) -> tuple[keras.Model, Interface]:
    """The model, named `name`, with the names of its inputs and outputs. Raises SpecError where it cannot be had.

    weightless: no array is read or allocated. pretrained: an application loads the weights that the spec asks for.
    """
    if what.path is None:
        return _in_nested_form(_application(what, name, pretrained=pretrained and not weightless), name)
    return _in_nested_form(_from_file(what, weightless=weightless), name)


def _application(what: External, name: str, *, pretrained: bool) -> keras.Model:
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in what.arguments.items()}
    weights = arguments.pop("weights", None) if pretrained else None
    arguments.pop("weights", None)
    try:
        with _own_names():
            return getattr(keras.applications, what.name)(**{"name": name, **arguments, "weights": weights})
    except Exception as error:
        raise SpecError.of(
            REFUSED_ARGUMENTS,
            f"Keras refused the arguments of the application `{what.name}`: {reason(error)}",
            what.span,
            expected=f"arguments that `keras.applications.{what.name}` takes",
        ) from error


@contextmanager
def _own_names() -> Iterator[None]:
    """Within it, layers without a name are numbered from the start, and not by what the process has made before."""
    counts = global_state.get_global_attribute(_COUNTS)
    global_state.set_global_attribute(_COUNTS, defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(_COUNTS, counts)


def _from_file(what: External, *, weightless: bool) -> keras.Model:
    assert what.path is not None
    if not what.path.is_file():
        raise SpecError(Report([missing_file(what.path, what.name, what.span)]))
    try:
        config = _config(what)
        _refuse_code(what, config)
        if weightless:
            return keras.saving.deserialize_keras_object({**config, "compile_config": None}, safe_mode=True)
        return keras.saving.load_model(what.path, compile=False, safe_mode=True)
    except SpecError:
        raise
    except Exception as error:
        raise SpecError.of(
            UNREADABLE_DATA,
            f"{what.name} cannot be read as a model: {reason(error)}",
            what.span,
            expected="a `.keras` file that Keras 3 wrote",
            help="the file is damaged or of another kind; save the model again",
        ) from error


def _config(what: External) -> dict[str, Any]:
    assert what.path is not None
    with zipfile.ZipFile(what.path) as archive:
        if archive.getinfo(_CONFIG).file_size > _LARGEST:
            raise ValueError(f"its {_CONFIG} is larger than {_LARGEST // 2**20} MiB")
        found = json.loads(archive.read(_CONFIG))
    if not isinstance(found, dict):
        raise ValueError(f"its {_CONFIG} holds no model")
    return found


def _refuse_code(what: External, config: dict[str, Any]) -> None:
    """Refuse a model that holds code, or an object that neither Keras nor a plugin has registered."""
    for each in _objects({key: value for key, value in config.items() if key != "compile_config"}):
        name = str(each["class_name"])
        registered = str(each.get("registered_name") or name)
        module = each.get("module")
        if keras.saving.get_registered_object(registered) is not None:
            continue
        if name.rpartition(">")[2] in CODE_CARRYING_NAMES or name == "__lambda__":
            raise SpecError.of(
                CODE_CARRYING,
                f"{what.name} holds `{name.strip('_')}`, which carries code, and a spec carries none",
                what.span,
                expected="a model of layers that carry no code",
                help=CODE_CARRYING_NAMES.get(name, "build the model without functions of its own"),
            )
        if not (module in (None, "builtins", "keras") or str(module).startswith("keras.")):
            raise SpecError.of(
                UNREGISTERED,
                f"{what.name} holds `{registered}` of the module `{module}`, which is not of Keras",
                what.span,
                expected="objects of Keras, or of a plugin",
                help='register it, `@keras.saving.register_keras_serializable(package="pkg")`, '
                "and name its module under `plugins`",
            )


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


def _in_nested_form(model: keras.Model, name: str) -> tuple[keras.Model, Interface]:
    try:
        inputs = _named(model.input, [each.name for each in model.inputs])
        outputs = _named(model.output, model.output_names)
    except AttributeError:  # a subclass of Model, registered by a plugin: it is called as it stands
        model.name = name
        return model, Interface([], [])
    made = keras.Model(_bare(inputs), _bare(outputs), name=name)
    return made, Interface(list(inputs), list(outputs))


def _named(tensors: Any, names: list[str]) -> dict[str, Any]:
    """The tensors by name; where two would bear one name, by number."""
    if isinstance(tensors, dict):
        return dict(tensors)
    listed = list(tensors) if isinstance(tensors, list | tuple) else [tensors]
    return dict(zip(names if len(set(names)) == len(listed) else map(str, range(len(listed))), listed, strict=True))


def _bare(tensors: dict[str, Any]) -> Any:
    return next(iter(tensors.values())) if len(tensors) == 1 else tensors
