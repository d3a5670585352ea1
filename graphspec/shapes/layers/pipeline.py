"""`Pipeline`: preprocessing layers one after the other, in one layer.

Keras traces it as it would run, and what a layer does to open sizes then is a matter of each. So only what is plain is
told: coloured images of known size through layers for images. All else is left open.
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
"""The layers that give, when traced, the shapes that their rules tell."""


@layer("Pipeline")
def pipeline(call: Call) -> Value:
    """(batch, height, width, 3) → what the last layer gives."""
    held, value = call["layers"], call.inputs
    if not isinstance(held, list) or not isinstance(value, Tensor) or value.dtype == "string":
        raise Unreadable
    for each in held:
        if not isinstance(each, Layer) or each.class_name not in PLAIN:
            raise Unreadable
        if each.arguments.get("data_format") not in (None, "channels_last"):
            raise Unreadable
        value = call.infer(each, _coloured(value), {})
    return value


def _coloured(value: Value) -> Tensor:
    """The batch of coloured images of known size, as preprocessing layers take it in when traced."""
    if not isinstance(value, Tensor) or value.rank != 4 or value.shape[-1] != 3 or None in value.shape[1:]:
        raise Unreadable
    return replace(value, dtype="float32")
