"""Layers that normalise: what comes out has the shape of what came in, and weights lie along the axes."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_AXIS, OPEN_DIMENSION, SHAPE_MISMATCH
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layers.elementwise import each, refuse_other_use
from graphspec.shapes.sizes import normal, there_are
from graphspec.shapes.tensor import UNKNOWN, Size, Tensor, Value


@layer("BatchNormalization")
def batch_normalization(call: Call) -> Value:
    """The same shape; statistics and weights for every place along the axis."""
    tensor = call.tensor()
    places = _places(call, tensor.rank, tensor)
    if len(places) != 1:
        return UNKNOWN
    _hold_to_axis(call, tensor, places[0])
    return call.gives(tensor.shape)


@layer("LayerNormalization")
def layer_normalization(call: Call) -> Value:
    """The same shape; a weight for every place along the axes. A shared layer is held to nothing later on."""
    tensor = call.tensor()
    places = _places(call, tensor.rank, tensor)
    if not call.facts and (call["scale"] or call["center"]):
        for place in places:
            _known(call, tensor, place)
    call.once(built=True)
    return call.gives(tensor.shape)


@layer("RMSNormalization")
def rms_normalization(call: Call) -> Value:
    """The same shape; a weight for every place along the axes."""
    tensor = call.tensor()
    for place in _places(call, tensor.rank, tensor):
        if not call.facts:
            _known(call, tensor, place)
    call.once(built=True)
    return call.gives(tensor.shape)


@layer("GroupNormalization")
def group_normalization(call: Call) -> Value:
    """The same shape; the axis falls into groups of one size, -1 being a group for every place."""
    tensor = call.tensor()
    places, groups = _places(call, tensor.rank, tensor), call["groups"]
    if len(places) != 1 or not isinstance(groups, int):
        return UNKNOWN
    size = _known(call, tensor, places[0]) if not call.facts else 0
    if not call.facts and groups > 0 and (size < groups or size % groups):
        call.refuse(
            SHAPE_MISMATCH,
            f"`GroupNormalization` cannot part {size} channels of {tensor} into {groups} equal groups",
            argument="groups",
            expected=f"a divisor of {size}",
            help="`groups: -1` makes every channel a group",
        )
    _hold_to_axis(call, tensor, places[0])
    return call.gives(tensor.shape)


@layer("UnitNormalization")
def unit_normalization(call: Call) -> Value:
    """The same shape. Of a list Keras counts the tensors where it looks for the axis."""
    _places(call, call.inputs.rank if isinstance(call.inputs, Tensor) else _length(call.inputs), call.inputs)
    return each(call.inputs, lambda tensor: call.gives(tensor.shape))


def _length(value: Value) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _places(call: Call, rank: int, value: Value) -> list[int]:
    """The axes of the layer counted from the front; empty where they are of a kind that cannot be read."""
    axis = call["axis"]
    axes = list(axis) if isinstance(axis, list) else [axis]
    if not all(isinstance(one, int) for one in axes):
        return []
    places = []
    for one in axes:
        place = normal(one, rank)
        if place is None:
            call.refuse(
                BAD_AXIS,
                f"`{call.name}` is told the axis {one}, which {call.shown()} does not have",
                argument="axis",
                expected=there_are(rank),
            )
        places.append(place)
    return places


def _known(call: Call, tensor: Tensor, place: int) -> int:
    """The size of an axis, which weights need."""
    size = tensor.shape[place]
    if size is None:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` has weights along the axis {call['axis']}, whose size is open in {tensor}",
            argument="axis",
            expected="an axis of known size",
            help="normalise along another axis, or give the input the size",
        )
    return size


def _hold_to_axis(call: Call, tensor: Tensor, place: int) -> None:
    """Refuse a shared layer that was first applied to other sizes."""
    size: Size = tensor.shape[place]
    if not call.facts:
        _known(call, tensor, place)
    facts = call.once(rank=tensor.rank, size=size)
    if facts["rank"] != tensor.rank:
        refuse_other_use(call, f"tensors of {facts['rank']} dimensions", tensor)
    if size is not None and facts["size"] != size:
        refuse_other_use(call, f"{facts['size']} places along the axis {call['axis']}", tensor)
