"""Operations on images: (batch, height, width, channels), or one image without the batch."""

from __future__ import annotations

from typing import NoReturn

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNCHECKED_INPUT, UNFIT_ARGUMENT, WRONG_DTYPE, WRONG_RANK
from graphspec.shapes.call import Call, operation
from graphspec.shapes.layout import Layout
from graphspec.shapes.ops.arguments import layout_of, one_per_dimension, refuse_value, sizes
from graphspec.shapes.ops.arguments import size as size_of
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.promotion import is_float
from graphspec.shapes.sizes import with_size
from graphspec.shapes.tensor import Size, Tensor, Value


def images(call: Call, argument: str = "images", *, single: bool = True) -> tuple[Tensor, Layout]:
    """Return the images for an argument, and their layout. Refuses tensors that are no images.

    Args:
        call: the call.
        argument: the parameter that takes the images.
        single: one image without a batch is taken too, with a warning.
    """
    x, order = tensor(call, argument), layout_of(call)
    if x.rank != 4 and not (single and x.rank == 3):
        call.refuse_input(
            WRONG_RANK,
            f"images of 4 dimensions {order.axes(2)}",
            x,
            help="give the input its height, width and channels",
        )
    if x.rank == 3 and x.shape[0] is None:
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` takes {x} for one image without a batch",
            expected=order.axes(2),
            help="if the channels are missing, add them: `ops.expand_dims: -1`",
        )
    return x, order


def _height_axis(order: Layout, rank: int) -> int:
    """Return the axis of the height; that of the width follows."""
    return rank - (2 if order.channels_first else 3)


@operation("image.affine_transform", "image.elastic_transform", "image.gaussian_blur", "image.perspective_transform")
def transformed(call: Call) -> Value:
    """Infer the same shape; a transform or corners must fit."""
    x, _ = images(call)
    if call.name == "ops.image.affine_transform":
        call.expect_rank(
            tensor(call, "transform"),
            1,
            2,
            axes="(8), or (batch, 8)",
            operand="transform",
            help="give the input of the transform the shape `[8]`",
        )
    if call.name == "ops.image.perspective_transform":
        _check_points(call)
    return Tensor(x.shape, x.dtype)


def _check_points(call: Call) -> None:
    start, end = tensor(call, "start_points"), tensor(call, "end_points")
    for argument, points in (("start_points", start), ("end_points", end)):
        if points.rank not in (2, 3) or points.shape[-2:] != (4, 2):
            call.refuse_argument(
                SHAPE_MISMATCH,
                argument,
                f"must be four corners of two numbers, but is {points}",
                "(batch, 4, 2), or (4, 2) for one image",
                help="give the input of the corners the shape `[4, 2]`",
            )
    if start.shape != end.shape:
        call.refuse_input(SHAPE_MISMATCH, "corners of one shape", f"{start} and {end}", help="make the two equal")


@operation("image.rgb_to_grayscale", "image.rgb_to_hsv", "image.hsv_to_rgb")
def recoloured(call: Call) -> Value:
    """Infer the same shape; grey images have one channel."""
    x, order = images(call)
    grey = call.name == "ops.image.rgb_to_grayscale"
    if not grey and not is_float(x.dtype):
        call.refuse_input(
            WRONG_DTYPE, "images of floats", x.dtype, help="convert them first: `Rescaling: 0.00392156862745098`"
        )
    axis = x.rank - (3 if order.channels_first else 1)
    if x.shape[axis] not in (None, 3, *((1,) if grey else ())):
        counts = f"{'1 or ' if grey else ''}3 channels"
        call.refuse_input(
            SHAPE_MISMATCH, f"images of {counts}", x, help="set `data_format` if the channels are elsewhere"
        )
    return Tensor(with_size(x.shape, axis, 1) if grey else x.shape, x.dtype)


@operation("image.resize")
def resize(call: Call) -> Value:
    """Infer the shape with the height and width in `size`."""
    x, order = images(call)
    height, width = one_per_dimension(call, "size", 2)
    if isinstance(call["size"], int) or height < 1 or width < 1:
        refuse_value(call, "size", "a list of two sizes from 1 up, height and width")
    if call["crop_to_aspect_ratio"] and call["pad_to_aspect_ratio"]:
        call.refuse_both("pad_to_aspect_ratio", "crop_to_aspect_ratio")
    axis = _height_axis(order, x.rank)
    return Tensor((*x.shape[:axis], height, width, *x.shape[axis + 2 :]), x.dtype)


@operation("image.pad_images", "image.crop_images")
def padded(call: Call) -> Value:
    """Infer the shape with height and width padded or cropped."""
    x, order = images(call)
    axis = _height_axis(order, x.rank)
    what = "padding" if call.name == "ops.image.pad_images" else "cropping"
    sides = (("top", "bottom", "target_height"), ("left", "right", "target_width"))
    spatial = [
        _padded(call, x.shape[axis + offset], f"{before}_{what}", f"{after}_{what}", target=target)
        for offset, (before, after, target) in enumerate(sides)
    ]
    return Tensor((*x.shape[:axis], *spatial, *x.shape[axis + 2 :]), x.dtype)


def _padded(call: Call, size: Size, before: str, after: str, *, target: str) -> Size:
    """Return the size of a dimension by two of its padding before and after it, and its target."""
    names = (before, after, target)
    values = [size_of(call, each) for each in names]
    if values.count(None) != 1:
        written = [each for each, value in zip(names, values, strict=True) if value is not None]
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` needs two of `{before}`, `{after}` and `{target}`, but received "
            + (" and ".join(f"`{each}`" for each in written) or "none" if len(written) < 3 else "all three"),
            argument=written[-1] if written else None,
            expected="exactly two of the three",
            help="the third follows from them",
        )
    first, second, whole = values
    sign = 1 if call.name == "ops.image.pad_images" else -1
    for each, value in zip(names, values, strict=True):
        if value is not None and value < 0:
            refuse_value(call, each, "a whole number from 0 up")
    change = (first or 0) + (second or 0)
    if whole is None:
        if sign < 0:
            call.expect_known(size, f"a known size, or a value for `{target}`", call.received, help=f"write `{target}`")
        left = None if size is None else size + sign * change
        if left is not None and left < 0:
            _refuse_padding(call, size, after, f"{size} at most")
        return left
    if size is not None and (whole - size) * sign < change:
        _refuse_padding(call, size, target, f"a size with room for `{before if first is not None else after}`")
    return whole


