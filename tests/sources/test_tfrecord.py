"""TFRecord as a source: what TensorFlow writes is read without it, and a broken record is named."""

from __future__ import annotations

import gzip
import struct
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google_crc32c import value
from hypothesis import given, settings
from hypothesis import strategies as st

from graphspec import diagnostics
from graphspec.sources import DataError, DataSource, Header, Transforms, blocks_of, header, load
from graphspec.sources.formats.record_framing import masked

tf = pytest.importorskip("tensorflow")

SPAN = diagnostics.Span(diagnostics.SourceText("--input", ""), 1, 1, 1, 1)

Values = Sequence[int] | Sequence[float] | Sequence[bytes]
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
FLOAT32 = st.floats(width=32, allow_nan=False)


def source(path: Path, feature: str | None = "x", **keys: Any) -> DataSource:
    return DataSource(path, path.name, SPAN, feature=feature, **keys)


def feature(values: Values) -> Any:
    if all(isinstance(value, bytes) for value in values):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if all(isinstance(value, int) for value in values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def example(**features: Values) -> bytes:
    held = tf.train.Features(feature={name: feature(values) for name, values in features.items()})
    data: bytes = tf.train.Example(features=held).SerializeToString()
    return data


def write(path: Path, records: Sequence[bytes], compression: str = "") -> Path:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


def framed(record: bytes, length: int | None = None) -> bytes:
    """A record with right checksums, and maybe a wrong length."""
    head = struct.pack("<Q", len(record) if length is None else length)
    return head + struct.pack("<I", masked(value(head))) + record + struct.pack("<I", masked(value(record)))


def read(what: DataSource) -> np.ndarray[Any, Any]:
    column = load(what)
    assert column.shape[1:] == header(what).shape
    return np.concatenate([*blocks_of(column)]) if len(column) else np.empty(column.shape)


def fault(what: DataSource) -> DataError:
    with pytest.raises(DataError) as caught:
        load(what)
    assert what.text in caught.value.message
    return caught.value


@settings(max_examples=30, deadline=None)
@given(
    columns=st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.tuples(
                st.lists(INT64, min_size=width, max_size=width),
                st.lists(FLOAT32, min_size=width, max_size=width),
                st.lists(st.text(max_size=4), min_size=width, max_size=width),
            ),
            min_size=1,
            max_size=6,
        )
    ),
    compression=st.sampled_from(["", "GZIP"]),
)
def test_what_tensorflow_writes_is_read(columns: list[tuple[Any, Any, Any]], compression: str) -> None:
    """Integers, floats and texts come back as they were, one value a sample or several, compressed or not."""
    with tempfile.TemporaryDirectory() as folder:
        records = [example(i=i, f=f, t=[text.encode() for text in t]) for i, f, t in columns]
        path = write(Path(folder) / "a.tfrecord", records, compression)
        for name, at, dtype, kind in (
            ("i", 0, "int64", np.int64),
            ("f", 1, "float32", np.float32),
            ("t", 2, "string", object),
        ):
            want = np.array([values[at] for values in columns], kind)
            want = want[:, 0] if want.shape[1] == 1 else want
            samples = None if compression else len(columns)
            assert header(source(path, name)) == Header(samples, want.shape[1:], dtype)
            found = read(source(path, name))
            assert found.dtype == want.dtype
            np.testing.assert_array_equal(found, want)


@settings(max_examples=30, deadline=None)
@given(lists=st.lists(st.lists(INT64, max_size=5), min_size=1, max_size=5), length=st.integers(1, 4))
def test_lists_of_many_lengths_are_padded(lists: list[list[int]], length: int) -> None:
    """With `pad`, lists are cut, or filled with zeros."""
    with tempfile.TemporaryDirectory() as folder:
        held = [tf.train.Feature(int64_list=tf.train.Int64List(value=values)) for values in lists]
        path = write(
            Path(folder) / "a.tfrecord",
            [tf.train.Example(features=tf.train.Features(feature={"x": each})).SerializeToString() for each in held],
        )
        padded = source(path, transforms=Transforms(pad=length))
        assert header(padded) == Header(len(lists), (length,), "int64")
        np.testing.assert_array_equal(read(padded), [(values + [0] * length)[:length] for values in lists])


def test_many_records_take_several_blocks(tmp_path: Path) -> None:
    """Records larger and smaller than what is read at once come in order."""
    sizes = [1, 3_000_000, 5, 70_000, 2_500_000, 2]
    records = [example(x=[number], junk=[bytes(size)]) for number, size in enumerate(sizes * 2)]
    path = write(tmp_path / "a.tfrecord", records)
    assert read(source(path)).tolist() == list(range(12))


def test_shards_are_one(tmp_path: Path) -> None:
    """A glob gives the records of all files in sorted order."""
    write(tmp_path / "b.tfrecord", [example(x=[2])])
    write(tmp_path / "a.tfrecord", [example(x=[0]), example(x=[1])])
    assert header(source(tmp_path / "*.tfrecord")).samples == 3
    assert read(source(tmp_path / "*.tfrecord")).tolist() == [0, 1, 2]


