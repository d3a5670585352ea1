"""The operands of a step → the arguments of the layer's call, as Keras binds them.

Tensors by keyword and further call arguments meet in one mapping; the first argument of the call is what most layers
work on, and the rest are its keywords.
"""

from __future__ import annotations

from typing import Any

from graphspec.catalog import REQUIRED, Entry
from graphspec.diagnostics.rules import BAD_OPERANDS, UNKNOWN_ARGUMENT
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.shapes.call import Refusal
from graphspec.shapes.tensor import Value, tensors

EVERYWHERE = ("training",)
"""Call arguments that Keras takes for any layer, and ignores where the layer has none of the name."""


def bind(entry: Entry, value: Value, keywords: dict[str, Any]) -> tuple[Value, dict[str, Any]]:
    """Return the first argument of the call, and the others by name.

    Args:
        entry: the layer.
        value: the operands of the step.
        keywords: the arguments under `call`.

    Raises:
        Refusal: Keras cannot bind them.
    """
    first = next(iter(entry.call))
    by_name = isinstance(value, dict) and (entry.call_is_open or any(name in entry.call for name in value))
    arguments: dict[str, Any] = dict(value) if by_name and isinstance(value, dict) else {first: value}
    for name in keywords:
        if name in arguments:
            raise Refusal(
                BAD_OPERANDS,
                f"`{entry.name}` received `{name}` twice: by `from` and by `call`",
                expected=f"one `{name}`",
                help="remove it from `call`",
            )
    arguments |= keywords
    for name in arguments:
        if name not in entry.call and name not in EVERYWHERE and not entry.call_is_open:
            raise Refusal(
                UNKNOWN_ARGUMENT,
                f"the call of `{entry.name}` has no argument `{name}`",
                expected=f"one of its call arguments: {one_of(list(entry.call))}",
                help=did_you_mean(name, list(entry.call), f"it takes {one_of(list(entry.call))}"),
            )
    missing = [name for name, default in entry.call.items() if default is REQUIRED and name not in arguments]
    if missing:
        form = ", ".join(f"{name}: ..." for name, default in entry.call.items() if default is REQUIRED)
        raise Refusal(
            BAD_OPERANDS,
            f"`{entry.name}` received no {one_of(missing)}",
            expected=f"`from: {{{form}}}`",
            help="name each tensor in `from`",
        )
    for name, each in arguments.items():
        _refuse_mixed(entry, name, each)
        if each == [] and name != first:
            raise Refusal(
                BAD_OPERANDS,  # some layers fail with it, and others build and fail when the model runs
                f"`{name}` in the call of `{entry.name}` is an empty list",
                expected="a tensor, or a list that holds one",
                help="leave it out",
            )
    return arguments.pop(first, None), {
        name: arguments[name] for name in (*entry.call, *arguments) if name in arguments
    }


def _refuse_mixed(entry: Entry, name: str, value: Any) -> None:
    """Refuse a list of tensors and other values."""
    if isinstance(value, list):
        count = len(list(tensors(value)))
        if 0 < count < sum(1 for _ in _leaves(value)):
            raise Refusal(
                BAD_OPERANDS,
                f"`{name}` in the call of `{entry.name}` lists tensors and other values",
                expected="a list of tensors alone",
            )


def _leaves(value: Any) -> Any:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield value
