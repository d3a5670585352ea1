"""Operations that slide a window over images, sequences and volumes: convolutions, pools, patches.

The formulas are those of `keras/src/ops/operation_utils.py`. Keras computes them with NumPy, which broadcasts lists of
one number; so do the rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT, VANISHED_DIMENSION, WRONG_RANK
from graphspec.shapes.call import Call, operation, product
from graphspec.shapes.layout import Layout
from graphspec.shapes.ops.arguments import (
    choice,
    integer,
    integer_list,
    integer_list_or_unknown,
    layout_of,
    one_per_dimension,
    refuse_value,
)
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.sizes import differ, effective_kernel, window_count
from graphspec.shapes.tensor import Shape, Size, Tensor, Value

_KERNEL_IS_INPUT = "the first dimension of an input is the batch: give a kernel's input its first size as `batch_size`"


@operation("average_pool", "max_pool")
def pool(call: Call) -> Value:
    """Infer (batch, spatial, channels) → (batch, number of windows, channels)."""
    x, order = tensor(call, "inputs"), layout_of(call)
    if x.rank < 3:
        message = f"`{call.name}` expects images, sequences or volumes, but received {x}"
        expected, help = f"{order.axes(2)}, for example", "give the input its dimensions and its channels"
        if x.rank < (2 if order.channels_first else 1):
            call.refuse(WRONG_RANK, message, expected=expected, help=help)
        call.warn_of_runtime(message, expected=expected, help=help)
    choice(call, "padding", "valid", "same")
    covers = integer_list_or_unknown(call, "pool_size")
    strides = covers if call["strides"] is None else integer_list_or_unknown(call, "strides")
    spatial = _slide(call, x, order.spatial(x.shape), covers, strides=strides, argument="pool_size")
    return Tensor(order.shape(x.shape[0], spatial, order.channels(x.shape)), x.dtype)


@operation("conv", "depthwise_conv", "separable_conv")
def conv(call: Call) -> Value:
    """Infer (batch, spatial, channels) → (batch, number of windows, filters); the kernel is a tensor too."""
    x, order = tensor(call, "inputs"), layout_of(call)
    choice(call, "padding", "valid", "same", "causal")
    kernel = tensor(call, "kernel" if call.name != "ops.separable_conv" else "depthwise_kernel")
    if kernel.rank != x.rank or kernel.rank < 2:
        call.refuse_input(WRONG_RANK, f"a kernel of the rank of its input {x}", kernel, help=_KERNEL_IS_INPUT)
    channels = order.channels(x.shape)
    if differ(channels, kernel.shape[-2]):
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` with a kernel {kernel} expects {kernel.shape[-2]} channels, but received {x}",
            expected=f"{kernel.shape[-2]} channels",
            help="the kernel's second last dimension counts the input channels",
        )
    filters = kernel.shape[-1]
    counted = kernel.shape[:-2] if call["padding"] == "valid" else ()
    if None in (*counted, *(kernel.shape[-2:] if call.name != "ops.conv" else ())):
        call.refuse_unknown("a kernel of known sizes", kernel, help=_KERNEL_IS_INPUT)
    if call.name == "ops.depthwise_conv":
        filters = product(kernel.shape[-2:])
    elif call.name == "ops.separable_conv":
        filters = tensor(call, "pointwise_kernel").shape[-1]
    sizes = [size or 0 for size in kernel.shape[:-2]]
    return Tensor(_convolved(call, x.shape, order, sizes, filters=filters), x.dtype)


def _convolved(call: Call, shape: Shape, order: Layout, kernel: Sequence[int], *, filters: Size) -> Shape:
    """Return the shape after a convolution with kernels of such sizes."""
    spatial = order.spatial(shape)
    dilations = one_per_dimension(call, "dilation_rate", len(spatial))
    is_patch = call["strides"] is None and "image" in call.name
    strides = list(kernel) if is_patch else integer_list_or_unknown(call, "strides")
    covers = [effective_kernel(*pair) for pair in zip(kernel, dilations, strict=True)]
    return order.shape(
        shape[0], _slide(call, Tensor(shape), spatial, covers, strides=strides, argument="strides"), filters
    )


def _slide(
    call: Call, x: Tensor, spatial: Shape, covers: Sequence[int], *, strides: Sequence[int], argument: str
) -> list[Size]:
    """Return how many windows there are in each dimension. Refuses windows that do not fit.

    Args:
        call: the call, for its padding.
        x: the input, for messages.
        spatial: the sizes between batch and channels.
        covers: the steps that a window covers.
        strides: the steps between windows.
        argument: the argument to underline.
    """
    padded = call["padding"] != "valid"
    lists = [strides] if padded else [covers, strides]
    odd = {len(each) for each in lists} - {1, len(spatial)}
    if odd:
        message = (
            f"`{call.name}` received sizes for {max(odd)} dimensions, but {x} has {len(spatial)} between batch and "
            "channels"
        )
        expected, help = f"a whole number, or a list of {len(spatial)}", "give one number for each of these dimensions"
        if len(odd) > 1 or len(spatial) != 1:
            call.refuse(UNFIT_ARGUMENT, message, argument=argument, expected=expected, help=help)
        call.warn_of_runtime(message, argument=argument, expected=expected, help=help)
        # Keras broadcasts the one size to all dimensions, and takes it for -1 where it is unknown, but for the first.
        spatial = (*spatial, *(-1 if size is None else size for size in spatial * (max(odd) - 1)))
    if 0 in strides and spatial:
        refuse_value(call, "strides" if call["strides"] is not None else argument, "numbers from 1 up")
    count = len(spatial)
    counts = [
        window_count(size, cover, stride, padded=padded)
        for size, cover, stride in zip(spatial, _repeated(covers, count), _repeated(strides, count), strict=False)
    ]
    if not padded and any(number is not None and number < 1 for number in counts):
        call.refuse(
            VANISHED_DIMENSION,
            f"`{call.name}` leaves nothing of {x}: its windows cover {list(covers)}",
            argument=argument if call.is_written(argument) else None,
            expected="windows that fit into the dimensions",
            help="use smaller windows, or `padding: same`",
        )
    return counts


def _repeated(numbers: Sequence[int], count: int) -> list[int]:
    """Return a number for each of `count` dimensions; numbers for others are of no use."""
    return list(numbers) if len(numbers) == count else list(numbers[:1]) * count


@operation("image.extract_patches", "image.extract_patches_3d")
def extract_patches(call: Call) -> Value:
    """Infer the windows of images or volumes, their elements as channels; a single one has no batch."""
    is_volume = call.name.endswith("3d")
    x, order = tensor(call, "volumes" if is_volume else "images"), layout_of(call)
    choice(call, "padding", "valid", "same", "causal")
    size = (
        [int(call["size"])] * (3 if is_volume else 2) if isinstance(call["size"], int) else integer_list(call, "size")
    )
    if len(size) not in (2, 3):
        call.refuse_argument(
            UNFIT_ARGUMENT,
            "size",
            f"has {len(size)} numbers",
            "a whole number, or a list of 2, or of 3 for volumes",
            help="give the height and width of a patch",
        )
    rank = len(size) + 2
    if x.rank != rank - 1:
        call.expect_rank(x, rank, axes=order.axes(len(size)), help="give the input its dimensions and its channels")
    shape = x.shape if x.rank == rank else (1, *x.shape)
    channels = call.expect_known(
        order.channels(shape), "a known number of channels", x, help="give the input its number of channels"
    )
    result = _convolved(call, shape, order, size, filters=(product(tuple(size)) or 0) * channels)
    return Tensor(result if x.rank == rank else result[1:], x.dtype)


@operation("unfold")
def unfold(call: Call) -> Value:
    """Infer the windows of images: (batch, channels, height, width) → (batch, elements of a window, windows)."""
    x = tensor(call)
    call.expect_rank(x, 4, axes="(batch, channels, height, width)", help="`ops.transpose` puts the channels first")
    if None in x.shape[1:]:
        call.refuse_unknown("known sizes behind the batch", x, help="give the input its sizes")
    batch, channels, *spatial = x.shape
    kernel, dilation, padding, stride = (
        one_per_dimension(call, each, 2) for each in ("kernel_size", "dilation", "padding", "stride")
    )
    if 0 in stride:
        refuse_value(call, "stride", "numbers from 1 up")
    counts = [
        ((size or 0) + 2 * padding[number] - effective_kernel(kernel[number], dilation[number])) // stride[number] + 1
        for number, size in enumerate(spatial)
    ]
    return Tensor((batch, (channels or 0) * kernel[0] * kernel[1], counts[0] * counts[1]), x.dtype)


@operation("fold")
def fold(call: Call) -> Value:
    """Infer the images of windows: (batch, elements of a window, windows) → (batch, channels, output_size)."""
    x = tensor(call)
    axes = "(batch, elements of a window, windows)"
    call.expect_rank(x, 3, axes=axes, help="`ops.transpose` puts the channels first")
    batch, columns, _ = x.shape
    kernel, size = one_per_dimension(call, "kernel_size", 2), one_per_dimension(call, "output_size", 2)
    window = kernel[0] * kernel[1]
    if columns is not None and (window == 0 or columns % window):
        call.refuse_input(
            SHAPE_MISMATCH,
            f"a multiple of {window} elements, those of a window for each channel",
            x,
            argument="kernel_size",
            help="it is channels times height times width of a window",
        )
    return Tensor((batch, None if columns is None else columns // window, *size), x.dtype)


@operation("depth_to_space", "space_to_depth")
def blocks(call: Call) -> Value:
    """Infer channels rearranged to blocks of the image, or blocks to channels."""
    x, block, order = tensor(call), integer(call, "block_size", least=2), layout_of(call)
    call.expect_rank(x, 4, axes=order.axes(2), help="give the input its channels")
    spatial, channels = order.spatial(x.shape), order.channels(x.shape)
    to_depth = call.name == "ops.space_to_depth"
    shrinks, grows = (spatial, (channels,)) if to_depth else ((channels,), spatial)
    divisor, factor = (block, block**2) if to_depth else (block**2, block)
    if any(size is not None and size % divisor for size in shrinks):
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` divides {'height and width' if to_depth else 'the channels'} by {divisor}, "
            f"but received {x}",
            argument="block_size",
            expected=f"multiples of {divisor}",
            help="choose another block, or pad",
        )
    less: list[Size] = [None if size is None else size // divisor for size in shrinks]
    more: list[Size] = [None if size is None else size * factor for size in grows]
    space, depth = (less, more) if to_depth else (more, less)
    return Tensor(order.shape(x.shape[0], space, depth[0]), x.dtype)
