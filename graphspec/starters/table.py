"""A file of rows → its columns by name, and its cells as text, in blocks."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

from graphspec.diagnostics import SourceText, SpecError
from graphspec.diagnostics.rules import MISSING_FILE, UNREADABLE_DATA
from graphspec.diagnostics.suggest import first_line
from graphspec.extras import require
from graphspec.files import open_file, reason_of
from graphspec.sources import DataError, DataSource
from graphspec.sources.formats.parquet_pages import refuse_large_pages

Block = list[list[str]]
"""Some rows, each with a text for each column."""

_ROWS = 10_000
_CELLS = 200_000
_DELIMITERS = ",;\t|"
_SAMPLE = 1 << 16
"""Characters by which the delimiter is found."""
_ARROW = (".parquet", ".feather", ".arrow")
_MAX_LINE = 1 << 23
"""Characters of a line."""

MAX_COLUMNS = 10_000


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text.

    Attributes:
        names: The unique name of each column.
        blocks: Reads the rows.
        is_plain: A spec can name the file as it is: a CSV with commas, and with these names.
        has_decimal_commas: Numbers may be written with a comma, as in files that semicolons separate.
        changes: What differs from the file, in words.
    """

    path: Path
    names: list[str]
    blocks: Callable[[], Iterator[Block]]
    is_plain: bool
    has_decimal_commas: bool = False
    changes: tuple[str, ...] = ()


def open_table(path: Path) -> Table:
    """Return the table in a file: CSV with any of the usual delimiters, Parquet, Arrow or Feather.

    Raises:
        SpecError: The file cannot be read as a table.
    """
    try:
        if path.suffix.lower() in _ARROW:
            return _arrow_table(path)
        return _csv_table(path)
    except FileNotFoundError:
        raise SpecError.of(MISSING_FILE, f"there is no file {path}", help="check the path") from None
    except OSError as error:
        raise unreadable(path, reason_of(error)) from None


def unreadable(path: Path, reason: str, help: str = "") -> SpecError:
    """Return the error that a file is no table to begin with."""
    return SpecError.of(UNREADABLE_DATA, f"cannot use {path}: {reason}", help=help)


def _csv_table(path: Path) -> Table:
    try:
        with open_file(path) as file, TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            sample = text.read(_SAMPLE)
    except UnicodeDecodeError:
        raise unreadable(path, "it is not UTF-8 text", "save it as CSV in UTF-8") from None
    if not sample.strip():
        raise unreadable(path, "it is empty", "its first line has to name the columns")
    delimiter = _delimiter(sample)
    first = next(_csv_rows(path, delimiter), [])
    names, changes = _unique(path, first)
    if delimiter != ",":
        changes = (f"commas are in the place of {_DELIMITER_NAMES[delimiter]}", *changes)

    def blocks() -> Iterator[Block]:
        rows = _csv_rows(path, delimiter)
        next(rows)
        size = max(1, min(_ROWS, _CELLS // len(names)))
        while block := list(islice(rows, size)):
            yield block

    return Table(
        path=path,
        names=names,
        blocks=blocks,
        is_plain=not changes and path.suffix.lower() == ".csv",
        has_decimal_commas=delimiter != ",",
        changes=changes,
    )


_DELIMITER_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}


def _delimiter(sample: str) -> str:
    """Return the delimiter by which the lines of a sample have the most columns, all of them equally many."""
    lines = sample.splitlines(keepends=True)
    lines = lines[: 50 if len(lines) <= 50 else -1][:50]
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        try:
            lengths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            continue
        whole = lengths[:-1] if len(set(lengths)) > 1 and len(lengths) > 2 else lengths  # the last may be cut
        if whole and len(set(whole)) == 1 and whole[0] > most:
            best, most = delimiter, whole[0]
    return best


def _csv_rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a file, the names first; blank lines are left out."""
    with open_file(path) as file, TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        lines = iter(partial(text.readline, _MAX_LINE), "")  # a longer line is split, and fails as a broken row
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        width = 0
        try:
            for row in rows:
                if not row:
                    continue
                width = width or len(row)
                if len(row) != width:
                    found = f"line {rows.line_num} has {len(row)} fields where its first line has {width}"
                    raise unreadable(
                        path, found, "quote cells that hold the delimiter, and give each row all of its cells"
                    )
                yield row
        except UnicodeDecodeError:
            raise unreadable(path, "it is not UTF-8 text", "save it as CSV in UTF-8") from None
        except csv.Error as error:
            raise unreadable(path, f"line {rows.line_num} cannot be read: {error}", "save it as CSV again") from None


def _unique(path: Path, names: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return unique names that a spec can write, and what had to be changed for that."""
    if len(names) > MAX_COLUMNS:
        raise unreadable(path, f"it has {len(names):,} columns", f"keep at most {MAX_COLUMNS:,} of them")
    found: list[str] = []
    taken: set[str] = set()
    renamed = 0
    for number, name in enumerate(names, 1):
        wanted = "".join(sign if sign.isprintable() else " " for sign in name).strip() or f"column {number}"
        free, count = wanted, 2
        while free in taken:
            free, count = f"{wanted} {count}", count + 1
        taken.add(free)
        found.append(free)
        renamed += free != name
    changes = (
        (f"{renamed} column{'' if renamed == 1 else 's'} without a name, or with that of another, got one",)
        if renamed
        else ()
    )
    return found, changes


def _arrow_table(path: Path) -> Table:
    require("pyarrow", "PyArrow", f"{path.suffix} files are read with it")
    with open_file(path), _readable(path):
        columns = next(_batches(path), None)
    if columns is None:
        raise unreadable(path, "it has no rows")
    names, changes = _unique(path, list(columns))

    def blocks() -> Iterator[Block]:
        with _readable(path):
            for batch in _batches(path):
                yield [[cell_text(value) for value in row] for row in zip(*batch.values(), strict=True)]

    changes = (f"{path.suffix} became CSV", *changes)
    return Table(path=path, names=names, blocks=blocks, is_plain=False, changes=changes)


def _batches(path: Path) -> Iterator[dict[str, list[Any]]]:
    """Yield the columns of a file, some rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        source = DataSource(path=path, text=str(path), span=SourceText("--from-data", str(path)).first_line)
        with pq.ParquetFile(path) as file:
            refuse_large_pages(source, file.schema_arrow.names, "write it again, in smaller row groups")
            batches = file.iter_batches(_ROWS, use_threads=False)
            yield from (_columns(batch) for batch in batches)
    else:
        with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as reader:
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                yield from (_columns(batch.slice(at, _ROWS)) for at in range(0, batch.num_rows, _ROWS))


def _columns(batch: Any) -> dict[str, list[Any]]:
    """Return the columns of a batch; of several with one name, all under names of their own."""
    found: dict[str, list[Any]] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        while name in found:
            name += " "
        found[name] = column.to_pylist()
    return found


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn the errors of PyArrow into findings."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise unreadable(path, first_line(error), "write it again, with `DataFrame.to_parquet`") from None
    except DataError as error:
        raise unreadable(path, error.message, error.help) from None


def cell_text(value: Any) -> str:
    """Return a value of a Parquet file as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return str(value)
