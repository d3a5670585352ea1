"""Layers that rearrange numbers: `Flatten`, `Reshape`, `Permute`, and padding, cropping and upsampling."""

from __future__ import annotations

from typing import NoReturn

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.diagnostics.shape_text import shape_text
from graphspec.shapes.call import Call, Unreadable, layer, product
from graphspec.shapes.layout import dimensions, expect_remaining, layout, spatial_tensor
from graphspec.shapes.sizes import end_pairs, per_dimension, whole
from graphspec.shapes.tensor import Size, Tensor, Value


@layer("Flatten")
def flatten(call: Call) -> Value:
    """Infer the output of `Flatten`: (batch, sizes) → (batch, their product)."""
    tensor = call.tensor()
    return call.output((tensor.shape[0], product(tensor.shape[1:])), tensor.dtype)


@layer("Reshape")
def reshape(call: Call) -> Value:
    """Infer the output of `Reshape`: (batch, sizes) → (batch, target_shape), with the rest in the place of -1."""
    tensor, target = call.tensor(), _target(call)
    elements, known = product(tensor.shape[1:]), product(tuple(size for size in target if size != -1))
    if elements is None or known is None:
        sizes: list[Size] = [None if size == -1 else size for size in target]
    elif -1 not in target:
        if known != elements:
            _refuse_target(call, tensor, elements, f"has {known}")
        sizes = target
    else:
        if known == 0 or elements % known:
            _refuse_target(call, tensor, elements, f"has a multiple of {known}")
        sizes = [elements // known if size == -1 else size for size in target]
    return call.output((tensor.shape[0], *sizes), tensor.dtype)


def _target(call: Call) -> list[Size]:
    """Return `target_shape`, with null for an unknown size and -1 for the rest."""
    target = call["target_shape"]
    if not isinstance(target, list | tuple) or not all(size is None or isinstance(size, int) for size in target):
        raise Unreadable
    if any(size is not None and size < -1 for size in target) or list(target).count(-1) > 1:
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "target_shape",
            f"is no shape: {list(target)}",
            "sizes that are not negative, and at most one -1 for the rest",
        )
    return list(target)


def _refuse_target(call: Call, tensor: Tensor, elements: int, has: str) -> NoReturn:
    target = shape_text((None, *(call["target_shape"])))
    call.refuse(
        SHAPE_MISMATCH,
        f"`Reshape` cannot reshape {tensor}, which has {elements} elements a sample, to {target}, which {has}",
        argument="target_shape",
        expected=f"sizes whose product is {elements}",
        help="-1 stands for the rest, as in `Reshape: [-1]`",
    )


@layer("Permute")
def permute(call: Call) -> Value:
    """Infer the output of `Permute`: (batch, sizes) → (batch, sizes in the order of `dims`, which count from 1)."""
    tensor, dims = call.tensor(), call["dims"]
    if not isinstance(dims, list | tuple) or not all(isinstance(dim, int) for dim in dims):
        raise Unreadable
    orders = f"some order of {list(range(1, tensor.rank))}"
    if sorted(dims) != list(range(1, len(dims) + 1)):
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "dims",
            f"is no order of dimensions: {list(dims)}",
            "each number from 1 on once; the batch is not counted",
            help=f"for the input {tensor}, {orders}",
        )
    if tensor.rank != len(dims) + 1:
        call.refuse_argument(
            WRONG_RANK,
            "dims",
            f"orders {len(dims)} dimensions behind the batch, but the input {tensor} has {tensor.rank - 1}",
            orders,
        )
    return call.output((tensor.shape[0], *(tensor.shape[dim] for dim in dims)), tensor.dtype)


@layer("RepeatVector")
def repeat_vector(call: Call) -> Value:
    """Infer the output of `RepeatVector`: (batch, features) → (batch, n, features)."""
    tensor, times = call.tensor(), whole(call["n"])
    call.expect_rank(
        tensor,
        2,
        axes="(batch, features)",
        help="use the last step of a recurrent layer (`return_sequences: false`), or `Flatten` first"
        if tensor.rank > 2
        else "`Reshape: [1]` makes a vector of one number",
    )
    return call.output((tensor.shape[0], times, tensor.shape[1]))


@layer("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(call: Call) -> Value:
    """Infer the output of `ZeroPadding`: each spatial size plus its `padding` at both ends."""
    return _resized(call, "padding", 1)


@layer("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(call: Call) -> Value:
    """Infer the output of `Cropping`: each spatial size less its `cropping` at both ends."""
    return _resized(call, "cropping", -1)


def _resized(call: Call, argument: str, sign: int) -> Value:
    """Return the input with the ends of its spatial dimensions added or cut."""
    order, count = layout(call), dimensions(call)
    ends = end_pairs([call[argument]] if count == 1 else call[argument], count)
    tensor = spatial_tensor(call, order)
    sizes = order.spatial(tensor.shape)
    spatial = [None if size is None else size + sign * sum(pair) for size, pair in zip(sizes, ends, strict=True)]
    if sign < 0:
        for index, (size, left, pair) in enumerate(zip(sizes, spatial, ends, strict=True)):
            reason = f"{sum(pair)} are cropped off {size}"
            expect_remaining(call, left, index, sum(pair) + 1, argument=argument, reason=reason)
    return call.output(order.shape(tensor.shape[0], spatial, order.channels(tensor.shape)))


@layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def up_sampling(call: Call) -> Value:
    """Infer the output of `UpSampling`: each spatial size times its factor."""
    order, count = layout(call), dimensions(call)
    factors = (whole(call["size"]),) if count == 1 else per_dimension(call["size"], count)
    tensor = spatial_tensor(call, order)
    sizes = zip(order.spatial(tensor.shape), factors, strict=True)
    spatial = [None if size is None else size * factor for size, factor in sizes]
    return call.output(order.shape(tensor.shape[0], spatial, order.channels(tensor.shape)))
