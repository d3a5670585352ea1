"""A glob in the place of a file: Python's `glob` is the oracle, within bounds of time, number and place."""

from __future__ import annotations

import glob
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphspec.checks import values
from graphspec.diagnostics import SourceText, Span
from graphspec.sources import DataError, DataSource, files_of, globs
from graphspec.sources import scan as sources_scan
from graphspec.validation import validate

PATTERNS = (
    "*.npy", "**/*.npy", "**", "a/*", "*/x.npy", "**/x.npy", "a/**", "a/**/x.npy", "**/b/**/*.npy", "?/*.npy",
    "[ab]/*.npy", "[!a]/*.npy", "**/**/*.npy", "./a/*.npy", "a/../a/*.npy", "*/../x.npy", ".*/*.npy", "**/.h/*.npy",
    "a/b[[]1].npy", "nothing/*.npy", "*[0-9]*", "**/*", "a/b/c/*.npy", "up/*.npy",
)  # fmt: skip


def source(folder: Path, text: str) -> DataSource:
    """What a spec in `folder` means by `text`."""
    return DataSource(folder / text, text, Span(SourceText(str(folder / "spec.yaml"), ""), 1, 1, 1, 1))


def found(folder: Path, text: str) -> list[str]:
    try:
        return [os.path.normpath(each) for each in files_of(source(folder, text))]
    except DataError as error:
        return [] if "no file matches" in error.message else [error.message]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of arrays, some hidden, some in folders whose names are patterns themselves."""
    home = tmp_path / "[home]*"
    for name in ("x.npy", "a/x.npy", "a/b/x.npy", "a/b/c/x.npy", "b/y.npy", ".h/x.npy", "a/.h/x.npy", "a/b[1].npy"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(home / name, np.zeros(2))
    (home / "up").symlink_to("a")
    return home


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_glob_matches_what_that_of_python_does(folder: Path, pattern: str) -> None:
    """All patterns match the same files in the same order, but for those behind a link that `**` does not follow."""
    theirs = glob.glob(f"{glob.escape(str(folder))}/{pattern}", recursive=True)  # noqa: PTH207 - the oracle
    files = sorted(Path(os.path.normpath(each)) for each in theirs if not Path(each).is_dir())
    if "**" in pattern:
        files = sorted({each for each in files if "up" not in each.parts})
    assert found(folder, pattern) == [str(each) for each in files]


def test_absolute_patterns_and_names_that_look_like_patterns(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute pattern starts at the root; a file that is there is no pattern, whatever its name."""
    assert found(folder, "a/b[1].npy") == [str(folder / "a" / "b[1].npy")]
    monkeypatch.chdir(folder / "a")
    assert found(Path(), "b/*.npy") == ["b/x.npy"]
    plain = folder.parent / "plain"
    (plain / "sub").mkdir(parents=True)
    np.save(plain / "sub" / "x.npy", np.zeros(2))
    assert found(Path("elsewhere"), f"{plain}/*/*.npy") == [str(plain / "sub" / "x.npy")]


@pytest.mark.parametrize("way", ["file", "folder", "chain", "dots"])
def test_a_match_does_not_leave_the_folder_by_a_link(folder: Path, tmp_path: Path, way: str) -> None:
    """A linked file or folder that leads outside is refused, by name; one that leads back in is not."""
    out = tmp_path / "out"
    out.mkdir()
    np.save(out / "x.npy", np.zeros(2))
    if way == "file":
        (folder / "b" / "z.npy").symlink_to(out / "x.npy")
        pattern = "b/*.npy"
    elif way == "folder":
        (folder / "b" / "z").symlink_to(out)
        pattern = "b/*/*.npy"
    elif way == "chain":
        (folder / "b" / "one").symlink_to("two")
        (folder / "b" / "two").symlink_to(out)
        pattern = "b/o*/x.npy"
    else:
        pattern = "b*/../../out/x.npy"
    with pytest.raises(DataError, match="leads out of the folder"):
        files_of(source(folder, pattern))
    (folder / "a" / "inner.npy").symlink_to("x.npy")
    assert str(folder / "a" / "inner.npy") in found(folder, "a/*.npy")
    (tmp_path / "home").symlink_to(folder)
    assert found(tmp_path, "home/b/y*.npy") == [str(tmp_path / "home" / "b" / "y.npy")]


