"""`graphspec explain` and the pages of the rules: each is there, and its examples do what it says of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import RULES, Rule, Stage, read_page
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file

from ..commands import command_of

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "rules"
PAGES = ROOT / "graphspec" / "diagnostics" / "rules"
STATIC = [
    RULES[path.stem] for path in sorted(PAGES.glob("GS*.md")) if "\n## Wrong\n" in path.read_text(encoding="utf-8")
]
"""What validation finds; the other rules arise in commands that build, train or write."""
LATER = [rule for rule in RULES.values() if rule not in STATIC and (PAGES / f"{rule.code}.md").exists()]
DECOMPILED = [rule for rule in LATER if rule.stage is Stage.MODEL and rule.code != "GS716"]
BUILT = [rule for rule in LATER if rule.stage not in (Stage.MODEL, Stage.TOOL)]
STATIC_HEADINGS = ["Why it matters", "Wrong", "Right", "How to fix it"]
LATER_HEADINGS = ["Why it matters", "When it occurs", "How to fix it"]

PLUGIN = """
import keras

@keras.saving.register_keras_serializable(package="my")
class Gate(keras.layers.Layer):
    def __init__(self, rate=0.5, **more):
        super().__init__(**more)
        if not 0 <= rate <= 1:
            raise ValueError("rate is beyond 1")
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


def blocks(rule: Rule, language: str, heading: str) -> list[str]:
    """The fenced blocks of one language below a heading of the rule's page."""
    section = re.split(r"^## ", read_page(rule), flags=re.MULTILINE)
    (found,) = [part for part in section if part.startswith(f"{heading}\n")]
    return re.findall(rf"^```{language}\n(.*?)^```$", found, re.MULTILINE | re.DOTALL)


def validate(path: Path, text: str) -> list[str]:
    """The codes that validation finds in `text`, with the options of the command that a comment in it shows."""
    path.write_text(text, encoding="utf-8")
    shown = re.search(r"^# graphspec validate spec\.yaml (.*)$", text, re.MULTILINE)
    options = shown[1].split() if shown is not None else []
    overrides = [value for option, value in pairwise(options) if option == "--set"]
    return [finding.rule.code for finding in graphspec.validate(path, overrides, values="--data" in options)]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_every_rule_has_a_page_of_the_same_shape(rule: Rule) -> None:
    """A page bears the code and the name, and goes on with what is found, why, an example, and the mend."""
    page = read_page(rule)
    assert page.startswith(f"# {rule.code} {rule.name}\n\n")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == (STATIC_HEADINGS if rule in STATIC else LATER_HEADINGS)
    assert max(map(len, page.splitlines())) <= 120


def test_pages_and_fixtures_agree_on_what_is_static() -> None:
    """A rule that has a wrong spec on its page has one among the fixtures, and the other way round."""
    assert {rule.code for rule in STATIC} == {path.parent.name for path in FIXTURES.glob("GS*/bad.yaml")}


def test_rules_say_whether_they_can_be_mended() -> None:
    """The rules whose findings bring a fix that leaves no doubt, as the fixtures show, are those that say so."""
    paths = [path for path in FIXTURES.glob("GS*/*") if path.suffix in (".yaml", ".json")]
    found = [finding for path in paths for finding in graphspec.validate(path)]
    mended = {finding.rule.code for finding in found if finding.fix is not None and finding.fix.is_safe}
    assert mended == {rule.code for rule in RULES.values() if rule.fixable}


def test_every_page_is_of_a_rule() -> None:
    """No page is left over from a rule that is gone."""
    assert {path.stem for path in PAGES.glob("*.md")} == set(RULES)


@pytest.mark.parametrize("rule", STATIC, ids=lambda rule: rule.code)
def test_examples_of_a_page_are_wrong_and_right(rule: Rule, tmp_path: Path) -> None:
    """The wrong spec of a page has exactly one finding, that of the page; the right one has none."""
    if (FIXTURES / rule.code / "data").exists():
        shutil.copytree(FIXTURES / rule.code / "data", tmp_path / "data")
    (wrong,) = blocks(rule, "yaml", "Wrong")
    (right,) = blocks(rule, "yaml", "Right")
    assert validate(tmp_path / "spec.yaml", wrong) == [rule.code]
    assert validate(tmp_path / "spec.yaml", right) == []


@pytest.mark.parametrize("rule", BUILT, ids=lambda rule: rule.code)
def test_example_of_a_later_rule_is_valid_until_it_is_built(rule: Rule, tmp_path: Path) -> None:
    """The spec of such a page has no finding in validation; building or training it gives the rule of the page."""
    np.save(tmp_path / "x.npy", np.zeros((18, 2), "float32"))
    np.save(tmp_path / "y.npy", np.zeros((18, 1), "float32"))
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="z")])
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "my_layers.py").write_text(PLUGIN, encoding="utf-8")
    (example,) = blocks(rule, "yaml", "When it occurs")
    assert validate(tmp_path / "spec.yaml", example) == []
    assert found_later(tmp_path) == [rule.code]


@pytest.mark.parametrize("rule", DECOMPILED, ids=lambda rule: rule.code)
def test_model_on_a_page_gives_its_rule(rule: Rule, tmp_path: Path) -> None:
    """Decompiling the model on the page of such a rule gives exactly that finding."""
    (model,) = blocks(rule, "json", "When it occurs")
    path = tmp_path / "config.json"
    path.write_text(model, encoding="utf-8")
    try:
        report = decompile_file(read_model_file(path), DecompileOptions()).warnings
    except SpecError as error:
        report = error.report
    assert [finding.rule.code for finding in report] == [rule.code]


