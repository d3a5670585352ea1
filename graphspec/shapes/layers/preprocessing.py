"""Preprocessing layers for numbers and categories: normalised, put into bins, or encoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.sizes import whole
from graphspec.shapes.tensor import Shape, Size, Tensor, Value

FLOAT = "float32"
"""Dtype of layers that use Keras' `floatx`, and not the dtype policy."""


@layer("Normalization")
def normalization(call: Call) -> Value:
    """Infer the same shape. The sizes along `axis` must be known, and fit `mean` and `variance`."""
    tensor, axes = call.tensor(), _axes(call)
    mean, variance = call["mean"], call["variance"]
    if (mean is None) != (variance is None):
        call.refuse(
            UNFIT_ARGUMENT,
            "`Normalization` takes `mean` and `variance` both, or neither",
            argument="mean" if variance is None else "variance",
            expected="both, or neither to adapt them to the data",
        )
    shape = None if mean is None else _shape(mean)
    if shape is not None and shape != _shape(variance):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`mean` and `variance` of `Normalization` have different shapes: {_list(shape)} "
            f"and {_list(_shape(variance))}",
            argument="variance",
            expected="as many numbers in both",
        )
    if shape is not None and len(shape) > len(axes):
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "mean",
            f"has {len(shape)} dimensions, but `axis` names {len(axes)}",
            "a number, or a list of them" if len(axes) == 1 else "a dimension for each axis",
        )
    if not call.is_built:
        _check_axes(call, tensor, axes, shape)
        call.build(shape=tensor.shape)
    return call.output(tensor.shape)


@layer("CategoryEncoding")
def category_encoding(call: Call) -> Value:
    """Infer (..., categories) → (..., num_tokens); `one_hot` encodes each category by itself."""
    tensor = call.tensor()
    if call["num_tokens"] is None:
        call.refuse(
            UNFIT_ARGUMENT,
            "`CategoryEncoding` needs `num_tokens`, the number of categories",
            argument="num_tokens",
            expected="`num_tokens`",
            help="where it is unknown, use `IntegerLookup`",
        )
    depth = whole(call["num_tokens"])
    if call["output_mode"] == "one_hot":
        return call.output(_one_hot(tensor.shape, depth))
    return call.output((*tensor.shape[:-1], depth))


@layer("Discretization")
def discretization(call: Call) -> Value:
    """Infer numbers → the indices of their bins, or a code for each."""
    tensor, mode = call.tensor(), call["output_mode"]
    bins, edges = call["num_bins"], call["bin_boundaries"]
    if (bins is None) == (edges is None):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`Discretization` takes `num_bins` or `bin_boundaries`, not {'neither' if bins is None else 'both'}",
            argument=None if bins is None else "num_bins",
            expected="one of the two",
            help="with `num_bins` the layer is adapted to the data",
        )
    _check_sparse(call)
    if edges is not None and not isinstance(edges, list | tuple):
        raise Unreadable
    depth = whole(bins, least=0) if edges is None else len(edges) + 1
    if mode == "int":
        return call.output(tensor.shape, "int32")
    if mode == "one_hot":
        return call.output(_one_hot(tensor.shape, depth))
    return call.output((tensor.shape[0], *tensor.shape[2:], depth) if tensor.rank > 1 else (depth,))


@layer("Hashing")
def hashing(call: Call) -> Value:
    """Infer values → the indices of their bins, or a code over all of the last dimension."""
    tensor, bins, mode = call.tensor(), whole(call["num_bins"]), call["output_mode"]
    written = call.arguments.get("dtype")
    dtype = ("int64" if mode == "int" else FLOAT) if written is None else written
    if not isinstance(dtype, str):
        raise Unreadable
    if mode == "int" and dtype not in ("int32", "int64"):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`Hashing` returns whole numbers with `output_mode: int`, but `dtype` is {dtype}",
            argument="dtype",
            expected="int32 or int64",
        )
    _check_sparse(call)
    dtype = FLOAT if dtype.startswith("mixed_") else dtype
    return call.output(tensor.shape if mode == "int" else (*tensor.shape[:-1], bins), dtype)


@layer("HashedCrossing")
def hashed_crossing(call: Call) -> Value:
    """Infer two tensors of categories → the indices of the bins of their pairs, or a code for each."""
    first, second = call.several(2, 2)
    bins, mode = whole(call["num_bins"]), call["output_mode"]
    if first.shape[-1] != second.shape[-1]:
        call.refuse_input(
            SHAPE_MISMATCH, "two tensors of one shape", f"{first} and {second}", help="make the last sizes equal"
        )
    dtype = "int64" if mode == "int" and call.arguments.get("dtype") is None else call.dtype
    if mode == "int":
        return call.output(first.shape, dtype)
    if first.shape[-1] != 1:
        return call.output((*first.shape, bins), dtype)
    return call.output((*first.shape[:-1], bins), dtype)


def _one_hot(shape: Shape, depth: Size) -> Shape:
    """Return the shape with each value as a code of `depth`, which replaces a last dimension of 1."""
    return (*shape[:-1], depth) if len(shape) > 1 and shape[-1] == 1 else (*shape, depth)


def _check_sparse(call: Call) -> None:
    """Refuse sparse tensors of indices."""
    if call["sparse"] and call["output_mode"] == "int":
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` returns no sparse tensors with `output_mode: int`",
            argument="sparse",
            expected="`sparse: false`, or another `output_mode`",
        )


def _axes(call: Call) -> list[int]:
    """Return the axes along which `Normalization` has statistics of their own."""
    axis = call["axis"]
    axes = [] if axis is None else [axis] if isinstance(axis, int) else axis
    if not isinstance(axes, list | tuple) or not all(isinstance(each, int) for each in axes):
        raise Unreadable
    return list(axes)


def _check_axes(call: Call, tensor: Tensor, axes: Sequence[int], shape: Shape | None) -> None:
    """Check the axes of `Normalization` and the shape of `mean` against the tensor that it is built for."""
    positive = sorted(call.expect_axis("axis", axis, tensor.rank, tensor) for axis in axes)
    for axis in positive:
        help = (
            "the size of the batch, axis 0, is unknown" if axis == 0 else "give the input its size, or remove the axis"
        )
        call.expect_known(tensor.shape[axis], f"a known size along axis {axis}", tensor, argument="axis", help=help)
    twice = [axis for axis in set(positive) if positive.count(axis) > 1]
    if twice and shape is None and any(tensor.shape[axis] != 1 for axis in twice):
        call.refuse_argument(
            BAD_AXIS,
            "axis",
            f"names one axis twice: {list(axes)}, for {tensor}",
            "each axis once; negative ones count from the last",
        )
    if twice:
        raise Unreadable
    for size, axis in zip(reversed(shape or ()), reversed(positive), strict=False):
        if size not in (1, tensor.shape[axis]):
            call.refuse_argument(
                SHAPE_MISMATCH,
                "mean",
                f"has {size} numbers, but axis {axis} of {tensor} has {tensor.shape[axis]}",
                f"{tensor.shape[axis]} numbers, or one",
            )


def _shape(value: Any) -> Shape:
    """Return the shape of a number, or of nested lists of numbers. Raises Unreadable."""
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
