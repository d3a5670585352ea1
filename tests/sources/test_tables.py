"""Tables of typed columns: what pyarrow wrote is what is read, and what cannot be read is named with its place."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet

from graphspec import diagnostics
from graphspec.sources import DataError, DataSource, Header, Transforms, blocks_of, header, load

SPAN = diagnostics.Span(diagnostics.SourceText("--input", ""), 1, 1, 1, 1)
TYPED = ("t.parquet", "t.feather", "t.arrow")
ALL = (*TYPED, "t.jsonl")


def source(path: Path, column: str | None = None, *, pad: int | None = None, **keys: Any) -> DataSource:
    return DataSource(path, path.name, SPAN, column=column, transforms=Transforms(pad=pad), **keys)


def write(path: Path, table: pa.Table, rows: int = 1 << 16) -> Path:
    """The table as a file of the format that the ending names, in parts of `rows`."""
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=rows)
    elif path.suffix == ".feather":
        feather.write_feather(table, str(path), chunksize=rows)
    elif path.suffix == ".arrow":
        with pa.ipc.new_stream(str(path), table.schema) as stream:
            stream.write_table(table, rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


def fault(read: DataSource, how: Callable[[DataSource], object] = load) -> DataError:
    """The error that reading `read` ends in."""
    with pytest.raises(DataError) as caught:
        how(read)
    return caught.value


INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64())
NUMBERS = st.sampled_from([*INTEGERS, pa.float16(), pa.float32(), pa.float64(), pa.bool_()])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=NUMBERS,
    shape=st.lists(st.integers(1, 4), max_size=3),
    samples=st.integers(0, 40),
    rows=st.integers(1, 20),
    name=st.sampled_from(TYPED),
    is_fixed=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_numbers_of_any_type_and_shape_read_back_equal(
    tmp_path: Path, dtype: Any, shape: list[int], samples: int, rows: int, name: str, is_fixed: bool, seed: int
) -> None:
    """Every dtype of NumPy, single or in lists of one length, in any number of row groups or batches."""
    kind = np.dtype(dtype.to_pandas_dtype())
    wanted = np.random.default_rng(seed).integers(0, 2**15, (samples, *shape)).astype(kind)
    column = wanted.reshape(-1)
    array = pa.array(column, dtype)
    for size in reversed(shape):
        count = len(array) // size
        array = (
            pa.FixedSizeListArray.from_arrays(array, size)
            if is_fixed
            else pa.ListArray.from_arrays(np.arange(count + 1, dtype=np.int32) * size, array)
        )
    read = source(write(tmp_path / name, pa.table({"other": [None] * samples, "x": array}), rows), "x")
    told = header(read)
    assert told.samples == (None if name == "t.arrow" else samples)
    assert told.shape == (tuple(shape) if is_fixed else (None,) * len(shape))
    assert told.dtype == str(kind)
    found = load(read)
    assert found.dtype == kind or not samples
    if samples:
        np.testing.assert_array_equal(found[np.arange(samples)], wanted)
    assert len(found) == samples


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(max_size=8), max_size=30),
    type=st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]),
    rows=st.integers(1, 20),
    name=st.sampled_from(TYPED),
)
@example(["", "a\0b", "\n", "é" * 50], pa.string(), 2, "t.parquet")
def test_text_reads_back_equal(tmp_path: Path, texts: list[str], type: Any, rows: int, name: str) -> None:
    """Text of every kind, empty ones too, whether it is in a dictionary or not."""
    read = source(write(tmp_path / name, pa.table({"t": pa.array(texts, type)}), rows), "t", as_text=True)
    assert header(read).dtype == "string"
    assert np.asarray(load(read)).tolist() == texts


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lists=st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=20),
    pad=st.integers(1, 5),
    rows=st.integers(1, 8),
    name=st.sampled_from(ALL),
)
def test_lists_are_filled_and_cut_to_one_length(
    tmp_path: Path, lists: list[list[int]], pad: int, rows: int, name: str
) -> None:
    """With `pad`, the lists of a column have that length: zeros come after their ends, and what is beyond is cut."""
    table = pa.table({"l": pa.array(lists, pa.list_(pa.int64()))})
    read = source(write(tmp_path / name, table, rows), "l", pad=pad)
    wanted = [(each + [0] * pad)[:pad] for each in lists]
    assert np.asarray(load(read)).tolist() == wanted
    assert header(read).shape == (pad,)


@pytest.mark.parametrize("name", ALL)
def test_columns_are_stacked_on_a_last_axis(tmp_path: Path, name: str) -> None:
    """In the order of the source, one twice if it says so, with the dtype that all of them fit."""
    table = pa.table({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "l": [[1, 2]] * 3})
    path = write(tmp_path / name, table)
    found = load(source(path, columns=("b", "a", "b")))
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[0.5, 1, 0.5], [1.5, 2, 1.5], [2.5, 3, 2.5]])
    assert load(source(path, columns=("l", "l"))).shape == (3, 2, 2)
    assert header(source(path, columns=("b", "a"))).shape == (2,)
    for how in (header, load):
        assert fault(source(path, columns=("a", "l")), how).part == "columns"


@pytest.mark.parametrize("name", ALL)
def test_a_missing_column_is_told_with_the_one_that_is_meant(tmp_path: Path, name: str) -> None:
    """Before the data is read, and while it is."""
    path = write(tmp_path / name, pa.table({"income": [1], "age": [2]}))
    for how in (header, load):
        error = fault(source(path, "incme"), how)
        assert (error.missing, error.part, error.help) == ("incme", "column", "did you mean `income`?")
        assert fault(source(path, columns=("age", "agee")), how).part == "columns[1]"
        assert "names no column" in fault(source(path), how).message


@pytest.mark.parametrize("name", ALL)
def test_a_value_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    """By row, or line, and column, however deep it lies."""
    table = pa.table(
        {"n": [1, 2, None, 4], "l": [[1], [2], [None], [4]], "m": [[1], [2], None, [4]], "t": ["a", "b", None, "d"]}
    )
    path = write(tmp_path / name, table, 3)
    place = "line" if name == "t.jsonl" else "row"
    for column in "nlmt":
        error = fault(source(path, column, as_text=column == "t"))
        assert error.message == f"{name} {place} 3 column `{column}` holds no value (null)"


@pytest.mark.parametrize("name", ALL)
def test_lists_of_different_lengths_need_pad(tmp_path: Path, name: str) -> None:
    """The first list that differs is named with both lengths, in whatever part of the file it lies."""
    table = pa.table({"l": [[1, 2]] * 5 + [[1, 2, 3]], "inner": [[[1]]] * 5 + [[[1, 2]]]})
    path = write(tmp_path / name, table, 2)
    error = fault(source(path, "l"))
    assert "6 column `l` holds a list of 3 where those before it hold 2" in error.message
    assert error.help.startswith("`pad: 3`")
    assert "6 column `inner` holds a list of 2 where those before it hold 1" in fault(source(path, "inner")).message
    assert "inner" in fault(source(path, "inner", pad=4)).message


@pytest.mark.parametrize("name", ALL)
def test_text_needs_a_source_of_text(tmp_path: Path, name: str) -> None:
    """Text is no number, and numbers can be read as text."""
    table = pa.table({"t": ["1", "2"], "i": [1, 2], "f": [1.0, 2.5], "l": [[1, 2], [3, 4]]})
    path = write(tmp_path / name, table)
    error = fault(source(path, "t"))
    assert "column `t` holds text, not numbers" in error.message
    assert error.part == "column"
    assert "vocabulary" in fault(source(path, "t", is_target=True), header).help
    assert np.asarray(load(source(path, "i", as_text=True))).tolist() == ["1", "2"]
    assert np.asarray(load(source(path, "f", as_text=True))).tolist() == ["1", "2.5"]
    assert np.asarray(load(source(path, "l", as_text=True))).tolist() == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("name", TYPED)
def test_types_that_are_neither_numbers_nor_text_are_refused(tmp_path: Path, name: str) -> None:
    """With what to save instead; decimals are numbers."""
    table = pa.table(
        {
            "when": pa.array([1], pa.timestamp("ms")),
            "struct": [{"a": 1}],
            "bytes": [b"a"],
            "days": pa.array([1], pa.date32()),
            "price": [Decimal("1.25")],
        }
    )
    path = write(tmp_path / name, table)
    for column, mend in (("when", "seconds"), ("struct", "column of its own"), ("bytes", "strings"), ("days", "day")):
        for how in (header, load):
            error = fault(source(path, column), how)
            assert f"column `{column}` holds values of the type" in error.message
            assert mend in error.help
    assert header(source(path, "price")).dtype == "float64"
    assert np.asarray(load(source(path, "price"))).tolist() == [1.25]
    assert np.asarray(load(source(path, "price", as_text=True))).tolist() == ["1.25"]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """A source cannot say which of them it means; another column of the table can be read."""
    path = tmp_path / "t.feather"
    table = pa.table([pa.array([1]), pa.array([2]), pa.array([3])], names=["a", "a", "b"])
    with pa.ipc.new_file(str(path), table.schema) as file:
        file.write_table(table)
    assert "2 columns named `a`" in fault(source(path, "a"), header).message
    assert np.asarray(load(source(path, "b"))).tolist() == [3]


@pytest.mark.parametrize("name", TYPED)
def test_a_file_that_is_cut_short_or_empty_is_named(tmp_path: Path, name: str) -> None:
    """Wherever it ends, and where it holds something else, the error names the file."""
    path = write(tmp_path / name, pa.table({"a": list(range(1000))}), 100)
    whole = path.read_bytes()
    for size in (0, 1, 5, 8, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:size])
        assert fault(source(path, "a")).message.startswith(f"{name} ")
    path.write_bytes(b"col,umn\n1,2\n" * 100)
    assert fault(source(path, "a"), header).message.startswith(f"{name} cannot be read")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        header(source(path, "a"))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(ALL),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4),
    column=st.sampled_from(["i", "t", "l"]),
)
def test_a_file_with_bytes_changed_is_read_or_refused(
    tmp_path: Path, name: str, changes: list[tuple[float, int]], column: str
) -> None:
    """Nothing else than DataError comes of it."""
    table = pa.table({"i": list(range(30)), "t": ["ab", "c"] * 15, "l": [[1, 2]] * 30})
    path = write(tmp_path / name, table, 10)
    held = bytearray(path.read_bytes())
    for place, value in changes:
        held[int(place * len(held))] = value
    path.write_bytes(held)
    for how in (header, load):
        try:
            how(source(path, column, as_text=column == "t"))
        except DataError as error:
            assert name in error.message  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": }\n', "line 2 cannot be read: Expecting value at column 7"),
        ('{"a": 1}\n\n[1]\n', "line 3 cannot be read: it is no object"),
        ('{"a": 1}\n{"b": 2}\n', "line 2 has no `a`"),
        ('{"a": 1}\n{"a": [2]}\n', "line 2 column `a` holds a list where a single value stands before it"),
        ('{"a": [1]}\n{"a": 2}\n', "line 2 column `a` holds the number 2 where a list stands before it"),
        ('{"a": 1}\n{"a": {"b": 1}}\n', "line 2 column `a` holds an object"),
        ('{"a": 1}\n{"a": ' + "[" * 100_000 + "\n", "line 2 cannot be read"),
        ('{"a": 1}\n{"a": ' + "9" * 5000 + "}\n", "line 2 cannot be read: it holds a number that is too long"),
        ('{"a": 1}\n{"a": ' + "9" * 400 + "}\n", "line 2 column `a` holds a number beyond"),
        ('{"a": ' + "[" * 17 + "1" + "]" * 17 + "}\n", "16 deep and deeper"),
        ('{"a": 1}\n{"a": 1\xff}\n', "line 2 cannot be read: it is not UTF-8 text"),
        ("\n \n", "is empty"),
        ("", "is empty"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    """With its number, and what is wrong with it."""
    path = tmp_path / "t.jsonl"
    path.write_bytes(text.encode("latin-1"))
    assert message in fault(source(path, "a")).message


def test_a_line_without_end_is_not_read(tmp_path: Path) -> None:
    """A file that is one line of many megabytes is refused before it is held."""
    path = tmp_path / "t.jsonl"
    with open(path, "wb") as file:
        file.truncate(1 << 26)
    assert "line 1 is longer than" in fault(source(path, "a"), header).message


def test_numbers_of_lines_come_together(tmp_path: Path) -> None:
    """Whole numbers at first and fractions later are fractions; truth values are such; beyond 64 bits is a fraction."""
    path = tmp_path / "t.jsonl"
    rows = [{"n": n, "b": n % 2 == 0, "big": 2**70, "pad": "x" * 1000} for n in range(10_000)]
    rows.append({"n": 0.5, "b": True, "big": 1, "pad": ""})
    path.write_text("\ufeff" + "".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    column = load(source(path, "n"))
    assert column.dtype == np.float64
    assert column[np.array([0, 9_999, 10_000])].tolist() == [0, 9999, 0.5]
    assert load(source(path, "b")).dtype == np.bool_
    assert load(source(path, "big"))[np.array([0])] == [2.0**70]


@pytest.mark.parametrize("name", TYPED)
def test_without_pyarrow_the_line_to_run_is_told(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that needs it is refused, and that is all."""
    path = write(tmp_path / name, pa.table({"a": [1]}))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for how in (header, load):
        assert fault(source(path, "a"), how).help == "run: pip install 'graphspec[tables]'"


