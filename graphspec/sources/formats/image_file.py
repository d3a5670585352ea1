"""Decoding of single image files by Pillow: PNG, JPEG, GIF, BMP and WebP of any colour mode.

An animation gives its first frame. The EXIF orientation is ignored, as in TensorFlow. An alpha channel is dropped where
three channels are asked for, and 16 bits are reduced to 8. `class_image` decodes pixels that are class indices.
"""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from graphspec.files import NotRegularError, open_file, reason_of
from graphspec.sources.formats.class_image import class_indices, is_wide
from graphspec.sources.source import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from PIL.Image import Image

    Array = np.ndarray[Any, Any]

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
"""Formats that Pillow may try: some others start programs, or have a long record of vulnerabilities."""

_MAX_PIXELS = 1 << 26
"""Pixels of an image, whose header can declare any number."""

_RESAMPLING = {"nearest": 0, "bilinear": 2}
"""Pillow's number of each filter."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_CHANNELS = {"1": 1, "L": 1, "I": 1, "F": 1, "RGBA": 4, "LA": 4, "PA": 4, "La": 4, "RGBa": 4}
"""Channels of each mode of Pillow; 3 for any other."""


def check_pillow() -> None:
    """Raise DataError with the install command if Pillow is missing."""
    if importlib.util.find_spec("PIL") is None:
        raise DataError("images need Pillow, and it is not installed", help="run: pip install 'graphspec[images]'")


def image_shape(path: str, name: str) -> tuple[int, int, int]:
    """Return height, width and channels by the header of an image; raise DataError if it cannot be read."""
    with _open_image(path, name) as image:
        return image.height, image.width, _channels(image)


def has_wide_pixels(path: str, name: str) -> bool:
    """Return whether pixels take more than 8 bits, by the header; raise DataError if it cannot be read."""
    with _open_image(path, name) as image:
        return is_wide(image)


def decode_classes(path: str, name: str, size: tuple[int, int] | None, *, wide: bool) -> Array:
    """Return the class indices of an image as `class_indices` does; raise DataError if it cannot be read."""
    with _open_image(path, name) as image:
        return class_indices(image, name, size, wide=wide)


def decode(
    path: str,
    name: str,
    channels: int,
    size: tuple[int, int] | None,
    *,
    interpolation: Literal["nearest", "bilinear"] = "bilinear",
) -> Array:
    """Return an image as uint8 of shape (height, width, channels).

    Args:
        path: The file.
        name: The image in messages.
        channels: 1, 3 or 4.
        size: Height and width to resize to, if any.
        interpolation: Filter of the resizing; with `bilinear`, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size where
            that is no smaller than `size`.

    Raises:
        DataError: the file cannot be read.
    """
    import numpy as np

    with _open_image(path, name) as image:
        if size is not None and interpolation == "bilinear":
            image.draft(_MODES[channels], (size[1], size[0]))
        converted = _convert(image, _MODES[channels])
        if size is not None and converted.size != (size[1], size[0]):
            converted = converted.resize((size[1], size[0]), _RESAMPLING[interpolation])
        return np.asarray(converted).reshape(converted.height, converted.width, channels)


@contextmanager
def _open_image(path: str, name: str) -> Iterator[Image]:
    """Open an image and read its header; turn errors of Pillow, then and in the block, into DataError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with open_file(path) as file, Image.open(file, formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise _size_error(name, f"{image.width:,} x {image.height:,} pixels")
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise _size_error(name, "far more pixels than it can hold") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder, not an image") from None
    except FileNotFoundError:
        raise DataError(f"there is no image {name}") from None
    except NotRegularError as error:
        raise DataError(f"{name} is no image: {reason_of(error)}") from None
    except UnidentifiedImageError:
        how = "is empty" if Path(path).stat().st_size == 0 else "is no image that can be read"
        raise DataError(f"{name} {how}", help="images are PNG, JPEG, GIF, BMP or WebP files") from None
    except PermissionError:
        raise DataError(f"{name} may not be read", help="check the permissions of the file") from None
    except Exception as error:  # Pillow raises errors of many kinds for a broken file
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(
            f"{name} is a broken image: {reason}", help="replace the file, or write `on_error: skip`"
        ) from None


def _size_error(name: str, how: str) -> DataError:
    return DataError(f"{name} has {how}, and more than {_MAX_PIXELS:,} are not read", help="make the image smaller")


def _channels(image: Image) -> int:
    if image.mode == "P":
        return 4 if "transparency" in image.info else 3
    return 1 if image.mode.startswith("I;16") else _CHANNELS.get(image.mode, 3)


def _convert(image: Image, mode: str) -> Image:
    """Return the image in `mode`, with 8 bits a channel."""
    import numpy as np
    from PIL import Image

    if image.mode == "I" or image.mode.startswith("I;16"):
        high = np.asarray(image).astype(np.uint16) >> 8
        image = Image.fromarray(high.astype(np.uint8))
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # Pillow warns when this is converted straight to RGB
    return image if image.mode == mode else image.convert(mode)
