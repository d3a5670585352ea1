"""`graphspec fmt`: which files it writes, what it prints, and how it ends."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main

WRITTEN = "graphspec: 1\nname: a\n"
UNSORTED = "name: a\ngraphspec: 1\n"


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["fmt", *arguments], input=stdin)


def test_files_are_written_and_told(tmp_path: Path) -> None:
    """Specs below a folder are formatted in place; a second run changes nothing."""
    (tmp_path / "a.yaml").write_text(UNSORTED)
    (tmp_path / "b.yaml").write_text(WRITTEN)
    (tmp_path / "other.yaml").write_text("b:   1\n")
    done = run(str(tmp_path))
    assert done.exit_code == 0
    assert done.stderr == "1 file formatted, 1 file unchanged\n"
    assert (tmp_path / "a.yaml").read_text() == WRITTEN
    assert (tmp_path / "other.yaml").read_text() == "b:   1\n"
    again = run(str(tmp_path))
    assert (again.exit_code, again.stderr) == (0, "2 files unchanged\n")


def test_check_and_diff_write_nothing(tmp_path: Path) -> None:
    """`--check` lists what would change and exits with 1, `--diff` shows it; clean files exit with 0."""
    path = tmp_path / "a.yaml"
    path.write_text(UNSORTED)
    checked = run("--check", str(path))
    assert (checked.exit_code, checked.stdout) == (1, f"would be formatted: {path}\n")
    shown = run("--diff", str(path))
    assert shown.exit_code == 1
    assert "+graphspec: 1\n name: a\n-graphspec: 1\n" in shown.stdout
    assert path.read_text() == UNSORTED
    path.write_text(WRITTEN)
    assert run("--check", "--diff", str(path)).exit_code == 0


@pytest.mark.skipif(shutil.which("git") is None, reason="git applies the diff")
@pytest.mark.parametrize("repeats", [3, 30_000], ids=["a short one", "one of too many equal lines to compare"])
def test_a_diff_can_be_applied(repeats: int, tmp_path: Path) -> None:
    """`git apply` makes of the file what `fmt` would have made of it, however long it is."""
    path = tmp_path / "a.yaml"
    values = "".join(f"    - {n % 150}\n\n" for n in range(repeats))
    path.write_text(f"name: a\ngraphspec: 1\nvars:\n  a:\n{values}    -   last\n")
    shown = run("--diff", str(path)).stdout.replace(str(path), "a.yaml")
    subprocess.run(["git", "apply", "-p0", "--unidiff-zero"], input=shown.encode(), cwd=tmp_path, check=True)
    assert run("--check", str(path)).exit_code == 0
    assert path.read_text().count("\n    - 149\n") == repeats // 150
    assert ("\n     - 2\n" in shown) == (repeats == 3)


def test_a_faulty_file_is_reported_and_left_alone(tmp_path: Path) -> None:
    """A file that is no sound document keeps every byte; the others are formatted all the same."""
    bad, good = tmp_path / "a.yaml", tmp_path / "b.yaml"
    bad.write_text("graphspec: 1\nname: [\n")
    good.write_text(UNSORTED)
    done = run(str(bad), str(good))
    assert done.exit_code == 1
    assert "GS002" in done.stderr
    assert f"{bad}:2:8" in done.stderr
    assert bad.read_text() == "graphspec: 1\nname: [\n"
    assert good.read_text() == WRITTEN


def test_standard_input_goes_to_standard_output() -> None:
    """`-` is formatted to standard output, whatever it holds; a faulty one gives nothing but findings."""
    done = run("-", stdin=UNSORTED.encode())
    assert (done.exit_code, done.stdout) == (0, WRITTEN)
    assert run("-", stdin=b'{"name": "a", "graphspec": 1}').stdout == '{\n  "graphspec": 1,\n  "name": "a"\n}\n'
    faulty = run("-", stdin=b"a: [")
    assert (faulty.exit_code, faulty.stdout) == (1, "")
    assert run("--check", "-", stdin=UNSORTED.encode()).exit_code == 1


@pytest.mark.parametrize("marks", [0, 1, 3])
def test_line_ends_stay_and_marks_go(tmp_path: Path, marks: int) -> None:
    """Lines end as the first one did; byte order marks are removed, and the last line ends."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" * marks + b"graphspec: 1\r\nname: a")
    assert run(str(path)).exit_code == 0
    assert path.read_bytes() == b"graphspec: 1\r\nname: a\r\n"


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """A formatted file keeps its permissions, and what links to it still does."""
    path, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
    path.write_text(UNSORTED)
    path.chmod(0o640)
    link.symlink_to(path)
    assert run(str(link)).exit_code == 0
    assert link.is_symlink()
    assert path.read_text() == WRITTEN
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.yaml", "link.yaml"]


def test_a_file_that_cannot_be_written_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk refuses, the old content stays and a finding says why."""
    path = tmp_path / "a.yaml"
    path.write_text(UNSORTED)

    def refuse(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", refuse)
    done = run(str(path))
    assert done.exit_code == 1
    assert "GS904" in done.stderr
    assert path.read_text() == UNSORTED
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]


def test_a_change_of_meaning_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the formatting itself at fault, the file would be left alone and the exit status be 3."""
    path = tmp_path / "a.yaml"
    path.write_text(UNSORTED)
    for wrong in ("graphspec: 1\nname: '1'\n", "graphspec: 1\n", "graphspec: [\n", "graphspec: 1\nname: a # new\n"):
        monkeypatch.setattr("graphspec.editor.formatting.write_text", lambda _, wrong=wrong: wrong)
        done = run(str(path))
        assert done.exit_code == 3
        assert "GS902" in done.stderr
        assert path.read_text() == UNSORTED
