"""Reader of `.npy`: one array a file, memory-mapped, so that it is never loaded whole.

The format is that of `numpy.lib.format`, versions 1.0 to 3.0. Headers are parsed without NumPy, so that `validate`
works on a machine without it. Arrays of Python objects are refused, since they are pickles.
"""

from __future__ import annotations

import ast
import math
import os
import re
import struct
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from graphspec.files import open_file
from graphspec.sources.column import Column
from graphspec.sources.format import Format
from graphspec.sources.mapped_file import MappedFile
from graphspec.sources.source import DataError, DataSource, Header

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 10_000
"""Bytes of a header that NumPy reads."""
_MAX_AXES = 64
"""Axes of an array of NumPy."""
_KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float"}
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8)}
"""Bytes of a value of each kind."""


@dataclass(frozen=True, kw_only=True)
class ArrayHeader:
    """The header of a `.npy` stream.

    Attributes:
        shape: The first axis counts the samples.
        is_fortran: True for Fortran order.
        descr: NumPy's description of the dtype.
        dtype: The dtype as Keras names it, or `string`.
        item_size: Bytes of a value.
        start: Bytes before the values.
    """

    shape: tuple[int, ...]
    is_fortran: bool
    descr: str
    dtype: str
    item_size: int
    start: int

    def of_samples(self) -> Header:
        """Return the number of samples, their shape and their dtype."""
        return Header(self.shape[0], self.shape[1:], self.dtype)


def header(source: DataSource) -> Header:
    """Return the header of a file; raise DataError unless it holds a whole array of numbers or text."""
    with open_file(source.path) as file:
        return read_header(file, os.fstat(file.fileno()).st_size, source.text).of_samples()


def column(source: DataSource) -> Column:
    """Return the array, memory-mapped read-only; raise DataError as `header` does."""
    with open_file(source.path) as file:
        head = read_header(file, os.fstat(file.fileno()).st_size, source.text)
        return map_array(file, source, head, head.start)


def map_array(file: BinaryIO, source: DataSource, head: ArrayHeader, offset: int) -> Column:
    """Memory-map, read-only, the array whose values begin at byte `offset` of `file`, the file of `source`."""
    import numpy as np

    array = np.memmap(file, head.descr, "r", offset, head.shape, "F" if head.is_fortran else "C")
    return MappedFile(array, source.path, source.text, array.offset + array.nbytes) if array.size else array


def read_header(file: IO[bytes], size: int, name: str) -> ArrayHeader:
    """Parse the header of a `.npy` stream, and leave the stream at the values.

    Args:
        file: The stream, at its start.
        size: Its bytes in all.
        name: The array in messages.

    Raises:
        DataError: the header is broken, the data are cut short, or the values are neither numbers nor text.
    """
    start = file.read(8)
    if start[:6] != _MAGIC or len(start) < 8:
        problem = "is empty" if not start else "does not start as a .npy file does"
        raise DataError(f"{name} {problem}", help="write it with `numpy.save`")
    if start[6:8] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise DataError(f"{name} is of version {start[6]}.{start[7]} of the format, which is not known")
    width, length_format = (2, "<H") if start[6] == 1 else (4, "<I")
    length_bytes = file.read(width)
    length = struct.unpack(length_format, length_bytes)[0] if len(length_bytes) == width else 0
    text = file.read(min(length, _MAX_HEADER))
    if not 0 < length <= _MAX_HEADER or len(text) < length:
        raise DataError(f"{name} has a broken header", help="write it again with `numpy.save`")
    descr, is_fortran, shape = _parse_header(text, name)
    dtype, item_size = _dtype(descr, name)
    values_start = 8 + width + length
    needed = values_start + math.prod(shape) * item_size
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
    if shape[0] and 0 in shape[1:]:  # zero bytes can declare any number of samples
        raise DataError(f"{name} holds samples of shape {list(shape[1:])}, which have no values")
    return ArrayHeader(
        shape=shape, is_fortran=is_fortran, descr=descr, dtype=dtype, item_size=item_size, start=values_start
    )


def _parse_header(text: bytes, name: str) -> tuple[Any, bool, tuple[int, ...]]:
    try:
        fields = ast.literal_eval(text.decode("utf-8"))
        shape = fields["shape"]
        if set(fields) != {"descr", "fortran_order", "shape"} or not isinstance(fields["fortran_order"], bool):
            raise ValueError(fields)
        if not isinstance(shape, tuple) or not all(type(size) is int and 0 <= size < 1 << 63 for size in shape):
            raise ValueError("shape")
        if len(shape) > _MAX_AXES:
            raise ValueError("axes")
        return fields["descr"], fields["fortran_order"], shape
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        raise DataError(f"{name} has a broken header", help="write it again with `numpy.save`") from None


def _dtype(descr: Any, name: str) -> tuple[str, int]:
    """Return the Keras dtype and the bytes of one item."""
    match = re.fullmatch(r"[<>|=]?([a-zA-Z])([0-9]+)", descr) if isinstance(descr, str) else None
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
