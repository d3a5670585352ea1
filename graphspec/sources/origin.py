"""Sample → the file that it comes from, for messages: which shard, or which image."""

from __future__ import annotations

from bisect import bisect_right

from graphspec.sources.column import Column, Joined, Mapped, Windows
from graphspec.sources.source import DataSource


def place_of_sample(source: DataSource, column: Column, sample: int) -> str:
    """Return the words for where sample `sample` of `column` lies: its number, and its file where there are several.

    column is that of `source`, with all that is made of it.
    """
    said = f"sample {sample:,}"
    while isinstance(column, Mapped | Windows):
        if isinstance(column, Windows):
            sample = sample * column.window.stride + int(column.offsets[0])
        column = column.base
    if isinstance(column, Joined):
        from graphspec.sources.shards import shards_of

        shards = shards_of(source)
        number = bisect_right(column.ends.tolist(), sample)
        return f"{said}, which {shards[number].text} holds" if number < len(shards) else said
    paths = getattr(column, "paths", None)
    if paths is not None and sample < len(paths):
        from graphspec.sources.formats.image_paths import display_name

        return f"{said}, {display_name(source, paths[sample])}"
    return said
