"""Columns of a table that a source names, in any format, and the errors of their values."""

from __future__ import annotations

from collections.abc import Sequence

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.sources.source import DataError, DataSource


def column_positions(source: DataSource, names: Sequence[str]) -> list[int]:
    """Return the positions among `names` of the columns of `source`, in its order.

    Args:
        source: The columns.
        names: All columns of the table.

    Raises:
        DataError: the source names no column, one that is missing, or one that the table has twice.
    """
    if source.column is None and not source.columns:
        example = names[0] if names and source.shows_names else "..."
        raise DataError(
            f"{source.text} is a table, and the source names no column of it",
            help=f"write `{{file: {source.text}, column: {example}}}`; it has {_available_columns(source, names)}",
        )
    requested = source.columns or (source.column or "",)
    for position, name in enumerate(requested):
        part = "column" if source.column is not None else f"columns[{position}]"
        if name not in names:
            raise DataError(
                f"{source.text} has no column `{name}`",
                part=part,
                help=did_you_mean(
                    name, names if source.shows_names else (), f"it has {_available_columns(source, names)}"
                ),
                missing=name,
            )
        if names.count(name) > 1:
            raise DataError(
                f"{source.text} has {names.count(name)} columns named `{name}`",
                part=part,
                help="give each column a unique name",
            )
    return [names.index(name) for name in requested]


def _available_columns(source: DataSource, names: Sequence[str]) -> str:
    if not names:
        return "no columns"
    return one_of(names) if source.shows_names else f"{len(names):,} columns"


def part_of(source: DataSource) -> str:
    """Return the key of `source` that names its columns."""
    return "column" if source.column is not None else "columns"


def text_error(source: DataSource, name: str, place: str = "") -> DataError:
    """Return the error for text in the column `name` where `source` needs numbers.

    Args:
        source: The columns.
        name: The column.
        place: The row or line, if known.
    """
    return DataError(
        f"{source.text} {place}{' ' if place else ''}column `{name}` holds text, not numbers",
        part=part_of(source),
        help="`vocabulary: auto` turns text into indices"
        if source.is_target
        else "an input of text has `dtype: string`; `vocabulary: auto` turns text into indices",
    )


def null_error(source: DataSource, place: str, name: str) -> DataError:
    """Return the error for a null in the column `name` at `place`, a row or line."""
    return DataError(
        f"{source.text} {place} column `{name}` holds no value (null)",
        part=part_of(source),
        help="fill it in, or leave it out of the file",
    )
