"""Construction of Keras objects, by calls of their classes and of registered ones.

Nothing of a spec is ever passed to Keras' deserialisation, which is no sandbox.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import keras

from graphspec.catalog import SINGULAR, Kind
from graphspec.checks.files import VOCABULARY, require_file, vocabulary_path
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import REFUSED_ARGUMENTS, UNREGISTERED
from graphspec.diagnostics.suggest import a, did_you_mean, one_of
from graphspec.language.graph import Layer
from graphspec.language.lower.naming import snake_case
from graphspec.language.objects import FIRST, Object
from graphspec.sources import DataSource
from graphspec.to_keras.initializers import FromFile
from graphspec.to_keras.installed import check_identifier, find_installed, refused_arguments
from graphspec.to_keras.keras_messages import reason

_BASES: dict[Kind, type] = {
    "layers": keras.Layer,
    "losses": keras.losses.Loss,
    "metrics": keras.metrics.Metric,
    "optimizers": keras.optimizers.Optimizer,
    "schedules": keras.optimizers.schedules.LearningRateSchedule,
    "callbacks": keras.callbacks.Callback,
}
_NO_FUNCTIONS = ("layers", "optimizers", "schedules", "callbacks")


def make(spec_object: Object, make_layer: Callable[[Layer], Any] | None = None, **defaults: Any) -> Any:
    """Return the Keras object of `spec_object`; an identifier, such as `relu`, stays a string.

    Args:
        spec_object: the object of the spec.
        make_layer: returns the Keras layer of a Layer among the arguments.
        **defaults: arguments that the spec may override.

    Raises:
        SpecError: Keras refuses the arguments, or does not have the class.
    """
    if spec_object.is_identifier:
        check_identifier(spec_object)
        return spec_object.name
    if isinstance(spec_object.arguments.get("file"), DataSource):
        source: DataSource = spec_object.arguments["file"]
        return FromFile(str(source.path), source.key)
    arguments = {name: _argument(value, make_layer) for name, value in spec_object.arguments.items()}
    if ">" in spec_object.name:
        return _make_custom(spec_object, arguments, defaults)
    vocabulary = vocabulary_path(spec_object)
    if vocabulary is not None:
        text = spec_object.arguments[VOCABULARY]
        require_file(vocabulary, text, spec_object.span_of(VOCABULARY))  # TensorFlow would wait for a pipe
        arguments[VOCABULARY] = str(vocabulary)
    keras_class = find_installed(spec_object.kind, spec_object.name, spec_object.span)
    try:
        return keras_class(**{**defaults, **arguments})
    except Exception as error:
        kind, name = spec_object.kind, spec_object.name
        raise refused_arguments(SINGULAR[kind], name, kind, spec_object.span, error=error) from error


def _argument(value: Any, make_layer: Callable[[Layer], Any] | None) -> Any:
    if isinstance(value, Object):
        is_layer = value.kind == "layers" and ">" not in value.name  # an activation; Keras would number its name
        return make(value, make_layer, **({"name": snake_case(value.name)} if is_layer else {}))
    if isinstance(value, Layer):
        assert make_layer is not None, "only layers hold layers"
        return make_layer(value)
    if isinstance(value, list):
        return [_argument(item, make_layer) for item in value]
    return value


def _make_custom(spec_object: Object, arguments: dict[str, Any], defaults: dict[str, Any]) -> Any:
    """Return a custom object, called with those `defaults` that it takes."""
    registered = _find_registered(spec_object)
    noun = SINGULAR[spec_object.kind]
    if not inspect.isclass(registered):
        if arguments:
            raise SpecError.of(
                REFUSED_ARGUMENTS,
                f"`{spec_object.name}` is a function and takes no arguments here",
                spec_object.span,
                expected="its name alone",
                help=f"register a class, to give {a(noun)} arguments",
            )
        return registered
    keywords = {name: value for name, value in arguments.items() if name != FIRST}
    taken, refused = _split(registered, defaults)
    try:
        instance = registered(*([arguments[FIRST]] if FIRST in arguments else []), **{**taken, **keywords})
    except SpecError:
        raise
    except Exception as error:
        raise SpecError.of(
            REFUSED_ARGUMENTS,
            f"the {noun} `{spec_object.name}` refused its arguments: {reason(error)}",
            spec_object.span,
            expected=f"arguments that `{registered.__name__}` of {registered.__module__} takes",
        ) from error
    if isinstance(instance, keras.Layer):
        for name, value in refused.items():  # such as `name`, by which weights are registered
            setattr(instance, "dtype_policy" if name == "dtype" else name, value)
    return instance


def _find_registered(spec_object: Object) -> Any:
    registered = keras.saving.get_registered_object(spec_object.name)
    noun = SINGULAR[spec_object.kind]
    if registered is None:
        known = [name for name in keras.saving.get_custom_objects() if ">" in name]
        raise SpecError.of(
            UNREGISTERED,
            f"no plugin registers `{spec_object.name}`",
            spec_object.span,
            expected=f"{a(noun)} that a plugin registers",
            help=did_you_mean(
                spec_object.name, known, f"they register {one_of(known)}" if known else "they register nothing"
            ),
        )
    base = _BASES.get(spec_object.kind)
    is_class = inspect.isclass(registered)
    if (is_class and base is not None and not issubclass(registered, base)) or (
        not is_class and (spec_object.kind in _NO_FUNCTIONS or not callable(registered))
    ):
        raise SpecError.of(
            UNREGISTERED,
            f"`{spec_object.name}` is registered, but is no {noun}",
            spec_object.span,
            expected=f"a subclass of `{base.__module__.partition('.')[0]}.{base.__name__}`" if base else a(noun),
            help=f"name {a(noun)} here",
        )
    return registered


def _split(registered: type, defaults: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments that a constructor takes, and the others."""
    parameters = inspect.signature(registered).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    taken = {name: value for name, value in defaults.items() if takes_any or name in parameters}
    return taken, {name: value for name, value in defaults.items() if name not in taken}
