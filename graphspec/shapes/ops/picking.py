"""Operations that pick elements by their indices, or replace them."""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.diagnostics.shape_text import shape_text
from graphspec.language.slices import read_key
from graphspec.shapes.call import Call, operation, product
from graphspec.shapes.ops.arguments import axis, choice, refuse_value, size, sizes
from graphspec.shapes.ops.operands import array_shape, operand, tensor
from graphspec.shapes.sizes import broadcast, with_size
from graphspec.shapes.tensor import Shape, Size, Tensor, Value


@operation("take")
def take(call: Call) -> Value:
    """Infer the elements at indices along an axis; without an axis, of all flattened."""
    x, indices = tensor(call), operand(call, "indices")
    picked = indices.shape if isinstance(indices, Tensor) else array_shape(call, "indices", indices)
    if call["axis"] is None:
        return Tensor(picked, x.dtype)
    number = axis(call, "axis", x.rank)
    _check_indices(call, indices, x, number)
    return Tensor((*x.shape[:number], *picked, *x.shape[number + 1 :]), x.dtype)


def _check_indices(call: Call, indices: Any, x: Tensor, number: int) -> None:
    """Warn of constant indices outside of an axis of known size: a processor fails, and a GPU gives zeros."""
    length = x.shape[number]
    waiting = [indices]
    while waiting and length is not None:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each[::-1]
        elif isinstance(each, int) and not -length <= each < length:
            call.warn_of_runtime(
                f"`indices` of `ops.take` hold {each}, and axis {number} of {x} has no such index",
                argument="indices",
                expected=f"indices from {-length} to {length - 1}",
                help="`axis` names another dimension; axis 0 is the batch",
            )
            return


@operation("take_along_axis")
def take_along_axis(call: Call) -> Value:
    """Infer an element for each index along an axis; without an axis, of all flattened."""
    x, indices = tensor(call), tensor(call, "indices")
    flat = call["axis"] is None
    shape = (product(x.shape),) if flat else x.shape
    call.expect_rank(
        indices,
        len(shape),
        operand="indices",
        help=f"the tensor is {shape_text(shape)}; `ops.expand_dims` adds dimensions",
    )
    number = 0 if flat else axis(call, "axis", len(shape))
    result = broadcast(with_size(shape, number, indices.shape[number]), indices.shape)
    if result is None:
        call.refuse_argument(
            SHAPE_MISMATCH,
            "indices",
            f"are {indices}, which do not fit {x} beside axis {number}",
            f"indices whose sizes are equal to the tensor's or 1, but for axis {number}",
            help="`ops.take` picks the same indices everywhere",
        )
    return Tensor(result, x.dtype)


@operation("get_item")
def get_item(call: Call) -> Value:
    """Infer the part of a tensor that a key picks: indices, slices, `...`, and None for a new dimension."""
    x, written = tensor(call), operand(call, "key")
    key = list(read_key(written)) if isinstance(written, str) else written if isinstance(written, list) else [written]
    if ... not in key:
        key = [*key, ...]
    left, shape = list(x.shape), list[Size]()
    consumed = sum(each is not None and each is not ... for each in key)
    for each in key:
        if each is None and isinstance(written, list | str):
            shape.append(1)
        elif each is ...:
            kept = max(len(x.shape) - consumed, 0)
            shape += left[:kept]
            left = left[kept:]
        elif not isinstance(each, int | slice):
            call.refuse_argument(
                UNFIT_ARGUMENT,
                "key",
                "must be an index, a list of them, or a text of indices and slices",
                'a whole number, a list of them, or a text such as `":, 0"`',
                help="`ops.take` picks several indices of one axis",
            )
        elif not left:
            call.refuse_argument(
                BAD_AXIS,
                "key",
                f"has more indices than {x} has dimensions",
                f"{x.rank} indices at most",
                help="the first index is that of the batch",
            )
        elif isinstance(each, slice):
            length = left.pop(0)
            shape.append(len(range(*each.indices(length))) if length is not None else None)
        else:
            length = left.pop(0)
            if length is not None and not -length <= each < length:
                call.refuse_argument(
                    UNFIT_ARGUMENT,
                    "key",
                    f"is {f'`{written}`' if isinstance(written, str) else written}, and {x} has no index {each} there",
                    f"an index from {-length} to {length - 1}",
                    help="the first index is that of the batch",
                )
    return Tensor(tuple(shape), x.dtype)


@operation("slice")
def cut(call: Call) -> Value:
    """Infer a part of the size `shape`; -1 takes all behind the start."""
    x, start, shape = tensor(call, "inputs"), operand(call, "start_indices"), sizes(call, "shape")
    _expect_one_each(call, x, "shape", len(shape))
    if isinstance(start, list):
        _expect_one_each(call, x, "start_indices", len(start))
    result: list[Size] = []
    for number, (length, written) in enumerate(zip(x.shape, shape, strict=True)):
        if written != -1:
            result.append(written)
        elif isinstance(start, Tensor) or length is None:
            result.append(None)
        elif isinstance(start, list) and isinstance(start[number], int):
            result.append(length - start[number])
        else:
            refuse_value(call, "start_indices", "a list of whole numbers, one for each dimension")
    return Tensor(tuple(result), x.dtype)


def _expect_one_each(call: Call, x: Tensor, argument: str, count: int) -> None:
    """Refuse an argument without one number for each dimension."""
    if count != x.rank:
        call.refuse_argument(
            WRONG_RANK,
            argument,
            f"has {count} numbers, but {x} has {x.rank} dimensions",
            f"{x.rank} numbers, one for each dimension",
            help="the batch counts" + (": write -1 for all of it" if argument == "shape" else ": start it at 0"),
        )


@operation("slice_update", "scatter_update")
def update(call: Call) -> Value:
    """Infer the tensor with some elements replaced: the same shape. Keras compares no shapes in a graph."""
    x = tensor(call, "inputs")
    if call["reduction"] is not None:
        choice(call, "reduction", "add", "max", "min", "mul")
    return Tensor(x.shape, x.dtype)


@operation("scatter")
def scatter(call: Call) -> Value:
    """Infer the shape in `shape`."""
    return Tensor(sizes(call, "shape"), tensor(call, "values").dtype)


@operation("nonzero")
def nonzero(call: Call) -> Value:
    """Infer the indices of what is not zero, by dimension; their number depends on the values."""
    return [Tensor((None,), "int32") for _ in tensor(call).shape]


@operation("unique")
def unique(call: Call) -> Value:
    """Infer the distinct values, and on demand their first indices, the inverse and the counts."""
    x = tensor(call)
    count = size(call, "size")
    number = None if call["axis"] is None else axis(call, "axis", x.rank)
    values: Shape = (count,) if number is None else with_size(x.shape, number, count)
    inverse = x.shape if number is None else (x.shape[number],)
    results: list[Value] = [Tensor(values, x.dtype)]
    for argument, shape in (("return_index", (count,)), ("return_inverse", inverse), ("return_counts", (count,))):
        if call[argument]:
            results.append(Tensor(shape, "int32"))
    return results if len(results) > 1 else results[0]


@operation("unravel_index")
def unravel_index(call: Call) -> Value:
    """Infer the index in each dimension of `shape`."""
    indices, shape = tensor(call, "indices"), call["shape"]
    if not isinstance(shape, list | tuple):
        refuse_value(call, "shape", "a list of sizes")
    each = (None,) if None in shape else indices.shape
    return [Tensor(each, indices.dtype) for _ in shape]
