"""The origin of a sample, for messages: its number, and its shard or image file."""

from __future__ import annotations

from bisect import bisect_right

from graphspec.sources.column import Column, Joined, Mapped, Windows
from graphspec.sources.source import DataSource


def place_of_sample(source: DataSource, column: Column, sample: int) -> str:
    """Describe the origin of a sample: its number, and its file where there are several.

    Args:
        source: The source of the column.
        column: The column of `source` after all transforms.
        sample: The index of the sample in `column`.
    """
    text = f"sample {sample:,}"
    while isinstance(column, Mapped | Windows):
        if isinstance(column, Windows):
            sample = sample * column.window.stride + int(column.offsets[0])
        column = column.base
    if isinstance(column, Joined):
        from graphspec.sources.shards import shards_of

        shards = shards_of(source)
        number = bisect_right(column.ends.tolist(), sample)
        return f"{text}, which {shards[number].text} holds" if number < len(shards) else text
    paths = getattr(column, "paths", None)
    if paths is not None and sample < len(paths):
        from graphspec.sources.formats.image_paths import display_name

        return f"{text}, {display_name(source, paths[sample])}"
    return text
