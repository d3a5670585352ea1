"""The layers of the models of `keras.applications`: `application_layers.json`.

`scripts/make_applications.py` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from graphspec.catalog.generated import read_file

STRIDE = 32
"""The largest stride of an application: a multiple of it is divided without a rest by each layer."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """A size that depends on that of the image: `(size + offset) // stride`."""

    offset: int
    stride: int

    @classmethod
    def read(cls, text: str) -> Scaled:
        """Return a size as the file holds it: `offset/stride`."""
        offset, _, stride = text.partition("/")
        return cls(int(offset), int(stride))

    def of(self, size: int | None) -> int | None:
        """Return the size for an image of `size`, which may be unknown."""
        return (size + self.offset) // self.stride if size is not None else None


@dataclass(frozen=True, slots=True)
class InnerLayer:
    """A layer inside an application. sizes: those of its output without the batch; None for one that is not known."""

    class_name: str
    sizes: tuple[int | Scaled | None, ...]

    @classmethod
    def read(cls, class_name: str, sizes: list[int | str | None]) -> InnerLayer:
        """Return a layer as the file holds it."""
        return cls(class_name, tuple(Scaled.read(each) if isinstance(each, str) else each for each in sizes))

    def shape(self, image: tuple[int | None, int | None]) -> tuple[int | None, ...]:
        """Return the shape for an image of this height and width, without the batch."""
        sides = (*image, None)  # only height and width depend on the image
        return tuple(
            each.of(side) if isinstance(each, Scaled) else each for each, side in zip(self.sizes, sides, strict=False)
        )


@dataclass(frozen=True, slots=True)
class Application:
    """The model of a function of `keras.applications` without its last layers.

    Attributes:
        image: Height, width and channels of its input where the spec states none; None for any.
        image_with_top: The same for the model with its last layers.
        any_size: The sizes hold in a model for images of any stated size, not only of multiples of `STRIDE`.
        output: The layer whose output is that of the model.
        layers: Each layer that gives one tensor, by its name in Keras.
    """

    image: tuple[int | None, int | None, int]
    image_with_top: tuple[int | None, int | None, int]
    any_size: bool
    output: str
    layers: dict[str, InnerLayer]

    @property
    def least(self) -> int:
        """Return the smallest height and width of an image that no layer makes empty."""
        scaled = (size for each in self.layers.values() for size in each.sizes if isinstance(size, Scaled))
        return max((size.stride - size.offset for size in scaled), default=1)


@cache
def application(name: str) -> Application:
    """Return what is known of a function of `keras.applications`, which must be one of those in the catalogue."""
    found: dict[str, Any] = read_file("application_layers.json")[name]
    layers = {
        layer: inner
        for kind, sizes, names in found["layers"]
        for inner in (InnerLayer.read(kind, sizes),)
        for layer in names.split()
    }
    return Application(
        image=tuple(found["image"]),
        image_with_top=tuple(found["image_with_top"]),
        any_size=found["any_size"],
        output=found["output"],
        layers=layers,
    )
