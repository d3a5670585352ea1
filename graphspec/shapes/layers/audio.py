"""Preprocessing layers for sound: from samples to spectra."""

from __future__ import annotations

from graphspec.diagnostics.rules import UNCHECKED_INPUT, UNFIT_ARGUMENT, VANISHED_DIMENSION
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layout import known_channels, layout
from graphspec.shapes.sizes import whole, window_count
from graphspec.shapes.tensor import Value


@layer("MelSpectrogram")
def mel_spectrogram(call: Call) -> Value:
    """Infer (batch, samples) → (batch, num_mel_bins, windows); one sound may come without a batch."""
    tensor = call.tensor()
    bins, stride, fft = whole(call["num_mel_bins"]), whole(call["sequence_stride"]), whole(call["fft_length"])
    length = whole(call["sequence_length"] or fft)
    if length > fft:
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "sequence_length",
            f"is {length}, which is more than the `fft_length` of {fft}",
            f"at most {fft}",
            help="choose `fft_length` as large as the window, or larger",
        )
    if tensor.rank != 2:
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` expects (batch, samples), but received {tensor}",
            expected="(batch, samples)",
            help="remove a channel of 1 with `Reshape: [-1]`",
        )
    time = tensor.shape[min(1, tensor.rank - 1)]
    times = None if time is None else (time + stride + 1) // stride
    return call.output((*tensor.shape[: tensor.rank > 1], bins, times))


@layer("STFTSpectrogram")
def stft_spectrogram(call: Call) -> Value:
    """Infer (batch, samples, channels) → (batch, windows, frequencies · channels), or these as two dimensions."""
    order, tensor = layout(call), call.tensor()
    frame = whole(call["frame_length"])
    step = frame // 2 if call["frame_step"] is None else whole(call["frame_step"])
    fft = 1 << (frame - 1).bit_length() if call["fft_length"] is None else whole(call["fft_length"])
    if not 0 < step <= frame:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`frame_step` of `{call.name}` is {step} for windows of {frame} samples",
            argument="frame_length" if call["frame_step"] is None else "frame_step",
            expected=f"a `frame_step` from 1 to {frame}",
        )
    if fft < frame:
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "fft_length",
            f"is {fft}, which is less than the `frame_length` of {frame}",
            f"at least {frame}",
            help="remove `fft_length`, and Keras chooses the next power of two",
        )
    call.expect_rank(tensor, 3, axes=order.axes(1), help="`Reshape: [-1, 1]` adds a channel")
    channels, (samples,) = known_channels(call, order, tensor), order.spatial(tensor.shape)
    times = window_count(samples, frame, step, padded=call["padding"] == "same")
    if times is not None and times <= 0:
        call.refuse(
            VANISHED_DIMENSION,
            f"`{call.name}` leaves no length: a window of {frame} samples does not fit into {samples}; the input is "
            f"{tensor}",
            argument="frame_length",
            expected=f"{frame} samples or more",
            help="choose a shorter `frame_length`, or `padding: same`",
        )
    if tensor.dtype not in ("float16", "float32", "float64"):
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` expects float16, float32 or float64, but received {tensor.dtype}",
            expected="float32",
            help="declare the input as float32, or cast it: `ops.cast: {dtype: float32}`",
        )
    frequencies = (fft // 2 + 1) * (2 if call["mode"] == "stft" else 1)
    if not call["expand_dims"]:
        return call.output(order.shape(tensor.shape[0], (times,), frequencies * channels))
    return call.output(order.shape(tensor.shape[0], (times, frequencies), channels))