def test_unpacked_lists_and_parts_are_read(tmp_path: Path) -> None:
    """Values one by one, a feature written twice, unknown fields: as TensorFlow's own parser reads them."""

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    ints = b"\x08\x05\x08" + b"\xff" * 9 + b"\x01" + field(1, b"\x07\x80\x01")
    floats = b"\x0d" + struct.pack("<f", 1.5) + field(1, struct.pack("<ff", 2, -3))
    for name, kind, list_ in (("x", 3, ints), ("y", 2, floats)):
        value = field(1, field(1, b"gone")) + field(kind, list_ + b"\x28\x01") + field(kind, list_) + b"\x28\x00"
        entry = field(1, name.encode()) + field(2, value)
        record = field(1, field(1, field(1, name.encode()))) + field(1, field(1, entry)) + field(9, b"other")
        parsed = tf.train.Example.FromString(record).features.feature[name]
        want = list(parsed.int64_list.value) or list(parsed.float_list.value)
        path = write(tmp_path / f"{name}.tfrecord", [record])
        assert read(source(path, name)).tolist() == [want]


def test_a_missing_feature_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    """Of the features of the first record; and where a later record lacks it, that record is named."""
    path = write(tmp_path / "a.tfrecord", [example(label=[1], ids=[1, 2]), example(ids=[1, 2])])
    error = fault(source(path, "lable"))
    assert error.help == "did you mean `label`?"
    assert (error.part, error.missing) == ("feature", "lable")
    assert "feature: " in fault(source(path, None)).help
    assert "record 2 has no feature `label`" in fault(source(path, "label")).message


def test_lists_that_differ_need_a_pad(tmp_path: Path) -> None:
    """The first record whose list has another length is named with both."""
    path = write(tmp_path / "a.tfrecord", [example(x=[1, 2]), example(x=[1, 2]), example(x=[1, 2, 3])])
    error = fault(source(path))
    assert "record 3 has 3 values" in error.message
    assert "first has 2" in error.message
    assert "`pad: 3`" in error.help


def test_a_feature_of_two_kinds_is_refused(tmp_path: Path) -> None:
    """Integers here and floats there are one feature of no kind."""
    path = write(tmp_path / "a.tfrecord", [example(x=[1]), example(x=[1.5])])
    assert "record 2 has floats" in fault(source(path)).message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """The record is named; nothing is guessed."""
    path = write(tmp_path / "a.tfrecord", [example(x=[b"text"]), example(x=[b"\xff\xfe"])])
    assert "record 2 holds bytes" in fault(source(path)).message


@pytest.mark.parametrize("at", [-1, -10, 20, 0, 9])
def test_a_wrong_byte_is_found(tmp_path: Path, at: int) -> None:
    """A byte of the data, or of either checksum or the length, that has changed: the record is named, and where."""
    records = [framed(example(x=[number])) for number in range(3)]
    last = bytearray(records[1])
    last[at] ^= 0x10
    path = tmp_path / "a.tfrecord"
    path.write_bytes(records[0] + last + records[2])
    error = fault(source(path))
    assert f"record 2 (byte {len(records[0])})" in error.message
    assert "checksum" in error.message


@pytest.mark.parametrize("cut", [1, 4, 10, 20])
def test_a_file_that_is_cut_short_is_told(tmp_path: Path, cut: int) -> None:
    """How many records are whole is said, compressed or not."""
    whole = b"".join(framed(example(x=[number])) for number in range(3))
    path = tmp_path / "a.tfrecord"
    path.write_bytes(whole[:-cut])
    assert "cut short after 2 whole records" in fault(source(path)).message
    path.write_bytes(gzip.compress(whole[:-cut]))
    assert "cut short after 2 whole records" in fault(source(path)).message
    path.write_bytes(gzip.compress(whole)[:-cut])
    assert "cannot be unpacked" in fault(source(path)).message


@pytest.mark.parametrize("length", [1 << 60, (1 << 64) - 1, 1 << 40])
def test_a_huge_length_takes_no_memory(tmp_path: Path, length: int) -> None:
    """A length that the file does not hold is refused, its checksum right or wrong, compressed or not."""
    path = tmp_path / "a.tfrecord"
    for data in (framed(b"x", length), framed(example(x=[1])) + framed(b"x", length), struct.pack("<Q", length) * 4):
        path.write_bytes(data)
        fault(source(path))
        path.write_bytes(gzip.compress(data))
        fault(source(path))


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n" * 9, b"\x78\x9c" + bytes(40), b"\0" * 16, b"\x1f\x8b\x08\0"])
def test_what_is_no_record_file_is_told(tmp_path: Path, data: bytes) -> None:
    """Empty, text, zlib, zeros, and the start of a gzip file."""
    path = tmp_path / "a.tfrecord"
    path.write_bytes(data)
    fault(source(path))


@settings(max_examples=100, deadline=None)
@given(record=st.one_of(st.binary(max_size=40), st.binary(max_size=8).map(lambda tail: example(x=[1, 2]) + tail)))
def test_records_that_are_no_examples_are_refused(record: bytes) -> None:
    """A record is read as TensorFlow reads it, or refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tfrecord"
        path.write_bytes(framed(record))
        try:
            found = load(source(path))[np.arange(1)].reshape(-1).tolist()
        except DataError:
            return
        parsed = tf.train.Example.FromString(record).features.feature["x"]
        values = parsed.int64_list.value or parsed.float_list.value or parsed.bytes_list.value
        assert found == [each.decode() if isinstance(each, bytes) else each for each in values]


def test_tensorflow_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header needs not even NumPy."""
    path = write(tmp_path / "a.tfrecord", [example(x=[1])])
    for module in ("tensorflow", "numpy"):
        monkeypatch.setitem(sys.modules, module, None)
    assert header(source(path)) == Header(1, (), "int64")
