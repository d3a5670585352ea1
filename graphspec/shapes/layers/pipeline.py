"""`Pipeline`: preprocessing layers one after the other, in one layer.

Keras traces it as it would run, and what a layer does to open sizes then is a matter of each. So only what is plain is
told: coloured images of known size through layers for images. All else is left open.
"""

from __future__ import annotations

from dataclasses import replace

from graphspec.graph import Layer, Object
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
        if not isinstance(each, Layer) or not isinstance(each.what, Object) or each.what.name not in PLAIN:
            raise Unreadable
        if not _is_plain(value) or each.what.arguments.get("data_format") not in (None, "channels_last"):
            raise Unreadable
        value = call.infer(each, replace(value, dtype="float32"), {})
    return value


def _is_plain(value: Value) -> bool:
    """Whether it is a batch of coloured images of known size."""
    return isinstance(value, Tensor) and value.rank == 4 and value.shape[-1] == 3 and None not in value.shape[1:]
