"""Calls that give several tensors, of which a spec picks one as `node[0]`."""

from __future__ import annotations

from typing import Any

from graphspec.from_keras.records import Tensor
from graphspec.from_keras.units import Unit
from graphspec.shapes.call import SHAPE_RULES, Call, Refusal
from graphspec.shapes.tensor import UNKNOWN, TooLargeError
from graphspec.shapes.tensor import Tensor as ShapedTensor

_OF_LAYERS = ("return_state", "return_attention_scores")
"""Arguments, of layers and of their calls, by which a layer gives several tensors."""


def gives_several(unit: Unit, used: set[tuple[str, int]]) -> bool:
    """Return whether a unit gives several tensors.

    Args:
        unit: A call of a layer or an operation.
        used: The layers and numbers of calls of which another tensor than the first is used.
    """
    if (unit.result.layer, unit.result.call) in used:
        return True
    if unit.call is None or unit.kind[0] == "model":
        return False
    if unit.kind[0] == "ops":
        return _operation_gives_several(unit)
    config = unit.call.layer.config
    inner = config.get("layer")
    held = inner["config"] if isinstance(inner, dict) and isinstance(inner.get("config"), dict) else {}
    return any(source.get(key) is True for source in (config, held, unit.kwargs) for key in _OF_LAYERS)


def _operation_gives_several(unit: Unit) -> bool:
    """Return whether the shape rule of an operation gives a list for these tensors."""
    name = str(unit.kind[1])
    rule = SHAPE_RULES.get(name)
    if rule is None:
        return False
    arguments = {**unit.slots, **{key: _shaped(value) for key, value in unit.operands.items()}}
    call = Call("ops", name, arguments, UNKNOWN, {}, "float32", {}, lambda *_: UNKNOWN)
    try:
        return isinstance(rule(call), list)
    except (Refusal, TooLargeError, LookupError, TypeError, ValueError, AttributeError):
        return False  # whoever checks the spec says what is wrong


def _shaped(value: Any) -> Any:
    if isinstance(value, Tensor):
        return ShapedTensor(value.shape, value.dtype)
    return [_shaped(each) for each in value] if isinstance(value, list) else value
