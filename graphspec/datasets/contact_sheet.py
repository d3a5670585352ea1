"""Images of a split as one picture, with the labels of their samples below them. Needs Pillow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_TILE, _GAP, _LINE = 96, 8, 14
"""The edge of an image, the space between two, and the height of a line of text, in pixels."""


def draw(images: Mapping[str, Array], captions: Sequence[str], path: Path, columns: int = 8) -> None:
    """Write the images of each input, a row of names above them, to `path`; its ending says the format.

    images: by input, shape (count, height, width, channels). captions: one a sample. Raises OSError or ValueError where
    `path` cannot be written.
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
    """One image, its values spread from black to white over the range of all of them, enlarged without smoothing."""
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
