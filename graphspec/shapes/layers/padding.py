"""Layers that add to the spatial dimensions, take from them, or repeat them."""

from __future__ import annotations

from graphspec.shapes.call import Call, layer
from graphspec.shapes.layout import dimensions, layout, refuse_vanished, spatial_tensor
from graphspec.shapes.sizes import each, pairs, whole
from graphspec.shapes.tensor import Value


@layer("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(call: Call) -> Value:
    """Each spatial size grows by what is added at its two ends."""
    order = layout(call)
    ends = _ends(call, "padding")
    tensor = spatial_tensor(call, order)
    sizes = order.spatial(tensor.shape)
    spatial = [None if size is None else size + sum(ends[i]) for i, size in enumerate(sizes)]
    return call.gives(order.shape(tensor.shape[0], spatial, order.channels(tensor.shape)))


@layer("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(call: Call) -> Value:
    """Each spatial size shrinks by what is cut off at its two ends."""
    order = layout(call)
    ends = _ends(call, "cropping")
    tensor = spatial_tensor(call, order)
    sizes = order.spatial(tensor.shape)
    for i, size in enumerate(sizes):
        cut = sum(ends[i])
        if size is not None and size <= cut:
            refuse_vanished(call, f"cuts {cut} off", i, size, cut + 1, "cropping")
    spatial = [None if size is None else size - sum(ends[i]) for i, size in enumerate(sizes)]
    return call.gives(order.shape(tensor.shape[0], spatial, order.channels(tensor.shape)))


@layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def up_sampling(call: Call) -> Value:
    """Each spatial size times its factor."""
    order, count = layout(call), dimensions(call)
    factors = (whole(call["size"]),) if count == 1 else each(call["size"], count)
    tensor = spatial_tensor(call, order)
    sizes = order.spatial(tensor.shape)
    spatial = [None if size is None else size * factors[i] for i, size in enumerate(sizes)]
    return call.gives(order.shape(tensor.shape[0], spatial, order.channels(tensor.shape)))


def _ends(call: Call, argument: str) -> tuple[tuple[int, int], ...]:
    """What the argument adds or takes at the two ends of each spatial dimension."""
    count, value = dimensions(call), call[argument]
    return pairs([value], 1) if count == 1 else pairs(value, count)
