"""The cache of converted files: what was converted reads as what was in the file, whole or not at all, and bounded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec import diagnostics
from graphspec.cli import main
from graphspec.sources import Column, DataError, DataSource, cache, cache_folder, fingerprint, format_for, load, reading

SPAN = diagnostics.Span(diagnostics.SourceText("--input", ""), 1, 1, 1, 1)
ROWS = 40_000


def source(path: Path, column: str | None = "n", **keys: Any) -> DataSource:
    return DataSource(path, path.name, SPAN, column=column, **keys)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own; a file of more than 1,000 bytes is converted."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(folder))
    monkeypatch.delenv("GRAPHSPEC_CACHE_GB", raising=False)
    monkeypatch.setattr(reading, "IN_MEMORY", 1000)
    monkeypatch.setattr(reading, "LARGE", 1000)
    yield folder
    release_all()


def whole(column: Column) -> np.ndarray[Any, Any]:
    return column[np.arange(len(column))]


def release_all() -> None:
    """Let all entries be removed, as the end of the process would."""
    for entry in cache_folder.entries():
        cache_folder.release(entry.folder)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table whose column `n` turns from whole numbers to fractions after its first block."""
    path = tmp_path / "t.csv"
    rows = (f"{n if n < 35_000 else n + 0.5},é{n},{n % 7}\n" for n in range(ROWS))
    path.write_text("n,t,k\n" + "".join(rows), encoding="utf-8")
    return path


WANTED = np.array([n if n < 35_000 else n + 0.5 for n in range(ROWS)])


