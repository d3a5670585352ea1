"""`Pipeline`: preprocessing layers in sequence, as one layer.

Keras traces it as it would run, and what happens to unknown sizes then depends on each layer. So the shapes of colour
images of known size are inferred, through layers for images. All else is unknown.
"""

from __future__ import annotations

from dataclasses import replace

from graphspec.language.graph import Layer
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.layers.images import AUGMENTATIONS
from graphspec.shapes.tensor import Tensor, Value

PLAIN = {
    *AUGMENTATIONS,
    "Equalization",
    "RandomGrayscale",
    "RandomColorDegeneration",
    "CenterCrop",
    "Resizing",
    "Rescaling",
}
"""The layers whose traced output has the shape that their rules infer."""


@layer("Pipeline")
def pipeline(call: Call) -> Value:
    """Infer (batch, height, width, 3) → the output of the last layer."""
    held, value = call["layers"], call.inputs
    if not isinstance(held, list) or not isinstance(value, Tensor) or value.dtype == "string":
        raise Unreadable
    for each in held:
        if not isinstance(each, Layer) or each.class_name not in PLAIN:
            raise Unreadable
        if each.arguments.get("data_format") not in (None, "channels_last"):
            raise Unreadable
        value = call.infer(each, _colour_images(value), {})
    return value


def _colour_images(value: Value) -> Tensor:
    """Return a batch of colour images of known size. Raises Unreadable for anything else."""
    if not isinstance(value, Tensor) or value.rank != 4 or value.shape[-1] != 3 or None in value.shape[1:]:
        raise Unreadable
    return replace(value, dtype="float32")
