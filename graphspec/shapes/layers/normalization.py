"""Layers that normalise: the output has the shape of the input, and weights lie along the axes."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layers.elementwise import map_tensors
from graphspec.shapes.sizes import differ
from graphspec.shapes.tensor import UNKNOWN, Tensor, Value


@layer("BatchNormalization")
def batch_normalization(call: Call) -> Value:
    """Infer the same shape; statistics and weights lie along the axis."""
    tensor = call.tensor()
    axes = _axes(call, tensor.rank)
    if len(axes) != 1:
        return UNKNOWN
    _build_along(call, tensor, axes[0])
    return call.output(tensor.shape)


@layer("LayerNormalization", "RMSNormalization")
def layer_normalization(call: Call) -> Value:
    """Infer the same shape; weights lie along the axes. Later calls of a shared layer may have other sizes."""
    tensor = call.tensor()
    axes = _axes(call, tensor.rank)
    if not call.is_built and (call.name == "RMSNormalization" or call["scale"] or call["center"]):
        for axis in axes:
            _expect_weights(call, tensor, axis)
    call.build()
    return call.output(tensor.shape)


@layer("GroupNormalization")
def group_normalization(call: Call) -> Value:
    """Infer the same shape; the axis is split into groups of one size, one for every channel with -1."""
    tensor = call.tensor()
    axes, groups = _axes(call, tensor.rank), call["groups"]
    if len(axes) != 1 or not isinstance(groups, int):
        return UNKNOWN
    size = _expect_weights(call, tensor, axes[0]) if not call.is_built else 0
    if not call.is_built and groups > 0 and (size < groups or size % groups):
        call.refuse(
            SHAPE_MISMATCH,
            f"`GroupNormalization` cannot split the {size} channels of {tensor} into {groups} equal groups",
            argument="groups",
            expected=f"a divisor of {size}",
            help="`groups: -1` makes every channel a group",
        )
    _build_along(call, tensor, axes[0])
    return call.output(tensor.shape)


@layer("UnitNormalization")
def unit_normalization(call: Call) -> Value:
    """Infer the same shapes. For a list, Keras checks the axis against the number of tensors."""
    value = call.inputs
    _axes(call, value.rank if isinstance(value, Tensor) else len(value) if isinstance(value, list | dict) else 0)
    return map_tensors(value, lambda tensor: call.output(tensor.shape))


def _axes(call: Call, rank: int) -> list[int]:
    """Return the axes of the layer counted from the front; none where they cannot be read."""
    written = call["axis"]
    numbers = list(written) if isinstance(written, list) else [written]
    if not all(isinstance(number, int) for number in numbers):
        return []
    return [call.expect_axis("axis", number, rank, call.received) for number in numbers]


def _expect_weights(call: Call, tensor: Tensor, axis: int) -> int:
    """Return the size of an axis along which weights lie. Refuses an unknown one."""
    return call.expect_known(
        tensor.shape[axis],
        f"a known size along axis {call['axis']}",
        tensor,
        argument="axis",
        help="normalise along another axis, or give the input the size",
    )


def _build_along(call: Call, tensor: Tensor, axis: int) -> None:
    """Build the layer along an axis. Refuses a shared layer that was built for other sizes."""
    if not call.is_built:
        _expect_weights(call, tensor, axis)
    state = call.build(rank=tensor.rank, size=tensor.shape[axis])
    if state["rank"] != tensor.rank:
        call.refuse_rebuild(f"tensors of {state['rank']} dimensions", tensor)
    if differ(state["size"], tensor.shape[axis]):
        call.refuse_rebuild(f"{state['size']} channels along axis {call['axis']}", tensor)
