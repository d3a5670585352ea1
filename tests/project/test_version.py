"""The version of graphspec stands in graphspec/version.py; whatever else bears one bears that."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from graphspec.cli import main
from graphspec.version import __version__

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "docs" / "man").iterdir()])


def test_the_package_takes_its_version_from_one_file() -> None:
    """The build reads it from the module, the command prints it, and pyproject.toml states none."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in pyproject["project"]["dynamic"]
    assert pyproject["tool"]["hatch"]["version"]["path"] == "graphspec/version.py"
    assert (
        CliRunner().invoke(main, ["--version"], prog_name="graphspec").stdout == f"graphspec, version {__version__}\n"
    )


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
def test_the_extension_of_vscode_has_the_version(name: str) -> None:
    """The extension is released with the package; npm needs its version in two files of its own."""
    data = json.loads((ROOT / "editors" / "vscode" / name).read_text(encoding="utf-8"))
    assert data["version"] == data.get("packages", {"": data})[""]["version"] == __version__


def test_pages_show_no_other_version() -> None:
    """Where a page shows a version of graphspec, such as in the output of a command, it is that of today."""
    found = {
        (page.name, version)
        for page in PAGES
        for version in re.findall(r"\bgraphspec(?:, version| |==)v?(\d+\.\d+\.\d+)", page.read_text(encoding="utf-8"))
    }
    assert {version for _, version in found} == {__version__}
    assert {"graphspec.1", "install.md"} <= {name for name, _ in found}
