"""Preprocessing layers for sound: from samples to spectra."""

from __future__ import annotations

from graphspec.diagnostics.rules import UNCHECKED_INPUT, UNFIT_ARGUMENT, VANISHED_DIMENSION, WRONG_RANK
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layout import known_channels, layout
from graphspec.shapes.sizes import whole, windows
from graphspec.shapes.tensor import Value


@layer("MelSpectrogram")
def mel_spectrogram(call: Call) -> Value:
    """(batch, samples) → (batch, num_mel_bins, windows). One sound without a batch is one dimension less."""
    tensor = call.tensor()
    bins, stride, fft = whole(call["num_mel_bins"]), whole(call["sequence_stride"]), whole(call["fft_length"])
    length = whole(call["sequence_length"] or fft)
    if length > fft:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot make windows of {length} samples with an `fft_length` of {fft}",
            argument="sequence_length",
            expected=f"at most {fft}",
            help="choose `fft_length` as large as the window, or larger",
        )
    if tensor.rank != 2:
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` works on (batch, samples), and what comes in is {tensor}",
            expected="(batch, samples)",
            help="drop a channel of 1 with `Reshape: [-1]`",
        )
    time = tensor.shape[min(1, tensor.rank - 1)]
    return call.gives((*tensor.shape[: tensor.rank > 1], bins, None if time is None else (time + stride + 1) // stride))


@layer("STFTSpectrogram")
def stft_spectrogram(call: Call) -> Value:
    """(batch, samples, channels) → (batch, windows, frequencies · channels), or with these as two dimensions."""
    order, tensor = layout(call), call.tensor()
    frame = whole(call["frame_length"])
    step = frame // 2 if call["frame_step"] is None else whole(call["frame_step"])
    fft = 1 << (frame - 1).bit_length() if call["fft_length"] is None else whole(call["fft_length"])
    if not 0 < step <= frame:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot move windows of {frame} samples by {step}",
            argument="frame_length" if call["frame_step"] is None else "frame_step",
            expected=f"a `frame_step` from 1 to {frame}",
        )
    if fft < frame:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot analyse windows of {frame} samples with an `fft_length` of {fft}",
            argument="fft_length",
            expected=f"at least {frame}",
            help="leave `fft_length` out, and Keras chooses the next power of two",
        )
    if tensor.rank != 3:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes sounds ({order.words(1)}), and what comes in is {tensor}",
            expected=f"({order.words(1)})",
            help="`Reshape: [-1, 1]` adds a channel",
        )
    channels, (samples,) = known_channels(call, order, tensor), order.spatial(tensor.shape)
    times = windows(samples, frame, step, padded=call["padding"] == "same")
    if times is not None and times <= 0:
        call.refuse(
            VANISHED_DIMENSION,
            f"nothing is left of the length after `{call.name}`, which takes windows of {frame} samples "
            f"out of {samples}; what comes in is {tensor}",
            argument="frame_length",
            expected=f"{frame} samples or more",
            help="choose a shorter `frame_length`, or `padding: same`",
        )
    _warn_of_integers(call, tensor.dtype)
    frequencies = (fft // 2 + 1) * (2 if call["mode"] == "stft" else 1)
    if not call["expand_dims"]:
        return call.gives(order.shape(tensor.shape[0], (times,), frequencies * channels))
    return call.gives(order.shape(tensor.shape[0], (times, frequencies), channels))


def _warn_of_integers(call: Call, dtype: str) -> None:
    if dtype not in ("float16", "float32", "float64"):
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` works on float16, float32 or float64, and what comes in is {dtype}",
            expected="float32",
            help="declare the input as float32, or cast it: `ops.cast: {dtype: float32}`",
        )
