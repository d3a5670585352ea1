"""What hostile files hold: pipes, links, pickles, archives. Each function gives one that makes the file at a path."""

from __future__ import annotations

import io
import os
import pickle
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from ..audit import MARKER

Maker = Callable[[Path], None]


class Payload:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch pwned # {MARKER}",)


PICKLE = pickle.dumps(Payload())


def link(target: str) -> Maker:
    return lambda path: os.symlink(target, path)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def local_socket(path: Path) -> None:
    """Make a socket in the file system; its path is too long for the whole name, so it is made from beside it."""
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(path.parent)
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


def sparse(size: int, head: bytes = b"") -> Maker:
    """Make a file of `size` bytes that takes no room."""

    def make(path: Path) -> None:
        path.write_bytes(head)
        os.truncate(path, size)

    return make


def unreadable(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0)


def npy_bytes(header: str, data: bytes = b"") -> bytes:
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def npy(*shape: int) -> Maker:
    """Make a sound array of float32 zeros and ones."""
    shape = shape or (3,)
    count = 1
    for size in shape:
        count *= size
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}"
    data = struct.pack(f"<{count}f", *[float(number % 2) for number in range(count)])

    def make(path: Path) -> None:
        path.write_bytes(npy_bytes(header, data))

    return make


def archive(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> Maker:
    """Make a zip with these members; names are written as they are."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", compression) as made:
            for name, data in members.items():
                made.writestr(zipfile.ZipInfo(name), data, compress_type=compression)

    return make


def zip_bomb(member: str, megabytes: int, head: bytes = b"", others: Mapping[str, bytes] | None = None) -> Maker:
    """Make a zip whose one member unpacks to so many megabytes of zeros, beside others.

    The zeros are deflated once, and what they deflate to is repeated: to deflate a gigabyte takes seconds.
    """

    def make(path: Path) -> None:
        held = [(name, data, zlib.crc32(data), len(data), 0) for name, data in (others or {}).items() if name != member]
        zeros, crc = bytes(2**20), zlib.crc32(head)
        for _ in range(megabytes):
            crc = zlib.crc32(zeros, crc)
        raw = _deflated(head) + _deflated(zeros) * megabytes + zlib.compressobj(wbits=-15).flush()
        path.write_bytes(_zip([*held, (member, raw, crc, len(head) + megabytes * 2**20, zipfile.ZIP_DEFLATED)]))

    return make


def _deflated(data: bytes) -> bytes:
    """Deflate `data` to bytes that may be followed by those of other data."""
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush(zlib.Z_FULL_FLUSH)


def _zip(members: list[tuple[str, bytes, int, int, int]]) -> bytes:
    """Return the zip of members whose raw bytes, checksum, size and method are told, and not looked at."""
    files, entries = b"", b""
    for name, raw, crc, size, method in members:
        told = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 0x21, crc, len(raw), size, len(name), 0)
        entries += b"PK\x01\x02\x14\0" + told + struct.pack("<HHHII", 0, 0, 0, 0, len(files)) + name.encode()
        files += b"PK\x03\x04" + told + name.encode() + raw
    counts = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(entries), len(files), 0)
    return files + entries + b"PK\x05\x06" + counts


def lying_zip(member: str, size: int) -> Maker:
    """Make a zip that says its member unpacks to `size` bytes; it does not hold them."""

    def make(path: Path) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr(member, bytes(100))
        data = bytearray(buffer.getvalue())
        for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            start = data.index(signature) + at
            data[start : start + 4] = struct.pack("<I", min(size, 2**32 - 2))
        path.write_bytes(data)

    return make


def linked_zip(member: str, target: str) -> Maker:
    """Make a zip whose member is a symbolic link."""

    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as made:
            told = zipfile.ZipInfo(member)
            told.create_system, told.external_attr = 3, 0o120777 << 16
            made.writestr(told, target)

    return make


def png(width: int, height: int, data: bytes = b"", chunks: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    """A grey image that says how large it is, and holds what it likes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
