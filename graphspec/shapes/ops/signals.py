"""Fourier transforms and frames of signals, and sequences of numbers between two ends."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_OPERANDS, OPEN_DIMENSION, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.ops.arguments import axis, dtype, integer, size, wrong
from graphspec.shapes.ops.operands import common, listed, strict_kind_of, tensor, together, traced
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT_NUMBER
from graphspec.shapes.tensor import Tensor, Value, show


def parts(call: Call, least: int, *, known: bool = False) -> list[Tensor]:
    """The real and the imaginary part, of one shape and `least` dimensions, the last of them of known sizes."""
    several = listed(call, "x")
    if len(several) != 2:
        call.refuse(
            BAD_OPERANDS,
            f"`{call.name}` takes two tensors, the real and the imaginary part, and is given {len(several)}",
            expected="a list of two tensors",
            help="write `from: [real, imaginary]`",
        )
    real, imaginary = several
    if real.shape != imaginary.shape:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` takes two parts of one shape, and they are {real} and {imaginary}",
            expected=f"a tensor of shape {real}",
            help="make the two equal",
        )
    if real.rank < least:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes tensors of {least} dimensions or more, and is given {show(call.inputs)}",
            expected=f"{least} dimensions or more",
            help="the first dimension of an input is the batch",
        )
    if known and None in real.shape[-least:]:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` needs to know the last {'size' if least == 1 else 'two sizes'}, and is given {real}",
            expected="known sizes",
            help="give the inputs their sizes",
        )
    return several


@operation("fft", "fft2", "ifft2")
def transform(call: Call) -> Value:
    """Both parts in the frequencies of one or two dimensions."""
    real, imaginary = parts(call, 1 if call.name == "ops.fft" else 2, known=True)
    return [Tensor(real.shape, real.dtype), Tensor(imaginary.shape, imaginary.dtype)]


@operation("rfft")
def rfft(call: Call) -> Value:
    """The frequencies of a real signal, which are symmetric: half of them."""
    incoming = tensor(call, "x")
    if not incoming.shape:
        _needs_last_dimension(call)
    length = incoming.shape[-1] if call["fft_length"] is None else integer(call, "fft_length")
    shape = (*incoming.shape[:-1], None if length is None else length // 2 + 1)
    return [Tensor(shape, incoming.dtype), Tensor(shape, incoming.dtype)]


@operation("irfft")
def irfft(call: Call) -> Value:
    """The real signal of so many frequencies."""
    real = parts(call, 1)[0]
    last = real.shape[-1]
    length = None if last is None else 2 * (last - 1)
    if call["fft_length"] is not None:
        length = integer(call, "fft_length")
    return Tensor((*real.shape[:-1], length), real.dtype)


@operation("extract_sequences")
def extract_sequences(call: Call) -> Value:
    """Frames of the last dimension."""
    incoming = tensor(call, "x")
    if not incoming.shape:
        _needs_last_dimension(call)
    last = incoming.shape[-1]
    if last is None:
        return Tensor((*incoming.shape[:-1], None, size(call, "sequence_length")), incoming.dtype)
    length, stride = integer(call, "sequence_length"), integer(call, "sequence_stride")
    if stride == 0:
        wrong(call, "sequence_stride", "a whole number from 1 up")
    return Tensor((*incoming.shape[:-1], 1 + (last - length) // stride, length), incoming.dtype)


@operation("stft")
def stft(call: Call) -> Value:
    """The frequencies of frames."""
    incoming, length, stride = tensor(call, "x"), integer(call, "fft_length"), _stride(call)
    if not incoming.shape:
        _needs_last_dimension(call)
    padded = 0 if call["center"] is False else length // 2 * 2
    last = incoming.shape[-1]
    frames = None if last is None else 1 + (last + padded - length) // stride
    shape = (*incoming.shape[:-1], frames, length // 2 + 1)
    return [Tensor(shape, incoming.dtype), Tensor(shape, incoming.dtype)]


@operation("istft")
def istft(call: Call) -> Value:
    """The signal of frames of frequencies."""
    real, stride = parts(call, 2)[0], _stride(call)
    frames, length = real.shape[-2], size(call, "length")
    if frames is not None:
        window = integer(call, "fft_length")
        if length is None:
            length = (frames - 1) * stride + window - (window // 2 * 2 if call["center"] else 0)
    return Tensor((*real.shape[:-2], length), real.dtype)


def _stride(call: Call) -> int:
    return integer(call, "sequence_stride", least=1)


def _needs_last_dimension(call: Call) -> None:
    call.refuse(
        WRONG_RANK,
        f"`{call.name}` works along the last dimension, and what comes in is a single number",
        expected="1 dimension or more",
        help="apply it before the dimensions are taken together",
    )


@operation("linspace", "geomspace", "logspace")
def space(call: Call) -> Value:
    """So many numbers between two ends, along a new axis."""
    traced(call, "start", "stop")
    if call["retstep"]:
        raise Unreadable
    shape = together(call, "start", "stop")
    number = axis(call, "axis", len(shape) + 1)
    stated = dtype(call, "")
    found = common(call, stated or strict_kind_of(call, "start"), FLOAT_NUMBER)
    return Tensor((*shape[:number], size(call, "num"), *shape[number:]), found)


@operation("arange")
def arange(call: Call) -> Value:
    """Nothing: how many numbers there are would hang on values."""
    return call.refuse(
        UNFIT_ARGUMENT,
        "`ops.arange` makes as many numbers as its arguments say, and a tensor has no value yet",
        expected="constants, which no operation needs",
        help="`ops.cumsum` of `ops.ones_like` counts along an axis",
    )
