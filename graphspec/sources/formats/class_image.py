"""An image whose pixels are indices of classes, not colours → an array of those indices, none of them invented.

Of a palette image the indices are taken, not the colours that they stand for; of one with less or more than 8 bits the
numbers that the file holds. Pixels are picked by nearest neighbour, never mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphspec.sources.source import DataError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    Array = np.ndarray[Any, Any]

_STEPS = {"L;2": 85, "L;4": 17}
"""How far apart Pillow spreads the grey values of less than 8 bits, by what it calls their layout."""


def is_wide(image: Image) -> bool:
    """Return whether the pixels of an image take more than 8 bits."""
    return image.mode == "I" or image.mode.startswith("I;16")


def class_indices(image: Image, name: str, size: tuple[int, int] | None, *, wide: bool) -> Array:
    """Return the indices of an opened image: shape (height, width, 1), uint16 where `wide`, else uint8.

    Raises DataError where the image is coloured, or holds larger indices than are asked for.
    """
    import numpy as np

    tiles = getattr(image, "tile", None)  # what a file format has told its decoder
    layout = tiles[0][3] if tiles and len(tiles[0]) > 3 else None
    step = _STEPS.get(layout, 1) if isinstance(layout, str) else 1
    if image.mode in ("1", "P", "L") or is_wide(image):
        pixels = np.asarray(image)
    elif image.mode in ("LA", "PA"):
        pixels = np.asarray(image)[..., 0]
    else:
        pixels = _grey(np.asarray(image.convert("RGB")), name)
    if not wide and is_wide(image) and pixels.size and pixels.max() > 255:
        raise DataError(
            f"{name} holds the class {pixels.max()}, which takes 16 bits, and the first image has 8",
            help="save all images with the same number of bits",
        )
    pixels = _resized(pixels, size)
    indices = (pixels // step if step > 1 else pixels).astype(np.uint16 if wide else np.uint8)
    return indices[..., None]


def _grey(pixels: Array, name: str) -> Array:
    if (pixels != pixels[..., :1]).any():
        raise DataError(
            f"{name} is coloured, and its pixels are to be indices of classes",
            help="save the indices as a grey or a palette image; `interpolation: bilinear` reads colours",
        )
    return pixels[..., 0]


def _resized(pixels: Array, size: tuple[int, int] | None) -> Array:
    """Return the pixels nearest to the centres of those of `size`, (height, width)."""
    import numpy as np

    if size is None or pixels.shape == size:
        return pixels
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, pixels.shape, strict=True))
    picked: Array = pixels[rows[:, None], columns]
    return picked
