"""Where a tensor of images, sequences or volumes keeps its channels: `data_format`, and what it does to shapes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from graphspec.diagnostics.rules import OPEN_DIMENSION, VANISHED_DIMENSION, WRONG_RANK
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.tensor import Shape, Size, Tensor

SPATIAL = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What people call the dimensions between batch and channels."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of dimensions: the batch, then the channels either right behind it or last."""

    channels_first: bool

    @property
    def axis(self) -> int:
        """The axis of the channels."""
        return 1 if self.channels_first else -1

    def channels(self, shape: Shape) -> Size:
        return shape[self.axis]

    def spatial(self, shape: Shape) -> Shape:
        return shape[2:] if self.channels_first else shape[1:-1]

    def shape(self, batch: Size, spatial: Iterable[Size], channels: Size) -> Shape:
        return (batch, channels, *spatial) if self.channels_first else (batch, *spatial, channels)

    def words(self, count: int) -> str:
        """The dimensions by name, for messages."""
        names = SPATIAL[count]
        return ", ".join(("batch", "channels", *names) if self.channels_first else ("batch", *names, "channels"))


def layout(call: Call) -> Layout:
    """The layout that the call's `data_format` asks for; channels are last where it says nothing."""
    chosen = call["data_format"]
    if chosen is None:
        return Layout(channels_first=False)
    if not isinstance(chosen, str) or chosen.lower() not in ("channels_first", "channels_last"):
        raise Unreadable
    return Layout(channels_first=chosen.lower() == "channels_first")


def dimensions(call: Call) -> int:
    """How many spatial dimensions the layer works on: the digit in its name, as in `Conv2D`."""
    return next(int(letter) for letter in call.name if letter.isdigit())


def spatial_tensor(call: Call, order: Layout) -> Tensor:
    """The one tensor that comes in, with a batch, channels, and the spatial dimensions of the layer."""
    tensor = call.tensor()
    if tensor.rank != dimensions(call) + 2:
        refuse_rank(call, order, tensor)
    return tensor


def refuse_rank(call: Call, order: Layout, tensor: Tensor) -> NoReturn:
    """Refuse a tensor that has not a batch, channels, and the spatial dimensions of the layer."""
    count = dimensions(call)
    call.refuse(
        WRONG_RANK,
        f"`{call.name}` takes tensors of {count + 2} dimensions ({order.words(count)}), "
        f"and what comes in is {tensor}, with {tensor.rank}",
        expected=f"({order.words(count)})",
        help=mend_rank(tensor, count, order),
    )


def known_channels(call: Call, order: Layout, tensor: Tensor) -> int:
    """The number of channels of the tensor. Refuses where it is open."""
    channels = order.channels(tensor.shape)
    if channels is None:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` needs to know the number of channels, the {'second' if order.channels_first else 'last'} "
            f"dimension, and what comes in is {tensor}",
            expected="a known number of channels",
            help="give the input its number of channels, 1 for grey images and 3 for colours",
        )
    return channels


def refuse_vanished(call: Call, deed: str, index: int, size: Size, least: int, argument: str) -> NoReturn:
    """Refuse a call that leaves nothing of the spatial dimension `index`. deed: what the layer does to it."""
    dimension = SPATIAL[dimensions(call)][index]
    call.refuse(
        VANISHED_DIMENSION,
        f"nothing is left of the {dimension} after `{call.name}`, which {deed} {size}; what comes in is {call.shown()}",
        argument=argument,
        expected=f"a {dimension} of at least {least}",
        help="shrink less in the layers before, or here",
    )


def mend_rank(tensor: Tensor, count: int, order: Layout) -> str:
    """What is probably meant by a tensor of another rank."""
    missing = count + 2 - tensor.rank
    sizes = list(tensor.shape[1:])
    if missing == 1 and None not in sizes:
        wanted = [1, *sizes] if order.channels_first else [*sizes, 1]
        return f"if the channels are missing, add them: `Reshape: {wanted}`"
    if missing == -1:
        return "wrap the layer in `TimeDistributed` to apply it to each step"
    if missing > 0:
        return "flatten later, or give the input its spatial dimensions and its channels: `Reshape` adds dimensions"
    return "`Reshape` merges dimensions"
