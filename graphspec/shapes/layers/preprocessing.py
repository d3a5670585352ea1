"""Preprocessing layers for numbers and categories: scaled, normalised, or told apart by code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphspec.diagnostics.rules import BAD_AXIS, OPEN_DIMENSION, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.layers.elementwise import each
from graphspec.shapes.sizes import whole
from graphspec.shapes.tensor import Shape, Size, Tensor, Value

FLOAT = "float32"
"""What Keras computes in where a layer asks it, and not the dtype policy."""


@layer("Rescaling")
def rescaling(call: Call) -> Value:
    """What comes in, in the same shapes."""
    return each(call.inputs, lambda tensor: call.gives(tensor.shape))


@layer("Normalization")
def normalization(call: Call) -> Value:
    """What comes in, in the same shape; the sizes along `axis` are to be known, and to fit `mean` and `variance`."""
    tensor, axes = call.tensor(), _axes(call)
    mean, variance = call["mean"], call["variance"]
    if (mean is None) != (variance is None):
        call.refuse(
            UNFIT_ARGUMENT,
            "`Normalization` takes `mean` and `variance` both, or neither",
            argument="mean" if variance is None else "variance",
            expected="both, or neither to learn them from the data",
        )
    given = None if mean is None else _shape(mean)
    if given is not None and given != _shape(variance):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`mean` and `variance` of `Normalization` are of different shapes: {_list(given)} "
            f"and {_list(_shape(variance))}",
            argument="variance",
            expected="as many numbers in both",
        )
    if given is not None and len(given) > len(axes):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`mean` of `Normalization` has {len(given)} dimensions, and `axis` names {len(axes)}",
            argument="mean",
            expected="a number, or a list of them" if len(axes) == 1 else "a dimension for each axis",
        )
    if not call.facts:
        _check_kept(call, tensor, axes, given)
        call.once(shape=tensor.shape)
    return call.gives(tensor.shape)


@layer("CategoryEncoding")
def category_encoding(call: Call) -> Value:
    """(..., categories) → (..., num_tokens); `one_hot` encodes each category by itself."""
    tensor = call.tensor()
    if call["num_tokens"] is None:
        call.refuse(
            UNFIT_ARGUMENT,
            "`CategoryEncoding` needs the number of categories",
            argument="num_tokens",
            expected="`num_tokens`",
            help="where it is not known, use `IntegerLookup`",
        )
    depth = whole(call["num_tokens"])
    if call["output_mode"] == "one_hot":
        return call.gives(_one_hot(tensor.shape, depth))
    return call.gives((*tensor.shape[:-1], depth))


@layer("Discretization")
def discretization(call: Call) -> Value:
    """Numbers → the bins that they fall into, or a code for each."""
    tensor, mode = call.tensor(), call["output_mode"]
    bins, edges = call["num_bins"], call["bin_boundaries"]
    if (bins is None) == (edges is None):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`Discretization` takes `num_bins` or `bin_boundaries`, not {'neither' if bins is None else 'both'}",
            argument=None if bins is None else "num_bins",
            expected="one of the two",
            help="`num_bins` lets the layer learn the boundaries from the data",
        )
    _check_sparse(call)
    if edges is not None and not isinstance(edges, list | tuple):
        raise Unreadable
    depth = whole(bins, least=0) if edges is None else len(edges) + 1
    if mode == "int":
        return call.gives(tensor.shape, "int32")
    if mode == "one_hot":
        return call.gives(_one_hot(tensor.shape, depth))
    return call.gives((tensor.shape[0], *tensor.shape[2:], depth) if tensor.rank > 1 else (depth,))


@layer("Hashing")
def hashing(call: Call) -> Value:
    """Values → the bins that they are hashed into, or a code for all of the last dimension."""
    tensor, bins, mode = call.tensor(), whole(call["num_bins"]), call["output_mode"]
    stated = call.arguments.get("dtype")
    dtype = ("int64" if mode == "int" else FLOAT) if stated is None else stated
    if not isinstance(dtype, str):
        raise Unreadable
    if mode == "int" and dtype not in ("int32", "int64"):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`Hashing` gives whole numbers with `output_mode: int`, and `dtype` is {dtype}",
            argument="dtype",
            expected="int32 or int64",
        )
    _check_sparse(call)
    dtype = FLOAT if dtype.startswith("mixed_") else dtype
    return call.gives(tensor.shape if mode == "int" else (*tensor.shape[:-1], bins), dtype)


@layer("HashedCrossing")
def hashed_crossing(call: Call) -> Value:
    """Two tensors of categories → the bins that their pairs are hashed into, or a code for each."""
    first, second = call.several(2, 2)
    bins, mode = whole(call["num_bins"]), call["output_mode"]
    if first.shape[-1] != second.shape[-1]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`HashedCrossing` crosses two tensors of one shape, and what comes in is {first} and {second}",
            expected="two tensors of one shape",
        )
    dtype = "int64" if mode == "int" and call.arguments.get("dtype") is None else call.dtype
    if mode == "int":
        return call.gives(first.shape, dtype)
    if first.shape[-1] != 1:
        return call.gives((*first.shape, bins), dtype)
    return call.gives((*first.shape[:-1], bins), dtype)


def _one_hot(shape: Shape, depth: Size) -> Shape:
    """Each value as a code of `depth`; a last dimension of 1 makes room for it."""
    return (*shape[:-1], depth) if len(shape) > 1 and shape[-1] == 1 else (*shape, depth)


def _check_sparse(call: Call) -> None:
    if call["sparse"] and call["output_mode"] == "int":
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` gives sparse tensors only for codes, not with `output_mode: int`",
            argument="sparse",
            expected="`sparse: false`, or another `output_mode`",
        )


def _axes(call: Call) -> list[int]:
    """The axes along which `Normalization` keeps numbers of their own."""
    axis = call["axis"]
    axes = [] if axis is None else [axis] if isinstance(axis, int) else axis
    if not isinstance(axes, list | tuple) or not all(isinstance(each, int) for each in axes):
        raise Unreadable
    return list(axes)


def _check_kept(call: Call, tensor: Tensor, axes: Sequence[int], given: Shape | None) -> None:
    """The axes of `Normalization` against the tensor that it is built for."""
    for axis in axes:
        if not -tensor.rank <= axis < tensor.rank:
            call.refuse(
                BAD_AXIS,
                f"`Normalization` is to work along axis {axis}, and what comes in is {tensor}",
                argument="axis",
                expected=f"from {-tensor.rank} to {tensor.rank - 1}; 0 is the batch",
                help="-1, the last one, is what you get without `axis`",
            )
    kept = sorted(axis % tensor.rank for axis in axes)
    for axis in kept:
        if tensor.shape[axis] is None:
            call.refuse(
                OPEN_DIMENSION,
                f"`Normalization` needs to know the size along axis {axis}, and what comes in is {tensor}",
                argument="axis",
                expected="a known size",
                help="the batch, axis 0, is open" if axis == 0 else "give the input its size, or leave the axis out",
            )
    twice = [axis for axis in set(kept) if kept.count(axis) > 1]
    if twice and given is None and any(tensor.shape[axis] != 1 for axis in twice):
        call.refuse(
            BAD_AXIS,
            f"`axis` of `Normalization` names one axis twice: {list(axes)}, for {tensor}",
            argument="axis",
            expected="each axis once; negative ones count from the last",
        )
    if twice:
        raise Unreadable
    for size, axis in zip(reversed(given or ()), reversed(kept), strict=False):
        if size not in (1, tensor.shape[axis]):
            call.refuse(
                SHAPE_MISMATCH,
                f"`mean` of `Normalization` holds {size} numbers for the {tensor.shape[axis]} of axis {axis}: {tensor}",
                argument="mean",
                expected=f"{tensor.shape[axis]} numbers, or one",
            )


def _shape(value: Any) -> Shape:
    """The shape of a number, or of a list of numbers or of such lists."""
    if isinstance(value, int | float):
        return ()
    if not isinstance(value, list | tuple) or not value:
        raise Unreadable
    shapes = {_shape(item) for item in value}
    if len(shapes) > 1:
        raise Unreadable
    return (len(value), *shapes.pop())


def _list(shape: Shape) -> str:
    return "one number" if not shape else " × ".join(map(str, shape))
