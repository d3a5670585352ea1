"""Small data files of every format, their bytes broken, and whether graphspec reads each right or refuses it by name.

A case is decided by a seed and its number alone. `scripts/fuzz_data.py` tries hundreds of thousands,
`test_fuzz_data.py` a few.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphspec import diagnostics
from graphspec.sources import DataError, DataSource, Header, blocks_of, header, load

from ..fuzzing.watched import Tried, watch
from .valid_files import Valid, valid_files

MEGABYTES = 1000
SPAN = diagnostics.Span(diagnostics.SourceText("--input", ""), 1, 1, 1, 1)

_LARGEST = 1 << 20
"""Bytes: what is repeated again and again stays a small file."""

_HUGE = [0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 1 << 16, 0x7FFFFFFF, 1 << 31, 0xFFFFFFFF, 1 << 32, (1 << 62) + 1,
         (1 << 63) - 1, 1 << 63, (1 << 64) - 1]  # fmt: skip
_DIGITS = [b"0", b"-1", b"9" * 9, b"4294967296", b"9223372036854775807", b"9" * 30, b"1e999", b"nan", b"-", b"9" * 5000]


@dataclass(frozen=True)
class Case:
    """A file, and how a source reads it. what names the valid file and how it was broken."""

    what: str
    file: Valid
    data: bytes


def make_case(seed: int, number: int) -> Case:
    """Case `number` of those of `seed`."""
    chosen = random.Random(f"{seed}/{number}")
    files = valid_files()
    file = files[number % len(files)]
    data, done = file.data, []
    for _ in range(chosen.choice((0, 1, 1, 1, 2, 3, 6))):
        name, change = chosen.choice(_CHANGES)
        done.append(name)
        data = change(chosen, data)[:_LARGEST]
    return Case(f"{file.what}: {', '.join(done) or 'whole'}", file, file.mended(data))


def _flip(chosen: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(chosen.randint(1, 6) if made else 0):
        made[chosen.randrange(len(made))] ^= 1 << chosen.randrange(8)
    return bytes(made)


def _truncate(chosen: random.Random, data: bytes) -> bytes:
    return data[: chosen.randint(0, len(data))]


def _insert(chosen: random.Random, data: bytes) -> bytes:
    at = chosen.randint(0, len(data))
    return data[:at] + chosen.choice((chosen.randbytes(4), bytes(8), b"\xff" * 8, b"\n", b'"', b",")) + data[at:]


def _remove(chosen: random.Random, data: bytes) -> bytes:
    at = chosen.randint(0, len(data))
    return data[:at] + data[at + chosen.randint(1, 16) :]


def _repeat(chosen: random.Random, data: bytes) -> bytes:
    start, end = sorted((chosen.randint(0, len(data)), chosen.randint(0, len(data))))
    return data[:end] + data[start:end] * chosen.choice((1, 1, 2, 50)) + data[end:]


def _splice(chosen: random.Random, data: bytes) -> bytes:
    """The start of one file and the end of another."""
    other = chosen.choice(valid_files()).data
    return data[: chosen.randint(0, len(data))] + other[chosen.randint(0, len(other)) :]


def _number(chosen: random.Random, data: bytes) -> bytes:
    """A number of 1 to 8 bytes, small or huge, and often near the ends, where headers and footers stand."""
    width = chosen.choice((1, 2, 4, 8))
    room = max(0, len(data) - width)
    at = chosen.choice(
        (chosen.randint(0, room), min(room, chosen.randint(0, 96)), max(0, room - chosen.randint(0, 96)))
    )
    value = (chosen.choice(_HUGE) & (1 << 8 * width) - 1).to_bytes(width, chosen.choice(("little", "big")))
    return data[:at] + value + data[at + width :]


def _digits(chosen: random.Random, data: bytes) -> bytes:
    """Another number where one is written out."""
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return _flip(chosen, data)
    place = chosen.choice(found)
    return data[: place.start()] + chosen.choice(_DIGITS) + data[place.end() :]


_CHANGES = [
    ("flip", _flip), ("truncate", _truncate), ("insert", _insert), ("remove", _remove), ("repeat", _repeat),
    ("splice", _splice), ("number", _number), ("number", _number), ("digits", _digits),
]  # fmt: skip


def try_case(case: Case, folder: Path, name: str = "case") -> Tried:
    """Read the case as a file of that name in `folder`."""
    path = folder / f"{name}{case.file.ending}"
    path.write_bytes(case.data)
    source = source_of(case.file, path)

    def work() -> tuple[bool, list[str]]:
        try:
            return True, list(_faults(source, header(source)))
        except (DataError, OSError) as error:
            message = error.message if isinstance(error, DataError) else str(error)
        faults = []
        if path.name not in message and name not in message:
            faults.append(f"the message does not name the file: {message}")
        if "\n" in message or len(message) > 1000:
            faults.append(f"the message is no line: {message[:2000]}")
        return False, faults

    tried = watch(work, MEGABYTES)
    path.unlink()
    return tried


def try_number(seed: int, number: int, folder: Path) -> Tried:
    """The same for case `number` of those of `seed`, with a cache of its own."""
    os.environ["GRAPHSPEC_CACHE"] = str(folder / "cache")
    return try_case(make_case(seed, number), folder)


def source_of(file: Valid, path: Path) -> DataSource:
    """The source that reads a file of the kind of `file` at `path`."""
    return DataSource(path, path.name, SPAN, **file.keys)


def _faults(source: DataSource, told: Header) -> Iterator[str]:
    """Where what is read is not what the header has told."""
    column = load(source)
    shape, count = tuple(column.shape[1:]), 0
    if told.samples not in (None, len(column)):
        yield f"the header tells {told.samples} samples, and there are {len(column)}"
    if len(shape) != len(told.shape) or any(
        size not in (None, got) for size, got in zip(told.shape, shape, strict=True)
    ):
        yield f"the header tells the shape {told.shape}, and it is {shape}"
    kind = "string" if column.dtype.kind in "OSU" else str(column.dtype)
    if told.dtype not in (None, kind):
        yield f"the header tells {told.dtype}, and it is {kind}"
    for block in blocks_of(column):
        count += len(block)
        if block.shape[1:] != shape or (block.dtype != column.dtype and kind != "string"):
            yield f"a block is {block.dtype} of {block.shape[1:]}, and the column {column.dtype} of {shape}"
    if count != len(column):
        yield f"the blocks hold {count} samples, and there are {len(column)}"