def test_numbers_are_converted_once(table: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The column is a memory map with the dtype that all blocks need, and the next time nothing is read."""
    told: list[tuple[str, int, int | None]] = []
    column = load(source(table), lambda *each: told.append(each))
    assert column.dtype == np.float64
    np.testing.assert_array_equal(whole(column), WANTED)
    assert told[-1] == ("t.csv", ROWS, None)
    assert [each.source for each in cache_folder.entries()] == [f"{table} (n)"]
    monkeypatch.setattr(reading, "format_for", lambda source: refusing(format_for(source)))
    np.testing.assert_array_equal(whole(load(source(table))), WANTED)
    assert len(list(root.glob("*"))) == 1


def refusing(format: Any) -> Any:
    """`format`, which cannot read blocks."""

    def fail(source: DataSource) -> Iterator[Any]:
        raise AssertionError("the file is read again")

    return type(format)(format.name, format.keys, format.header, blocks=fail)


def test_text_is_converted(table: Path) -> None:
    """Text reads back as `str`, in any order."""
    column = load(source(table, "t", as_text=True))
    assert column.shape == (ROWS,)
    assert column.dtype == object
    assert column[np.array([39_999, 0, 7, 7])].tolist() == ["é39999", "é0", "é7", "é7"]
    assert column[np.arange(0)].shape == (0,)
    both = load(source(table, None, columns=("t", "k"), as_text=True))
    assert both[np.array([8, 1])].tolist() == [["é8", "1"], ["é1", "1"]]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtypes=st.lists(st.sampled_from(["bool", "uint8", "int16", "int64", "float32", "float64", ">f4"]), min_size=1),
    shape=st.lists(st.integers(0, 3), max_size=2),
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6),
)
def test_blocks_of_any_dtypes_promote_as_numpy_says(
    tmp_path: Path, dtypes: list[str], shape: list[int], sizes: list[int]
) -> None:
    """What is read back equals the concatenation of all blocks, in values and dtype."""
    read = source(tmp_path / "made.csv")
    read.path.write_text(repr((dtypes, shape, sizes)))
    rng = np.random.default_rng(len(sizes))
    blocks = [
        rng.integers(0, 100, (size, *shape)).astype(dtypes[number % len(dtypes)]) for number, size in enumerate(sizes)
    ]
    wanted = np.concatenate(blocks)
    found = cache.convert(read, iter(blocks), None)
    assert found.shape == wanted.shape
    assert found.dtype == np.result_type(wanted.dtype)
    np.testing.assert_array_equal(found[np.arange(len(wanted))], wanted)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks=st.lists(st.lists(st.text(), max_size=5), min_size=1, max_size=5))
def test_any_text_reads_back_equal(tmp_path: Path, blocks: list[list[str]]) -> None:
    """Empty texts, empty blocks and characters of every plane."""
    read = source(tmp_path / "made.csv", "t", as_text=True)
    read.path.write_text(repr(blocks))
    found = cache.convert(read, (np.array(block, object) for block in blocks), None)
    wanted = [text for block in blocks for text in block]
    assert found[np.arange(len(wanted))].tolist() == wanted


def test_an_archive_is_converted(tmp_path: Path) -> None:
    """A compressed array has no random access either."""
    wanted = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    np.savez_compressed(tmp_path / "a.npz", x=wanted)
    column = load(source(tmp_path / "a.npz", None, key="x"))
    assert len(cache_folder.entries()) == 1
    np.testing.assert_array_equal(whole(column), wanted)


def test_what_is_read_names_the_entry(table: Path, tmp_path: Path) -> None:
    """Another column, or another file, is another entry; a copy of the file is the same."""
    load(source(table))
    load(source(table, "k"))
    assert len(cache_folder.entries()) == 2
    copy = tmp_path / "copy.csv"
    copy.write_bytes(table.read_bytes())
    assert cache.find(source(copy)) is not None
    copy.write_text(copy.read_text(encoding="utf-8").replace("é", "e"), encoding="utf-8")
    assert cache.find(source(copy)) is None


def test_a_file_that_changed_is_converted_anew(table: Path) -> None:
    """Its content counts, not its name."""
    load(source(table, "k"))
    table.write_text("n,t,k\n" + "1,a,9\n" * ROWS)
    assert set(whole(load(source(table, "k"))).tolist()) == {9}


@pytest.mark.parametrize("damage", ["cut", "grown", "header", "record", "missing"])
def test_a_damaged_entry_is_made_anew(table: Path, root: Path, damage: str) -> None:
    """Whatever of it is broken."""
    load(source(table))
    entry = cache_folder.entries()[0].folder
    release_all()
    values = entry / "values.npy"
    if damage == "cut":
        os.truncate(values, values.stat().st_size - 8)
    elif damage == "grown":
        values.write_bytes(values.read_bytes() + b"\0" * 8)
    elif damage == "header":
        values.write_bytes(b"\0" * values.stat().st_size)
    elif damage == "record":
        (entry / "entry.json").write_text("{")
    else:
        (entry / "entry.json").unlink()
    np.testing.assert_array_equal(whole(load(source(table))), WANTED)
    assert len(cache_folder.entries()) == 1
    assert len(list(root.iterdir())) == 1


def test_what_was_used_longest_ago_makes_room(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And never what is in use: each column takes 320 kB, and the bound is 800 kB."""
    monkeypatch.setenv("GRAPHSPEC_CACHE_GB", "0.0008")
    for age, column in ((100, "n"), (50, "k")):
        load(source(table, column))
        entry = cache_folder.entries()[0]
        os.utime(entry.folder / "entry.json", (time.time() - age, time.time() - age))
    release_all()
    assert cache.find(source(table)) is not None
    load(source(table, None, columns=("k",)))
    kept = [each.source.rpartition(" ")[2] for each in cache_folder.entries()]
    assert sorted(kept) == ["(k)", "(n)"]
    assert cache.find(source(table, "k")) is None
    assert cache.find(source(table)) is not None


def test_what_takes_more_than_the_bound_is_refused(table: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as that is known, and nothing of it stays."""
    monkeypatch.setenv("GRAPHSPEC_CACHE_GB", "0.0001")
    with pytest.raises(DataError) as caught:
        load(source(table))
    assert "takes more than 0.0001 GB once it is unpacked" in caught.value.message
    assert "GRAPHSPEC_CACHE_GB" in caught.value.help
    assert not list(root.iterdir())
    blocks = iter([np.zeros(10), np.zeros(10)])
    with pytest.raises(DataError, match="once it is unpacked"):
        cache.convert(source(table), blocks, 10**6)
    assert len(list(blocks)) == 1
    monkeypatch.setenv("GRAPHSPEC_CACHE_GB", "much")
    with pytest.raises(DataError, match="not a number of gigabytes"):
        load(source(table))


def test_a_mistake_in_the_file_leaves_nothing(table: Path, root: Path) -> None:
    """It is told as it is where the file fits into memory."""
    with open(table, "a", encoding="utf-8") as file:
        file.write("x,y,z\n")
    with pytest.raises(DataError, match="holds `x`, not a number"):
        load(source(table))
    assert not list(root.iterdir())


def test_a_file_that_changes_while_it_is_read_is_refused(table: Path, root: Path) -> None:
    """No entry is made of two states of a file."""

    def change(text: str, samples: int, total: int | None) -> None:
        os.utime(table, (samples, samples))

    with pytest.raises(DataError, match=r"t\.csv changed while it was read"):
        load(source(table), change)
    assert not list(root.iterdir())


def test_a_folder_that_cannot_be_written_is_named(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in its place, and a disk that is full, with the variable that names another."""
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "t.csv" / "cache"))
    with pytest.raises(DataError) as caught:
        load(source(table))
    assert "cannot write to" in caught.value.message
    assert "set GRAPHSPEC_CACHE" in caught.value.help
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "cache"))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="the disk is full"):
        load(source(table))
    assert not list((tmp_path / "cache").iterdir())


