"""The tables of docs/decompile.md are those that models of older Keras are translated by."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphspec.diagnostics.rules import RULES, Stage

from ..scripts import SCRIPTS, load_script

PAGE = Path(__file__).resolve().parents[2] / "docs" / "decompile.md"


def test_tables_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has the tables that `scripts/make_legacy_tables.py` would write, and `--check` says so."""
    script = load_script(SCRIPTS / "make_legacy_tables.py")
    text = PAGE.read_text(encoding="utf-8")
    assert script.page(text) == text
    assert script.page(text.replace("`units`", "`size`")) == text
    monkeypatch.setattr("sys.argv", ["make_legacy_tables.py", "--check"])
    assert script.main() == 0


def test_page_names_the_rules() -> None:
    """The page names the rules about models of older Keras, and each has its stage."""
    codes = [f"GS71{number}" for number in range(7)]
    assert "GS710–GS716" in PAGE.read_text(encoding="utf-8")
    assert all(RULES[code].stage is Stage.MODEL for code in codes)
    assert all(RULES[code].name.startswith("legacy-") for code in codes)
