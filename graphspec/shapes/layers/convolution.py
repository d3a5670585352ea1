"""Convolutions: plain, transposed, depthwise, separable and recurrent, over one, two or three dimensions."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.layers.core import refuse_lora_beside
from graphspec.shapes.layout import Layout, dimensions, expect_remaining, known_channels, layout, spatial_tensor
from graphspec.shapes.sizes import effective_kernel, per_dimension, transposed_size, whole, window_count
from graphspec.shapes.tensor import Shape, Size, Tensor, Value


@layer("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def convolution(call: Call) -> Value:
    """Infer the output of `Conv`: (batch, spatial, channels) → (batch, number of windows, filters)."""
    order, filters, groups = layout(call), whole(call["filters"]), whole(call["groups"])
    refuse_strides_beside_dilation(call)
    if filters % groups:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot split {filters} filters into {groups} equal groups",
            argument="groups",
            expected=f"a number that divides {filters}",
            help="choose `filters` as a multiple of `groups`",
        )
    tensor = spatial_tensor(call, order)
    channels = _channels(call, order, tensor)
    if channels is not None and channels % groups:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` cannot split the {channels} channels of {tensor} into {groups} equal groups",
            argument="groups",
            expected=f"a number that divides {channels}",
            help=f"remove `groups`, or set it to {channels} for a convolution of each channel by itself",
        )
    spatial = slide_kernel(call, order, tensor.shape)
    refuse_lora_beside(call, "kernel_constraint")
    call.build(channels=channels)
    return call.output(order.shape(tensor.shape[0], spatial, filters))


@layer("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable_convolution(call: Call) -> Value:
    """Infer the output of `SeparableConv`: (batch, spatial, channels) → (batch, number of windows, filters)."""
    order, filters = layout(call), whole(call["filters"])
    whole(call["depth_multiplier"])
    tensor = spatial_tensor(call, order)
    channels = _channels(call, order, tensor)
    spatial = slide_kernel(call, order, tensor.shape)
    call.build(channels=channels)
    return call.output(order.shape(tensor.shape[0], spatial, filters))


@layer("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise_convolution(call: Call) -> Value:
    """Infer (batch, spatial, channels) → (batch, number of windows, channels · depth_multiplier)."""
    order, multiplier = layout(call), whole(call["depth_multiplier"])
    tensor = spatial_tensor(call, order)
    _channels(call, order, tensor)
    channels = known_channels(call, order, tensor)
    spatial = slide_kernel(call, order, tensor.shape)
    call.build(channels=channels)
    return call.output(order.shape(tensor.shape[0], spatial, channels * multiplier))


@layer(*(f"{name}{count}DTranspose" for name in ("Conv", "Convolution") for count in (1, 2, 3)))
def transposed_convolution(call: Call) -> Value:
    """Infer the output of `ConvTranspose`: (batch, spatial, channels) → (batch, spatial · strides, filters)."""
    order, filters, count = layout(call), whole(call["filters"]), dimensions(call)
    kernel, strides = per_dimension(call["kernel_size"], count), per_dimension(call["strides"], count)
    dilation, padded = per_dimension(call["dilation_rate"], count), _is_padded(call)
    extra = None if call["output_padding"] is None else per_dimension(call["output_padding"], count, least=0)
    refuse_strides_beside_dilation(call)
    if extra is not None and any(added >= stride for added, stride in zip(extra, strides, strict=True)):
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "output_padding",
            f"must be less than `strides`: they are {_sizes(extra)} and {_sizes(strides)}",
            "less than the stride, in each dimension",
            help="remove `output_padding`, and Keras chooses it",
        )
    tensor = spatial_tensor(call, order)
    call.build(channels=_channels(call, order, tensor))
    sizes = order.spatial(tensor.shape)
    spatial = []
    for i in range(count):
        covers, added = effective_kernel(kernel[i], dilation[i]), None if extra is None else extra[i]
        spatial.append(transposed_size(sizes[i], covers, strides[i], added, padded=padded))
    return call.output(order.shape(tensor.shape[0], spatial, filters))


CONV_LSTM = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")


@layer(*CONV_LSTM)
def conv_lstm(call: Call) -> Value:
    """Infer (batch, steps, spatial, channels) → the last image or all of them, and two states of its shape."""
    count, order, tensor = dimensions(call), layout(call), call.tensor()
    filters = whole(call["filters"])
    padding = call["padding"]
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise Unreadable
    per_dimension(call["kernel_size"], count)
    refuse_strides_beside_dilation(call)
    call.expect_rank(
        tensor,
        count + 3,
        axes=order.axes(count).replace("batch", "batch, steps"),
        help="a `ConvLSTM` before it needs `return_sequences: true`",
    )
    image = (tensor.shape[0], *tensor.shape[2:])
    if not call.is_built:
        if None in image[1:]:
            call.refuse_unknown(
                "images of known size",
                tensor,
                help="give the input its sizes, or resize the images first; the number of steps may stay unknown",
            )
        refuse_unknown_batch(call, tensor)
    call.build()
    state = call.output(order.shape(image[0], slide_kernel(call, order, image), filters))
    result = call.output((*tensor.shape[:2], *state.shape[1:])) if call["return_sequences"] else state
    return [result, state, state] if call["return_state"] else result


def refuse_unknown_batch(call: Call, tensor: Tensor) -> None:
    """Refuse a stateful layer where the batch size is unknown."""
    if call["stateful"]:
        call.expect_known(
            tensor.shape[0],
            "a known batch size to keep its states from batch to batch",
            tensor,
            argument="stateful",
            help="write `{shape: [...], batch_size: 32}` under `inputs`, or remove `stateful`",
        )


def _channels(call: Call, order: Layout, tensor: Tensor) -> Size:
    """Return the number of channels, which must be known in the first call, and the same in later ones."""
    if not call.is_built:
        return known_channels(call, order, tensor)
    channels, built = order.channels(tensor.shape), call.build_state["channels"]
    if channels is not None and channels != built:
        call.refuse_rebuild(f"{built} channels", f"{channels}: {tensor}")
    return channels


def slide_kernel(call: Call, order: Layout, shape: Shape) -> list[Size]:
    """Return the spatial sizes of the output of a kernel. Refuses a kernel that does not fit into the input."""
    count = dimensions(call)
    kernel, strides = per_dimension(call["kernel_size"], count), per_dimension(call["strides"], count)
    dilation, padded = per_dimension(call["dilation_rate"], count), _is_padded(call)
    sizes = []
    for i, size in enumerate(order.spatial(shape)):
        covers = effective_kernel(kernel[i], dilation[i])
        left = window_count(size, covers, strides[i], padded=padded)
        if not padded:
            dilated = f" with a dilation of {dilation[i]}" if dilation[i] > 1 else ""
            reason = f"a kernel of {kernel[i]}{dilated} does not fit into {size}"
            expect_remaining(call, left, i, covers, argument="kernel_size", reason=reason)
        sizes.append(left)
    return sizes


def _is_padded(call: Call) -> bool:
    """Return whether the padding keeps the sizes but for the strides."""
    padding = call["padding"]
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same", "causal"):
        raise Unreadable
    return padding.lower() != "valid"


def refuse_strides_beside_dilation(call: Call) -> None:
    """Refuse strides with dilation, which depthwise and separable convolutions alone take."""
    count = dimensions(call)
    strides, dilation = per_dimension(call["strides"], count), per_dimension(call["dilation_rate"], count)
    if max(strides) > 1 and max(dilation) > 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` takes `strides` or `dilation_rate`, not both: they are {_sizes(strides)} "
            f"and {_sizes(dilation)}",
            argument="dilation_rate",
            expected="1 for one of the two",
            help="remove one, or pool after a dilated convolution",
        )


def _sizes(sizes: Shape) -> str:
    """Return sizes as text: one number where all are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 else str(list(sizes))
