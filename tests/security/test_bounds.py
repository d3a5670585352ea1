"""The bounds that `docs/security.md` tells are those of the code."""

from __future__ import annotations

import ast
import re

import pytest

from .sandbox import ROOT

_UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<number>[\d,]+) ?(?P<unit>\w*) \| `(?P<constant>[\w.]+)` \|$", re.MULTILINE
)
_ROWS = list(_ROW.finditer((ROOT / "docs" / "security.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["what"])
def test_bound_on_the_page_is_that_of_the_code(row: re.Match[str]) -> None:
    """Each row names a constant of graphspec, and its value."""
    *folders, name = row["constant"].split(".")
    code = ast.parse((ROOT.joinpath("graphspec", *folders).with_suffix(".py")).read_text(encoding="utf-8"))
    values = [each.value for each in code.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name]
    told = int(row["number"].replace(",", "")) * _UNITS[row["unit"]]
    assert [eval(ast.unparse(value)) for value in values] == [told]


def test_there_are_bounds_on_the_page() -> None:
    """The table is found where it stands."""
    assert len(_ROWS) > 12