CONVERT = """
import sys, time
from pathlib import Path
import numpy as np
from graphspec import diagnostics
from graphspec.sources import DataSource, cache, format_for, load, reading
reading.IN_MEMORY = reading.LARGE = 1000
path, how = Path(sys.argv[1]), sys.argv[2]
span = diagnostics.Span(diagnostics.SourceText("spec.yaml", ""), 1, 1, 1, 1)
read = DataSource(path, path.name, span, column="n")
def slowly():
    for block in format_for(read).blocks(read):
        print("block", flush=True)
        yield block
        time.sleep(0.3 if how == "slowly" else 60)
column = cache.convert(read, slowly(), None) if how != "load" else load(read)
print("sum", float(column[np.arange(len(column))].sum()), flush=True)
if how == "load":
    sys.stdin.read()
"""


def start(table: Path, how: str) -> subprocess.Popen[str]:
    """Another process that converts the column `n` of `table`."""
    return subprocess.Popen(
        [sys.executable, "-c", CONVERT, str(table), how], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_processes_at_once_convert_once(table: Path, root: Path) -> None:
    """One converts, the other waits for it, and both read the same."""
    both = [start(table, "slowly"), start(table, "slowly")]
    outputs = [process.communicate(timeout=60)[0].split("\n") for process in both]
    assert sorted(output.count("block") for output in outputs) == [0, 2]
    assert [output[-2] for output in outputs] == [f"sum {WANTED.sum()}"] * 2
    assert len(list(root.iterdir())) == 1


def test_a_killed_conversion_is_never_read(table: Path, root: Path) -> None:
    """What it leaves is no entry, and the next conversion removes it."""
    process = start(table, "forever")
    assert said(process) == "block"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert any(each.name.startswith(".making-") for each in root.iterdir())
    assert cache_folder.entries() == []
    assert cache.find(source(table)) is None
    CliRunner().invoke(main, ["cache", "clear", "--yes"])
    assert list(root.iterdir()) == []
    process = start(table, "forever")
    assert said(process) == "block"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    load(source(table, "k"))
    assert [each.name for each in root.iterdir()] == [cache_folder.entries()[0].folder.name]
    np.testing.assert_array_equal(whole(load(source(table))), WANTED)


def test_what_another_process_reads_is_not_removed(table: Path) -> None:
    """Until that process ends."""
    process = start(table, "load")
    assert said(process) == f"sum {WANTED.sum()}"
    entry = cache_folder.entries()[0].folder
    assert not cache_folder.remove(entry)
    done = CliRunner().invoke(main, ["cache", "clear", "--yes"])
    assert "1 of 1 are in use and were kept" in done.output
    process.communicate("", timeout=60)
    assert cache_folder.remove(entry)
    assert cache_folder.entries() == []


def test_the_hash_of_a_large_file_is_remembered(table: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By path, size, time of change and inode; a file that changed just now is hashed again."""
    monkeypatch.setattr(fingerprint, "REMEMBERED", 1000)
    first = fingerprint.fingerprint(table)
    assert not (root / "hashes").exists()
    os.utime(table, (1_000_000_000, 1_000_000_000))
    assert fingerprint.fingerprint(table).sha256 == first.sha256
    hashed: list[Path] = []
    actual = fingerprint.sha256

    def noted(path: Path) -> str:
        hashed.append(path)
        return actual(path)

    monkeypatch.setattr(fingerprint, "sha256", noted)
    assert fingerprint.fingerprint(table) == fingerprint.Fingerprint(first.size, 10**18, first.sha256)
    assert hashed == []
    held = bytearray(table.read_bytes())
    held[-2] ^= 1
    table.write_bytes(held)
    assert fingerprint.fingerprint(table).sha256 != first.sha256
    for memo in (root / "hashes").iterdir():
        memo.write_text(json.dumps({"sha256": 5}))
    assert fingerprint.fingerprint(table).size == first.size


def test_the_command_shows_and_clears(table: Path, root: Path) -> None:
    """Where it lies, what it was made from, what it takes; and it is empty after `clear`, which asks first."""
    run: Callable[..., Any] = CliRunner().invoke
    assert f"0 B  in 0 of 20 GB: {root}" in run(main, ["cache"]).output
    assert "holds no converted files" in run(main, ["cache", "clear"]).output
    load(source(table))
    release_all()
    (root / "mine").mkdir()
    (root / "mine" / "entry.json").write_text("{}")
    shown = run(main, ["cache"]).output
    assert f"{table} (n)" in shown
    assert f"320 kB  in 1 of 20 GB: {root}" in shown
    assert run(main, ["cache", "clear"], input="n\n").exit_code == 1
    assert len(cache_folder.entries()) == 1
    assert "Removed 320 kB" in run(main, ["cache", "clear", "-y"]).output
    assert [each.name for each in root.iterdir()] == ["mine"]
    assert "graphspec cache clear" in run(main, ["cache", "--help"]).output
