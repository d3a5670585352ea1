"""A glob where a file stands: shards, read in sorted order as one array. They agree on shape and kind of values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from graphspec.diagnostics.shape_text import sample_shape
from graphspec.files import is_there
from graphspec.sources.format import is_glob
from graphspec.sources.globs import matching
from graphspec.sources.source import DataError, DataSource, Header


def files_of(source: DataSource) -> list[Path]:
    """The files that a source stands for, in sorted order. Raises DataError where a glob matches none."""
    if not is_glob(source.text) or is_there(source.path):
        return [source.path]
    written = Path(source.text)
    folder = Path(*source.path.parts[: len(source.path.parts) - len(written.parts)])  # no glob, whatever signs it has
    found = matching(folder, written, source.text)
    if not found:
        raise DataError(f"no file matches {source.text}", help="check the folder, and the ending")
    return found


def shards_of(source: DataSource) -> list[DataSource]:
    """A source for each file that `source` stands for. Raises DataError where there is none."""
    files = files_of(source)
    if files == [source.path]:
        return [source]
    return [replace(source, path=each, text=named(source, each)) for each in files]


def named(source: DataSource, path: Path) -> str:
    """The path of one of the files that `source` stands for, as the spec would write it."""
    written = Path(source.text)
    depth = len(source.path.parts) - len(written.parts)
    return str(Path(*path.parts[depth:])) if not written.is_absolute() and depth >= 0 else str(path)


def joined(source: DataSource, headers: dict[str, Header]) -> Header:
    """The header of all shards, by the text of each. Raises DataError, naming both, where two do not agree."""
    (first, one), *others = headers.items()
    samples, dtype = one.samples, one.dtype
    for text, each in others:
        if each.shape != one.shape or (each.dtype == "string") != (one.dtype == "string"):
            raise DataError(
                f"{text} holds {_shown(each)} a sample where {first} holds {_shown(one)}",
                help=f"all shards of {source.text} must agree",
            )
        samples = None if samples is None or each.samples is None else samples + each.samples
        dtype = dtype if each.dtype == dtype else _wider(dtype, each.dtype)
    return Header(samples, one.shape, dtype)


def _wider(one: str | None, other: str | None) -> str | None:
    """The wider of two dtypes of a kind, by their names; None where it takes NumPy to tell."""
    if one is None or other is None or one.rstrip("0123456789") != other.rstrip("0123456789"):
        return None
    return max(one, other, key=lambda name: int(name.lstrip("abcdefghijklmnopqrstuvwxyz") or 0))


def _shown(header: Header) -> str:
    return f"{header.dtype or 'numbers'} of shape {sample_shape(header.shape)}"
