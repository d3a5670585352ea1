"""What comes into a step → the arguments of the layer's call, as Keras binds them.

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
"""Call arguments that Keras takes for any layer, and drops where the layer has none of the name."""


def bind(entry: Entry, value: Value, keywords: dict[str, Any]) -> tuple[Value, dict[str, Any]]:
    """What the first argument of the call is given, and the others by name. Raises Refusal where Keras cannot bind."""
    first = next(iter(entry.call))
    by_name = isinstance(value, dict) and (entry.call_is_open or any(name in entry.call for name in value))
    given: dict[str, Any] = dict(value) if by_name and isinstance(value, dict) else {first: value}
    for name in keywords:
        if name in given:
            raise Refusal(
                BAD_OPERANDS,
                f"`{entry.name}` is given `{name}` twice: by `from` and by `call`",
                expected=f"one `{name}`",
                help="leave it out of `call`",
            )
    given |= keywords
    for name in given:
        if name not in entry.call and name not in EVERYWHERE and not entry.call_is_open:
            raise Refusal(
                UNKNOWN_ARGUMENT,
                f"a call of `{entry.name}` has no argument `{name}`",
                expected=f"one of its call arguments: {one_of(list(entry.call))}",
                help=did_you_mean(name, list(entry.call), f"it takes {one_of(list(entry.call))}"),
            )
    missing = [name for name, default in entry.call.items() if default is REQUIRED and name not in given]
    if missing:
        form = ", ".join(f"{name}: ..." for name, default in entry.call.items() if default is REQUIRED)
        raise Refusal(
            BAD_OPERANDS,
            f"`{entry.name}` is given no {one_of(missing)}",
            expected=f"`from: {{{form}}}`",
            help="name each tensor that it takes",
        )
    for name, each in given.items():
        _refuse_mixed(entry, name, each)
    return given.pop(first, None), {name: given[name] for name in (*entry.call, *given) if name in given}


def _refuse_mixed(entry: Entry, name: str, value: Any) -> None:
    """Raise Refusal where a list holds tensors beside other things."""
    if isinstance(value, list):
        count = len(list(tensors(value)))
        if 0 < count < sum(1 for _ in _leaves(value)):
            raise Refusal(
                BAD_OPERANDS,
                f"`{name}` in the call of `{entry.name}` lists tensors beside other values",
                expected="a list of tensors alone",
            )


def _leaves(value: Any) -> Any:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield value
