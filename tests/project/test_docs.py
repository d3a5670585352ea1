"""The documents: every whole spec in them validates and builds, every command in them exists, and so do their links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main

from ..commands import command_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """Every fenced block of one language, with a name for its test."""
    return [
        (f"{page.name}-{number}", text)
        for page in PAGES
        for number, (found, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
        if found == language
    ]


@pytest.mark.parametrize(("name", "text"), [block for block in blocks("yaml") if block[1].startswith("graphspec: 1")])
def test_every_spec_in_the_documents_builds(name: str, text: str, tmp_path: Path) -> None:
    """A spec on a page has no findings and Keras builds it."""
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    spec = graphspec.load(path)
    assert len(spec.warnings) == 0
    assert graphspec.build(spec, weightless=True).count_params() > 0


def test_there_are_specs_on_the_pages() -> None:
    """The test above has something to test: the README's and those of the language."""
    names = [name.split("-")[0] for name, text in blocks("yaml") if text.startswith("graphspec: 1")]
    assert "README.md" in names
    assert names.count("language.md") >= 3


PAIRS = re.findall(
    r"^```python\n(.*?)^```\n\n```yaml\n(graphspec: 1\n.*?)^```$",
    (ROOT / "docs" / "elsewhere" / "keras.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("code", "text"), PAIRS, ids=range(len(PAIRS)))
def test_spec_beside_keras_code_is_the_same_model(code: str, text: str, tmp_path: Path) -> None:
    """The two listings side by side make models of the same layers' weights, inputs and outputs."""
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    built = graphspec.build(path, weightless=True)
    written: dict[str, Any] = {}
    exec(code, written)
    model = written["model"]
    assert sorted(tuple(each.shape) for each in built.weights) == sorted(tuple(each.shape) for each in model.weights)
    assert sorted(tuple(t.shape[1:]) for t in built.inputs) == sorted(tuple(each.shape[1:]) for each in model.inputs)
    assert sorted(tuple(t.shape[1:]) for t in built.outputs) == sorted(tuple(each.shape[1:]) for each in model.outputs)


def test_pairs_are_found() -> None:
    """The test above has something to test."""
    assert len(PAIRS) >= 4


OUTPUTS = [
    (page, command, shown)
    for page in PAGES
    for command, shown in re.findall(
        r"<!-- output of: graphspec (.*?) -->\n```(?:text|python)\n(.*?)\n```",
        page.read_text(encoding="utf-8"),
        re.DOTALL,
    )
]


@pytest.mark.parametrize(("page", "command", "shown"), OUTPUTS, ids=[command for _, command, _ in OUTPUTS])
def test_output_on_a_page_is_what_the_command_prints(
    page: Path, command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page shows as a command's output is that output, word for word."""
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, command.split())
    assert [line.rstrip() for line in result.stdout.strip("\n").splitlines()] == shown.splitlines()


PICTURES = [
    (page, *found)
    for page in PAGES
    for found in re.findall(
        r"<!-- drawn by: graphspec (plot \S+) -o (\S+) -->\n!\[.*\]\((.*)\)", page.read_text(encoding="utf-8")
    )
]


@pytest.mark.parametrize(("page", "command", "file", "target"), PICTURES, ids=[file for _, _, file, _ in PICTURES])
def test_picture_on_a_page_is_what_the_command_draws(
    page: Path, command: str, file: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page shows as drawn by a command is that drawing, as it is made today."""
    monkeypatch.chdir(ROOT)
    assert (page.parent / target).resolve() == ROOT / file
    drawn = CliRunner().invoke(main, [*command.split(), "--format", "svg"])
    assert drawn.stdout == (ROOT / file).read_text(encoding="utf-8")


def test_the_picture_of_the_readme_is_of_the_spec_beside_it() -> None:
    """The README draws the file that holds the spec of its first listing; so does the site's first page."""
    assert "README.md" in {page.name for page, *_ in PICTURES}
    text = (ROOT / "docs" / "same_author.yaml").read_text(encoding="utf-8")
    for page in (ROOT / "README.md", ROOT / "docs" / "index.md"):
        assert f"```yaml\n{text}```\n" in page.read_text(encoding="utf-8")


def test_every_shipped_spec_is_listed() -> None:
    """docs/specs.md names each spec of specs/."""
    listed = re.findall(r"\]\(\.\./(specs/\S+)\)", (ROOT / "docs" / "specs.md").read_text(encoding="utf-8"))
    shipped = [path for path in (ROOT / "specs").rglob("*.yaml") if path.parent.name in ("specs", "zoo")]
    assert sorted(listed) == sorted(path.relative_to(ROOT).as_posix() for path in shipped)


def test_every_command_in_the_documents_exists() -> None:
    """`graphspec <command>` on a page is a command with those options, and `make <target>` a target."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    seen = 0
    for _, text in [*blocks("console"), *blocks("sh")]:
        for line in text.splitlines():
            words = re.sub(r"\s+#.*", "", line.removeprefix("$ ")).split()
            if words[:1] == ["make"] and len(words) > 1:
                assert re.search(rf"^(?:[\w-]+ )*{re.escape(words[1])}(?: [\w-]+)*:", makefile, re.MULTILINE), line
                seen += 1
            if words[:1] == ["graphspec"]:
                command = command_of(words[1])
                options = {"--help"}.union(*[each.opts for each in command.params])
                assert {word for word in words if re.match(r"--?[a-z]", word)} <= options, line
                seen += 1
    assert seen > 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    """A relative link on a page is a file of the repository, or one of the lists that the site is built with."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        is_list = page.parent.name == "docs" and target in ("commands/index.md", "layers/index.md")
        assert is_list or (page.parent / target).exists(), target
