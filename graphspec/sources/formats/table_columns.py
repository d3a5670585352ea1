"""Which columns of a table a source means, whatever the format of the table: their positions among its names."""

from __future__ import annotations

from collections.abc import Sequence

from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.sources.source import DataError, DataSource


def positions(source: DataSource, names: Sequence[str]) -> list[int]:
    """Where the columns that `source` names stand among `names`, in the order of the source.

    Raises DataError where the source names none, one that the table does not have, or one that it has twice.
    """
    if source.column is None and not source.columns:
        example = names[0] if names and source.shows_names else "..."
        raise DataError(
            f"{source.text} is a table, and the source names no column of it",
            help=f"write `{{file: {source.text}, column: {example}}}`; it has {_listed(source, names)}",
        )
    wanted = source.columns or (source.column or "",)
    for position, name in enumerate(wanted):
        part = "column" if source.column is not None else f"columns[{position}]"
        if name not in names:
            raise DataError(
                f"{source.text} has no column `{name}`",
                part=part,
                help=did_you_mean(name, names if source.shows_names else (), f"it has {_listed(source, names)}"),
                missing=name,
            )
        if names.count(name) > 1:
            raise DataError(
                f"{source.text} has {names.count(name)} columns named `{name}`",
                part=part,
                help="give each column a unique name",
            )
    return [names.index(name) for name in wanted]


def _listed(source: DataSource, names: Sequence[str]) -> str:
    if not names:
        return "no columns"
    return one_of(names) if source.shows_names else f"{len(names):,} columns"


def part_of(source: DataSource) -> str:
    """The key of `source` that names its columns."""
    return "column" if source.column is not None else "columns"


def holds_text(source: DataSource, name: str, place: str = "") -> DataError:
    """What is wrong where the column `name` holds text, at `place` at least, and `source` needs numbers."""
    return DataError(
        f"{source.text} {place}{' ' if place else ''}column `{name}` holds text, not numbers",
        part=part_of(source),
        help="`vocabulary: auto` turns text into indices"
        if source.is_target
        else "an input of text has `dtype: string`; `vocabulary: auto` turns text into indices",
    )


def no_value(source: DataSource, place: str, name: str) -> DataError:
    """What is wrong where the column `name` has no value at `place`."""
    return DataError(
        f"{source.text} {place} column `{name}` holds no value (null)",
        part=part_of(source),
        help="fill it in, or leave it out of the file",
    )
