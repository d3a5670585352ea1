"""Layers that only rearrange numbers: they keep the dtype that comes in."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable, layer, product
from graphspec.shapes.sizes import whole
from graphspec.shapes.tensor import Size, Tensor, Value, show


@layer("Flatten")
def flatten(call: Call) -> Value:
    """(batch, sizes) → (batch, their product)."""
    tensor = call.tensor()
    return call.gives((tensor.shape[0], product(tensor.shape[1:])), tensor.dtype)


@layer("Reshape")
def reshape(call: Call) -> Value:
    """(batch, sizes) → (batch, target_shape), with what is left over in the place of -1."""
    tensor, wanted = call.tensor(), _target(call)
    held, asked = product(tensor.shape[1:]), product(tuple(size for size in wanted if size != -1))
    if held is None or asked is None:
        sizes: list[Size] = [None if size == -1 else size for size in wanted]
    elif -1 not in wanted:
        if asked != held:
            _refuse_target(call, tensor, held, f"has {asked}")
        sizes = wanted
    else:
        if asked == 0 or held % asked:
            _refuse_target(call, tensor, held, f"has a multiple of {asked}")
        sizes = [held // asked if size == -1 else size for size in wanted]
    return call.gives((tensor.shape[0], *sizes), tensor.dtype)


@layer("Permute")
def permute(call: Call) -> Value:
    """(batch, sizes) → (batch, the sizes in the order of `dims`, which count from 1)."""
    tensor, dims = call.tensor(), call["dims"]
    if not isinstance(dims, list | tuple) or not all(isinstance(dim, int) for dim in dims):
        raise Unreadable
    if sorted(dims) != list(range(1, len(dims) + 1)):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`dims` of `Permute` is no order of dimensions: {list(dims)}",
            argument="dims",
            expected="each number from 1 on once; the batch is not counted",
            help=f"for what comes in, {tensor}, some order of {list(range(1, tensor.rank))}",
        )
    if tensor.rank != len(dims) + 1:
        call.refuse(
            WRONG_RANK,
            f"`Permute` orders {len(dims)} dimensions behind the batch, and what comes in is {tensor}, "
            f"with {tensor.rank - 1}",
            argument="dims",
            expected=f"some order of {list(range(1, tensor.rank))}",
        )
    return call.gives((tensor.shape[0], *(tensor.shape[dim] for dim in dims)), tensor.dtype)


@layer("RepeatVector")
def repeat_vector(call: Call) -> Value:
    """(batch, features) → (batch, n, features)."""
    tensor, times = call.tensor(), whole(call["n"])
    if tensor.rank != 2:
        call.refuse(
            WRONG_RANK,
            f"`RepeatVector` takes one vector a sample, (batch, features), and what comes in is {tensor}",
            expected="(batch, features)",
            help="give it the last step of a recurrent layer (`return_sequences: false`), or `Flatten` before"
            if tensor.rank > 2
            else "`Reshape: [1]` makes a vector of one number",
        )
    return call.gives((tensor.shape[0], times, tensor.shape[1]))


def _target(call: Call) -> list[Size]:
    """The sizes that `Reshape` is to give; null leaves one open, -1 takes what is left over."""
    wanted = call["target_shape"]
    if not isinstance(wanted, list | tuple) or not all(size is None or isinstance(size, int) for size in wanted):
        raise Unreadable
    if any(size is not None and size < -1 for size in wanted) or list(wanted).count(-1) > 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`target_shape` of `Reshape` is no shape: {list(wanted)}",
            argument="target_shape",
            expected="sizes that are not negative, and at most one -1 for what is left over",
        )
    return list(wanted)


def _refuse_target(call: Call, tensor: Tensor, held: int, has: str) -> None:
    wanted = show((None, *(call["target_shape"])))
    call.refuse(
        SHAPE_MISMATCH,
        f"`Reshape` cannot make {wanted}, which {has} numbers a sample, of {tensor}, which has {held}",
        argument="target_shape",
        expected=f"sizes whose product is {held}",
        help="-1 stands for what is left over, as in `Reshape: [-1]`",
    )
