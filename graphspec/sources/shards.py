"""Shards: the files that a glob matches, read in sorted order as one array of one shape and kind of values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from graphspec.diagnostics.shape_text import sample_shape
from graphspec.files import is_there
from graphspec.sources.format import is_glob
from graphspec.sources.globs import matching
from graphspec.sources.source import DataError, DataSource, Header


def files_of(source: DataSource) -> list[Path]:
    """Return the files of a source in sorted order.

    Raises:
        DataError: The glob matches no file, or too many.
    """
    if not is_glob(source.text) or is_there(source.path):
        return [source.path]
    written = Path(source.text)
    folder = Path(
        *source.path.parts[: len(source.path.parts) - len(written.parts)]
    )  # taken literally, even with glob characters
    files = matching(folder, written, source.text)
    if not files:
        raise DataError(f"no file matches {source.text}", help="check the folder, and the ending")
    return files


def shards_of(source: DataSource) -> list[DataSource]:
    """Return a single-file source for each file of `source`.

    Raises:
        DataError: The glob matches no file, or too many.
    """
    files = files_of(source)
    if files == [source.path]:
        return [source]
    return [replace(source, path=each, text=path_text(source, each)) for each in files]


def path_text(source: DataSource, path: Path) -> str:
    """Return the path of a file of `source` as the spec would write it."""
    written = Path(source.text)
    depth = len(source.path.parts) - len(written.parts)
    return str(Path(*path.parts[depth:])) if not written.is_absolute() and depth >= 0 else str(path)


def join_headers(source: DataSource, headers: dict[str, Header]) -> Header:
    """Return the common header of the shards of `source`.

    Args:
        source: The source with the glob.
        headers: The header of each shard by its path.

    Raises:
        DataError: Two shards differ in shape or kind of values.
    """
    (first, one), *others = headers.items()
    samples, dtype = one.samples, one.dtype
    for text, each in others:
        if each.shape != one.shape or (each.dtype == "string") != (one.dtype == "string"):
            raise DataError(
                f"{text} holds {_described(each)} a sample where {first} holds {_described(one)}",
                help=f"all shards of {source.text} must agree",
            )
        samples = None if samples is None or each.samples is None else samples + each.samples
        dtype = dtype if each.dtype == dtype else _wider(dtype, each.dtype)
    return Header(samples, one.shape, dtype)


def _wider(one: str | None, other: str | None) -> str | None:
    """Return the wider of two dtypes of one kind; None where only NumPy can tell."""
    if one is None or other is None or one.rstrip("0123456789") != other.rstrip("0123456789"):
        return None
    return max(one, other, key=lambda name: int(name.lstrip("abcdefghijklmnopqrstuvwxyz") or 0))


def _described(header: Header) -> str:
    return f"{header.dtype or 'numbers'} of shape {sample_shape(header.shape)}"
