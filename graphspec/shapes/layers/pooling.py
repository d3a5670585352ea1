"""Pooling: over windows, over all that there is, or down to a size that is given."""

from __future__ import annotations

from graphspec.diagnostics.rules import UNCHECKED_INPUT, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layout import dimensions, layout, mend_rank, refuse_rank, refuse_vanished, spatial_tensor
from graphspec.shapes.sizes import each, windows
from graphspec.shapes.tensor import Value


@layer(
    *(f"{kind}{count}D" for kind in ("MaxPooling", "MaxPool", "AveragePooling", "AvgPool") for count in (1, 2, 3)),
)
def pooling(call: Call) -> Value:
    """(batch, spatial, channels) → (batch, as many as windows fit, channels)."""
    order, count = layout(call), dimensions(call)
    pool = each(call["pool_size"], count)
    strides = pool if call["strides"] is None else each(call["strides"], count, least=0)
    padding = call["padding"]
    if 0 in strides:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot move its windows by 0",
            argument="strides",
            expected="1 or more",
            help="leave `strides` out for windows side by side",
        )
    if padding not in ("valid", "same"):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` knows no padding `{padding}`",
            argument="padding",
            expected="`valid` or `same`",
            help="small letters count here" if str(padding).lower() in ("valid", "same") else "",
        )
    tensor = spatial_tensor(call, order)
    spatial = []
    for i, size in enumerate(order.spatial(tensor.shape)):
        left = windows(size, pool[i], strides[i], padded=padding == "same")
        if left is not None and left <= 0 and padding == "valid":
            refuse_vanished(call, f"pools {pool[i]} at a time out of", i, size, pool[i], "pool_size")
        spatial.append(left)
    return call.gives(order.shape(tensor.shape[0], spatial, order.channels(tensor.shape)))


@layer(
    *(
        f"Global{kind}{count}D"
        for kind in ("MaxPooling", "MaxPool", "AveragePooling", "AvgPool")
        for count in (1, 2, 3)
    ),
)
def global_pooling(call: Call) -> Value:
    """(batch, spatial, channels) → (batch, channels), or with ones for the spatial sizes."""
    order = layout(call)
    tensor = spatial_tensor(call, order)
    left = (1,) * dimensions(call) if call["keepdims"] else ()
    return call.gives(order.shape(tensor.shape[0], left, order.channels(tensor.shape)))


@layer(*(f"Adaptive{kind}Pooling{count}D" for kind in ("Max", "Average") for count in (1, 2, 3)))
def adaptive_pooling(call: Call) -> Value:
    """(batch, spatial, channels) → (batch, output_size, channels). Keras looks at no other dimension before it runs."""
    order, count, tensor = layout(call), dimensions(call), call.tensor()
    wanted = each(call["output_size"], count)
    if tensor.rank < 2 and order.channels_first:
        refuse_rank(call, order, tensor)
    if tensor.rank != count + 2:
        call.warn(
            UNCHECKED_INPUT,
            f"`{call.name}` works on {count + 2} dimensions ({order.words(count)}), and what comes in is {tensor}: "
            "Keras finds out only when the model runs",
            expected=f"({order.words(count)})",
            help=mend_rank(tensor, count, order),
        )
    return call.gives(order.shape(tensor.shape[0], wanted, order.channels(tensor.shape)))
