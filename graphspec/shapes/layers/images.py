"""Preprocessing layers for images: most keep shapes, some crop or resize.

Before it runs, Keras asks next to nothing of what comes into them; what they then cannot work on is a warning here.
"""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNCHECKED_INPUT, WRONG_RANK
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layers.elementwise import each
from graphspec.shapes.layout import layout
from graphspec.shapes.sizes import whole
from graphspec.shapes.tensor import Tensor, Value

AUGMENTATIONS = (
    "AugMix",
    "AutoContrast",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "CutMix",
    "MaxNumBoundingBoxes",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Solarization",
)
"""The layers that keep shapes, and take mappings of images with what belongs to them."""

CHANNELS = {
    "RandomHue": (3,),
    "RandomSaturation": (3,),
    "RandomGrayscale": (1, 3),
    "RandAugment": (1, 3),
}
"""How many channels a layer works on when it runs, of those that do not take any number."""


@layer(*AUGMENTATIONS)
def augmentation(call: Call) -> Value:
    """What comes in, images or a mapping of them with what belongs to them, in the same shapes."""
    _warn_of_images(call)
    return each(call.inputs, lambda tensor: call.gives(tensor.shape))


@layer("Equalization")
def equalization(call: Call) -> Value:
    """What comes in, in its own dtype."""
    _warn_of_images(call)
    return call.inputs


@layer("RandomGrayscale")
def random_grayscale(call: Call) -> Value:
    """(batch, height, width, channels) kept, in its own dtype."""
    tensor = call.tensor()
    _warn_of_images(call)
    return call.gives(tensor.shape, tensor.dtype)


@layer("RandomColorDegeneration")
def random_color_degeneration(call: Call) -> Value:
    """(batch, height, width, 3) kept."""
    tensor, first = call.tensor(), layout(call).channels_first
    _check_image_rank(call, tensor)
    channels = tensor.shape[-3 if first else -1]
    if channels not in (3, None):
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` takes images of 3 channels, and what comes in is {tensor}",
            expected="3 channels",
            help="say `data_format: channels_first` where the channels come right behind the batch",
        )
    _warn_of_images(call)
    return call.gives(tensor.shape)


@layer("CenterCrop", "RandomCrop", "Resizing")
def resizing(call: Call) -> Value:
    """(batch, height, width, channels) → (batch, the layer's height and width, channels)."""
    tensor, first = call.tensor(), layout(call).channels_first
    height, width = whole(call["height"]), whole(call["width"])
    if call.name == "CenterCrop":
        _check_image_rank(call, tensor)
    sizes = list(tensor.shape)
    start = (1 if first else 0) + (tensor.rank == 4)
    if call.name == "RandomCrop":
        start = tensor.rank - (2 if first else 3)
    if not 0 <= start <= tensor.rank - 2:
        _refuse_image_rank(call, tensor)
    sizes[start : start + 2] = [height, width]
    _warn_of_images(call)
    return call.gives(sizes)


def _check_image_rank(call: Call, tensor: Tensor) -> None:
    if tensor.rank not in (3, 4):
        _refuse_image_rank(call, tensor)


def _refuse_image_rank(call: Call, tensor: Tensor) -> None:
    call.refuse(
        WRONG_RANK,
        f"`{call.name}` takes images ({_words(call)}), and what comes in is {tensor}",
        expected=f"({_words(call)})",
        help="`Reshape` adds dimensions; `TimeDistributed` applies a layer to each frame of a video",
    )


def _warn_of_images(call: Call) -> None:
    """Warn where the layer fails when it runs, or takes something else for a batch of images."""
    value = call.inputs
    images = value.get("images") if isinstance(value, dict) else value
    if not isinstance(images, Tensor):
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` works on images, or on a mapping with `images`; what comes in is {call.shown()}",
            expected="images",
            help="write `from: x`, or `from: {images: x, labels: y}`",
        )
    elif images.rank != 4:
        took = ": it takes the batch for the height of one image" if images.rank == 3 else ""
        took = ": it takes the batch for the channels of one image" if took and layout(call).channels_first else took
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` works on batches of images ({_words(call)}), and what comes in is {images}{took}",
            expected=f"({_words(call)})",
            help="if the channels are missing, add them with `Reshape`, or to the input",
        )
    else:
        channels = layout(call).channels(images.shape)
        wanted = CHANNELS.get(call.name)
        if wanted is not None and channels is not None and channels not in wanted:
            wants = " or ".join(map(str, wanted))
            call.warn(
                UNCHECKED_INPUT,
                f"`{call.name}` works on images with {wants} channels, and fails on {images}",
                expected=f"{wants} channels",
                help="say `data_format: channels_first` where the channels come right behind the batch",
            )


def _words(call: Call) -> str:
    return layout(call).words(2)