def found_later(folder: Path) -> list[str]:
    """The codes that building the spec in `folder` gives, or where it builds, training it."""
    try:
        warnings = graphspec.summarize(folder / "spec.yaml").warnings
        if warnings:
            return [finding.rule.code for finding in warnings]
        graphspec.train(folder / "spec.yaml", run_dir=folder / "run")
    except SpecError as error:
        return [finding.rule.code for finding in error.report]
    return []


@pytest.mark.parametrize("rule", [rule for rule in LATER if rule not in BUILT], ids=lambda rule: rule.code)
def test_commands_of_a_page_exist(rule: Rule) -> None:
    """A command on a page is one of graphspec's, with those options."""
    for line in "".join(blocks(rule, "console", "When it occurs")).splitlines():
        words = line.split()
        if words[0] == "graphspec":
            options = {option for parameter in command_of(words[1]).params for option in parameter.opts}
            assert {word for word in words if word.startswith("-")} <= options


def test_settings_on_their_page_are_wrong_and_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table on the page of GS907 has one finding, and the mended one has none."""
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text("{graphspec: 1, inputs: {x: [2]}, outputs: {y: x}}", encoding="utf-8")
    (wrong,) = blocks(RULES["GS907"], "toml", "When it occurs")
    (right,) = blocks(RULES["GS907"], "toml", "How to fix it")
    for table, codes in ((wrong, ["GS907"]), (right, [])):
        Path("pyproject.toml").write_text(table, encoding="utf-8")
        result = CliRunner().invoke(main, ["validate", "spec.yaml", "--format", "concise"])
        assert re.findall(r"^pyproject.toml:\d+:\d+: (GS\d{3}) ", result.output, re.MULTILINE) == codes


@pytest.mark.parametrize("asked", ["GS101", "gs101", "unknown-key", "Unknown-Key"])
def test_rule_by_code_or_name(asked: str) -> None:
    """A rule is found by its code or its name, in any case, and shown without the marks of Markdown."""
    result = call(asked)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "GS101 unknown-key  error"
    assert "Why it matters" in lines
    assert "    training: {optimizer: adam, epoch: 5}" in lines
    assert not [line for line in lines if line.startswith(("#", "```"))]
    assert "\x1b" not in result.stdout


def test_several_rules() -> None:
    """Several rules are shown in the order in which they are asked for."""
    output = call("GS305", "gs003").stdout
    assert output.startswith("GS305 unused  warning\n")
    assert 0 < output.index("GS003 duplicate-key  error") < len(output)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_no_word_of_a_page_is_lost(rule: Rule) -> None:
    """A page is shown whole: its words in their order, and its examples line by line, with nothing but an indent."""
    title, _, page = read_page(rule).partition("\n")
    first, _, shown = call(rule.code).stdout.partition("\n")
    assert first == f"{title.removeprefix('# ')}  {rule.severity.value}"
    words = re.sub(r"^(## |```.*$)", "", page, flags=re.MULTILINE).split()
    assert shown.split()[: len(words)] == words
    examples = re.findall(r"^```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert examples
    assert all(f"    {line}\n" in shown for example in examples for line in example.splitlines() if line)
    assert ("`graphspec validate --fix` fixes it" in shown) is rule.fixable


def test_colour_on_a_terminal() -> None:
    """On a terminal headings are bold; the text is the same."""
    plain = call("GS502").stdout
    styled = CliRunner().invoke(main, ["explain", "GS502"], color=True).stdout
    assert styled != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", styled) == plain


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("GGS502", "did you mean `GS502`?"),
        ("unkown-key", "did you mean `unknown-key`?"),
        ("GS1", "lists all rules"),
        ("zzzzzz", "lists all rules"),
    ],
)
def test_unknown_rule(asked: str, said: str) -> None:
    """An unknown rule is wrong usage, and the message says what was meant."""
    result = call(asked)
    assert result.exit_code == 2
    assert f"there is no rule `{asked}`" in result.stderr
    assert said in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_all_rules_are_listed() -> None:
    """Without a code every rule is a line of the table: code, name, severity, summary, in the order of codes."""
    lines = [line for line in call().stdout.splitlines() if line.startswith("  ")]
    assert [line.split()[:3] for line in lines] == [
        [rule.code, rule.name, rule.severity.value] for rule in sorted(RULES.values(), key=lambda rule: rule.code)
    ]
    assert all(line.endswith(RULES[line.split()[0]].summary) for line in lines)


def test_json_for_editors() -> None:
    """As JSON a rule has all that is known of it, its page as Markdown; without a code all rules are there."""
    data: dict[str, Any] = json.loads(call("GS305", "--format", "json").stdout)
    assert data == {
        "version": 1,
        "rules": [
            {
                "code": "GS305",
                "name": "unused",
                "severity": "warning",
                "stage": "Wiring",
                "fixable": RULES["GS305"].fixable,
                "summary": RULES["GS305"].summary,
                "explanation": read_page(RULES["GS305"]),
            }
        ],
    }
    assert [rule["code"] for rule in json.loads(call("--format", "json").stdout)["rules"]] == sorted(RULES)


def test_index_of_the_rules_is_fresh() -> None:
    """docs/rules.md lists every rule as it is now; scripts/make_rule_index.py writes it."""
    script = ROOT / "scripts" / "make_rule_index.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
