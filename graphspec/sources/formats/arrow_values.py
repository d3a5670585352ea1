"""Columns of Arrow, which Parquet and Feather files give too → arrays of NumPy, and what their types tell beforehand.

pyarrow is an extra: where it is not installed, a source that needs it is refused with the line to run. What it raises
for a broken file, of whatever kind, becomes a DataError that names the file. It trusts the buffers of a file, so each
column is validated before it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphspec.files import open_file
from graphspec.sources.formats.lists import Lists, stacked
from graphspec.sources.formats.table_columns import holds_text, no_value, part_of, positions
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_NUMBERS = {
    "bool": "bool", "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64", "uint8": "uint8",
    "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "halffloat": "float16", "float": "float32",
    "double": "float64",
}  # fmt: skip
"""The dtypes of Arrow's numbers as Keras names them."""

_TEXTS = ("string", "large_string", "string_view")

BLOCK = 1 << 24
"""Bytes that are read together, as far as the file lets one choose."""

ROWS = 1 << 16
"""Rows that are read together at most."""

NUMBER = 8
"""Bytes of a number, at most."""


def arrow(source: DataSource) -> Any:
    """The module pyarrow. Raises DataError with the line to run where it is not installed."""
    try:
        import pyarrow
    except ImportError:
        raise DataError(
            f"{source.text} is read by pyarrow, which is not installed", help="run: pip install 'graphspec[tables]'"
        ) from None
    return pyarrow


@contextmanager
def readable(source: DataSource, mend: str) -> Iterator[None]:
    """What pyarrow raises while it reads the file becomes a DataError with the help `mend`."""
    pyarrow = arrow(source)
    with open_file(source.path) as file:  # a file that cannot be opened is for the caller to name
        if not file.read(1):
            raise DataError(f"{source.text} is empty", help=mend)
    try:
        yield
    except MemoryError:
        raise DataError(f"{source.text} unpacks to more than there is memory for", help=mend) from None
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, NotImplementedError, OverflowError) as error:
        # of a file that is none of pyarrow's, it can name the first bytes as a number
        first = (str(error).strip().splitlines() or [""])[0][:200] if source.is_shown else ""
        raise DataError(f"{source.text} cannot be read: {first or type(error).__name__}", help=mend) from None


def table_header(source: DataSource, schema: Any, samples: int | None) -> Header:
    """What the schema tells of the columns of `source`. Raises DataError where there is no such column, or of no use.

    A list whose length the schema does not tell has the size None. Of columns that differ in dtype, it is None.
    """
    found = [column_header(source, schema.names[at], schema.field(at).type) for at in positions(source, schema.names)]
    shapes = {each.shape for each in found}
    dtypes = {each.dtype for each in found}
    shape = found[0].shape if found else ()
    if source.columns is not None:
        known = len(shapes) == 1 or any(None in each for each in shapes)
        if not known or len({len(each) for each in shapes}) > 1:
            raise DataError(
                f"{source.text} holds values of different shapes in its columns {list(source.columns)}",
                part="columns",
                help="name columns of the same shape, or make one input of each",
            )
        shape = (*(shape if len(shapes) == 1 else (None,) * len(shape)), len(found))
    return Header(samples, shape, dtypes.pop() if len(dtypes) == 1 else None)


def column_header(source: DataSource, name: str, type: Any) -> Header:
    """The shape of one sample of a column of the Arrow `type`, and its dtype: `string` where `source` takes text."""
    shape: list[int | None] = []
    while is_list(type):
        shape.append(_list_size(type))
        type = type.value_type
    if str(type).startswith("dictionary"):
        type = type.value_type
    dtype = "string" if str(type) in _TEXTS else _NUMBERS.get(str(type))
    if dtype is None and str(type).startswith("decimal"):
        dtype = "float64"
    if dtype is None and str(type) != "null":
        raise DataError(
            f"{source.text} column `{name}` holds {_shown(type)}, not numbers or text",
            part=part_of(source),
            help=_instead_of(str(type)),
        )
    if dtype == "string" and not source.as_text and source.is_target:
        raise holds_text(source, name)
    return Header(None, tuple(shape), "string" if source.as_text else dtype)


def is_list(type: Any) -> bool:
    """Whether the values of an Arrow type are lists."""
    return str(type).startswith(("list<", "large_list<", "fixed_size_list<"))


