"""Convolutions: plain, transposed, depthwise and separable, over one, two or three dimensions."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.layout import Layout, dimensions, known_channels, layout, refuse_vanished, spatial_tensor
from graphspec.shapes.sizes import each, reach, spread, whole, windows
from graphspec.shapes.tensor import Shape, Size, Tensor, Value


@layer("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D")
def convolution(call: Call) -> Value:
    """(batch, spatial, channels) → (batch, as many as windows fit, filters)."""
    order, filters, groups = layout(call), whole(call["filters"]), whole(call["groups"])
    _check_steps(call)
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
            f"`{call.name}` cannot split {channels} channels into {groups} equal groups; what comes in is {tensor}",
            argument="groups",
            expected=f"a number that divides {channels}",
            help=f"leave `groups` out, or give it {channels} for a convolution of each channel by itself",
        )
    spatial = _slid(call, order, tensor)
    _check_lora(call)
    call.once(channels=channels)
    return call.gives(order.shape(tensor.shape[0], spatial, filters))


@layer("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def separable_convolution(call: Call) -> Value:
    """(batch, spatial, channels) → (batch, as many as windows fit, filters)."""
    order, filters = layout(call), whole(call["filters"])
    whole(call["depth_multiplier"])
    tensor = spatial_tensor(call, order)
    channels = _channels(call, order, tensor)
    spatial = _slid(call, order, tensor)
    call.once(channels=channels)
    return call.gives(order.shape(tensor.shape[0], spatial, filters))


@layer("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise_convolution(call: Call) -> Value:
    """(batch, spatial, channels) → (batch, as many as windows fit, channels · depth_multiplier)."""
    order, multiplier = layout(call), whole(call["depth_multiplier"])
    tensor = spatial_tensor(call, order)
    _channels(call, order, tensor)
    channels = known_channels(call, order, tensor)
    spatial = _slid(call, order, tensor)
    call.once(channels=channels)
    return call.gives(order.shape(tensor.shape[0], spatial, channels * multiplier))


@layer(
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "Convolution1DTranspose",
    "Convolution2DTranspose",
    "Convolution3DTranspose",
)
def transposed_convolution(call: Call) -> Value:
    """(batch, spatial, channels) → (batch, spatial spread by the strides, filters)."""
    order, filters, count = layout(call), whole(call["filters"]), dimensions(call)
    kernel, strides = each(call["kernel_size"], count), each(call["strides"], count)
    dilation, padded = each(call["dilation_rate"], count), _is_padded(call)
    extra = None if call["output_padding"] is None else each(call["output_padding"], count, least=0)
    _check_steps(call)
    if extra is not None and any(added >= stride for added, stride in zip(extra, strides, strict=True)):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` adds less than a stride at the end: `output_padding` is {_shown(extra)} "
            f"and `strides` {_shown(strides)}",
            argument="output_padding",
            expected="less than the stride, in each dimension",
            help="leave `output_padding` out, and Keras chooses it",
        )
    tensor = spatial_tensor(call, order)
    call.once(channels=_channels(call, order, tensor))
    sizes = order.spatial(tensor.shape)
    spatial = [
        spread(sizes[i], reach(kernel[i], dilation[i]), strides[i], None if extra is None else extra[i], padded=padded)
        for i in range(count)
    ]
    return call.gives(order.shape(tensor.shape[0], spatial, filters))


def _channels(call: Call, order: Layout, tensor: Tensor) -> Size:
    """The number of channels, which is to be known when the layer is first applied, and the same ever after."""
    if not call.facts:
        return known_channels(call, order, tensor)
    channels, built = order.channels(tensor.shape), call.facts["channels"]
    if channels is not None and channels != built:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` was first applied to {built} channels and is now given {channels}: {tensor}",
            expected=f"{built} channels",
            help="a shared layer takes inputs of as many channels: declare another layer, or make them equal",
        )
    return channels


def _slid(call: Call, order: Layout, tensor: Tensor) -> list[Size]:
    """The spatial sizes when the kernel has gone over the tensor. Refuses where it does not fit in once."""
    count = dimensions(call)
    kernel, strides = each(call["kernel_size"], count), each(call["strides"], count)
    dilation, padded = each(call["dilation_rate"], count), _is_padded(call)
    found = []
    for i, size in enumerate(order.spatial(tensor.shape)):
        covers = reach(kernel[i], dilation[i])
        left = windows(size, covers, strides[i], padded=padded)
        if left is not None and left <= 0 and not padded:
            kind = (
                f"kernel of {kernel[i]} with a dilation of {dilation[i]}"
                if dilation[i] > 1
                else f"kernel of {kernel[i]}"
            )
            refuse_vanished(call, f"slides a {kind} over", i, size, covers, "kernel_size")
        found.append(left)
    return found


def _is_padded(call: Call) -> bool:
    """Whether the sizes are kept but for the strides."""
    padding = call["padding"]
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same", "causal"):
        raise Unreadable
    return padding.lower() != "valid"


def _check_steps(call: Call) -> None:
    """Keras takes strides or dilation, not both. Depthwise and separable convolutions take both."""
    count = dimensions(call)
    strides, dilation = each(call["strides"], count), each(call["dilation_rate"], count)
    if max(strides) > 1 and max(dilation) > 1:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` takes `strides` or `dilation_rate`, not both: they are {_shown(strides)} "
            f"and {_shown(dilation)}",
            argument="dilation_rate",
            expected="1 for one of the two",
            help="drop one, or pool after a dilated convolution",
        )


def _check_lora(call: Call) -> None:
    if call["lora_rank"] and call["kernel_constraint"] is not None:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot hold its kernel to `kernel_constraint` and adapt it by `lora_rank`",
            argument="lora_rank",
            expected="one of the two",
            help="drop `kernel_constraint` where you fine-tune with LoRA",
        )


def _shown(sizes: Shape) -> str:
    """Sizes for people: one number where all are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 else str(list(sizes))
