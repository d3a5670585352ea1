"""Layers that work on every number by itself: what comes out has the shape of what came in."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from graphspec.diagnostics.rules import BAD_AXIS, OPEN_DIMENSION, SHAPE_MISMATCH, WRONG_RANK
from graphspec.shapes.call import Call, layer
from graphspec.shapes.sizes import normal
from graphspec.shapes.tensor import UNKNOWN, Tensor, Value


def each(value: Value, change: Callable[[Tensor], Value]) -> Value:
    """The value with `change` made of every tensor in it: these layers take lists and mappings as they come."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [each(item, change) for item in value]
    if isinstance(value, dict):
        return {name: each(item, change) for name, item in value.items()}
    return value


@layer(
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "ELU",
    "GaussianDropout",
    "GaussianNoise",
    "LeakyReLU",
    "ReLU",
    "Softmax",
)
def alike(call: Call) -> Value:
    """The same shape, in the dtype that the layer computes in. Keras looks at no axis and no dtype before it runs."""
    return each(call.inputs, lambda tensor: call.gives(tensor.shape))


@layer("Masking")
def masking(call: Call) -> Value:
    """The same shape; the mask goes over all dimensions but the last."""
    return call.gives(call.tensor().shape)


@layer("PReLU")
def prelu(call: Call) -> Value:
    """The same shape. A slope is learnt for every place in a sample, but for those along the shared axes."""
    tensor = call.tensor()
    shared = call["shared_axes"]
    axes = shared if isinstance(shared, list) else [] if shared is None else [shared]
    if not all(isinstance(axis, int) for axis in axes):
        return UNKNOWN
    weights = list(tensor.shape[1:])
    for axis in axes:
        place = normal(axis - 1, len(weights))
        if place is None:
            call.refuse(
                BAD_AXIS,
                f"`PReLU` shares its slopes along the axis {axis}, which {tensor} does not have",
                argument="shared_axes",
                expected=f"axes from 1 to {len(weights)}" if weights else "no shared axes",
            )
        weights[place] = 1
    if not call.facts and None in weights:
        call.refuse(
            OPEN_DIMENSION,
            f"`PReLU` learns a slope for every place, and what comes in is {tensor}",
            expected="known sizes but for the shared axes",
            help="share the slopes along the open dimension: `shared_axes: [1]`",
        )
    fixed = {number: size for number, size in enumerate(tensor.shape) if axes and number > 0 and number not in axes}
    facts = call.once(rank=tensor.rank, fixed=fixed)
    if tensor.rank != facts["rank"]:
        refuse_other_use(call, f"tensors of {facts['rank']} dimensions", tensor)
    for number, size in facts["fixed"].items():
        if None not in (size, tensor.shape[number]) and size != tensor.shape[number]:
            refuse_other_use(call, f"{size} along the axis {number}", tensor)
    return call.gives(tensor.shape)


def refuse_other_use(call: Call, built: str, tensor: Tensor) -> NoReturn:
    """Refuse a shared layer that is given what its first call does not allow."""
    call.refuse(
        SHAPE_MISMATCH,
        f"`{call.name}` was first applied to {built} and is now given {tensor}",
        expected=built,
        help="a shared layer takes inputs of one size: declare another layer, or make the sizes equal",
    )


@layer("Identity")
def identity(call: Call) -> Value:
    """What came in."""
    return each(call.inputs, lambda tensor: call.gives(tensor.shape, tensor.dtype))


def _spatial_dropout(rank: int) -> Callable[[Call], Value]:
    def rule(call: Call) -> Value:
        def same(tensor: Tensor) -> Value:
            if tensor.rank != rank:
                call.refuse(
                    WRONG_RANK,
                    f"`{call.name}` takes tensors of {rank} dimensions with the batch, and is given {tensor}",
                    expected=f"a tensor of {rank} dimensions",
                    help="`SpatialDropout1D` is for sequences, `2D` for images, `3D` for volumes; `Dropout` takes any",
                )
            return call.gives(tensor.shape)

        return each(call.inputs, same)

    return rule


for _dimensions in (1, 2, 3):
    layer(f"SpatialDropout{_dimensions}D")(_spatial_dropout(_dimensions + 2))