def values_in(column: Any) -> int:
    """How many values the lists of an array of Arrow hold in all; of no lists, how many it holds itself."""
    while is_list(column.type):
        column = column.flatten()
    return len(column)


def _list_size(type: Any) -> int | None:
    """The length of the lists of a type; None where each has its own."""
    return int(type.list_size) if str(type).startswith("fixed_size_list<") else None


def _shown(type: Any) -> str:
    text = str(type)
    return f"values of the type `{text if len(text) <= 60 else text.partition('<')[0]}`"


def _instead_of(type: str) -> str:
    if type.startswith(("timestamp", "date", "time", "duration")):
        return "save times as numbers, such as seconds since a day of your choice"
    if type.startswith(("struct", "map")):
        return "save each field of it as a column of its own"
    if type.startswith(("binary", "large_binary", "fixed_size_binary")):
        return "save text as strings; images are read from files of their own, with `decode: image`"
    return "save it as numbers or text"


class Columns:
    """The columns that a source names, block by block: counts rows, and keeps what length their lists have."""

    def __init__(self, source: DataSource, names: Sequence[str]) -> None:
        self.source, self.names, self.row = source, list(names), 1
        self.lists = [Lists(source, name) for name in names]

    def array(self, columns: Sequence[Any]) -> Array:
        """The next rows, of each column an array of Arrow, as one array of NumPy.

        Shape (rows, ...) for `column`, (rows, ..., columns) for `columns`; the dtype is that of the values, of several
        columns the one to which NumPy promotes theirs, and `object` for text. Raises DataError with row and column
        where there is no value, text where numbers are needed, or a list of another length.
        """
        import numpy as np

        rows = np.arange(self.row, self.row + len(columns[0]))
        self.row += len(rows)
        read = [
            self._values(column, name, lists, rows)
            for column, name, lists in zip(columns, self.names, self.lists, strict=True)
        ]
        return stacked(read, self.source, self.names)

    def _values(self, column: Any, name: str, lists: Lists, rows: Array) -> Array:
        import numpy as np

        column_header(self.source, name, column.type)
        column.validate(full=True)
        owners, lengths = rows, []
        while is_list(column.type):
            self._refuse_nulls(column, name, owners)
            size = _list_size(column.type)
            each = np.full(len(column), size) if size is not None else np.diff(column.offsets.to_numpy())
            column = column.flatten()
            owners = owners.repeat(each)
            lengths.append(each)
        self._refuse_nulls(column, name, owners)
        return lists.stack(self._leaves(column, name, owners), lengths, rows)

    def _leaves(self, column: Any, name: str, owners: Array) -> Array:
        import numpy as np

        if str(column.type).startswith("dictionary"):  # its texts are made once, not once a row
            known, used = column.dictionary, column.indices
            if known.null_count:
                self._refuse_nulls(known.take(used), name, owners)
            if len(known) > len(used) or known.null_count:
                known, used = known.take(used), np.arange(len(used))
            chosen: Array = self._leaves(known, name, owners)[np.asarray(used)]
            return chosen
        kind = str(column.type)
        if kind in _TEXTS:
            if not self.source.as_text:
                raise holds_text(self.source, name)
            found: Array = column.to_numpy(zero_copy_only=False).astype(object)
            return found
        if kind.startswith("decimal"):
            column = column.cast("string" if self.source.as_text else "float64")
            return self._leaves(column, name, owners)
        numbers: Array = column.to_numpy(zero_copy_only=False)
        if kind == "null":
            numbers = numbers.astype(np.float64)
        return as_texts(numbers) if self.source.as_text else numbers

    def _refuse_nulls(self, column: Any, name: str, owners: Array) -> None:
        if column.null_count:
            at = column.is_null().to_numpy(zero_copy_only=False).nonzero()[0][0]
            raise no_value(self.source, f"row {owners[at]}", name)


def as_texts(numbers: Array) -> Array:
    """Numbers as text, as they are written: whole ones without a point."""
    import numpy as np

    texts = numbers.astype(str)
    if numbers.dtype.kind == "f":
        whole = np.char.endswith(texts, ".0")
        texts = np.where(whole, np.char.rstrip(np.char.rstrip(texts, "0"), "."), texts)
    return texts.astype(object)
