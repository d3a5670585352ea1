"""The order of dimensions that `data_format` states: channels first or last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphspec.diagnostics.rules import VANISHED_DIMENSION
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.tensor import Shape, Size, Tensor

SPATIAL = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""The names of the dimensions between batch and channels."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of dimensions: the batch, then the channels either right behind it or last."""

    channels_first: bool

    @property
    def axis(self) -> int:
        """Axis of the channels."""
        return 1 if self.channels_first else -1

    def channels(self, shape: Shape) -> Size:
        """Return the number of channels."""
        return shape[self.axis]

    def spatial(self, shape: Shape) -> Shape:
        """Return the sizes between batch and channels."""
        return shape[2:] if self.channels_first else shape[1:-1]

    def shape(self, batch: Size, spatial: Iterable[Size], channels: Size) -> Shape:
        """Return the shape put together."""
        return (batch, channels, *spatial) if self.channels_first else (batch, *spatial, channels)

    def axes(self, count: int) -> str:
        """Return the dimensions by name, `count` of them spatial: `(batch, height, width, channels)`."""
        names = SPATIAL[count]
        return f"({', '.join(('batch', 'channels', *names) if self.channels_first else ('batch', *names, 'channels'))})"


def layout(call: Call) -> Layout:
    """Return the layout of the call's `data_format`, by default channels last. Raises Unreadable."""
    chosen = call["data_format"]
    if chosen is None:
        return Layout(channels_first=False)
    if not isinstance(chosen, str) or chosen.lower() not in ("channels_first", "channels_last"):
        raise Unreadable
    return Layout(channels_first=chosen.lower() == "channels_first")


def dimensions(call: Call) -> int:
    """Return how many spatial dimensions the layer works on: the digit in its name, as in `Conv2D`."""
    return next(int(letter) for letter in call.name if letter.isdigit())


def spatial_tensor(call: Call, order: Layout) -> Tensor:
    """Return the one input tensor. Refuses one without batch, channels and the layer's spatial dimensions."""
    tensor = call.tensor()
    expect_spatial_rank(call, order, tensor)
    return tensor


def expect_spatial_rank(call: Call, order: Layout, tensor: Tensor) -> None:
    """Refuse a tensor without batch, channels and the layer's spatial dimensions."""
    count = dimensions(call)
    call.expect_rank(tensor, count + 2, axes=order.axes(count), help=rank_help(tensor, count, order))


def known_channels(call: Call, order: Layout, tensor: Tensor) -> int:
    """Return the number of channels of the tensor. Refuses an unknown one."""
    return call.expect_known(
        order.channels(tensor.shape),
        f"a known number of channels in the {'second' if order.channels_first else 'last'} dimension",
        tensor,
        help="give the input its number of channels: 1 for grey images, 3 for colours",
    )


def expect_remaining(call: Call, left: Size, index: int, least: int, *, argument: str, reason: str) -> None:
    """Refuse a call that leaves nothing of a spatial dimension.

    Args:
        call: the call, for its name and inputs.
        left: the size of the output.
        index: the spatial dimension.
        least: the smallest size of the input that the call takes.
        argument: the argument to underline.
        reason: why nothing is left.
    """
    if left is None or left > 0:
        return
    dimension = SPATIAL[dimensions(call)][index]
    call.refuse(
        VANISHED_DIMENSION,
        f"`{call.name}` leaves no {dimension}: {reason}; the input is {call.received}",
        argument=argument,
        expected=f"a {dimension} of at least {least}",
        help="shrink less in this layer, or in those before it",
    )


def rank_help(tensor: Tensor, count: int, order: Layout) -> str:
    """Return how to fix a tensor that has not `count` spatial dimensions."""
    missing = count + 2 - tensor.rank
    sizes = list(tensor.shape[1:])
    if missing == 1 and None not in sizes:
        return (
            f"if the channels are missing, add them: `Reshape: {[1, *sizes] if order.channels_first else [*sizes, 1]}`"
        )
    if missing == -1:
        return "wrap the layer in `TimeDistributed` to apply it to each step"
    if missing > 0:
        return "flatten later, or give the input its spatial dimensions and channels: `Reshape` adds dimensions"
    return "`Reshape` merges dimensions"