def _refuse_padding(call: Call, size: Size, argument: str, expected: str) -> NoReturn:
    call.refuse_argument(
        UNFIT_ARGUMENT,
        argument,
        f"is {call[argument]}, which does not fit a dimension of {size}",
        expected,
        help="compare the numbers with the height and width of the input",
    )


@operation("image.map_coordinates")
def map_coordinates(call: Call) -> Value:
    """Infer (rank, ...) coordinates → (...): the first dimension holds a coordinate for each axis of the input."""
    x, coordinates = tensor(call, "inputs"), tensor(call, "coordinates")
    if coordinates.rank < 2 or coordinates.shape[0] != x.rank:
        call.refuse_argument(
            SHAPE_MISMATCH,
            "coordinates",
            f"must hold {x.rank} coordinates for {x}, but is {coordinates}",
            f"({x.rank}, ...): a coordinate for each dimension",
            help="the first dimension of an input is the batch: give it a `batch_size`",
        )
    return Tensor(coordinates.shape[1:], x.dtype)


@operation("image.scale_and_translate")
def scale_and_translate(call: Call) -> Value:
    """Infer the shape in `output_shape`."""
    return Tensor(sizes(call, "output_shape"), tensor(call, "images").dtype)


@operation("image.sobel_edges")
def sobel_edges(call: Call) -> Value:
    """Infer the shape with a new last dimension for two gradients."""
    x, _ = images(call, single=False)
    return Tensor((*x.shape, 2), x.dtype)


@operation("image.ssim")
def ssim(call: Call) -> Value:
    """Infer the similarity of each pair of images: (batch)."""
    x, _ = images(call, "image1")
    images(call, "image2")
    return Tensor(x.shape[:1] if x.rank == 4 else (), x.dtype)
