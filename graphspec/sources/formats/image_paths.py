"""Paths of the images of a source: the files that a glob matches, or those that a column of a table lists.

Paths in a list are relative to the folder of the list.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.files import is_folder, is_there, names_in
from graphspec.sources.format import FORMATS, format_for
from graphspec.sources.shards import files_of, path_text, shards_of
from graphspec.sources.source import DataError, DataSource, Transforms


def count_images(source: DataSource) -> int | None:
    """Return the number of images, or None if only reading the list gives it."""
    if source.column is None:
        return len(_matching_files(source))
    from graphspec.sources.reading import file_header

    return file_header(_list_source(source)).samples


def paths_of(source: DataSource) -> list[str]:
    """Return the paths of all images in order.

    Raises:
        DataError: there is no image, or one is missing without `on_error: skip`.
    """
    if source.column is None:
        return _matching_files(source)
    from graphspec.sources.column import in_order
    from graphspec.sources.reading import load_files

    column = load_files(_list_source(source))
    paths = _full_paths(source, in_order(column, 0, len(column)).tolist())
    if not paths:
        raise DataError(f"{source.text} lists no images")
    if source.on_error == "fail":
        _check_exist(source, paths)
    return paths


def first_path(source: DataSource) -> str:
    """Return the path of the first image without reading a whole list; raise DataError if there is none."""
    if source.column is None:
        return _matching_files(source)[0]
    try:
        import numpy as np
    except ImportError:
        raise DataError(
            "the first image is needed, and NumPy is not installed", help="write both `size` and `channels`"
        ) from None
    shard = shards_of(_list_source(source))[0]
    format = format_for(shard)
    values = format.column(shard)
    if values is None:
        values = next(iter(format.blocks(shard)), None)
    if values is None or not len(values):
        raise DataError(f"{source.text} lists no images")
    return _full_paths(source, values[np.arange(1)].tolist())[0]


def display_name(source: DataSource, path: str, *, is_shown: bool | None = None) -> str:
    """Return the name of an image in messages: as a spec would write it, or relative to the folder of the list.

    Args:
        source: The source of the image; a list that may not be quoted gives no names.
        path: The file of the image.
        is_shown: `source.is_shown`, if it is already known.
    """
    if source.column is None:
        return path_text(source, Path(path))
    if not (source.is_shown if is_shown is None else is_shown):
        return f"an image that {source.text} lists"
    return path.removeprefix(f"{source.path.parent}{os.sep}")


def _matching_files(source: DataSource) -> list[str]:
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


def _list_source(source: DataSource) -> DataSource:
    """Return the source of the column of paths."""
    if source.path.suffix.lower() not in FORMATS:
        raise DataError(
            f"{source.text} is no table, so it has no column of paths", part="column",
            help=f"a list of images is one of {one_of(FORMATS)}",
        )  # fmt: skip
    return replace(
        source, decode=None, size=None, channels=None, on_error="fail", transforms=Transforms(), as_text=True
    )


def _full_paths(source: DataSource, values: list[Any]) -> list[str]:
    """Return the paths of the values of the column; raise DataError for one that cannot be a path."""
    for row, value in enumerate(values, 1):
        if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > 4096:
            raise DataError(f"{source.text} row {row:,} holds no path of an image in `{source.column}`", part="column")
    folder = str(source.path.parent)
    return [os.path.join(folder, value) for value in values]  # noqa: PTH118 - lists are long


def _check_exist(source: DataSource, paths: Sequence[str]) -> None:
    """Raise DataError for the first listed file that does not exist."""
    for row, path in enumerate(paths, 1):
        if not os.path.exists(path):  # noqa: PTH110 - lists are long
            folder = Path(path).parent
            names = names_in(folder)
            if not source.is_shown:
                raise DataError(f"{source.text} row {row:,} names an image that is not there", part="column")
            raise DataError(
                f"{source.text} row {row:,} names the image {display_name(source, path)}, and there is no such file",
                part="column",
                help=did_you_mean(Path(path).name, names, f"paths are relative to {folder}")
                if names else f"there is no folder {folder}",
            )  # fmt: skip
