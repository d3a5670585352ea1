"""docs/install.md: every extra has its line in the table, with what pyproject.toml says of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from graphspec.cli import main
from graphspec.extras import EXTRAS

from ..scripts import SCRIPTS, load_script

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "install.md").read_text(encoding="utf-8")
TABLE = load_script(SCRIPTS / "make_extras_table.py")


def test_every_extra_is_in_the_table_with_its_size() -> None:
    """The table names the extras of pyproject.toml and no others; run scripts/make_extras_table.py after a change."""
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \| (.+) \| [\d.]+ [kMG]B \|$", PAGE, re.MULTILINE)
    extras = TABLE.extras()
    assert [name for name, _, _ in rows] == list(extras)
    assert {name: brings for name, _, brings in rows} == {name: TABLE.packages(name) for name in extras}
    purposes = {**TABLE.PURPOSES, **TABLE.OTHER_PURPOSES}
    assert {name: about for name, about, _ in rows} == {name: purposes[name] for name in extras}
    assert set(EXTRAS).isdisjoint(TABLE.OTHER_PURPOSES)


def test_the_page_describes_the_json_of_doctor() -> None:
    """The keys of the page are those that `graphspec doctor --json` prints."""
    data = json.loads(CliRunner().invoke(main, ["doctor", "--json", "images"]).stdout)
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.+) \|$", PAGE.partition("| key | value |")[2], re.MULTILINE)
    keys = {key: text for names, text in rows for key in re.findall(r"\w+", names)}
    assert set(keys) == set(data)
    assert set(re.findall(r"`(\w+)`", keys["extras"])) - {"works", "broken"} == set(data["extras"][0])
