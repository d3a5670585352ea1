"""Preprocessing layers for images: most keep shapes, some crop or resize.

Keras checks next to nothing of their inputs before it runs; an input on which they then fail is a warning here.
"""

from __future__ import annotations

from typing import NoReturn

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNCHECKED_INPUT, WRONG_RANK
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layers.elementwise import map_tensors
from graphspec.shapes.layout import layout
from graphspec.shapes.sizes import whole
from graphspec.shapes.tensor import Tensor, Value

AUGMENTATIONS = (
    *("AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "MaxNumBoundingBoxes"),
    *("MixUp", "RandAugment", "RandomBrightness", "RandomColorJitter", "RandomContrast", "RandomElasticTransform"),
    *("RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomHue", "RandomInvert", "RandomPerspective"),
    *("RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear"),
    *("RandomTranslation", "RandomZoom", "Solarization"),
)
"""The layers that keep shapes, and take images or mappings with images, labels, bounding boxes."""

CHANNELS = {
    "RandomHue": (3,),
    "RandomSaturation": (3,),
    "RandomGrayscale": (1, 3),
    "RandAugment": (1, 3),
}
"""Numbers of channels that a layer works on when it runs, of those that do not take any number."""


@layer(*AUGMENTATIONS)
def augmentation(call: Call) -> Value:
    """Infer the same shapes, of images or of a mapping with images."""
    _warn_of_images(call)
    return map_tensors(call.inputs, lambda tensor: call.output(tensor.shape))


@layer("Equalization")
def equalization(call: Call) -> Value:
    """Infer the output of `Equalization`: the same shapes and dtypes."""
    _warn_of_images(call)
    return call.inputs


@layer("RandomGrayscale")
def random_grayscale(call: Call) -> Value:
    """Infer the output of `RandomGrayscale`: the same shape and dtype."""
    tensor = call.tensor()
    _warn_of_images(call)
    return call.output(tensor.shape, tensor.dtype)


@layer("RandomColorDegeneration")
def random_color_degeneration(call: Call) -> Value:
    """Infer the same shape, of (batch, height, width, 3)."""
    tensor = call.tensor()
    _check_rank(call, tensor)
    channels = tensor.shape[-3 if layout(call).channels_first else -1]
    if channels not in (3, None):
        call.refuse_input(SHAPE_MISMATCH, "images of 3 channels", tensor, help=_CHANNELS_FIRST)
    _warn_of_images(call)
    return call.output(tensor.shape)


@layer("CenterCrop", "RandomCrop", "Resizing")
def resizing(call: Call) -> Value:
    """Infer (batch, height, width, channels) → the same with the layer's `height` and `width`."""
    tensor, first = call.tensor(), layout(call).channels_first
    height, width = whole(call["height"]), whole(call["width"])
    if call.name == "CenterCrop":
        _check_rank(call, tensor)
    sizes = list(tensor.shape)
    start = (1 if first else 0) + (tensor.rank == 4)
    if call.name == "RandomCrop":
        start = tensor.rank - (2 if first else 3)
    if not 0 <= start <= tensor.rank - 2:
        _refuse_rank(call, tensor)
    sizes[start : start + 2] = [height, width]
    _warn_of_images(call)
    return call.output(sizes)


_CHANNELS_FIRST = "write `data_format: channels_first` where the channels come right behind the batch"


def _check_rank(call: Call, tensor: Tensor) -> None:
    if tensor.rank not in (3, 4):
        _refuse_rank(call, tensor)


def _refuse_rank(call: Call, tensor: Tensor) -> NoReturn:
    call.refuse_input(
        WRONG_RANK,
        f"images {layout(call).axes(2)}",
        tensor,
        help="`Reshape` adds dimensions; `TimeDistributed` applies a layer to each frame of a video",
    )


def _warn_of_images(call: Call) -> None:
    """Warn where the layer fails when it runs, or takes something else for a batch of images."""
    value = call.inputs
    images = value.get("images") if isinstance(value, dict) else value
    if not isinstance(images, Tensor):
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` expects images, or a mapping with `images`, but received {call.received}",
            expected="images",
            help="write `from: x`, or `from: {images: x, labels: y}`",
        )
        return
    order = layout(call)
    if images.rank != 4:
        taken_for = "channels" if order.channels_first else "height"
        effect = f", and takes the batch for the {taken_for} of one image" if images.rank == 3 else ""
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` expects batches of images {order.axes(2)}, but received {images}{effect}",
            expected=order.axes(2),
            help="if the channels are missing, add them with `Reshape`, or to the input",
        )
    else:
        channels, allowed = order.channels(images.shape), CHANNELS.get(call.name)
        if allowed is not None and channels is not None and channels not in allowed:
            counts = " or ".join(map(str, allowed))
            call.warn_of_runtime(
                f"`{call.name}` expects images of {counts} channels, but received {images}",
                expected=f"{counts} channels",
                help=_CHANNELS_FIRST,
            )
