"""Operations that slide a window over images, sequences and volumes: convolutions, pools, patches.

The formulas are those of `keras/src/ops/operation_utils.py`. Keras computes them with NumPy, which stretches lists of
one number; so does this.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphspec.diagnostics.rules import (
    OPEN_DIMENSION,
    SHAPE_MISMATCH,
    UNCHECKED_INPUT,
    UNFIT_ARGUMENT,
    VANISHED_DIMENSION,
    WRONG_RANK,
)
from graphspec.shapes.call import Call, product
from graphspec.shapes.layout import Layout
from graphspec.shapes.ops.arguments import exactly, integer, numbers, one_or_more, word, wrong
from graphspec.shapes.ops.arguments import order as order_of
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.sizes import reach, windows
from graphspec.shapes.tensor import Shape, Size, Tensor, Value


@operation("average_pool", "max_pool")
def pool(call: Call) -> Value:
    """A number for each window and channel."""
    incoming, order = tensor(call, "inputs"), order_of(call)
    if incoming.rank < 3:
        what = f"`{call.name}` takes images, sequences or volumes, and what comes in is {incoming}"
        expected, help = f"({order.words(2)}), for example", "give the input its dimensions and its channels"
        if incoming.rank < (2 if order.channels_first else 1):
            call.refuse(WRONG_RANK, what, expected=expected, help=help)
        call.warn(UNCHECKED_INPUT, f"{what}: Keras finds out only when the model runs", expected=expected, help=help)
    word(call, "padding", "valid", "same")
    covers = numbers(call, "pool_size")
    strides = covers if call["strides"] is None else numbers(call, "strides")
    spatial = _slid(call, incoming, order.spatial(incoming.shape), covers, strides, "pool_size")
    return Tensor(order.shape(incoming.shape[0], spatial, order.channels(incoming.shape)), incoming.dtype)


@operation("conv", "depthwise_conv", "separable_conv")
def conv(call: Call) -> Value:
    """A number for each window and filter; the kernel is a tensor too."""
    incoming, order = tensor(call, "inputs"), order_of(call)
    word(call, "padding", "valid", "same", "causal")
    kernel = tensor(call, "kernel" if call.name != "ops.separable_conv" else "depthwise_kernel")
    if kernel.rank != incoming.rank or kernel.rank < 2:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` slides kernels of {kernel} over {incoming}, which has another number of dimensions",
            expected="a kernel of as many dimensions: its sizes, the channels that come in, and the filters",
            help="the first dimension of an input is the batch: give a kernel's input its first size as `batch_size`",
        )
    channels = order.channels(incoming.shape)
    if None not in (channels, kernel.shape[-2]) and channels != kernel.shape[-2]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` slides kernels for {kernel.shape[-2]} channels over {incoming}, which has {channels}",
            expected=f"{kernel.shape[-2]} channels",
            help="the kernel's second last dimension counts the channels that come in",
        )
    filters = kernel.shape[-1]
    counted = kernel.shape[:-2] if call["padding"] == "valid" else ()
    if None in (*counted, *(kernel.shape[-2:] if call.name != "ops.conv" else ())):
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` needs to know the sizes of its kernel, which is {kernel}",
            expected="a kernel of known sizes",
            help="the first dimension of an input is the batch: give the kernel's input a `batch_size`",
        )
    if call.name == "ops.depthwise_conv":
        filters = product(kernel.shape[-2:])
    elif call.name == "ops.separable_conv":
        filters = tensor(call, "pointwise_kernel").shape[-1]
    sizes = [size or 0 for size in kernel.shape[:-2]]
    return Tensor(_convolved(call, incoming.shape, order, sizes, filters), incoming.dtype)


def _convolved(call: Call, shape: Shape, order: Layout, kernel: Sequence[int], filters: Size) -> Shape:
    """The shape after a convolution with kernels of such sizes."""
    spatial = order.spatial(shape)
    dilations = exactly(call, "dilation_rate", len(spatial))
    strides = list(kernel) if call["strides"] is None and "image" in call.name else numbers(call, "strides")
    covers = [reach(*pair) for pair in zip(kernel, dilations, strict=True)]
    return order.shape(shape[0], _slid(call, Tensor(shape), spatial, covers, strides, "strides"), filters)


def _slid(
    call: Call, incoming: Tensor, spatial: Shape, covers: Sequence[int], strides: Sequence[int], argument: str
) -> list[Size]:
    """How many windows there are in each dimension. Refuses where there is none."""
    padded = call["padding"] != "valid"
    lists = [strides] if padded else [covers, strides]
    odd = {len(each) for each in lists} - {1, len(spatial)}
    if odd:
        what = (
            f"`{call.name}` is given sizes for {max(odd)} dimensions, and {incoming} has {len(spatial)} "
            "between batch and channels"
        )
        expected = f"a whole number, or a list of {len(spatial)}"
        help = "give one number for each of these dimensions"
        if len(odd) > 1 or len(spatial) != 1:
            call.refuse(UNFIT_ARGUMENT, what, argument=argument, expected=expected, help=help)
        call.warn(
            UNCHECKED_INPUT,
            f"{what}: Keras finds out only when the model runs",
            argument=argument,
            expected=expected,
            help=help,
        )
        # Keras stretches the one size to all dimensions, and takes it for -1 where it is open, but for the first.
        spatial = (*spatial, *(-1 if size is None else size for size in spatial * (max(odd) - 1)))
    if 0 in strides and spatial:
        wrong(call, "strides" if call["strides"] is not None else argument, "numbers from 1 up")
    slid = [
        windows(size, cover, stride, padded=padded)
        for size, cover, stride in zip(
            spatial, _stretched(covers, len(spatial)), _stretched(strides, len(spatial)), strict=False
        )
    ]
    if not padded and any(number is not None and number < 1 for number in slid):
        call.refuse(
            VANISHED_DIMENSION,
            f"nothing is left of {incoming} after `{call.name}`, whose windows cover {list(covers)}",
            argument=argument if call.states(argument) else None,
            expected="windows that fit into the dimensions",
            help="use smaller windows, or `padding: same`",
        )
    return slid


def _stretched(numbers: Sequence[int], count: int) -> list[int]:
    """A number for each of `count` dimensions; numbers for others are of no use."""
    return list(numbers) if len(numbers) == count else list(numbers[:1]) * count


@operation("image.extract_patches", "image.extract_patches_3d")
def extract_patches(call: Call) -> Value:
    """The windows of images or volumes, their numbers as channels; a single one has no batch."""
    argument = "volumes" if call.name.endswith("3d") else "images"
    incoming, order = tensor(call, argument), order_of(call)
    word(call, "padding", "valid", "same", "causal")
    stated = call["size"]
    if isinstance(stated, int):
        size = [int(stated)] * (3 if call.name.endswith("3d") else 2)
    else:
        size = one_or_more(call, "size")
    if len(size) not in (2, 3):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`size` of `{call.name}` holds {len(size)} numbers",
            argument="size",
            expected="a whole number, or a list of 2, or of 3 for volumes",
            help="give the height and width of a patch",
        )
    dimensions = len(size) + 2
    if incoming.rank not in (dimensions - 1, dimensions):
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes {dimensions} dimensions ({order.words(len(size))}), and what comes in is {incoming}",
            expected=f"({order.words(len(size))})",
            help="give the input its dimensions and its channels",
        )
    shape = incoming.shape if incoming.rank == dimensions else (1, *incoming.shape)
    channels = order.channels(shape)
    if channels is None:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` needs to know the number of channels, and what comes in is {incoming}",
            expected="a known number of channels",
            help="give the input its number of channels",
        )
    found = _convolved(call, shape, order, size, (product(tuple(size)) or 0) * channels)
    return Tensor(found if incoming.rank == dimensions else found[1:], incoming.dtype)


@operation("unfold")
def unfold(call: Call) -> Value:
    """The windows of images, channels first, one after the other."""
    incoming = _images_first(call, 4)
    if None in incoming.shape[1:]:
        call.refuse(
            OPEN_DIMENSION,
            f"`ops.unfold` needs to know channels and sizes, and what comes in is {incoming}",
            expected="known sizes behind the batch",
            help="give the input its sizes",
        )
    batch, channels, *spatial = incoming.shape
    kernel, dilation, padding, stride = (
        exactly(call, each, 2) for each in ("kernel_size", "dilation", "padding", "stride")
    )
    if 0 in stride:
        wrong(call, "stride", "numbers from 1 up")
    counts = [
        ((size or 0) + 2 * padding[number] - reach(kernel[number], dilation[number])) // stride[number] + 1
        for number, size in enumerate(spatial)
    ]
    return Tensor((batch, (channels or 0) * kernel[0] * kernel[1], counts[0] * counts[1]), incoming.dtype)


@operation("fold")
def fold(call: Call) -> Value:
    """Windows put together to images, channels first."""
    incoming = _images_first(call, 3)
    batch, columns, _ = incoming.shape
    kernel, size = exactly(call, "kernel_size", 2), exactly(call, "output_size", 2)
    window = kernel[0] * kernel[1]
    if columns is not None and (window == 0 or columns % window):
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.fold` makes windows of {window} numbers for each channel, and {incoming} holds {columns}",
            argument="kernel_size",
            expected=f"a multiple of {window} in the second dimension",
            help="it is channels times height times width of a window",
        )
    return Tensor((batch, None if columns is None else columns // window, *size), incoming.dtype)


def _images_first(call: Call, rank: int) -> Tensor:
    incoming = tensor(call, "x")
    if incoming.rank != rank:
        words = "(batch, channels, height, width)" if rank == 4 else "(batch, numbers of a window, windows)"
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes {rank} dimensions {words}, and what comes in is {incoming}",
            expected=words,
            help="`ops.transpose` puts the channels first",
        )
    return incoming


@operation("depth_to_space", "space_to_depth")
def blocks(call: Call) -> Value:
    """Channels spread over blocks of the image, or blocks put into channels."""
    incoming, block, order = tensor(call, "x"), integer(call, "block_size", least=2), order_of(call)
    if incoming.rank != 4:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes 4 dimensions ({order.words(2)}), and what comes in is {incoming}",
            expected=f"({order.words(2)})",
            help="give the input its channels",
        )
    spatial, channels = order.spatial(incoming.shape), order.channels(incoming.shape)
    gathers = call.name == "ops.space_to_depth"
    shrinks, grows = (spatial, (channels,)) if gathers else ((channels,), spatial)
    divisor, factor = (block, block**2) if gathers else (block**2, block)
    if any(size is not None and size % divisor for size in shrinks):
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` divides {'height and width' if gathers else 'the channels'} by {divisor}, "
            f"and what comes in is {incoming}",
            argument="block_size",
            expected=f"multiples of {divisor}",
            help="choose another block, or pad",
        )
    less: list[Size] = [None if size is None else size // divisor for size in shrinks]
    more: list[Size] = [None if size is None else size * factor for size in grows]
    space, depth = (less, more) if gathers else (more, less)
    return Tensor(order.shape(incoming.shape[0], space, depth[0]), incoming.dtype)
