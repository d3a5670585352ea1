"""Fourier transforms and frames of signals, and sequences of numbers between two ends."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_OPERANDS, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, Unreadable, operation
from graphspec.shapes.ops.arguments import axis, dtype, integer, refuse_value, size
from graphspec.shapes.ops.operands import (
    broadcast_operands,
    common_dtype,
    require_tensor,
    strict_dtype_of,
    tensor,
    tensor_list,
)
from graphspec.shapes.ops.promotion import FLOAT_NUMBER
from graphspec.shapes.tensor import Tensor, Value


def complex_parts(call: Call, least: int, *, known: bool = False) -> list[Tensor]:
    """Return the real and the imaginary part, of one shape. Refuses anything else.

    Args:
        call: the call.
        least: the lowest rank.
        known: the last `least` sizes must be known.
    """
    parts = tensor_list(call, "x")
    if len(parts) != 2:
        call.refuse_input(
            BAD_OPERANDS,
            "two tensors, the real and the imaginary part",
            len(parts),
            help="write `from: [real, imaginary]`",
        )
    real, imaginary = parts
    if real.shape != imaginary.shape:
        call.refuse_input(
            SHAPE_MISMATCH, "two parts of one shape", f"{real} and {imaginary}", help="make the two equal"
        )
    call.expect_rank(real, least=least, help="the first dimension of an input is the batch")
    if known and None in real.shape[-least:]:
        expected = f"a known size of the last {'dimension' if least == 1 else 'two dimensions'}"
        call.refuse_unknown(expected, real, help="give the inputs their sizes")
    return parts


@operation("fft", "fft2", "ifft2")
def transform(call: Call) -> Value:
    """Infer both parts of a transform over one or two dimensions: the same shapes."""
    real, imaginary = complex_parts(call, 1 if call.name == "ops.fft" else 2, known=True)
    return [Tensor(real.shape, real.dtype), Tensor(imaginary.shape, imaginary.dtype)]


@operation("rfft")
def rfft(call: Call) -> Value:
    """Infer both parts of the transform of a real signal: (..., length) → (..., length // 2 + 1)."""
    x = _signal(call)
    length = x.shape[-1] if call["fft_length"] is None else integer(call, "fft_length")
    part = Tensor((*x.shape[:-1], None if length is None else length // 2 + 1), x.dtype)
    return [part, part]


@operation("irfft")
def irfft(call: Call) -> Value:
    """Infer the real signal: (..., frequencies) → (..., 2 · (frequencies - 1)), or of `fft_length`."""
    real = complex_parts(call, 1)[0]
    last = real.shape[-1]
    length = None if last is None else 2 * (last - 1)
    if call["fft_length"] is not None:
        length = integer(call, "fft_length")
    return Tensor((*real.shape[:-1], length), real.dtype)


@operation("extract_sequences")
def extract_sequences(call: Call) -> Value:
    """Infer frames of the last dimension: (..., samples) → (..., frames, sequence_length)."""
    x = _signal(call)
    last = x.shape[-1]
    if last is None:
        return Tensor((*x.shape[:-1], None, size(call, "sequence_length")), x.dtype)
    length, stride = integer(call, "sequence_length"), integer(call, "sequence_stride")
    if stride == 0:
        refuse_value(call, "sequence_stride", "a whole number from 1 up")
    return Tensor((*x.shape[:-1], 1 + (last - length) // stride, length), x.dtype)


@operation("stft")
def stft(call: Call) -> Value:
    """Infer both parts of the frequencies of frames: (..., samples) → (..., frames, fft_length // 2 + 1)."""
    x, length, stride = _signal(call), integer(call, "fft_length"), _stride(call)
    padded = 0 if call["center"] is False else length // 2 * 2
    last = x.shape[-1]
    frames = None if last is None else 1 + (last + padded - length) // stride
    part = Tensor((*x.shape[:-1], frames, length // 2 + 1), x.dtype)
    return [part, part]


@operation("istft")
def istft(call: Call) -> Value:
    """Infer the signal of frames of frequencies: (..., frames, frequencies) → (..., samples)."""
    real, stride = complex_parts(call, 2)[0], _stride(call)
    frames, length = real.shape[-2], size(call, "length")
    if frames is not None:
        window = integer(call, "fft_length")
        if length is None:
            length = (frames - 1) * stride + window - (window // 2 * 2 if call["center"] else 0)
    return Tensor((*real.shape[:-2], length), real.dtype)


def _stride(call: Call) -> int:
    return integer(call, "sequence_stride", least=1)


def _signal(call: Call) -> Tensor:
    """Return the tensor of a signal in the last dimension. Refuses a scalar."""
    x = tensor(call)
    call.expect_rank(x, least=1, help="apply it before the dimensions are reduced")
    return x


@operation("linspace", "geomspace", "logspace")
def space(call: Call) -> Value:
    """Infer `num` numbers between two ends, along a new axis."""
    require_tensor(call, "start", "stop")
    if call["retstep"]:
        raise Unreadable
    shape = broadcast_operands(call, "start", "stop")
    number = axis(call, "axis", len(shape) + 1)
    result = common_dtype(call, dtype(call, "") or strict_dtype_of(call, "start"), FLOAT_NUMBER)
    return Tensor((*shape[:number], size(call, "num"), *shape[number:]), result)


@operation("arange")
def arange(call: Call) -> Value:
    """Refuse `ops.arange` of a tensor: the size of the result would depend on values."""
    return call.refuse(
        UNFIT_ARGUMENT,
        "`ops.arange` returns as many numbers as its arguments say, but a tensor has no value yet",
        expected="constants, which need no operation",
        help="a node without `from` makes them: `positions: {apply: {ops.arange: 8}}`",
    )
