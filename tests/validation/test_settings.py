"""`[tool.graphspec]` in pyproject.toml: what a project shows, which file it holds for, and mistakes in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given
from hypothesis import strategies as st

from graphspec.catalog.generated import newest
from graphspec.cli import main
from graphspec.validation.settings import Finder, matches

UNUSED = "graphspec: 1\ninputs: {x: [2], z: [3]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n"


def call(*arguments: object, stdin: str | None = None) -> Result:
    """Run `graphspec validate` in this process."""
    runner = CliRunner(env={"GITHUB_ACTIONS": None, "NO_COLOR": "1"})
    return runner.invoke(main, ["validate", *map(str, arguments)], input=stdin)


def found(*arguments: object, stdin: str | None = None) -> list[tuple[str, str]]:
    """File and code of every finding."""
    findings = json.loads(call(*arguments, "--format", "json", stdin=stdin).stdout)["findings"]
    return [(finding["file"], finding["code"]) for finding in findings]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: two projects, one inside of the other, each with specs that have an unused input."""
    monkeypatch.chdir(tmp_path)
    for path in ("a.yaml", "drafts/b.yaml", "inner/c.yaml", "inner/old/d.yaml"):
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / path).write_text(UNUSED, encoding="utf-8")
    return tmp_path


def settings(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(f"[project]\nname = 'x'\n\n[tool.graphspec]\n{text}\n", encoding="utf-8")


def test_settings_hold_for_the_folder_below(folder: Path) -> None:
    """Each spec has those of the nearest pyproject.toml that speaks of graphspec."""
    settings(folder / "inner", 'ignore = ["unused"]')
    (folder / "inner" / "old" / "pyproject.toml").write_text("[project]\nname = 'graphspec-user'\n", encoding="utf-8")
    assert found(".") == [("a.yaml", "GS305"), ("drafts/b.yaml", "GS305")]
    settings(folder, 'ignore = ["GS3"]')
    settings(folder / "inner", 'select = ["GS3"]')
    assert found(".") == [("inner/c.yaml", "GS305"), ("inner/old/d.yaml", "GS305")]


def test_the_command_line_wins(folder: Path) -> None:
    """What is selected there is shown though settings ignore it; what is ignored there replaces what they ignore."""
    settings(folder, 'ignore = ["GS305"]')
    assert found("a.yaml") == []
    assert found("a.yaml", "--select", "GS305") == [("a.yaml", "GS305")]
    assert found("a.yaml", "--ignore", "GS2") == [("a.yaml", "GS305")]
    settings(folder, 'select = ["GS2"]')
    assert found("a.yaml", "--ignore", "GS4") == []


def test_files_are_excluded_from_walks_alone(folder: Path) -> None:
    """A folder or a pattern is passed over; a file that is named is looked at."""
    settings(folder, 'exclude = ["drafts/", "inner/**/d.yaml"]')
    assert found(".") == [("a.yaml", "GS305"), ("inner/c.yaml", "GS305")]
    assert found("drafts/b.yaml") == [("drafts/b.yaml", "GS305")]
    settings(folder, 'exclude = ["*.yaml"]')
    assert "there is no spec below ." in call(".").stdout


def test_rules_are_ignored_by_file(folder: Path) -> None:
    """Patterns count from the folder of the pyproject.toml, wherever the command is run."""
    settings(folder, 'per-file-ignores = {"inner/*" = ["unused"], "b.yaml" = ["GS3", "GS4"]}')
    assert found(".") == [("a.yaml", "GS305")]
    assert found(folder / "inner" / "old" / ".." / "c.yaml", stdin=None) == []
    assert found("-", "--stdin-filename", "inner/new.yaml", stdin=UNUSED) == []
    assert found("-", stdin=UNUSED) == [("<stdin>", "GS305")]


def test_the_format_is_that_of_the_current_folder(folder: Path) -> None:
    """A project may choose how its findings are shown; the command line wins."""
    settings(folder, 'format = "concise"')
    assert call("a.yaml").stdout.startswith("a.yaml:2:18: GS305 ")
    assert call("a.yaml", "--format", "github").stdout.startswith("::warning")


def test_the_keras_of_a_project(folder: Path) -> None:
    """Each spec is checked for the version that its project sets, in one call; the command line wins."""
    newer = UNUSED.replace("{Dense: 1}", "[{Dense: {units: 1, lora_alpha: 2}}]")
    for path in ("a.yaml", "inner/c.yaml", "inner/old/d.yaml"):
        (folder / path).write_text(newer, encoding="utf-8")
    settings(folder, 'ignore = ["unused"]')
    settings(folder / "inner", 'keras = "3.9.1"\nignore = ["unused"]')
    assert found(".") == [("inner/c.yaml", "GS220"), ("inner/old/d.yaml", "GS220")]
    assert found(".", "--keras", "3.14") == []
    assert found("a.yaml", "--keras", "3.8.0") == [("a.yaml", "GS220")]
    settings(folder / "inner", 'keras = "3.7"\nignore = ["unused"]')  # the nearest one, 3.8
    assert found("inner/c.yaml") == [("inner/c.yaml", "GS220"), ("inner/pyproject.toml", "GS907")]


def test_an_unknown_keras_is_refused(folder: Path) -> None:
    """With the versions that there are."""
    result = call("a.yaml", "--keras", "2.15")
    assert result.exit_code == 2
    assert "graphspec does not know Keras 2.15; it knows 3.8, 3.9, 3.10" in result.stderr


@pytest.mark.parametrize("command", ["render", "plot"])
def test_other_commands_know_the_keras_of_a_project(folder: Path, command: str) -> None:
    """So does what reads one spec."""
    path = folder / "inner" / "c.yaml"
    path.write_text(UNUSED.replace("{Dense: 1}", "[{Dense: {units: 1, lora_alpha: 2}}]"), encoding="utf-8")
    settings(folder / "inner", 'keras = "3.9"')
    runner = CliRunner()
    assert "GS220" in runner.invoke(main, [command, str(path)]).stderr
    assert runner.invoke(main, [command, str(path), "--keras", "3.14"]).exit_code == 0


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('ignor = ["GS305"]', "5:1", "did you mean `ignore`?"),
        ('select = "GS305"', "5:1", 'write `["GS305"]`'),
        ('select = ["GS3", "GS350"]', "5:18", "there is no rule `GS350`"),
        ("ignore = [\n  'GS1',\n  'unusd',\n]", "7:3", "did you mean `unused`?"),
        ('ignore = ["GS002"]', "5:11", "is always shown"),
        ("exclude = [1]", "5:1", "an entry of `exclude` is the number 1"),
        ('format = "jsn"', "5:1", "did you mean `json`?"),
        ("format = []", "5:1", "`format` cannot be a list"),
        ('keras = "3.7"', "5:1", 'write `keras = "3.8"`'),
        ('keras = "3.99"', "5:1", f'write `keras = "{newest()}"`'),
        ("keras = 3.12", "5:1", f'write `keras = "{newest()}"`'),
        ('keras = ""', "5:1", "one of `3.8`, `3.9`"),
        ('keras = "../3.9"', "5:1", "one of `3.8`, `3.9`"),
        ("per-file-ignores = []", "5:1", "is a list, not a table"),
        ('[tool.graphspec.per-file-ignores]\n"*.yaml" = "unused"', "6:1", "`*.yaml` is the text `unused`"),
        ('[tool.graphspec.per-file-ignores]\n"*.yaml" = ["unusd"]', "6:13", "did you mean `unused`?"),
        ("ignore = [", "5:1", "not valid TOML"),
        pytest.param("ignore = " + "1" * 5_000, "5:1", "not valid TOML", id="a long number"),
        pytest.param("a" + ".a" * 90_000 + " = 1", "5:1", "a key has too many parts", id="a key of many parts"),
        pytest.param("[" + "'a'." * 40_000 + "a]", "5:1", "a key has too many parts", id="a header of many parts"),
        ("ignore = = 1", "5:10", "not valid TOML"),
    ],
)
def test_a_mistake_in_settings_is_found_where_it_stands(folder: Path, text: str, place: str, said: str) -> None:
    """It is a finding in pyproject.toml, no traceback, and hides no other finding."""
    settings(folder, text)
    result = call("a.yaml")
    assert result.exit_code == 1
    assert f"pyproject.toml:{place}: error[GS907] bad-settings: " in result.stdout
    assert said in result.stdout
    assert "a.yaml:2:18: warning[GS305]" in result.stdout or "unused" in text
    assert "GS907" in call("a.yaml", "--ignore", "GS").stdout


