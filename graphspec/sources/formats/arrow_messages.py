"""How much the buffers of compressed record batches say that they unpack to, looked at before pyarrow believes it.

A batch can only be unpacked whole, and a file of a few bytes can promise as much as it likes. The head of a message is
a flatbuffer, of which this reads what it needs; what cannot be read here is left for pyarrow to refuse.
"""

from __future__ import annotations

import struct
from typing import Any

from graphspec.sources.source import DataError, DataSource

LARGEST = 1 << 30
"""Bytes that one buffer of a compressed batch may unpack to."""

_DICTIONARY, _BATCH = 2, 3


def refuse_large_buffers(source: DataSource, stream: Any) -> None:
    """Raise DataError where a buffer in `stream`, a file of Arrow at its first message, unpacks to too much."""
    from pyarrow import ArrowInvalid, ipc

    try:
        for message in ipc.MessageReader.open_stream(stream):
            largest = _unpacked(message.metadata.to_pybytes(), message.body)
            if largest > LARGEST:
                raise DataError(
                    f"{source.text} holds a compressed batch that unpacks to {largest:,} bytes, too many at once",
                    help="write it again in batches of some thousand rows",
                )
    except (struct.error, ArrowInvalid, OSError):
        return


def _unpacked(head: bytes, body: Any) -> int:
    """The most bytes that a buffer of the message unpacks to; 0 where none is compressed."""
    message = struct.unpack_from("<I", head)[0]
    kind, table = _field(head, message, 1), _field(head, message, 2)
    if kind is None or table is None or body is None or head[kind] not in (_DICTIONARY, _BATCH):
        return 0
    batch = _inner(head, table)
    if head[kind] == _DICTIONARY:
        data = _field(head, batch, 1)
        if data is None:
            return 0
        batch = _inner(head, data)
    buffers = _field(head, batch, 2)
    if buffers is None or _field(head, batch, 3) is None:
        return 0
    start = _inner(head, buffers)
    count = struct.unpack_from("<I", head, start)[0]
    sizes = [0]
    for offset, length in struct.iter_unpack("<qq", head[start + 4 : start + 4 + 16 * count]):
        if length >= 8:
            sizes += struct.unpack("<q", body.slice(offset, 8).to_pybytes())
    return max(sizes)


def _inner(head: bytes, at: int) -> int:
    """Where the table or list begins that `at` points to."""
    return int(at + struct.unpack_from("<I", head, at)[0])


def _field(head: bytes, table: int, number: int) -> int | None:
    """Where a field of the table at `table` stands; None where it has no such field."""
    names = table - struct.unpack_from("<i", head, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", head, names)[0]:
        return None
    offset = struct.unpack_from("<H", head, names + 4 + 2 * number)[0]
    return table + offset if offset else None
