"""The sources of the documentation site: a page for every rule, command, layer and spec. `make docs` builds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from graphspec import catalog
from graphspec.catalog.usable_names import usable_names
from graphspec.cli.main import COMMANDS
from graphspec.diagnostics.rules import RULES

from ..scripts import SCRIPTS, load_script

ROOT = SCRIPTS.parent


@pytest.fixture(scope="module")
def make_site() -> Any:
    """The script that builds the site."""
    return load_script(SCRIPTS / "make_site.py")


@pytest.fixture(scope="module")
def pages(make_site: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the site."""
    folder = tmp_path_factory.mktemp("site") / "pages"
    make_site.write_pages(folder)
    return folder


def test_everything_has_a_page(pages: Path) -> None:
    """Each rule, command, layer and kind of object, and each page of docs/, has a page."""
    wanted = {f"rules/{code}.md" for code in RULES} | {f"commands/{name}.md" for name in COMMANDS}
    wanted |= {f"layers/{name}.md" for name in usable_names("layers")}
    wanted |= {f"reference/{kind}.md" for kind in catalog.KINDS if kind != "layers"}
    wanted |= {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert wanted <= {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}


def test_page_of_a_layer_says_what_the_catalogue_does(pages: Path) -> None:
    """Arguments stand there with their defaults and their documentation."""
    text = (pages / "layers" / "LSTM.md").read_text(encoding="utf-8")
    assert "LSTM: {units: ...}" in text
    assert "| `units` | *required* |" in text
    assert '| `activation` | `"tanh"` |' in text
    assert 'Default: `"glorot_uniform"`.' in text  # in code, nothing is escaped


def test_specs_are_drawn_beside_their_text(pages: Path) -> None:
    """Every whole spec of the language, and every shipped spec without findings, has its drawing."""
    language = (pages / "language.md").read_text(encoding="utf-8")
    drawn = re.findall(
        r'^<div class="drawn" markdown>\n\n```yaml\ngraphspec: 1\n(?:.*\n)*?```\n\n!\[.*\]\((\S+)\)$',
        language,
        re.MULTILINE,
    )
    assert len(drawn) == language.count("```yaml\ngraphspec: 1") > 3
    assert all((pages / name).read_text(encoding="utf-8").startswith("<svg") for name in drawn)
    assert (pages / "specs" / "zoo" / "unet.svg").read_text(encoding="utf-8").startswith("<svg")


def test_page_of_a_command_is_its_help(pages: Path) -> None:
    """The help stands there with its examples."""
    text = (pages / "commands" / "plot.md").read_text(encoding="utf-8")
    assert "Usage: graphspec plot" in text
    assert "  graphspec plot specs/wine.yaml --watch" in text


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<script src="https://cdn.example/a.js"></script>', "fetches https://cdn.example/a.js"),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', "fetches //fonts.example/a.css"),
        ('<img src="http://example.org/a.png">', "fetches http://example.org/a.png"),
        ('<p style="background: url(https://example.org/a.png)">', "fetches https://example.org/a.png"),
        ('<a href="missing.html">', "links to missing.html, which is missing"),
        ('<a href="https://example.org">', ""),
        ('<a href="#top">', ""),
    ],
)
def test_check_finds_what_a_browser_would_fetch(body: str, fault: str, tmp_path: Path) -> None:
    """Addresses elsewhere are for links alone, and links lead somewhere."""
    (tmp_path / "index.html").write_text(body, encoding="utf-8")
    found = list(load_script(SCRIPTS / "site_check.py").faults(tmp_path))
    assert found == ([f"index.html {fault}"] if fault else [])


def test_check_finds_pages_that_are_far(tmp_path: Path) -> None:
    """Two clicks lead to every page."""
    for name, target in (("index", "a"), ("a", "b"), ("b", "c"), ("c", "index")):
        (tmp_path / f"{name}.html").write_text(f'<a href="{target}.html">', encoding="utf-8")
    found = list(load_script(SCRIPTS / "site_check.py").faults(tmp_path))
    assert found == ["c.html is more than 2 clicks from the start"]
