"""One image file → an array of bytes, by Pillow: PNG, JPEG, GIF, BMP and WebP, whatever their colours.

Of a moving picture the first frame is read. How a camera was held (EXIF) is ignored, as TensorFlow does. What has an
alpha channel loses it where three channels are wanted, and 16 bits are brought to 8. Pixels that are classes are read
by `class_image`.
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

_READ = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
"""What Pillow is let to try: some of its other formats start programs, or have a long record of holes."""

_PIXELS = 1 << 26
"""An image of more is refused: a file of a few bytes can promise as many as it likes."""

_RESAMPLING = {"nearest": 0, "bilinear": 2}
"""The numbers of Pillow's filters."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_CHANNELS = {"1": 1, "L": 1, "I": 1, "F": 1, "RGBA": 4, "LA": 4, "PA": 4, "La": 4, "RGBa": 4}
"""The channels of an image as they are; 3 for every other mode."""


def check_pillow() -> None:
    """Raise DataError with the line to run where Pillow is not installed."""
    if importlib.util.find_spec("PIL") is None:
        raise DataError("images need Pillow, and it is not installed", help="run: pip install 'graphspec[images]'")


def shape_of(path: str, name: str) -> tuple[int, int, int]:
    """Height, width and channels of an image, by its header alone. Raises DataError where it is none."""
    with _opened(path, name) as image:
        return image.height, image.width, _channels(image)


def holds_wide(path: str, name: str) -> bool:
    """Return whether the pixels of an image take more than 8 bits, by its header. Raises DataError where it is none."""
    with _opened(path, name) as image:
        return is_wide(image)


def decode_classes(path: str, name: str, size: tuple[int, int] | None, *, wide: bool) -> Array:
    """Return the image as indices of classes, shape (height, width, 1): see `class_indices`. Raises as `decode`."""
    with _opened(path, name) as image:
        return class_indices(image, name, size, wide=wide)


def decode(
    path: str,
    name: str,
    channels: int,
    size: tuple[int, int] | None,
    interpolation: Literal["nearest", "bilinear"] = "bilinear",
) -> Array:
    """The image as uint8 of shape (height, width, channels), brought to `size` where that is given.

    It is resized bilinearly over all pixels, unless the nearest is asked for. A JPEG is unpacked at a half, a quarter
    or an eighth of its size where that is still no smaller than `size`. Raises DataError, naming the file, where it
    cannot be read.
    """
    import numpy as np

    with _opened(path, name) as image:
        if size is not None and interpolation == "bilinear":
            image.draft(_MODES[channels], (size[1], size[0]))
        made = _in_mode(image, _MODES[channels])
        if size is not None and made.size != (size[1], size[0]):
            made = made.resize((size[1], size[0]), _RESAMPLING[interpolation])
        return np.asarray(made).reshape(made.height, made.width, channels)


@contextmanager
def _opened(path: str, name: str) -> Iterator[Image]:
    """An image whose header is read. What Pillow raises then and in the block ends in DataError."""
    from PIL import Image, UnidentifiedImageError

    try:
        with open_file(path) as file, Image.open(file, formats=_READ) as image:
            if image.width * image.height > _PIXELS:
                raise _too_large(name, f"{image.width:,} x {image.height:,} pixels")
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name, "far more pixels than it can hold") from None
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
        raise DataError(f"{name} may not be read", help="check the rights of the file") from None
    except Exception as error:  # of a broken file Pillow raises errors of many kinds
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise DataError(
            f"{name} is a broken image: {reason}", help="replace the file, or write `on_error: skip`"
        ) from None


def _too_large(name: str, how: str) -> DataError:
    return DataError(f"{name} has {how}, and more than {_PIXELS:,} are not read", help="make the image smaller")


def _channels(image: Image) -> int:
    if image.mode == "P":
        return 4 if "transparency" in image.info else 3
    return 1 if image.mode.startswith("I;16") else _CHANNELS.get(image.mode, 3)


def _in_mode(image: Image, mode: str) -> Image:
    """The image with 8 bits a channel, in `mode`."""
    import numpy as np
    from PIL import Image

    if image.mode == "I" or image.mode.startswith("I;16"):
        high = np.asarray(image).astype(np.uint16) >> 8
        image = Image.fromarray(high.astype(np.uint8))
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # straight to RGB Pillow warns
    return image if image.mode == mode else image.convert(mode)
