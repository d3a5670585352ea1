"""A custom object, `package>Name` → what a plugin registered under that name, called with the arguments of the spec."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from graphspec.catalog import SINGULAR, Kind
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import REFUSED_ARGUMENTS, UNREGISTERED
from graphspec.diagnostics.suggest import a, did_you_mean, one_of
from graphspec.language.graph import FIRST, Object
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


def make_custom(what: Object, arguments: dict[str, Any], more: dict[str, Any]) -> Any:
    """The object that `what` names; more holds arguments that the spec leaves to us, for those that take them."""
    found = _find(what)
    noun = SINGULAR[what.kind]
    if not inspect.isclass(found):
        if arguments:
            raise SpecError.of(
                REFUSED_ARGUMENTS,
                f"`{what.name}` is a function and takes no arguments here",
                what.span,
                expected="its name alone",
                help=f"register a class, to give {a(noun)} arguments",
            )
        return found
    keywords = {name: value for name, value in arguments.items() if name != FIRST}
    taken, left = _split(found, more)
    try:
        made = found(*([arguments[FIRST]] if FIRST in arguments else []), **{**taken, **keywords})
    except SpecError:
        raise
    except Exception as error:
        raise SpecError.of(
            REFUSED_ARGUMENTS,
            f"the {noun} `{what.name}` refused its arguments: {reason(error)}",
            what.span,
            expected=f"arguments that `{found.__name__}` of {found.__module__} takes",
        ) from error
    if isinstance(made, keras.Layer):
        for name, value in left.items():  # its constructor hands them on to no one; weights are found by the name
            setattr(made, "dtype_policy" if name == "dtype" else name, value)
    return made


def _find(what: Object) -> Any:
    found = keras.saving.get_registered_object(what.name)
    noun = SINGULAR[what.kind]
    if found is None:
        known = [name for name in keras.saving.get_custom_objects() if ">" in name]
        raise SpecError.of(
            UNREGISTERED,
            f"no plugin registers `{what.name}`",
            what.span,
            expected=f"{a(noun)} that a plugin registers",
            help=did_you_mean(what.name, known, f"they register {one_of(known)}" if known else "they register nothing"),
        )
    base = _BASES.get(what.kind)
    is_class = inspect.isclass(found)
    if (is_class and base is not None and not issubclass(found, base)) or (
        not is_class and (what.kind in _NO_FUNCTIONS or not callable(found))
    ):
        raise SpecError.of(
            UNREGISTERED,
            f"`{what.name}` is registered, but is no {noun}",
            what.span,
            expected=f"a subclass of `{base.__module__.partition('.')[0]}.{base.__name__}`" if base else a(noun),
            help=f"name {a(noun)} here",
        )
    return found


def _split(found: type, more: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of `more` that the constructor of `found` takes, and the others."""
    parameters = inspect.signature(found).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    taken = {name: value for name, value in more.items() if takes_any or name in parameters}
    return taken, {name: value for name, value in more.items() if name not in taken}
