"""Calls of functions of TensorFlow in a model → operations of Keras 3."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphspec.diagnostics.rules import LEGACY_FUNCTION
from graphspec.from_keras.layer_state import shortest
from graphspec.from_keras.legacy.calls import LayerCall, Ref, leaves, refs_in
from graphspec.from_keras.legacy.objects import plain_value
from graphspec.from_keras.legacy.operations import (
    CORE,
    MATH,
    NN,
    NUMPY,
    OPERATIONS,
    PREFIXES,
    REFUSED,
    Operation,
)
from graphspec.from_keras.legacy.place import Place

PREVIOUS = Ref("")
"""The result of the step before, among the arguments of a step."""

FUNCTION_LAYERS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "AddMetric", "AddLoss")
"""Classes of the layers that Keras 2 makes of calls of functions."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call of an operation of Keras 3."""

    class_name: str
    module: str
    args: list[Any]
    config: dict[str, Any] = field(default_factory=dict)


class _RefusedError(ValueError):
    """A call that no operation replaces; help says what does."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


def function_steps(name: str, call: LayerCall, place: Place) -> list[Step]:
    """Return the operations that compute what a call of a function does, each from the one before.

    Args:
        name: The name in TensorFlow, such as `math.reduce_mean`.
        call: The call.
        place: The place of the function, for diagnostics.

    Returns:
        No step after a diagnostic.
    """
    try:
        return _steps(name, call)
    except _RefusedError as error:
        place.add(LEGACY_FUNCTION, f"`tf.{name}` {error}", help=error.help)
        return []


def _steps(name: str, call: LayerCall) -> list[Step]:
    key = _key(name)
    if key == "getitem":
        return [_slice(call)]
    if key in _SPECIAL:
        first, build = _SPECIAL[key]
        bound = {first: call.args if call.is_list else _only(call.args), **_stated(call.kwargs)}
        return build(bound)
    operation = OPERATIONS.get(key)
    if operation is None:
        help = REFUSED.get(key) or "write the operations that compute the same, or a layer in a plugin"
        raise _RefusedError("has no equivalent in `keras.ops`", help)
    takes_list = operation.tensors == ("values",)
    first_value = call.args if call.is_list and takes_list else _only(call.args)
    return [_bind(operation, {operation.tensors[0]: first_value, **_stated(call.kwargs)})]


def _key(name: str) -> str:
    """Return the name of a function by which the tables know it."""
    for version in ("compat.v1.", "compat.v2."):
        name = name.removeprefix(version)
    prefix, _, last = name.rpartition(".")
    return last if prefix in PREFIXES else name


def _only(args: list[Any]) -> Any:
    return args[0] if len(args) == 1 else args


def _stated(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {key: plain_value(value) for key, value in kwargs.items() if key != "name"}


def _bind(operation: Operation, bound: dict[str, Any]) -> Step:
    """Return the call of an operation with the arguments of a function."""
    args, config = [], dict(operation.fixed)
    for tensor in operation.tensors:
        if tensor not in bound or bound[tensor] is None:
            raise _RefusedError(f"is called without `{tensor}`")
        args.append(_operand(bound[tensor]))
    for key, value in bound.items():
        if key in operation.tensors:
            continue
        if key in operation.constants:
            if any(refs_in(value)):
                raise _RefusedError(f"takes a tensor as `{key}`", "write a number there, or a layer in a plugin")
            if value is not None or operation.constants[key] not in operation.fixed:
                config[operation.constants[key]] = shortest(value)
        elif value is not None and operation.neutral.get(key) is not ... and operation.neutral.get(key) != value:
            raise _RefusedError(f"is called with `{key}`, which no operation takes")
    return Step(operation.class_name, operation.module, args, config)


def _operand(value: Any) -> Any:
    """Return what an operation computes with: an array in the place of a list of numbers."""
    if isinstance(value, list) and not any(refs_in(value)):
        numbers = list(leaves(value))
        if not numbers or not all(isinstance(each, bool | int | float) for each in numbers):
            raise _RefusedError("is called with a constant that holds no numbers")
        dtype = "bool" if isinstance(numbers[0], bool) else "int32" if isinstance(numbers[0], int) else "float32"
        return {"class_name": "__numpy__", "config": {"value": value, "dtype": dtype}}
    return shortest(value)


def _slice(call: LayerCall) -> Step:
    spec = call.kwargs.get("slice_spec")
    if any(refs_in(spec)) or not call.args:
        raise _RefusedError("takes tensors as indices", "use `ops.take` or `ops.slice`")
    listed = spec if isinstance(spec, list) else [spec]
    return Step("GetItem", NUMPY, [call.args[0], [_index(each) for each in listed]])


def _index(written: Any) -> Any:
    """Return an index as Keras 3 serialises it: a number, a slice, None for a new axis, or an ellipsis."""
    if isinstance(written, dict) and "start" in written:
        sides = {key: written.get(key) for key in ("start", "stop", "step")}
        if all(each is None or isinstance(each, int) for each in sides.values()):
            return {"class_name": "__slice__", "config": sides}
    if (isinstance(written, dict) and written.get("class_name") == "__ellipsis__") or written in ("Ellipsis", "..."):
        return {"class_name": "__ellipsis__", "config": {}}
    if written is None or (isinstance(written, int) and not isinstance(written, bool)):
        return written
    raise _RefusedError("takes an index that is no number and no slice", "use `ops.take` or `ops.slice`")


def _number(bound: dict[str, Any], key: str, default: Any, kinds: Any = int) -> Any:
    value = bound.get(key)
    value = default if value is None else value
    if not isinstance(value, kinds):
        raise _RefusedError(f"is called with a `{key}` that is no number")
    return value


def _squared_difference(bound: dict[str, Any]) -> list[Step]:
    return [_bind(OPERATIONS["subtract"], bound), Step("Square", NUMPY, [PREVIOUS])]


def _l2_normalize(bound: dict[str, Any]) -> list[Step]:
    epsilon = _number(bound, "epsilon", 1e-12, (int, float))
    if not 0 < epsilon < math.inf:
        raise _RefusedError("is called with an `epsilon` that is no positive number")
    operation = Operation("Normalize", NN, ("x",), {"axis": "axis"}, {"epsilon": ...})
    step = _bind(operation, bound)
    return [Step(step.class_name, step.module, step.args, {**step.config, "epsilon": short_root(epsilon)})]


def short_root(number: float) -> float:
    """Return the square root with as few digits as say the same in float32."""
    return float(f"{math.sqrt(number):.8g}")


def _matmul(bound: dict[str, Any]) -> list[Step]:
    plain = Operation("Matmul", tensors=("a", "b"), neutral={"a_is_sparse": False, "b_is_sparse": False})
    flags = ("transpose_a", "transpose_b", "adjoint_a", "adjoint_b")
    rest = {key: value for key, value in bound.items() if key not in flags}
    turned = [side for side in ("a", "b") if bound.get(f"transpose_{side}") or bound.get(f"adjoint_{side}")]
    if len(turned) == 2:
        raise _RefusedError("transposes both tensors", "swap them: `matmul(b, a)`, transposed")
    if not turned:
        return [_bind(plain, rest)]
    swap = Step("Swapaxes", NUMPY, [rest.get(turned[0])], {"axis1": -1, "axis2": -2})
    return [swap, _bind(plain, {**rest, turned[0]: PREVIOUS})]


def _split(bound: dict[str, Any]) -> list[Step]:
    sizes = bound.get("num_or_size_splits")
    axis = _number(bound, "axis", 0)
    if isinstance(sizes, list) and all(isinstance(each, int) and each >= 0 for each in sizes):
        sections: Any = [sum(sizes[: number + 1]) for number in range(len(sizes) - 1)]
    elif isinstance(sizes, int) and not isinstance(sizes, bool) and sizes > 0:
        sections = sizes
    else:
        raise _RefusedError("is called with sizes that are no numbers")
    return [Step("Split", NUMPY, [bound["value"]], {"indices_or_sections": sections, "axis": axis})]


def _pad(bound: dict[str, Any]) -> list[Step]:
    mode = bound.get("mode") or "CONSTANT"
    paddings = bound.get("paddings")
    if any(refs_in(paddings)) or str(mode).lower() not in ("constant", "reflect", "symmetric"):
        raise _RefusedError("is called with paddings or a mode that are no constants")
    value = bound.get("constant_values") or 0
    args = [bound["tensor"]] if value == 0 else [bound["tensor"], value]
    return [Step("Pad", NUMPY, args, {"pad_width": paddings, "mode": str(mode).lower()})]


def _argmax(class_name: str) -> Callable[[dict[str, Any]], list[Step]]:
    def build(bound: dict[str, Any]) -> list[Step]:
        dtype = bound.get("output_type") or "int64"
        if not isinstance(dtype, str):
            raise _RefusedError("is called with an unknown `output_type`")
        step = Step(class_name, NUMPY, [bound["input"]], {"axis": _number(bound, "axis", 0)})
        return [step, Step("Cast", CORE, [PREVIOUS], {"dtype": dtype})]

    return build


def _add_n(bound: dict[str, Any]) -> list[Step]:
    tensors = bound["inputs"]
    if not isinstance(tensors, list) or len(tensors) < 2:
        raise _RefusedError("is called with fewer than two tensors")
    first, second, *rest = tensors
    return [Step("Add", NUMPY, [first, second]), *(Step("Add", NUMPY, [PREVIOUS, each]) for each in rest)]


_SPECIAL: dict[str, tuple[str, Callable[[dict[str, Any]], list[Step]]]] = {
    "add_n": ("inputs", _add_n),
    "argmax": ("input", _argmax("Argmax")),
    "argmin": ("input", _argmax("Argmin")),
    "l2_normalize": ("x", _l2_normalize),
    "matmul": ("a", _matmul),
    "pad": ("tensor", _pad),
    "split": ("value", _split),
    "squared_difference": ("x", _squared_difference),
}
"""Functions that become several operations, or whose arguments are converted: the first argument, and what builds."""


def function_names() -> list[str]:
    """Return the functions of TensorFlow that are translated, by the last parts of their names."""
    return sorted([*OPERATIONS, *_SPECIAL, "getitem"])


__all__ = ["FUNCTION_LAYERS", "MATH", "PREVIOUS", "Step", "function_names", "function_steps"]