@pytest.mark.parametrize("pattern", ["/proc/**/*", "/proc/*/environ", "/proc/self/**", "/sys/**/*", "/proc/[k]msg"])
def test_files_of_the_kernel_are_no_match(pattern: str) -> None:
    """/proc and /sys are not walked, and no time passes."""
    began = time.monotonic()
    assert found(Path(), pattern) == []
    assert time.monotonic() - began < 1


def test_a_glob_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files, too many names and too much time each end in an error that says how to go on."""
    for name, bound, said in (
        ("MAX_FILES", 2, "more than 2 files"),
        ("MAX_ENTRIES", 3, "more than 3 names"),
        ("MAX_SECONDS", -1.0, "too long"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(globs, name, bound)
            with pytest.raises(DataError, match=said) as refused:
                files_of(source(folder, "**/*.npy"))
        assert "narrower" in refused.value.help


def test_patterns_that_multiply_do_not(tmp_path: Path) -> None:
    """Many `**` in one pattern look at each folder once, and a circle of links ends."""
    here = tmp_path
    for _ in range(30):
        here = here / "d"
        here.mkdir()
        (here / "back").symlink_to("..")
    np.save(here / "x.npy", np.zeros(2))
    began = time.monotonic()
    assert len(found(tmp_path, "/".join(["**", "d"] * 8) + "/**/*.npy")) == 1
    assert found(tmp_path, "*/" * 12 + "x?npy") == []
    assert time.monotonic() - began < 5


SPEC = """
graphspec: 1
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training: {optimizer: adam}
data:
  train:
    inputs: {x: "x/*.npy"}
    outputs: {y: "[y]/*.npy"}
    sample_weights: {y: "?/w?.npy"}
  validation: {inputs: {x: "x/*0.npy"}, outputs: {y: "y/*0.npy"}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec whose every source is a glob."""
    arrays = (("x/0", (3, 2)), ("x/1", (2, 2)), ("y/0", (3, 1)), ("y/1", (2, 1)), ("w/w0", (3,)), ("w/w1", (2,)))
    for name, shape in arrays:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", np.ones(shape, np.float32))
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path / "spec.yaml"


def test_reading_takes_no_time_from_globs(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data may take as long to read as they like: only what globs look at counts against their bounds."""
    scan = sources_scan.scan

    def slow(*given: Any) -> Any:
        time.sleep(0.25)
        end = time.thread_time() + 0.25
        while time.thread_time() < end:
            pass
        return scan(*given)

    monkeypatch.setattr(values, "scan", slow)
    monkeypatch.setattr(globs, "MAX_SECONDS", 0.4)
    monkeypatch.setattr(globs, "MAX_CPU_SECONDS", 0.2)
    assert list(validate(spec, values=True)) == []


@pytest.mark.parametrize("most", range(0, 24, 3))
def test_a_bound_that_is_exceeded_is_a_finding(spec: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Whichever glob of a spec takes too long, GS602 says so, and nothing fails."""
    late = iter([False] * most)
    monkeypatch.setattr(globs._Budget, "is_late", lambda budget: next(late, True))
    assert {each.rule.code for each in validate(spec, values=True)} <= {"GS602"}
    assert most > 0 or list(validate(spec, values=True))


def test_a_glob_looks_once(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a spec names the files of a folder, and whatever is read of them, the folder is listed once."""
    listed: list[str] = []
    scandir = os.scandir

    def counted(folder: Any = ".") -> Any:
        listed.append(os.fspath(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    assert list(validate(spec, values=True)) == []
    of_x = [each for each in listed if each.endswith("/x")]
    assert len(of_x) == 3  # for `x/*.npy`, `x/*0.npy` and `?/w?.npy`
