"""Size limit of the buffers of compressed record batches, checked before pyarrow allocates memory for them.

pyarrow unpacks a batch whole, and a file of a few bytes can declare any size. Only the needed fields of the metadata
of a message, a flatbuffer, are parsed; pyarrow itself reports metadata that cannot be parsed.
"""

from __future__ import annotations

import struct
from typing import Any

from graphspec.sources.source import DataError, DataSource

MAX_BUFFER = 1 << 30
"""Unpacked bytes of one buffer of a compressed batch."""

_DICTIONARY_MESSAGE, _BATCH_MESSAGE = 2, 3


def refuse_large_buffers(source: DataSource, stream: Any) -> None:
    """Raise DataError if a compressed buffer unpacks to too many bytes.

    Args:
        source: Names the file in the error.
        stream: The opened Arrow file, at its first message.
    """
    from pyarrow import ArrowInvalid, ipc

    try:
        for message in ipc.MessageReader.open_stream(stream):
            largest = _largest_buffer(message.metadata.to_pybytes(), message.body)
            if largest > MAX_BUFFER:
                raise DataError(
                    f"{source.text} holds a compressed batch that unpacks to {largest:,} bytes, too many at once",
                    help="write it again in batches of some thousand rows",
                )
    except (struct.error, ArrowInvalid, OSError):
        return


def _largest_buffer(head: bytes, body: Any) -> int:
    """Return the unpacked bytes of the largest compressed buffer of a message, or 0."""
    message = struct.unpack_from("<I", head)[0]
    kind, table = _field_position(head, message, 1), _field_position(head, message, 2)
    if kind is None or table is None or body is None or head[kind] not in (_DICTIONARY_MESSAGE, _BATCH_MESSAGE):
        return 0
    batch = _target(head, table)
    if head[kind] == _DICTIONARY_MESSAGE:
        data = _field_position(head, batch, 1)
        if data is None:
            return 0
        batch = _target(head, data)
    buffers = _field_position(head, batch, 2)
    if buffers is None or _field_position(head, batch, 3) is None:
        return 0
    start = _target(head, buffers)
    count = struct.unpack_from("<I", head, start)[0]
    sizes = [0]
    for offset, length in struct.iter_unpack("<qq", head[start + 4 : start + 4 + 16 * count]):
        if length >= 8:
            sizes += struct.unpack("<q", body.slice(offset, 8).to_pybytes())
    return max(sizes)


def _target(head: bytes, at: int) -> int:
    """Return the position of the table or list that the offset at `at` points to."""
    return int(at + struct.unpack_from("<I", head, at)[0])


def _field_position(head: bytes, table: int, number: int) -> int | None:
    """Return the position of a field of the table at `table`, or None if it is absent."""
    names = table - struct.unpack_from("<i", head, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", head, names)[0]:
        return None
    offset = struct.unpack_from("<H", head, names + 4 + 2 * number)[0]
    return table + offset if offset else None
