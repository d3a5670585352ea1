"""Operations on images: (batch, height, width, channels), or one image without the batch."""

from __future__ import annotations

from graphspec.diagnostics.rules import (
    OPEN_DIMENSION,
    SHAPE_MISMATCH,
    UNCHECKED_INPUT,
    UNFIT_ARGUMENT,
    WRONG_DTYPE,
    WRONG_RANK,
)
from graphspec.shapes.call import Call
from graphspec.shapes.layout import Layout
from graphspec.shapes.ops.arguments import exactly, order, sizes, wrong
from graphspec.shapes.ops.arguments import size as size_of
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import is_float
from graphspec.shapes.sizes import replaced
from graphspec.shapes.tensor import Size, Tensor, Value


def images(call: Call, argument: str = "images", *, single: bool = True) -> tuple[Tensor, Layout]:
    """The images that feed the argument, and where their channels are."""
    incoming, channels = tensor(call, argument), order(call)
    if incoming.rank != 4 and not (single and incoming.rank == 3):
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes images of 4 dimensions ({channels.words(2)}), and what comes in is {incoming}",
            expected=f"({channels.words(2)})",
            help="give the input its height, width and channels",
        )
    if incoming.rank == 3 and incoming.shape[0] is None:
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` takes {incoming} for one image without a batch",
            expected=f"({channels.words(2)})",
            help="if the channels are missing, add them: `ops.expand_dims: -1`",
        )
    return incoming, channels


def _spatial(order: Layout, rank: int) -> int:
    """The axis of the height; the width follows."""
    return rank - (2 if order.channels_first else 3)


def _channels(order: Layout, rank: int) -> int:
    return rank - (3 if order.channels_first else 1)


@operation("image.affine_transform", "image.elastic_transform", "image.gaussian_blur", "image.perspective_transform")
def transformed(call: Call) -> Value:
    """Images of the same shape."""
    incoming, _ = images(call)
    if call.name == "ops.image.affine_transform":
        transform = tensor(call, "transform")
        if transform.rank not in (1, 2):
            call.refuse(
                WRONG_RANK,
                f"`{call.name}` takes a transform of 8 numbers, or one for each image, and it is {transform}",
                argument="transform",
                expected="(8), or (batch, 8)",
                help="give the input of the transform the shape `[8]`",
            )
    if call.name == "ops.image.perspective_transform":
        _check_points(call)
    return Tensor(incoming.shape, incoming.dtype)


def _check_points(call: Call) -> None:
    start, end = tensor(call, "start_points"), tensor(call, "end_points")
    for argument, points in (("start_points", start), ("end_points", end)):
        if points.rank not in (2, 3) or points.shape[-2:] != (4, 2):
            call.refuse(
                SHAPE_MISMATCH,
                f"`{argument}` of `{call.name}` is {points}, and an image has four corners of two numbers",
                argument=argument,
                expected="(batch, 4, 2), or (4, 2) for one image",
                help="give the input of the corners the shape `[4, 2]`",
            )
    if start.shape != end.shape:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` moves corners of {start} to corners of {end}",
            expected="two tensors of one shape",
            help="make the two equal",
        )


