"""One odd file in a folder is a finding of that file, and the others are validated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from .cases.case import Case, each
from .cases.texts import FOLDERS
from .sandbox import Sandbox

_SEVERAL = [replace(case, slow=number % 4 != 0) for number, case in enumerate(FOLDERS)]


@each(FOLDERS)
@pytest.mark.parametrize("command", [["validate", "--jobs", "1"], ["fmt", "--check"]], ids=" ".join)
def test_other_files_of_a_folder_are_looked_at(case: Case, command: list[str], place: Path, sandbox: Sandbox) -> None:
    """Whatever lies in a folder, the last of its specs is looked at too."""
    case.lay_out(place)
    (place / "project" / "zz.yaml").write_text("graphspec: 1\noutputs:   {y: x}\ninputs: {x: [4]}\nnam: x\n")
    result = sandbox.run(place, [*command, "."], case.limits(place))
    assert result.wrong() == []
    assert "zz.yaml" in result.output


@each(_SEVERAL)
def test_other_files_are_looked_at_by_several_processes(case: Case, place: Path, sandbox: Sandbox) -> None:
    """The same where several processes share the folder."""
    case.lay_out(place)
    result = sandbox.run(place, ["validate", "--jobs", "2", "."], case.limits(place, starts=True))
    assert result.wrong() == []
    assert "zz.yaml" in result.output


@each(FOLDERS)
def test_report_of_an_odd_folder_is_whole(case: Case, place: Path, sandbox: Sandbox) -> None:
    """A report that is written to a file is there, whole, and names the last file."""
    case.lay_out(place)
    command = ["validate", "--jobs", "1", "--format", "junit", "--output", "../tmp/report.xml", "."]
    result = sandbox.run(place, command, case.limits(place, "../tmp"))
    assert [fault for fault in result.wrong() if not fault.startswith("left in")] == []
    text = (place / "tmp" / "report.xml").read_bytes().decode()
    assert "zz.yaml" in text
    assert text.rstrip().endswith("</testsuites>")
