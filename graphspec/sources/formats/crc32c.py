"""CRC-32C, as TFRecord files have it: of one text of bytes in Python alone, and of many pieces of a buffer with NumPy.

A CRC that starts at 0 is linear and blind to zeros in front. So each text is cut, from its end, into blocks of one
length, the blocks are run through in step, and what each gives is carried over the bytes that follow it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_POLYNOMIAL = 0x82F63B78
_BLOCK = 64
"""Bytes of a block: a multiple of 4."""


@cache
def _table() -> list[int]:
    """What each byte does to a CRC of 0."""
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
        found.append(byte)
    return found


def crc32c(data: bytes) -> int:
    """The checksum of `data`, a byte at a time: for a few bytes."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """A checksum as TFRecord files write it."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def masked_crcs(buffer: bytes, starts: Array, lengths: Array) -> Array:
    """The masked checksums of `lengths` bytes from `starts` on: int64 arrays of one length; uint32 of that length."""
    import numpy as np

    crcs = np.empty(len(starts), np.uint32)
    long = lengths >= 4  # the first 4 bytes are where the start value goes
    for at in np.flatnonzero(~long).tolist():
        start = int(starts[at])
        crcs[at] = crc32c(buffer[start : start + int(lengths[at])])
    if long.any():
        crcs[long] = _crcs(np.frombuffer(buffer, np.uint8), starts[long], lengths[long])
    return (crcs >> np.uint32(15) | crcs << np.uint32(17)) + np.uint32(0xA282EAD8)


def _crcs(data: Array, starts: Array, lengths: Array) -> Array:
    """The checksums of pieces of `data`, of at least 4 bytes each."""
    import numpy as np

    counts = -(-lengths // _BLOCK)
    firsts = np.cumsum(counts) - counts
    follow = np.repeat(firsts + counts, counts) - np.arange(counts.sum()) - 1  # blocks of the same text behind each
    begins = np.repeat(starts + lengths, counts) - (follow + 1) * _BLOCK
    if begins.min() < 0:
        data = np.concatenate([np.zeros(_BLOCK, np.uint8), data])
        begins = begins + _BLOCK
    blocks = np.lib.stride_tricks.sliding_window_view(data, _BLOCK)[begins]
    surplus = counts * _BLOCK - lengths
    head = blocks[firsts]
    head[np.arange(_BLOCK) < surplus[:, None]] = 0
    blocks[firsts] = head
    flat = blocks.reshape(-1)
    flat[(firsts * _BLOCK + surplus)[:, None] + np.arange(4)] ^= 0xFF
    words = np.ascontiguousarray(flat.view("<u4").reshape(-1, _BLOCK // 4).T)

    low, high = _pairs()
    crcs = np.zeros(len(blocks), np.uint32)
    for word in words:
        crcs ^= word
        crcs = low[crcs & np.uint32(0xFFFF)] ^ high[crcs >> np.uint32(16)]
    for bit in range(int(counts.max() - 1).bit_length()):
        further = np.flatnonzero(follow >> bit & 1)
        crcs[further] = _carried(_carry(bit), crcs[further])
    found: Array = np.bitwise_xor.reduceat(crcs, firsts) ^ np.uint32(0xFFFFFFFF)
    return found


@cache
def _pairs() -> tuple[Array, Array]:
    """What two bytes do that two more follow, and two that end a word of four."""
    import numpy as np

    table = np.array(_table(), np.uint32)
    both: Array = np.arange(1 << 16, dtype=np.uint32)

    def one(crc: Array) -> Array:
        found: Array = crc >> np.uint32(8) ^ table[crc & np.uint32(0xFF)]
        return found

    high = one(one(both))
    return one(one(high)), high


@cache
def _carry(bit: int) -> Array:
    """The tables, shape (4, 256), that carry a CRC over 2**bit blocks of zeros."""
    import numpy as np

    if bit:
        half = _carry(bit - 1)
        return _carried(half, half)
    table = np.array(_table(), np.uint32)
    crcs: Array = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    for _ in range(_BLOCK):
        crcs = crcs >> np.uint32(8) ^ table[crcs & np.uint32(0xFF)]
    return crcs


def _carried(tables: Array, crcs: Array) -> Array:
    import numpy as np

    found: Array = tables[0][crcs & np.uint32(0xFF)]
    for place in (1, 2, 3):
        found = found ^ tables[place][crcs >> np.uint32(8 * place) & np.uint32(0xFF)]
    return found
