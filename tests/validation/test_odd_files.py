"""A folder with odd files in it: each is a finding of that file, the others are looked at, and reports are whole."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main
from graphspec.diagnostics.formats import FORMATS

GOOD = "graphspec: 1\ninputs: {x: [4]}\noutputs: {y: {from: x, apply: {Dense: 2}}}\n"
BAD = GOOD.replace("Dense", "Dens")
ODD = ("dangling.yaml", "loop.yaml", "pipe.yaml", "socket.yaml", "zero.yaml", "far/far.json", "far/latin.yml")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two specs, one of them bad under a name that is not UTF-8, and with everything that is none."""
    monkeypatch.chdir(tmp_path)
    path = Path("specs")
    (path / "far").mkdir(parents=True)
    (path / "good.yaml").write_text(GOOD)
    (path / os.fsdecode(b"na\xffme.yaml")).write_text(BAD)
    (path / "dangling.yaml").symlink_to("nowhere")
    (path / "loop.yaml").symlink_to("loop.yaml")
    (path / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(path / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("specs/socket.yaml")
    (path / "far" / "far.json").symlink_to("/proc/self/environ")
    (path / "far" / "latin.yml").write_bytes(GOOD.encode() + b"description: \xff\n")
    (path / "folder.yaml").mkdir()
    (path / "folder.yaml" / ".#lock.yaml").symlink_to("user@host.1")
    (path / "way.yaml").symlink_to("far")
    (path / "up").symlink_to("..")
    (path / "na\nme").mkdir()
    (path / ("n" * 250 + ".yaml")).write_text(GOOD)
    return path


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("jobs", [1, 2])
def test_each_odd_file_is_a_finding_and_the_others_are_checked(folder: Path, format: str, jobs: int) -> None:
    """In every format, by one process or two; the written report is UTF-8, and what its format says it is."""
    shown = call("validate", folder, "--format", format, "-o", "out", "--jobs", jobs)
    assert shown.exit_code == 1
    assert shown.exception is None or isinstance(shown.exception, SystemExit)
    text = Path("out").read_text(encoding="utf-8")
    text.encode("utf-8")
    if format in ("json", "gitlab", "sarif"):
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
    if format == "junit":
        ET.fromstring(text)
    if format == "json":
        found = json.loads(text)["findings"]
        assert sorted(each["code"] for each in found) == ["GS001"] * len(ODD) + ["GS201"]
        for name in ODD:
            assert any(name in each["message"] + each["file"] for each in found), name
        assert [each["file"] for each in found if each["code"] == "GS201"] == ["specs/na\\xffme.yaml"]
    assert "na%FFme" in text if format == "sarif" else "na\\xffme" in text or "na\\\\xffme" in text


def test_other_commands_go_on_too(folder: Path) -> None:
    """fmt, --fix, --diff and single files: the sound ones are done, the odd ones told of."""
    bad = os.fsdecode(b"specs/na\xffme.yaml")
    for arguments in (["fmt", folder], ["fmt", folder, "--check"], ["fmt", folder, "--diff"]):
        result = call(*arguments)
        assert result.exit_code == 1
        assert "GS001" in result.stderr
        assert "too many levels" in result.stderr
    assert call("validate", bad, "--diff", "--unsafe-fixes").exit_code == 1
    fixed = call("validate", folder, "--fix", "--unsafe-fixes")
    assert "too many levels" in fixed.output
    assert "Dense" in Path(bad).read_text()
    for name in ODD:
        assert call("validate", folder / name).exit_code == 1
    assert "GS902" not in fixed.output


def test_a_file_that_ends_in_a_failure_of_graphspec_is_one_finding(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody has thought of is GS902 of that file; the others are checked, and the status is 3."""
    from graphspec import spec
    from graphspec.language import document

    read = document.read

    def fail(path: str, report: object) -> object:
        if str(path).endswith("good.yaml"):
            raise ZeroDivisionError
        return read(path, report)  # type: ignore[arg-type]

    monkeypatch.setattr(spec, "read", fail)
    result = call("validate", folder, "--format", "concise", "--jobs", "1")
    assert result.exit_code == 3
    assert "GS902 graphspec itself failed on specs/good.yaml" in result.output
    assert "GS201" in result.output


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may look into, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path


def test_what_may_not_be_read_is_a_finding(public: Path) -> None:
    """A file and a folder without rights are findings of their own, below a folder and by name."""
    for name in ("shut", "open"):
        (public / name).mkdir()
    (public / "open" / "a.yaml").write_text(BAD)
    for name in ("open/b.yaml", "shut/c.yaml"):
        (public / name).write_text(GOOD)
    (public / "open" / "b.yaml").chmod(0)
    (public / "shut").chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)  # for who may do all, nothing is shut
        found = call("validate", public, "--format", "json", "--jobs", 1)
        codes = [each["code"] for each in json.loads(found.output)["findings"]]
        assert sorted(codes) == ["GS001", "GS001", "GS201"]
        assert "permission denied" in found.output
        for inner in ("shut/c.yaml", "shut", "open/b.yaml"):
            assert call("validate", public / inner).exit_code == 1
            assert call("fmt", public / inner).exit_code == 1
    finally:
        os.seteuid(user)
        (public / "shut").chmod(0o700)


def test_a_report_is_whole_or_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full, the old report is still there, nothing else lies beside it, and that is a finding."""
    Path("out").write_text("old")
    before = sorted(Path().iterdir())
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    result = call("validate", folder, "-o", "out", "--format", "json")
    assert result.exit_code == 1
    assert "GS904" in result.output + result.stderr
    assert Path("out").read_text() == "old"
    assert sorted(Path().iterdir()) == before


def test_folders_of_any_depth_are_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand folders in each other end neither in a recursion nor in silence."""
    monkeypatch.chdir(tmp_path)
    for _ in range(1_100):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(tmp_path)
    Path("a.yaml").write_text(GOOD)
    try:
        result = call("validate", "d", "a.yaml")
    finally:
        subprocess.run(["rm", "-rf", "d"], check=True)  # deeper than pytest can remove it
    assert result.exit_code == 1
    assert "folders deep" in result.output
    assert "GS902" not in result.output