@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_a_bomb_is_unpacked_a_block_at_a_time(tmp_path: Path, name: str) -> None:
    """Many gigabytes of text in a small file are given in blocks whose rows share what is the same."""
    from graphspec.sources import format_for

    text = pa.array(["x" * 1_000_000]).dictionary_encode()
    many = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, np.int32)), text.dictionary)
    path = write(tmp_path / name, pa.table({"t": many}))
    read = source(path, "t", as_text=True)
    count = 0
    for block in format_for(read).blocks(read):
        count += len(block)
        assert len({id(each) for each in block.tolist()}) == 1
    assert count == 20_000


def test_shards_of_tables_are_one_column(tmp_path: Path) -> None:
    """A glob of Parquet files counts all their rows, in the order of their names."""
    for number in (1, 0, 2):
        write(tmp_path / f"{number}.parquet", pa.table({"a": [number] * (number + 1)}))
    read = source(tmp_path / "*.parquet", "a")
    assert header(read) == Header(6, (), "int64")
    assert np.concatenate(list(blocks_of(load(read)))).tolist() == [0, 1, 1, 2, 2, 2]


def test_a_batch_is_read_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a batch has more rows than are read together, each part of it holds its own rows, of any type."""
    monkeypatch.setattr("graphspec.sources.formats.arrow.MAX_ROWS", 3)
    numbers = list(range(10))
    columns = {
        "n": pa.array(numbers),
        "b": pa.array([n % 2 == 0 for n in numbers]),
        "l": pa.array([[n, -n] for n in numbers], pa.large_list(pa.int16())),
        "f": pa.array([[n, -n] for n in numbers], pa.list_(pa.int16(), 2)),
        "nested": pa.array([[[n, -n]] * 3 for n in numbers], pa.list_(pa.list_(pa.int16(), 2))),
        "d": pa.array([Decimal(n) for n in numbers]),
        "t": pa.array([str(n) for n in numbers]).dictionary_encode(),
        "ragged": pa.array([[n] * (n % 4) for n in numbers]),
    }
    path = write(tmp_path / "t.feather", pa.table(columns))
    for name, column in columns.items():
        read = source(path, name, as_text=name == "t", pad=2 if name == "ragged" else None)
        wanted = column.to_pylist() if name != "ragged" else [[n if i < n % 4 else 0 for i in (0, 1)] for n in numbers]
        assert np.asarray(load(read)).tolist() == wanted
    columns["n"] = pa.array([*numbers[:7], None, 8, 9])
    write(path, pa.table(columns))
    assert "row 8 column `n`" in fault(source(path, "n")).message


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True),
    value=st.integers(0, 255),
    version=st.sampled_from(["1.0", "2.0"]),
    compression=st.sampled_from(["none", "snappy", "zstd"]),
)
def test_pages_are_walked_as_pyarrow_does(
    tmp_path: Path, place: float, value: int, version: str, compression: str
) -> None:
    """One byte changed anywhere in the pages of a Parquet file: it is read, or refused, and takes little memory."""
    path = tmp_path / "t.parquet"
    table = pa.table({"f": np.arange(100) / 3, "l": [[1, 2]] * 100})
    parquet.write_table(table, path, data_page_version=version, compression=compression, use_dictionary=False)
    held = bytearray(path.read_bytes())
    held[int(place * (len(held) - 800))] = value
    path.write_bytes(held)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of all that the process has done so far
    for column in "fl":
        try:
            assert len(load(source(path, column))) <= 100
        except DataError as error:
            assert "t.parquet" in error.message  # noqa: PT017
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_a_page_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    """Before room is made for it: a list of 40 million zeros takes a hundred bytes of a file."""
    path = tmp_path / "t.parquet"
    table = pa.table({"l": pa.array([np.zeros(40_000_000, np.int8)], pa.list_(pa.int8())), "n": [1]})
    parquet.write_table(table, path, data_page_size=1 << 30, write_batch_size=1 << 30)
    assert path.stat().st_size < 100_000
    assert "too many to unpack at once" in fault(source(path, "l")).message
    assert np.asarray(load(source(path, "n"))).tolist() == [1]
