"""Images of a split as one picture, with the labels of their samples below them; needs Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_TILE, _GAP, _LINE = 96, 8, 14
"""Edge of an image, space between two, and height of a line of text, in pixels."""


def draw(images: Mapping[str, Array], captions: Sequence[str], path: Path, columns: int = 8) -> None:
    """Write the images of samples to `path`, those of each input in a row, with captions below.

    Args:
        images: The images of each input, shape (count, height, width, channels).
        captions: One caption a sample.
        path: The file to write; its suffix is the format.
        columns: Samples in a row.

    Raises:
        OSError: `path` cannot be written.
        ValueError: The suffix of `path` is no format of Pillow.
    """
    from PIL import Image, ImageDraw

    count = max(map(len, images.values()))
    columns = min(columns, count)
    rows = -(-count // columns)
    height = _LINE + len(images) * (_TILE + _GAP) + _LINE
    sheet = Image.new("RGB", (columns * (_TILE + _GAP) + _GAP, rows * (height + _GAP) + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for index in range(count):
        left = _GAP + index % columns * (_TILE + _GAP)
        top = _GAP + index // columns * (height + _GAP)
        pen.text((left, top), str(index), "gray")
        for number, array in enumerate(images.values()):
            at = (left, top + _LINE + number * (_TILE + _GAP))
            sheet.paste(_tile(array[index], array), at)
        pen.text((left, top + height - _LINE - _GAP // 2), captions[index][:16], "black")
    sheet.save(path)


def _tile(sample: Array, all_samples: Array) -> Any:
    """Return one image, enlarged without smoothing, its values scaled by the range of all."""
    import numpy as np
    from PIL import Image

    low, high = float(all_samples.min()), float(all_samples.max())
    if all_samples.dtype != np.uint8 or high <= 64:
        sample = (sample - low) * (255.0 / max(high - low, 1e-12))
    pixels = np.clip(sample, 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = _TILE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR)
