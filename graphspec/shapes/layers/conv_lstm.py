"""`ConvLSTM1D` to `3D`: recurrent layers whose step is a convolution over an image."""

from __future__ import annotations

from graphspec.diagnostics.rules import OPEN_DIMENSION, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.layout import dimensions, layout, refuse_vanished
from graphspec.shapes.sizes import each, reach, whole, windows
from graphspec.shapes.tensor import Value

NAMES = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")


@layer(*NAMES)
def conv_lstm(call: Call) -> Value:
    """(batch, steps, spatial, channels) → the last image or all of them, with two states of the image's shape."""
    count, order, tensor = dimensions(call), layout(call), call.tensor()
    filters = whole(call["filters"])
    kernel, strides = each(call["kernel_size"], count), each(call["strides"], count)
    dilation, padding = each(call["dilation_rate"], count), call["padding"]
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise Unreadable
    if max(strides) > 1 and max(dilation) > 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` has both `strides` and `dilation_rate` above 1",
            argument="dilation_rate",
            expected="one of the two",
        )
    if tensor.rank != count + 3:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes sequences, tensors of {count + 3} dimensions with the batch, and is given {tensor}",
            expected="batch, steps, " + order.words(count).removeprefix("batch, "),
            help="a `ConvLSTM` before it needs `return_sequences: true`",
        )
    image = (tensor.shape[0], *tensor.shape[2:])
    if not call.facts:
        if None in image[1:]:
            call.refuse(
                OPEN_DIMENSION,
                f"`{call.name}` needs to know every size of an image, and what comes in is {tensor}",
                expected="known sizes; the number of steps may stay open",
                help="give the input its sizes, or resize the images first",
            )
        if call["stateful"] and tensor.shape[0] is None:
            call.refuse(
                OPEN_DIMENSION,
                f"`{call.name}` keeps its states from batch to batch, and what comes in is {tensor}",
                argument="stateful",
                expected="an input with a `batch_size`",
                help="write `{shape: [...], batch_size: 32}` under `inputs`, or leave `stateful` out",
            )
    call.once(built=True)
    sizes = []
    for index, size in enumerate(order.spatial(image)):
        covers = reach(kernel[index], dilation[index])
        left = windows(size, covers, strides[index], padded=padding.lower() == "same")
        if left is not None and left <= 0:
            refuse_vanished(call, f"slides a kernel of {kernel[index]} over", index, size, covers, "kernel_size")
        sizes.append(left)
    state = call.gives(order.shape(image[0], sizes, filters))
    result = call.gives((*tensor.shape[:2], *state.shape[1:])) if call["return_sequences"] else state
    return [result, state, state] if call["return_state"] else result