def test_what_is_right_holds_beside_a_mistake(folder: Path) -> None:
    """One misspelled key does not undo the others."""
    settings(folder, 'ignore = ["unused", "GS999"]\nformt = "json"')
    assert found("a.yaml") == [("pyproject.toml", "GS907"), ("pyproject.toml", "GS907")]


def test_other_files_of_that_name_are_left_alone(folder: Path) -> None:
    """A pyproject.toml that does not speak of graphspec, or is no text, is none of its business."""
    for data in (b"[project\n", b"\xff\xfe", b"# graphspec = \n[tool", b"[tool]\nother = {graphspec = 1}\n"):
        (folder / "pyproject.toml").write_bytes(data)
        assert found("a.yaml") == [("a.yaml", "GS305")]


PARTS = [*"[]{}\"'=.,#\n a1", "tool", "graphspec", "ignore", "[tool.graphspec]", "per-file-ignores", "select"]


@given(st.lists(st.sampled_from(PARTS)).map("".join))
@example("[tool.graphspec]\nignore = 5")
@example("tool.graphspec = 5")
@example("[[tool.graphspec]]\n")
@example("[tool]\ngraphspec.select = ['GS']")
def test_any_settings_are_read_or_refused(text: str) -> None:
    """Whatever stands in a pyproject.toml, what comes of it is settings and findings."""
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "pyproject.toml").write_text(text, encoding="utf-8")
        finder = Finder()
        finder.of_folder(Path(name))
        assert all(finding.span is not None for each in finder.read() for finding in each.findings)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("drafts/", "drafts/a.yaml", True),
        ("drafts", "deep/drafts/a.yaml", True),
        ("drafts", "drafts.yaml", False),
        ("*.yaml", "deep/a.yaml", True),
        ("*.yaml", "a.yml", False),
        ("deep/*.yaml", "deep/a.yaml", True),
        ("deep/*.yaml", "deep/er/a.yaml", False),
        ("deep/**/a.yaml", "deep/a.yaml", True),
        ("deep/**/a.yaml", "deep/er/est/a.yaml", True),
        ("**/a.yaml", "a.yaml", True),
        ("deep/**", "deep/er/a.yaml", True),
        ("/a.yaml", "a.yaml", True),
        ("/a.yaml", "deep/a.yaml", False),
        ("./deep", "deep/a.yaml", True),
        ("a?.yaml", "ab.yaml", True),
        ("a?.yaml", "a/.yaml", False),
        ("[ab].yaml", "b.yaml", True),
        ("[!ab].yaml", "b.yaml", False),
        ("[!ab].yaml", "c.yaml", True),
        ("a+b.yaml", "a+b.yaml", True),
        ("[", "[", True),
    ],
)
def test_patterns_read_as_in_gitignore(pattern: str, path: str, fits: bool) -> None:
    """Names anywhere, paths from the top, and `**` over folders."""
    assert matches(pattern, path) is fits
