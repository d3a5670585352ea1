"""Conversion of Arrow columns to NumPy arrays, and of Arrow schemas to headers, for Parquet and Feather files.

pyarrow is an extra, and each of its errors becomes a DataError that names the file. pyarrow trusts the buffers of a
file, so each column is validated before it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphspec.files import open_file
from graphspec.sources.format import import_reader
from graphspec.sources.formats.lists import Lists, stack_columns
from graphspec.sources.formats.table_columns import column_positions, null_error, part_of, text_error
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_NUMBER_DTYPES = {
    "bool": "bool", "int8": "int8", "int16": "int16", "int32": "int32", "int64": "int64", "uint8": "uint8",
    "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "halffloat": "float16", "float": "float32",
    "double": "float64",
}  # fmt: skip
"""Keras dtype of each Arrow type of numbers."""

_TEXT_TYPES = ("string", "large_string", "string_view")

BLOCK_BYTES = 1 << 24
"""Bytes of one block, as far as the file allows a choice."""

MAX_ROWS = 1 << 16
"""Rows of one block."""

NUMBER_BYTES = 8
"""Bytes of the widest number."""


def import_pyarrow(source: DataSource) -> Any:
    """Return the module pyarrow; raise DataError with the install command if it is missing."""
    return import_reader(source, "pyarrow", "tables")


@contextmanager
def readable(source: DataSource, help: str) -> Iterator[None]:
    """Turn errors that pyarrow raises within the block into DataError.

    Args:
        source: The file, which must exist and not be empty.
        help: The `help` of the error.
    """
    pyarrow = import_pyarrow(source)
    with open_file(source.path) as file:  # the caller reports a file that cannot be opened
        if not file.read(1):
            raise DataError(f"{source.text} is empty", help=help)
    try:
        yield
    except MemoryError:
        raise DataError(f"{source.text} unpacks to more than there is memory for", help=help) from None
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, NotImplementedError, OverflowError) as error:
        # pyarrow quotes the first bytes of a file of another format
        first = (str(error).strip().splitlines() or [""])[0][:200] if source.is_shown else ""
        raise DataError(f"{source.text} cannot be read: {first or type(error).__name__}", help=help) from None


def table_header(source: DataSource, schema: Any, samples: int | None) -> Header:
    """Return the header of the columns of `source` by the schema of its table.

    Args:
        source: The columns of one file.
        schema: The `pyarrow.Schema` of the file.
        samples: The number of rows, if known.

    Returns:
        The header; a list length that the schema leaves open is None, and so is the dtype of columns that differ.

    Raises:
        DataError: a column is missing, of an unsupported type, or of another shape than the rest.
    """
    headers = [
        _column_header(source, schema.names[at], schema.field(at).type) for at in column_positions(source, schema.names)
    ]
    shapes = {each.shape for each in headers}
    dtypes = {each.dtype for each in headers}
    shape = headers[0].shape if headers else ()
    if source.columns is not None:
        known = len(shapes) == 1 or any(None in each for each in shapes)
        if not known or len({len(each) for each in shapes}) > 1:
            raise DataError(
                f"{source.text} holds values of different shapes in its columns {list(source.columns)}",
                part="columns",
                help="name columns of the same shape, or make one input of each",
            )
        shape = (*(shape if len(shapes) == 1 else (None,) * len(shape)), len(headers))
    return Header(samples, shape, dtypes.pop() if len(dtypes) == 1 else None)


def _column_header(source: DataSource, name: str, type: Any) -> Header:
    """Return the sample shape and the dtype of a column of the Arrow `type`.

    Raises:
        DataError: the type is unsupported, or text where `source` needs numbers.
    """
    shape: list[int | None] = []
    while is_list(type):
        shape.append(_list_size(type))
        type = type.value_type
    if str(type).startswith("dictionary"):
        type = type.value_type
    dtype = "string" if str(type) in _TEXT_TYPES else _NUMBER_DTYPES.get(str(type))
    if dtype is None and str(type).startswith("decimal"):
        dtype = "float64"
    if dtype is None and str(type) != "null":
        raise DataError(
            f"{source.text} column `{name}` holds {_type_phrase(type)}, not numbers or text",
            part=part_of(source),
            help=_alternative(str(type)),
        )
    if dtype == "string" and not source.as_text and source.is_target:
        raise text_error(source, name)
    return Header(None, tuple(shape), "string" if source.as_text else dtype)


def is_list(type: Any) -> bool:
    """Return whether the values of an Arrow type are lists."""
    return str(type).startswith(("list<", "large_list<", "fixed_size_list<"))


def count_values(column: Any) -> int:
    """Return the number of innermost values of an Arrow array."""
    while is_list(column.type):
        column = column.flatten()
    return len(column)


def _list_size(type: Any) -> int | None:
    """Return the length of the lists of a type, or None if it varies."""
    return int(type.list_size) if str(type).startswith("fixed_size_list<") else None


def _type_phrase(type: Any) -> str:
    text = str(type)
    return f"values of the type `{text if len(text) <= 60 else text.partition('<')[0]}`"


def _alternative(type: str) -> str:
    if type.startswith(("timestamp", "date", "time", "duration")):
        return "save times as numbers, such as seconds since a day of your choice"
    if type.startswith(("struct", "map")):
        return "save each field of it as a column of its own"
    if type.startswith(("binary", "large_binary", "fixed_size_binary")):
        return "save text as strings; images are read from files of their own, with `decode: image`"
    return "save it as numbers or text"


class ArrowColumns:
    """A converter of the columns of a source, block by block, that keeps the row number and the list lengths."""

    def __init__(self, source: DataSource, names: Sequence[str]) -> None:
        self.source, self.names, self.row = source, list(names), 1
        self.lists = [Lists(source, name) for name in names]

    def array(self, columns: Sequence[Any]) -> Array:
        """Return the next rows as one array.

        Args:
            columns: The Arrow array of each column.

        Returns:
            Shape (rows, ...) for `column`, (rows, ..., columns) for `columns`; dtype as NumPy promotes that of the
            columns, and `object` for text.

        Raises:
            DataError: a value is null, text where numbers are needed, or a list of another length.
        """
        import numpy as np

        rows = np.arange(self.row, self.row + len(columns[0]))
        self.row += len(rows)
        arrays = [
            self._values(column, name, lists, rows)
            for column, name, lists in zip(columns, self.names, self.lists, strict=True)
        ]
        return stack_columns(arrays, self.source, self.names)

    def _values(self, column: Any, name: str, lists: Lists, rows: Array) -> Array:
        import numpy as np

        _column_header(self.source, name, column.type)
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

        if str(column.type).startswith("dictionary"):  # each distinct text is converted once, not once a row
            known, used = column.dictionary, column.indices
            if known.null_count:
                self._refuse_nulls(known.take(used), name, owners)
            if len(known) > len(used) or known.null_count:
                known, used = known.take(used), np.arange(len(used))
            leaves: Array = self._leaves(known, name, owners)[np.asarray(used)]
            return leaves
        kind = str(column.type)
        if kind in _TEXT_TYPES:
            if not self.source.as_text:
                raise text_error(self.source, name)
            texts: Array = column.to_numpy(zero_copy_only=False).astype(object)
            return texts
        if kind.startswith("decimal"):
            column = column.cast("string" if self.source.as_text else "float64")
            return self._leaves(column, name, owners)
        numbers: Array = column.to_numpy(zero_copy_only=False)
        if kind == "null":
            numbers = numbers.astype(np.float64)
        return _number_texts(numbers) if self.source.as_text else numbers

    def _refuse_nulls(self, column: Any, name: str, owners: Array) -> None:
        if column.null_count:
            at = column.is_null().to_numpy(zero_copy_only=False).nonzero()[0][0]
            raise null_error(self.source, f"row {owners[at]}", name)


def _number_texts(numbers: Array) -> Array:
    """Return numbers as text, whole numbers without a decimal point."""
    import numpy as np

    texts = numbers.astype(str)
    if numbers.dtype.kind == "f":
        whole = np.char.endswith(texts, ".0")
        texts = np.where(whole, np.char.rstrip(np.char.rstrip(texts, "0"), "."), texts)
    return texts.astype(object)
