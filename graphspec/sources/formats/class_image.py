"""Decoding of images whose pixels are class indices: the stored numbers, resized by nearest neighbour.

A palette image gives its palette indices, and an image of any bit depth the numbers that the file holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphspec.sources.source import DataError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    Array = np.ndarray[Any, Any]

_GREY_STEPS = {"L;2": 85, "L;4": 17}
"""Step between grey values of less than 8 bits as Pillow scales them, by its name of their layout."""


def is_wide(image: Image) -> bool:
    """Return whether the pixels of an image take more than 8 bits."""
    return image.mode == "I" or image.mode.startswith("I;16")


def class_indices(image: Image, name: str, size: tuple[int, int] | None, *, wide: bool) -> Array:
    """Return the class indices of an opened image.

    Args:
        image: An image whose header is read.
        name: The image in messages.
        size: Height and width to resize to, if any.
        wide: Return uint16 rather than uint8.

    Returns:
        Shape (height, width, 1).

    Raises:
        DataError: the image is coloured, or holds an index above 255 without `wide`.
    """
    import numpy as np

    tiles = getattr(image, "tile", None)  # set by the plugin of the file format
    layout = tiles[0][3] if tiles and len(tiles[0]) > 3 else None
    step = _GREY_STEPS.get(layout, 1) if isinstance(layout, str) else 1
    if image.mode in ("1", "P", "L") or is_wide(image):
        pixels = np.asarray(image)
    elif image.mode in ("LA", "PA"):
        pixels = np.asarray(image)[..., 0]
    else:
        pixels = _grey_pixels(np.asarray(image.convert("RGB")), name)
    if not wide and is_wide(image) and pixels.size and pixels.max() > 255:
        raise DataError(
            f"{name} holds the class {pixels.max()}, which takes 16 bits, and the first image has 8",
            help="save all images with the same number of bits",
        )
    pixels = _resize(pixels, size)
    indices = (pixels // step if step > 1 else pixels).astype(np.uint16 if wide else np.uint8)
    return indices[..., None]


def _grey_pixels(pixels: Array, name: str) -> Array:
    if (pixels != pixels[..., :1]).any():
        raise DataError(
            f"{name} is coloured, and its pixels must be class indices",
            help="save the indices as a grey or a palette image; `interpolation: bilinear` reads colours",
        )
    return pixels[..., 0]


def _resize(pixels: Array, size: tuple[int, int] | None) -> Array:
    """Return the pixels resized by nearest neighbour to `size`, (height, width)."""
    import numpy as np

    if size is None or pixels.shape == size:
        return pixels
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, pixels.shape, strict=True))
    resized: Array = pixels[rows[:, None], columns]
    return resized
