"""Pooling: over windows, over the whole input, or to a given size."""

from __future__ import annotations

from graphspec.diagnostics.rules import UNFIT_ARGUMENT
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layout import (
    dimensions,
    expect_remaining,
    expect_spatial_rank,
    layout,
    rank_help,
    spatial_tensor,
)
from graphspec.shapes.sizes import per_dimension, window_count
from graphspec.shapes.tensor import Value

_KINDS = ("MaxPooling", "MaxPool", "AveragePooling", "AvgPool")


@layer(*(f"{kind}{count}D" for kind in _KINDS for count in (1, 2, 3)))
def pooling(call: Call) -> Value:
    """Infer the output of pooling: (batch, spatial, channels) → (batch, number of windows, channels)."""
    order, count = layout(call), dimensions(call)
    pool = per_dimension(call["pool_size"], count)
    strides = pool if call["strides"] is None else per_dimension(call["strides"], count, least=0)
    padding = call["padding"]
    if 0 in strides:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` takes no stride of 0",
            argument="strides",
            expected="1 or more",
            help="remove `strides` for windows side by side",
        )
    if padding not in ("valid", "same"):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` has no padding `{padding}`",
            argument="padding",
            expected="`valid` or `same`",
            help="write it in lower case" if str(padding).lower() in ("valid", "same") else "",
        )
    tensor = spatial_tensor(call, order)
    spatial = []
    for i, size in enumerate(order.spatial(tensor.shape)):
        left = window_count(size, pool[i], strides[i], padded=padding == "same")
        if padding == "valid":
            expect_remaining(
                call, left, i, pool[i], argument="pool_size", reason=f"a pool of {pool[i]} does not fit into {size}"
            )
        spatial.append(left)
    return call.output(order.shape(tensor.shape[0], spatial, order.channels(tensor.shape)))


@layer(*(f"Global{kind}{count}D" for kind in _KINDS for count in (1, 2, 3)))
def global_pooling(call: Call) -> Value:
    """Infer the output of global pooling: (batch, spatial, channels) → (batch, channels); `keepdims` keeps ones."""
    order = layout(call)
    tensor = spatial_tensor(call, order)
    left = (1,) * dimensions(call) if call["keepdims"] else ()
    return call.output(order.shape(tensor.shape[0], left, order.channels(tensor.shape)))


@layer(*(f"Adaptive{kind}Pooling{count}D" for kind in ("Max", "Average") for count in (1, 2, 3)))
def adaptive_pooling(call: Call) -> Value:
    """Infer (batch, spatial, channels) → (batch, output_size, channels); Keras checks no other dimension."""
    order, count, tensor = layout(call), dimensions(call), call.tensor()
    sizes = per_dimension(call["output_size"], count)
    if tensor.rank < 2 and order.channels_first:
        expect_spatial_rank(call, order, tensor)
    if tensor.rank != count + 2:
        call.warn_of_runtime(
            f"`{call.name}` expects a tensor of {count + 2} dimensions {order.axes(count)}, but received {tensor}",
            expected=order.axes(count),
            help=rank_help(tensor, count, order),
        )
    return call.output(order.shape(tensor.shape[0], sizes, order.channels(tensor.shape)))
