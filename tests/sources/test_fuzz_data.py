"""Whatever the bytes of a data file, it is read as its header says or refused by name: a sample of the fuzzer's."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from graphspec.sources import FORMATS, DataError
from graphspec.sources.formats import npz

from .mutated_files import Case, make_case, source_of, try_case
from .valid_files import Valid, valid_files

SAMPLE = 400


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the user's cache alone."""
    monkeypatch.setenv("GRAPHSPEC_CACHE", str(tmp_path / "cache"))


def faults(case: Case, folder: Path) -> list[str]:
    """What is wrong, but for memory and time: other tests have used the process, and others run beside it."""
    return [fault for fault in try_case(case, folder).faults if not fault.startswith("it took")]


def test_broken_files_are_read_right_or_refused_by_name(tmp_path: Path) -> None:
    """A sample of what `scripts/fuzz_data.py` tries."""
    found = {number: faults(make_case(2, number), tmp_path) for number in range(SAMPLE)}
    assert {number: each for number, each in found.items() if each} == {}


def test_whole_files_are_read(tmp_path: Path) -> None:
    """Every format has valid files, so that what is broken is near what is read."""
    for file in valid_files():
        tried = try_case(Case(file.what, file, file.mended(file.data)), tmp_path)
        assert (file.what, tried.accepted, [each for each in tried.faults if "took" not in each]) == (
            file.what,
            True,
            [],
        )
    assert {file.ending for file in valid_files()} >= {".npy", ".npz", ".csv", ".tfrecord"} & set(FORMATS)


def npy(descr: str, version: bytes = b"\1\0", order: str = "'fortran_order': False, ", shape: str = "(0,)") -> bytes:
    """A .npy file whose header may say anything."""
    header = f"{{'descr': '{descr}', {order}'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header


def archive(compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A .npz file with one array."""
    array, file = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(100))
    with zipfile.ZipFile(file, "w", compression) as made:
        made.writestr("x.npy", array.getvalue())
    return file.getvalue()


def with_number(data: bytes, mark: bytes, at: int, number: int) -> bytes:
    """`data` with another number `at` bytes behind the last `mark`."""
    place = data.rindex(mark) + at
    return data[:place] + struct.pack("<I", number) + data[place + 4 :]


HOSTILE = {
    "values of three bytes": (".npy", npy("<i3")),
    "truths of two bytes": (".npy", npy("|b2")),
    "texts of 16 GB": (".npy", npy("<U4294967296")),
    "texts of no length": (".npy", npy("<U0", shape=f"({1 << 40},)")),
    "samples without values": (".npy", npy("<f4", shape=f"({1 << 40}, 0)")),
    "no order": (".npy", npy("<f4", order="")),
    "an order that is no truth": (".npy", npy("<f4", order="'fortran_order': 3, ")),
    "a version of the future": (".npy", npy("<f4", b"\1\7")),
    "directory moved": (".npz", with_number(archive(), b"PK\5\6", 16, 1000)),
    "member before the file": (".npz", with_number(archive(), b"PK\1\2", 42, 0xFFFFFF00)),
    "more than it can hold": (".npz", with_number(archive(), b"PK\1\2", 24, 0xFFFFFF00)),
    "stored, and longer": (".npz", with_number(archive(zipfile.ZIP_STORED), b"PK\1\2", 24, 0xFFFFFF00)),
    "bzip2": (".npz", archive(zipfile.ZIP_BZIP2)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_the_fuzzer_found_is_refused_by_name(what: str, tmp_path: Path) -> None:
    """Headers and directories that promise what cannot be."""
    ending, data = HOSTILE[what]
    case = Case(what, Valid(what, ending, data, {"key": "x"} if ending == ".npz" else {}), data)
    assert (try_case(case, tmp_path).accepted, faults(case, tmp_path)) == (False, [])


@pytest.mark.parametrize("array", [np.zeros((4, 500)), np.asfortranarray(np.zeros((200, 2)))])
def test_a_compressed_array_that_takes_too_much_at_once_is_refused(
    array: np.ndarray[tuple[int, int], np.dtype[np.float64]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sample, or an array across which its samples lie, is unpacked whole, so its size has a bound."""
    monkeypatch.setattr(npz, "_MAX_UNPACKED", 1000)
    file = io.BytesIO()
    np.savez_compressed(file, x=array)
    (tmp_path / "large.npz").write_bytes(file.getvalue())
    with pytest.raises(DataError, match="at once"):
        list(npz.blocks(source_of(Valid("large", ".npz", file.getvalue(), {"key": "x"}), tmp_path / "large.npz")))
