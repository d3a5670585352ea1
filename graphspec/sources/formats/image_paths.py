"""Which files a source of images stands for: those that a glob matches, or those that a column of a table lists.

Paths in a list are relative to its folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.files import is_folder, is_there, names_in
from graphspec.sources import shards
from graphspec.sources.format import FORMATS, format_for
from graphspec.sources.shards import files_of, shards_of
from graphspec.sources.source import DataError, DataSource, Transforms


def count_of(source: DataSource) -> int | None:
    """How many images there are; None where only reading the list would tell."""
    if source.column is None:
        return len(_matched(source))
    from graphspec.sources.reading import file_header

    return file_header(_list(source)).samples


def paths_of(source: DataSource) -> list[str]:
    """The paths of all images, in order. Raises DataError where there are none, or one that must be there is not."""
    if source.column is None:
        return _matched(source)
    from graphspec.sources.column import in_order
    from graphspec.sources.reading import load_files

    held = load_files(_list(source))
    paths = _checked(source, in_order(held, 0, len(held)).tolist())
    if not paths:
        raise DataError(f"{source.text} lists no images")
    if source.on_error == "fail":
        _check_there(source, paths)
    return paths


def first_path(source: DataSource) -> str:
    """The path of the first image, of a list without reading all of it. Raises DataError where there is none."""
    if source.column is None:
        return _matched(source)[0]
    try:
        import numpy as np
    except ImportError:
        raise DataError(
            "the first image is needed, and NumPy is not installed", help="write both `size` and `channels`"
        ) from None
    shard = shards_of(_list(source))[0]
    found = format_for(shard)
    held = found.column(shard)
    if held is None:
        held = next(iter(found.blocks(shard)), None)
    if held is None or not len(held):
        raise DataError(f"{source.text} lists no images")
    return _checked(source, held[np.arange(1)].tolist())[0]


def named(source: DataSource, path: str, *, is_shown: bool | None = None) -> str:
    """The name of an image for messages: as the spec would write it, or from the folder of the list on.

    is_shown: `source.is_shown`, where it is known. A list that may not be quoted gives no names.
    """
    if source.column is None:
        return shards.named(source, Path(path))
    if not (source.is_shown if is_shown is None else is_shown):
        return f"an image that {source.text} lists"
    return path.removeprefix(f"{source.path.parent}{os.sep}")


def _matched(source: DataSource) -> list[str]:
    ending = source.path.suffix.lower()
    if ending in FORMATS:
        raise DataError(
            f"{source.text} is no image, and the source names no column of it that lists images",
            help=f"write `{{file: {source.text}, column: ..., decode: image}}`",
        )
    if is_folder(source.path):
        raise DataError(f"{source.text} is a folder", help=f'write `files: "{source.text.rstrip("/")}/*.png"`')
    files = files_of(source)
    if files == [source.path] and not is_there(source.path):
        raise FileNotFoundError(2, "No such file or directory", str(source.path))
    return [str(path) for path in files]


def _list(source: DataSource) -> DataSource:
    """The source of the paths."""
    if source.path.suffix.lower() not in FORMATS:
        raise DataError(
            f"{source.text} is no table, so it has no column of paths", part="column",
            help=f"a list of images is one of {one_of(FORMATS)}",
        )  # fmt: skip
    return replace(
        source, decode=None, size=None, channels=None, on_error="fail", transforms=Transforms(), as_text=True
    )


def _checked(source: DataSource, values: list[Any]) -> list[str]:
    """The values of the column as paths. Raises DataError where one is none."""
    for row, value in enumerate(values, 1):
        if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > 4096:
            raise DataError(f"{source.text} row {row:,} holds no path of an image in `{source.column}`", part="column")
    folder = str(source.path.parent)
    return [os.path.join(folder, value) for value in values]  # noqa: PTH118 - lists are long


def _check_there(source: DataSource, paths: Sequence[str]) -> None:
    """Raise DataError for the first of the listed files that does not exist."""
    for row, path in enumerate(paths, 1):
        if not os.path.exists(path):  # noqa: PTH110 - lists are long
            folder = Path(path).parent
            here = names_in(folder)
            if not source.is_shown:
                raise DataError(f"{source.text} row {row:,} names an image that is not there", part="column")
            raise DataError(
                f"{source.text} row {row:,} names the image {named(source, path)}, and there is no such file",
                part="column",
                help=did_you_mean(Path(path).name, here, f"paths are relative to {folder}")
                if here else f"there is no folder {folder}",
            )  # fmt: skip
