"""CSV files: what the csv module of Python wrote is what is read, and a bad value or row is named with its line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graphspec import diagnostics
from graphspec.sources import DataError, DataSource, header, load

SPAN = diagnostics.Span(diagnostics.SourceText("--input", ""), 1, 1, 1, 1)


def source(path: Path, column: str | None = "a", **keys: Any) -> DataSource:
    return DataSource(path, path.name, SPAN, column=column, **keys)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


def fault(path: Path, column: str | None = "a", **keys: Any) -> DataError:
    """The error that reading a column of the file at `path` ends in."""
    with pytest.raises(DataError) as caught:
        load(source(path, column, **keys))
    return caught.value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(st.characters(exclude_categories=["Cs"]))),
        max_size=20,
    )
)
@example([(1, 0.1, 'quoted\r\nlines, "and" \0'), (2, float("inf"), "")])
def test_what_was_written_is_read(table: Path, rows: list[tuple[int, float, str]]) -> None:
    """Whole numbers, fractions and text of any kind."""
    with open(table, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("n", "f", "t"), *rows])
    assert np.asarray(load(source(table, "n"))).tolist() == [row[0] for row in rows]
    np.testing.assert_array_equal(load(source(table, "f")), np.array([row[1] for row in rows]))
    assert np.asarray(load(source(table, "t", as_text=True))).tolist() == [row[2] for row in rows]


def test_numbers_come_together_over_blocks(table: Path) -> None:
    """Whole numbers in thousands of lines and one fraction at their end are fractions, in one column and in several."""
    table.write_text("a,b\n" + "1,2\n" * 40_000 + "0.5,3\n")
    column = load(source(table))
    assert column.dtype == np.float64
    assert column[np.array([0, 40_000])].tolist() == [1, 0.5]
    both = load(source(table, None, columns=("b", "a")))
    assert both.dtype == np.float64
    assert both[np.array([0, 40_000])].tolist() == [[2, 1], [3, 0.5]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("9223372036854775807", np.array([2**63 - 1])),
        ("9223372036854775808", np.array([2.0**63])),
        ("-1e3", np.array([-1000.0])),
        (" 5 ", np.array([5])),
        ('"7"', np.array([7])),
        ("nan", np.array([np.nan])),
        ("-inf", np.array([-np.inf])),
    ],
)
def test_numbers_as_they_are_written(table: Path, text: str, wanted: np.ndarray[Any, Any]) -> None:
    """Beyond 64 bits a whole number is a fraction; blanks around a number and quotes do not matter."""
    table.write_text(f"a\n{text}\n")
    found = load(source(table))
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype


@pytest.mark.parametrize("text", ["1_000", "1,5", "0x10", "five", "", "  ", "1 2", "\0", "--1", "1e", "True"])
def test_what_is_no_number_is_named_with_its_line(table: Path, text: str) -> None:
    """The first of them, with the column; a line break within a value before it counts."""
    table.write_text(f'a,b\n1,"x\ny"\n"{text}",z\nno,z\n')
    error = fault(table)
    assert error.message.startswith("t.csv line 4 column `a` holds ")
    assert error.message.endswith(", not a number")
    assert error.message.isprintable()
    assert error.part == "column"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t.csv is empty"),
        (b"\n\n", "t.csv is empty"),
        (b"\xef\xbb\xbf", "t.csv is empty"),
        (b"a,b\n1,2\n3\n", "t.csv line 3 has 1 fields where its header has 2"),
        (b"a,b\n1,2\n\n3,4,5\n", "t.csv line 4 has 3 fields where its header has 2"),
        (b"a,b\n1,\xe9\n", "t.csv is not UTF-8 text"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv is not UTF-8 text"),
        (b'a,b\n1,"2\n', "t.csv line 2 cannot be read: unexpected end of data"),
        (b'a,b\n1,"2"x\n', "t.csv line 2 cannot be read: ',' expected after '\"'"),
        (b"a,a\n1,2\n", "t.csv has 2 columns named `a`"),
        (b"b\n1\n", "t.csv has no column `a`"),
        (b"a\n" + b"9" * 200_000 + b"\n", "t.csv line 2 cannot be read: field larger than field limit (131072)"),
        (b'a\n"' + b"9\n" * 200_000, "t.csv line 65538 cannot be read: field larger than field limit (131072)"),
    ],
)
def test_a_broken_table_is_named(table: Path, content: bytes, message: str) -> None:
    """With the line where there is one."""
    table.write_bytes(content)
    assert fault(table).message == message


def test_a_line_without_end_is_not_read(table: Path) -> None:
    """A file of one endless line is refused before memory holds it."""
    with open(table, "wb") as file:
        file.truncate(1 << 27)
    assert fault(table).message == "t.csv line 1 cannot be read: field larger than field limit (131072)"


def test_a_header_alone_is_a_table_without_samples(table: Path) -> None:
    """Numbers or text, one column or several."""
    table.write_text("a,b\n")
    assert load(source(table)).shape == (0,)
    assert load(source(table, None, columns=("a", "b"))).shape == (0, 2)
    assert load(source(table, as_text=True)).dtype == object


def test_a_column_beside_two_of_one_name_is_read(table: Path) -> None:
    """Only a source that means one of the two is refused; blank lines and a mark of byte order are passed over."""
    table.write_text("\ufeffa,,\n\n1,x,y\n\n2,x,y\n", encoding="utf-8")
    assert header(source(table)).samples is None
    assert np.asarray(load(source(table))).tolist() == [1, 2]


def test_a_missing_column_is_told_with_the_one_that_is_meant(table: Path) -> None:
    """And which of several columns it is."""
    table.write_text("age,income\n1,2\n")
    error = fault(table, None, columns=("age", "incom"))
    assert (error.part, error.missing, error.help) == ("columns[1]", "incom", "did you mean `income`?")
    assert "names no column" in fault(table, None).message
