"""Small valid data files of every format, to be broken. Those that take a package are made where it is installed."""

from __future__ import annotations

import gzip
import importlib.util
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from google_crc32c import value

from graphspec.sources import FORMATS, Transforms
from graphspec.sources.formats.record_framing import masked


@dataclass(frozen=True)
class Valid:
    """A valid file by its bytes, its ending, and the keys of a source that reads it.

    mended makes of its bytes, once they are broken, a file that is broken within: checksums are right again.
    """

    what: str
    ending: str
    data: bytes
    keys: dict[str, Any] = field(default_factory=dict)
    mended: Callable[[bytes], bytes] = bytes


@cache
def valid_files() -> list[Valid]:
    """One file of each kind, in one order."""
    found = [*_numpy(), *_text(), *_records()]
    if importlib.util.find_spec("pyarrow") is not None and ".parquet" in FORMATS:
        found += _tables()
    if importlib.util.find_spec("PIL") is not None:
        found += _images()
    return found


def _numpy() -> Iterator[Valid]:
    draw = np.random.default_rng(0)
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "floats": draw.normal(size=(6, 3)).astype(np.float32), "integers": np.arange(9), "truths": np.eye(3) > 0,
        "texts": np.array(["one", "two", "three"]), "columns": np.asfortranarray(draw.normal(size=(4, 5))),
    }  # fmt: skip
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        yield Valid(f"npy of {name}", ".npy", file.getvalue())
        for save in (np.savez, np.savez_compressed):
            archive = io.BytesIO()
            save(archive, x=array, y=np.arange(3))
            yield Valid(f"{save.__name__} of {name}", ".npz", archive.getvalue(), {"key": "x"})
        yield Valid(f"npy of {name} in an archive", ".npz", file.getvalue(), {"key": "x"}, _archive)


def _archive(data: bytes) -> bytes:
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED if len(data) % 2 else zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", data)
    return made.getvalue()


def _text() -> Iterator[Valid]:
    table = 'age,name,"the size"\n31,"a ""b"", c",1.5\n4,über,-2e3\n\n77,"two\nlines",0\n'.encode()
    for keys in ({"column": "age"}, {"columns": ("age", "the size")}, {"column": "name", "as_text": True}):
        yield Valid(f"csv by {next(iter(keys))}", ".csv", table, keys)
    if ".jsonl" in FORMATS:
        lines = '{"age": 31, "name": "über", "x": [1.5, 2]}\n{"age": 4, "name": "b", "x": [0, -1e3]}\n'.encode()
        for keys in (
            {"column": "age"}, {"columns": ("age", "age")}, {"column": "name", "as_text": True}, {"column": "x"},
            {"column": "x", "transforms": Transforms(pad=3)},
        ):  # fmt: skip
            yield Valid(f"jsonl by {next(iter(keys.values()))}", ".jsonl", lines, keys)


def _tables() -> Iterator[Valid]:
    import pyarrow as pa
    from pyarrow import feather, parquet

    table = pa.table({"age": [31, 4, 77], "sure": [True, False, True], "name": ["a", "b", "c"], "x": [[1.0, 2.0]] * 3})
    for compression in ("none", "snappy", "zstd"):
        file = io.BytesIO()
        parquet.write_table(table, file, compression=compression)
        yield from _columns(f"{compression} parquet", ".parquet", file.getvalue())
    for compression in ("uncompressed", "lz4"):
        file = io.BytesIO()
        feather.write_feather(table, file, compression=compression)
        yield from _columns(f"{compression} feather", ".feather", file.getvalue())
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    yield from _columns("stream", ".arrow", file.getvalue())


def _columns(what: str, ending: str, data: bytes) -> Iterator[Valid]:
    for keys in ({"column": "age"}, {"column": "sure"}, {"column": "name", "as_text": True}, {"column": "x"}):
        yield Valid(f"{what} by {keys['column']}", ending, data, keys)


def _records() -> Iterator[Valid]:
    def delimited(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    def example(row: int) -> bytes:
        values = {
            "n": delimited(3, delimited(1, bytes([row, 0xFF, 0x7F]))),
            "f": delimited(2, delimited(1, struct.pack("<f", row / 3))),
            "t": delimited(1, delimited(1, b"text")),
        }
        entries = (delimited(1, name.encode()) + delimited(2, value) for name, value in values.items())
        return delimited(1, b"".join(delimited(1, entry) for entry in entries))

    whole = b"".join(_framed(example(row)) for row in range(4))
    for keys in (
        {"feature": "n"}, {"feature": "f"}, {"feature": "t", "as_text": True},
        {"feature": "n", "transforms": Transforms(pad=3)},
    ):  # fmt: skip
        what = f"tfrecord by {keys['feature']}"
        yield Valid(what, ".tfrecord", whole, keys)
        yield Valid(f"{what}, checksums right", ".tfrecord", whole, keys, _framed_again)
    yield Valid("gzip of a tfrecord", ".tfrecord", gzip.compress(whole), {"feature": "n"})
    yield Valid("tfrecord to be gzipped", ".tfrecord", whole, {"feature": "n"}, lambda data: gzip.compress(data, 1))


def _framed(record: bytes, length: int | None = None) -> bytes:
    head = struct.pack("<Q", len(record) if length is None else length)
    return head + struct.pack("<I", masked(value(head))) + record + struct.pack("<I", masked(value(record)))


def _framed_again(data: bytes) -> bytes:
    """The records of a broken file with checksums that are right; a length that is too long stays so."""
    made, at = b"", 0
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 8], "little")
        made += _framed(data[at + 12 : at + 12 + length], length)
        at += 16 + length
    return made


def _images() -> Iterator[Valid]:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    for ending, modes in {"png": ("RGB", "P", "LA", "1"), "jpg": ("RGB", "CMYK"), "gif": ("P",), "bmp": ("RGB",),
                          "webp": ("RGB",)}.items():  # fmt: skip
        for mode in modes:
            file = io.BytesIO()
            Image.fromarray(pixels).convert(mode).save(file, {"jpg": "jpeg"}.get(ending, ending))
            what, data = f"{mode} {ending}", file.getvalue()
            yield Valid(what, f".{ending}", data, {"decode": "image"})
            sized = {"decode": "image", "size": (4, 4), "channels": 3}
            if ending == "png":
                yield Valid(f"{what}, checksums right", ".png", data, sized, _mended_png)
            else:
                yield Valid(f"{what} resized", f".{ending}", data, sized)


def _mended_png(data: bytes) -> bytes:
    made, at = data[:8], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        made += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return made
