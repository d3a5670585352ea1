"""The form of a configuration, checked before anything of it is read, so that all that follows can rely on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MAX_DEPTH = 150
"""Levels of lists and mappings in one another. Fourteen models in one another take some 100."""

_SHOWN = 40
_MAX_SIZE = 2**63


class UnknownFormError(ValueError):
    """A configuration that is not of the form that Keras writes."""


def check_form(config: Any) -> None:
    """Raise UnknownFormError where a configuration nests too deeply, or holds an object or a text that is none."""
    waiting = [(config, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, dict | list):
            if depth == MAX_DEPTH:
                raise UnknownFormError(f"it is nested deeper than {MAX_DEPTH} levels")
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                if "class_name" in value:
                    _check_object(value)
            waiting += [(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value)]


def is_index(value: Any) -> bool:
    """Return whether a value is a whole number that counts."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_shape(value: Any) -> bool:
    """Return whether a value is the shape of a tensor with its batch size, sizes that are not known being None."""
    return isinstance(value, list) and all(each is None or (is_index(each) and each < _MAX_SIZE) for each in value)


def is_of_keras(module: str) -> bool:
    """Return whether a module is one of Keras, or none is written."""
    return not module or module.partition(".")[0] == "keras"


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnknownFormError(f"{text[:_SHOWN]!a} holds half a character") from None


def _check_object(written: dict[str, Any]) -> None:
    """Check a serialised object, and that a plain value among these has what its class needs."""
    name = written["class_name"]
    if not isinstance(name, str):
        raise UnknownFormError(f"the `class_name` {str(name)[:_SHOWN]!a} is no text")
    if name == "__tuple__":
        _check(isinstance(written.get("items"), list), name, "a list of `items`")
    elif name in _CONFIGS:
        needs, is_right = _CONFIGS[name]
        config = written.get("config")
        _check(isinstance(config, dict) and is_right(config), name, needs)
    elif "config" not in written:
        return  # a mapping of another meaning; where an object must stand, its reader says so
    elif name == "function":
        _check(isinstance(written["config"], str), name, "the name of a function as its `config`")
    elif not name.startswith("__"):
        _check(isinstance(written["config"], dict | None), name, "a mapping as its `config`")


def _is_tensor(config: dict[str, Any]) -> bool:
    history = config.get("keras_history")
    return (
        isinstance(history, list)
        and len(history) == 3
        and isinstance(history[0], str)
        and is_index(history[1])
        and is_index(history[2])
        and is_shape(config.get("shape"))
        and isinstance(config.get("dtype"), str)
    )


_CONFIGS: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "__tensor__": (
        "a `value` and a `dtype`",
        lambda config: "value" in config and isinstance(config.get("dtype"), str),
    ),
    "__numpy__": ("a `value` and a `dtype`", lambda config: "value" in config and isinstance(config.get("dtype"), str)),
    "__slice__": ("`start`, `stop` and `step`", lambda config: {"start", "stop", "step"} <= config.keys()),
    "__keras_tensor__": ("a `shape`, a `dtype`, and a layer and two numbers as its `keras_history`", _is_tensor),
}
"""What the `config` of a plain value holds, by its class."""


def _check(is_right: bool, class_name: str, needs: str) -> None:
    if not is_right:
        raise UnknownFormError(f"a `{class_name}` has {needs}")
