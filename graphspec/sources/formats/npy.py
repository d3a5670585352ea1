"""`.npy`: one array a file, memory-mapped, so that it is never loaded whole.

The format is that of NumPy's `numpy.lib.format`, versions 1.0 to 3.0. Headers are read without NumPy, so that
`validate` can check files on a machine that has none. Arrays of Python objects are refused: they are pickles.
"""

from __future__ import annotations

import ast
import math
import os
import re
import struct
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Literal

from graphspec.files import open_file
from graphspec.sources.column import Column
from graphspec.sources.format import Format
from graphspec.sources.mapped_file import MappedFile
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 10_000
"""NumPy reads no longer ones."""
_MAX_AXES = 64
"""NumPy has no more, and their product has a size that can be written out."""
_KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float"}
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}
"""The bytes that one value of each kind may take."""


def header(source: DataSource) -> Header:
    """The header of the file at `source`. Raises DataError where it is no whole array of numbers or text."""
    with open_file(source.path) as file:
        return read_header(file, os.fstat(file.fileno()).st_size, source.text)


def column(source: DataSource) -> Column:
    """The array, memory-mapped read-only."""
    with open_file(source.path) as file:
        read_header(file, os.fstat(file.fileno()).st_size, source.text)
        file.seek(0)
        return mapped(file, source)


def mapped(file: BinaryIO, source: DataSource) -> Column:
    """The array whose header begins where `file`, the file of `source`, stands, memory-mapped read-only."""
    import numpy as np

    shape, in_columns, dtype = array_header(file)
    order: Literal["C", "F"] = "F" if in_columns else "C"
    array = np.memmap(file, dtype, "r", file.tell(), shape, order)
    return MappedFile(array, source.path, source.text, array.offset + array.nbytes) if array.size else array


def array_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the array lies in columns, and dtype, of the array that begins where `file` stands."""
    import numpy as np

    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def read_header(file: IO[bytes], size: int, name: str) -> Header:
    """The header of the `.npy` stream `file` of `size` bytes in all."""
    start = file.read(8)
    if start[:6] != _MAGIC or len(start) < 8:
        found = "is empty" if not start else "does not start as a .npy file does"
        raise DataError(f"{name} {found}", help="write it with `numpy.save`")
    if start[6:8] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise DataError(f"{name} is of version {start[6]}.{start[7]} of the format, which is not known")
    width, form = (2, "<H") if start[6] == 1 else (4, "<I")
    length_bytes = file.read(width)
    length = struct.unpack(form, length_bytes)[0] if len(length_bytes) == width else 0
    text = file.read(min(length, _MAX_HEADER))
    if not 0 < length <= _MAX_HEADER or len(text) < length:
        raise DataError(f"{name} has a broken header", help="write it again with `numpy.save`")
    descr, shape = _parse(text, name)
    dtype, item_size = _dtype(descr, name)
    needed = 8 + width + length + math.prod(shape) * item_size
    if size < needed:
        raise DataError(
            f"{name} is cut short: it holds {size:,} bytes where its header promises {needed:,}",
            help="write it again with `numpy.save`",
        )
    if not shape:
        raise DataError(
            f"{name} holds a single value, not one value a sample",
            help="save an array whose first axis counts the samples",
        )
    if shape[0] and 0 in shape[1:]:  # any number of samples would fit into no bytes
        raise DataError(f"{name} holds samples of shape {list(shape[1:])}, which have no values")
    return Header(shape[0], tuple(shape[1:]), dtype)


def _parse(text: bytes, name: str) -> tuple[Any, tuple[int, ...]]:
    try:
        fields = ast.literal_eval(text.decode("utf-8"))
        shape = fields["shape"]
        if set(fields) != {"descr", "fortran_order", "shape"} or not isinstance(fields["fortran_order"], bool):
            raise ValueError(fields)
        if not isinstance(shape, tuple) or not all(type(size) is int and 0 <= size < 1 << 63 for size in shape):
            raise ValueError("shape")
        if len(shape) > _MAX_AXES:
            raise ValueError("axes")
        return fields["descr"], tuple(shape)
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        raise DataError(f"{name} has a broken header", help="write it again with `numpy.save`") from None


def _dtype(descr: Any, name: str) -> tuple[str, int]:
    """The dtype as Keras names it, and the bytes of one item."""
    match = re.fullmatch(r"[<>|=]?([a-zA-Z])(\d+)", descr) if isinstance(descr, str) else None
    if isinstance(descr, str) and descr.lstrip("<>|=").startswith("O"):
        raise DataError(
            f"{name} holds Python objects, and reading them would run code",
            help="save numbers or text: `array.astype('float32')`, `array.astype('U')`",
        )
    if match is None:
        raise DataError(f"{name} holds records, not plain numbers", help="save one array a column")
    kind, size = match[1], int(match[2])
    item_size = size * (4 if kind == "U" else 1)
    if kind in "US" and 0 < item_size < 1 << 31:
        return "string", item_size
    if size not in _SIZES.get(kind, ()):
        raise DataError(f"{name} holds values of NumPy's kind `{descr}`", help="save numbers or text")
    return ("bool" if kind == "b" else f"{_KINDS[kind]}{size * 8}"), size


FORMAT = Format(".npy", (), header, column)