@operation("image.rgb_to_grayscale", "image.rgb_to_hsv", "image.hsv_to_rgb")
def coloured(call: Call) -> Value:
    """Images in other colours; grey ones have one channel."""
    incoming, order = images(call)
    grey = call.name == "ops.image.rgb_to_grayscale"
    if not grey and not is_float(incoming.dtype):
        call.refuse(
            WRONG_DTYPE,
            f"`{call.name}` takes images of floats, and what comes in is {incoming.dtype}",
            expected="a float dtype",
            help="convert them first: `Rescaling: 0.00392156862745098`",
        )
    number = _channels(order, incoming.rank)
    channels = incoming.shape[number]
    if channels not in (None, 3, *((1,) if grey else ())):
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` takes images of {'1 or ' if grey else ''}3 channels, and what comes in is {incoming}",
            expected=f"{'1 or ' if grey else ''}3 channels, in the {'first' if order.channels_first else 'last'} "
            "dimension",
            help="`data_format` says where the channels are",
        )
    return Tensor(replaced(incoming.shape, number, 1) if grey else incoming.shape, incoming.dtype)


@operation("image.resize")
def resize(call: Call) -> Value:
    """Images of the height and width stated."""
    incoming, order = images(call)
    height, width = exactly(call, "size", 2)
    if isinstance(call["size"], int) or height < 1 or width < 1:
        wrong(call, "size", "a list of two sizes from 1 up, height and width")
    if call["crop_to_aspect_ratio"] and call["pad_to_aspect_ratio"]:
        call.refuse(
            UNFIT_ARGUMENT,
            "`ops.image.resize` is told to crop and to pad",
            argument="pad_to_aspect_ratio",
            expected="one of the two",
            help="remove `pad_to_aspect_ratio` or `crop_to_aspect_ratio`",
        )
    number = _spatial(order, incoming.rank)
    return Tensor((*incoming.shape[:number], height, width, *incoming.shape[number + 2 :]), incoming.dtype)


@operation("image.pad_images", "image.crop_images")
def fitted(call: Call) -> Value:
    """Images with something added or taken at their edges."""
    incoming, order = images(call)
    number = _spatial(order, incoming.rank)
    what = "padding" if call.name == "ops.image.pad_images" else "cropping"
    sides = (("top", "bottom", "target_height"), ("left", "right", "target_width"))
    found = [
        _fitted(call, incoming.shape[number + offset], f"{before}_{what}", f"{after}_{what}", target)
        for offset, (before, after, target) in enumerate(sides)
    ]
    return Tensor((*incoming.shape[:number], *found, *incoming.shape[number + 2 :]), incoming.dtype)


def _fitted(call: Call, size: Size, before: str, after: str, target: str) -> Size:
    """The size that a dimension gets by two of what stands before it, after it, and in all."""
    named = (before, after, target)
    values = [size_of(call, each) for each in named]
    if values.count(None) != 1:
        given = [each for each, value in zip(named, values, strict=True) if value is not None]
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` needs two of `{before}`, `{after}` and `{target}`, and is given "
            + (" and ".join(f"`{each}`" for each in given) if len(given) < 3 else "all three"),
            argument=given[-1] if given else None,
            expected="exactly two of the three",
            help="the third follows from them",
        )
    first, second, whole = values
    grows = 1 if call.name == "ops.image.pad_images" else -1
    for each, value in zip(named, values, strict=True):
        if value is not None and value < 0:
            wrong(call, each, "a whole number from 0 up")
    if whole is None:
        if size is None and grows < 0:
            call.refuse(
                OPEN_DIMENSION,
                f"`{call.name}` crops a dimension whose size is open",
                expected=f"a known size, or a value for `{target}`",
                help=f"write `{target}`",
            )
        left = None if size is None else size + grows * ((first or 0) + (second or 0))
        if left is not None and left < 0:
            _does_not_fit(call, size, after, f"{size} at most")
        return left
    if size is not None and (whole - size) * grows < ((first or 0) + (second or 0)):
        _does_not_fit(call, size, target, f"what leaves room for `{before if first is not None else after}`")
    return whole


def _does_not_fit(call: Call, size: Size, argument: str, wanted: str) -> None:
    call.refuse(
        UNFIT_ARGUMENT,
        f"`{argument}: {call[argument]}` of `{call.name}` does not fit a dimension of {size}",
        argument=argument,
        expected=wanted,
        help="compare the numbers with the height and width that come in",
    )


@operation("image.map_coordinates")
def map_coordinates(call: Call) -> Value:
    """A number for each place; the first dimension of the places holds a coordinate for each axis."""
    incoming, places = tensor(call, "inputs"), tensor(call, "coordinates")
    if places.rank < 2 or places.shape[0] != incoming.rank:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` looks {incoming.rank} coordinates up in {incoming}, and `coordinates` is {places}",
            argument="coordinates",
            expected=f"({incoming.rank}, ...): a coordinate for each dimension",
            help="the first dimension of an input is the batch: give it a `batch_size`",
        )
    return Tensor(places.shape[1:], incoming.dtype)


@operation("image.scale_and_translate")
def scale_and_translate(call: Call) -> Value:
    """Images of the shape stated."""
    return Tensor(sizes(call, "output_shape"), tensor(call, "images").dtype)


@operation("image.sobel_edges")
def sobel_edges(call: Call) -> Value:
    """Two gradients in a new last dimension."""
    incoming, _ = images(call, single=False)
    return Tensor((*incoming.shape, 2), incoming.dtype)


@operation("image.ssim")
def ssim(call: Call) -> Value:
    """How alike two images are: a number for each pair."""
    incoming, _ = images(call, "image1")
    images(call, "image2")
    return Tensor(incoming.shape[:1] if incoming.rank == 4 else (), incoming.dtype)
