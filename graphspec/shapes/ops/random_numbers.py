"""Shape rules of operations that draw random numbers: those of `keras.random`."""

from __future__ import annotations

import math
from typing import Any

from graphspec.catalog.values import FLOAT32_MAX
from graphspec.diagnostics.rules import UNFIT_ARGUMENT, WRONG_DTYPE
from graphspec.shapes.call import Call, operation
from graphspec.shapes.ops.arguments import dtype, integer, refuse_value
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.tensor import Tensor, Value

_MAX_SEED = 2**32 - 1
_MAX_RANGE = 2**23
"""Whole numbers between the bounds of `randint`, which come from random float32 numbers."""
_FLOATS = ("float32", "float16", "bfloat16", "float64")
_INTEGERS = {f"{sign}int{bits}": bits - (not sign) for sign in ("", "u") for bits in (8, 16, 32, 64)}


@operation("random.normal", "random.truncated_normal")
def normal(call: Call) -> Value:
    """Infer the shape of the tensor that comes in."""
    _number(call, "mean")
    if _number(call, "stddev") < 0:
        refuse_value(call, "stddev", "a number from 0 up")
    return _like(call)


@operation("random.uniform")
def uniform(call: Call) -> Value:
    """Infer the shape of the tensor that comes in. Refuses bounds without a number between them."""
    _check_bounds(call, _number(call, "minval"), _number(call, "maxval"))
    return _like(call)


@operation("random.randint")
def randint(call: Call) -> Value:
    """Infer whole numbers of the shape of the tensor that comes in."""
    low, high = _whole(call, "minval"), _whole(call, "maxval")
    _check_bounds(call, low, high)
    found = dtype(call, "int32")
    if found not in _INTEGERS:
        refuse_value(call, "dtype", "the dtype of whole numbers, such as `int32`")
    bits, least = (_INTEGERS[found], 0) if found.startswith("u") else (_INTEGERS[found], -(2 ** (_INTEGERS[found])))
    if low < least or high > 2**bits:
        call.refuse_argument(
            UNFIT_ARGUMENT, "maxval" if low >= least else "minval", f"is beyond {found}", f"numbers that {found} holds"
        )
    if high - low > _MAX_RANGE:
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "maxval",
            f"is {high - low:,} above `minval`",
            f"a range of at most {_MAX_RANGE:,} numbers",
            help="they are made of random float32 numbers, which are no more; add up two draws, one of them scaled",
        )
    _seed(call)
    return Tensor(tensor(call, "shape").shape, found)


@operation("random.dropout")
def dropout(call: Call) -> Value:
    """Infer the shape of the tensor, of which a share of the numbers becomes 0."""
    inputs = tensor(call, "inputs")
    if inputs.dtype not in _FLOATS:
        call.refuse(
            WRONG_DTYPE,
            f"`{call.name}` scales numbers up, but received {inputs} of {inputs.dtype}",
            expected="a tensor of floats",
            help="convert the tensor first: `ops.cast: float32`",
        )
    if not 0 <= _number(call, "rate") < 1:
        refuse_value(call, "rate", "a number from 0 up to, and without, 1")
    noise = call["noise_shape"]
    if noise is not None:
        if not isinstance(noise, list | tuple) or len(noise) != inputs.rank:
            refuse_value(call, "noise_shape", f"a list of {inputs.rank} sizes, the batch first")
        for size, own in zip(noise, inputs.shape, strict=True):
            if size not in (1, own, None) or isinstance(size, bool | float):
                call.refuse_argument(
                    UNFIT_ARGUMENT,
                    "noise_shape",
                    f"has {size} for a dimension of {own or 'any size'}",
                    "for each dimension 1, to drop along it together, or null",
                )
    _seed(call)
    return inputs


@operation("random.categorical")
def categorical(call: Call) -> Value:
    """Infer `num_samples` classes for each row of log-probabilities."""
    logits = tensor(call, "logits")
    call.expect_rank(logits, 2, axes="(batch, classes)", operand="logits")
    if logits.dtype not in _FLOATS:
        call.refuse(
            WRONG_DTYPE,
            f"`{call.name}` expects log-probabilities, but received {logits} of {logits.dtype}",
            expected="a tensor of floats",
            help="convert the tensor first: `ops.cast: float32`",
        )
    count = integer(call, "num_samples", least=1)
    _seed(call)
    found = dtype(call, "int32")
    if found not in _INTEGERS:
        refuse_value(call, "dtype", "the dtype of whole numbers, such as `int32`")
    return Tensor((logits.shape[0], count), found)


@operation("random.shuffle")
def shuffle(call: Call) -> Value:
    """Infer the shape of the tensor, whose parts along an axis change places."""
    x = tensor(call)
    call.expect_axis("axis", integer(call, "axis"), x.rank, x)
    _seed(call)
    return Tensor(x.shape, x.dtype)


def _like(call: Call) -> Value:
    """Return a tensor of floats of the shape of the one that comes in."""
    _seed(call)
    found = dtype(call, "float32")
    if found not in _FLOATS:
        refuse_value(call, "dtype", "the dtype of floats, such as `float32`")
    return Tensor(tensor(call, "shape").shape, found)


def _seed(call: Call) -> None:
    value = call["seed"]
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_SEED):
        refuse_value(call, "seed", f"a whole number from 0 to {_MAX_SEED:,}, or null")


def _number(call: Call, argument: str) -> Any:
    value = call[argument]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FLOAT32_MAX:
        refuse_value(call, argument, "a number that float32 holds")
    return value


def _whole(call: Call, argument: str) -> int:
    value = call[argument]
    if isinstance(value, bool) or not isinstance(value, int):
        refuse_value(call, argument, "a whole number")
    return value


def _check_bounds(call: Call, low: float, high: float) -> None:
    if low >= high or not math.isfinite(high - low):
        call.refuse_argument(UNFIT_ARGUMENT, "maxval", f"is {high}, and `minval` is {low}", "a number above `minval`")
