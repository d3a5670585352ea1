"""Data files that promise more than memory holds, or never come to an end: each is a finding, soon."""

from __future__ import annotations

import gzip
import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from google_crc32c import value

from graphspec.sources.formats import arrow_messages
from graphspec.sources.formats.record_framing import masked
from graphspec.validation import validate

SPEC = """
graphspec: 1
inputs: {{x: [1]}}
outputs: {{y: {{from: x, apply: {{Dense: 1}}, loss: mse}}}}
training: {{optimizer: adam}}
data: {{train: {{inputs: {{x: {{file: {0}}}}}, outputs: {{y: y.npy}}}}}}
"""
PARTS = {".npy": "", ".npz": ", key: x", ".tfrecord": ", feature: x", ".png": ", decode: image"}


def _npy(shape: str, descr: str = "'<f4'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(118) + "\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header.encode()


def _zipped(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return held.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, more: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = _chunk(b"IDAT", zlib.compress(b"\0" * 99)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + more + pixels


def _record(length: int) -> bytes:
    head = struct.pack("<Q", length)
    return gzip.compress(head + struct.pack("<I", masked(value(head))) + bytes(length), 1)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "digits.npy": lambda: _npy(f"({'9' * 4000}, {'9' * 4000})"),
    "axes.npy": lambda: _npy("(" + "9999999," * 200 + ")"),
    "large.npy": lambda: _npy("(999999999999,)"),
    "negative.npy": lambda: _npy("(-1, 2)"),
    "nothing.npy": lambda: _npy("(99999999999999, 0)"),
    "item.npy": lambda: _npy("(3,)", "'<U500000000'"),
    "objects.npy": lambda: _npy("(3,)", "'|O'"),
    "members.npz": lambda: _zipped({f"{number:050}.npy": b"" for number in range(60_000)}),
    "sample.npz": lambda: _zipped({"x.npy": _npy("(1, 300000000)", "'|u1'") + bytes(300_000_000)}),
    "line.csv": lambda: b"x,y\n" + b"1," * 20_000_000,
    "cell.csv": lambda: b"x,y\n" + b"1" * 40_000_000,
    "quote.csv": lambda: b'x,y\n"' + b"a\n" * 20_000_000,
    "blank.csv": lambda: b"\n" * 20_000_000,
    "rows.csv": lambda: b"x\n" + (b"1" + b",2" * 1_000_000 + b"\n") * 20,
    "line.jsonl": lambda: b'{"x": [' + b"1," * 20_000_000 + b"1]}\n",
    "deep.jsonl": lambda: b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "blank.jsonl": lambda: b"\n" * 20_000_000,
    "pixels.png": lambda: _png(100_000, 100_000),
    "text.png": lambda: _png(4, 4, _chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000)))),
    "record.tfrecord": lambda: _record(100_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("values", [False, True])
def test_hostile_data_is_a_finding(tmp_path: Path, name: str, values: bool) -> None:
    """Headers and whole files alike: an error, in less than 300 MB, and without waiting."""
    (tmp_path / name).write_bytes(HOSTILE[name]())
    np.save(tmp_path / "y.npy", np.zeros((3, 1)))
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(name + PARTS.get(Path(name).suffix, ", column: x")))
    tracemalloc.start()
    began = time.monotonic()
    try:
        report = validate(spec, values=values)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if values or Path(name).suffix != ".csv" or "blank" in name:  # of a table the header tells its columns alone
        assert report.errors
    assert not [each for each in report if each.rule.code == "GS902"]
    assert most < 300 * 2**20
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("ending", [".npy", ".csv", ".jsonl", ".parquet", ".arrow", ".npz", ".tfrecord", ".png"])
def test_size_alone_is_no_fault_and_no_hindrance(tmp_path: Path, ending: str) -> None:
    """A sparse file of 40 GiB takes no time: an array is mapped, and of all else the beginning or the end tells."""
    path = tmp_path / f"sparse{ending}"
    with open(path, "wb") as file:
        file.write(_npy(f"({10 * 2**30}, 1)") if ending == ".npy" else b"x,y\n" if ending == ".csv" else b"")
        file.truncate(40 * 2**30 + 1000)
    np.save(tmp_path / "y.npy", np.zeros((3, 1)))
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC.format(path.name + PARTS.get(ending, ", column: x")))
    began = time.monotonic()
    codes = {each.rule.code for each in validate(spec)}
    assert codes == {".npy": {"GS604"}, ".csv": set()}.get(ending, {"GS602"})
    assert time.monotonic() - began < 5


def _long_texts(path: Path, count: int) -> None:
    """A file of a few bytes that holds one long text `count` times."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"x": ["a" * 100_000] * count})
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, path, compression="zstd")
    else:
        pytest.importorskip("pyarrow.feather").write_feather(table, str(path), compression="zstd", chunksize=count)
    assert path.stat().st_size < 100_000


def _spec_of_texts(folder: Path, name: str, use: str = "") -> Path:
    kind = "int32" if use else "string"
    steps = "[{Rescaling: 1}, {Dense: 1}]" if use else "[{StringLookup: {vocabulary: [a]}}, {Dense: 1}]"
    text = SPEC.format(f"{name}, column: x{use}").replace("[1]", f"{{shape: [1], dtype: {kind}}}")
    (folder / "spec.yaml").write_text(text.replace("apply: {Dense: 1}", f"apply: {steps}"))
    return folder / "spec.yaml"


@pytest.mark.parametrize("use", ["", ", vocabulary: auto"])
@pytest.mark.parametrize("name", ["d.parquet", "d.feather"])
def test_long_texts_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, use: str) -> None:
    """A file of a few bytes may hold one long text very often: no more of them are in memory than of short ones."""
    _long_texts(tmp_path / name, 4_000)
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "cache"))
    np.save(tmp_path / "y.npy", np.zeros((4_000, 1), np.float32))
    tracemalloc.start()
    try:
        report = validate(_spec_of_texts(tmp_path, name, use), values=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.errors == []
    assert most < 700 * 2**20  # all of them at once take twice as much


def test_compressed_batch_that_is_too_large_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the buffers of an Arrow file promise is looked at first: a batch can only be unpacked whole."""
    monkeypatch.setattr(arrow_messages, "MAX_BUFFER", 10_000_000)
    _long_texts(tmp_path / "d.feather", 120)
    pa = pytest.importorskip("pyarrow")
    with pa.memory_map(str(tmp_path / "d.feather")) as file:
        table = pa.ipc.open_file(file).read_all()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(str(tmp_path / "d.arrow"), table.schema, options=options) as stream:
        stream.write_table(table)
    del table
    np.save(tmp_path / "y.npy", np.zeros((120, 1), np.float32))
    for name in ("d.feather", "d.arrow"):
        before = pa.total_allocated_bytes()
        (found,) = validate(_spec_of_texts(tmp_path, name), values=True).errors
        assert (found.rule.code, "unpacks to 12,000,000 bytes" in found.message) == ("GS602", True), found.message
        assert pa.total_allocated_bytes() - before < 2**20
