"""`# graphspec: ignore[...]`: what a comment hides, what it does not, and when it is said to hide nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SourceText
from graphspec.diagnostics.rules import RULES
from graphspec.validation.ignores import ignores_in
from tests.diagnostics.test_rules import NOT_STATIC

HEAD = "graphspec: 1\n"
REST = "outputs: {y: {from: x, apply: {Dense: 1}}}\n"


def found(tmp_path: Path, text: str) -> list[str]:
    """The codes found in `text`."""
    path = tmp_path / "spec.yaml"
    path.write_text(text, encoding="utf-8")
    return [finding.rule.code for finding in graphspec.validate(path)]


@pytest.mark.parametrize(
    "inputs",
    [
        "inputs: {x: [2], z: [3]}  # graphspec: ignore[GS305]\n",
        "inputs: {x: [2], z: [3]} #graphspec:ignore [ unused ]\n",
        "inputs: {x: [2], z: [3]}  # there is no data yet  # graphspec: ignore[GS3] so far\n",
        "# graphspec: ignore[GS305]\ninputs: {x: [2], z: [3]}\n",
        "# graphspec: ignore[GS305]\n\n# and more words\ninputs: {x: [2], z: [3]}\n",
        "inputs:\n  x: [2]\n  z: # graphspec: ignore[GS305]\n    [3]\n",
        "# graphspec: ignore-file[GS305]\ninputs: {x: [2], z: [3]}\n",
        "inputs: {x: [2], z: [3]}\n#   graphspec:   ignore-file[unused] for now\n",
        "description: |  # graphspec: ignore-file[unused]\n  text\ninputs: {x: [2], z: [3]}\n",
        "inputs: {x: [2],  # graphspec: ignore-file[unused]\r\n  z: [3]}\r\n",
    ],
)
def test_a_comment_hides_what_it_names(tmp_path: Path, inputs: str) -> None:
    """At the end of the line, alone above it, or for the whole file; and then nothing is left."""
    assert found(tmp_path, HEAD + inputs + REST) == []


@pytest.mark.parametrize(
    "inputs",
    [
        "inputs: {x: [2], z: [3]}\n# graphspec: ignore[GS305]\n",
        "inputs: {x: [2], z: [3]}  # graphspec: ignore[GS301]\n",
        "name: a  # graphspec: ignore[GS305]\ninputs: {x: [2], z: [3]}\n",
        "inputs:  # graphspec: ignore[GS305]\n  x: [2]\n  z: [3]\n",
    ],
)
def test_a_comment_hides_nothing_else(tmp_path: Path, inputs: str) -> None:
    """A comment at another line, or of another rule, leaves the finding and is itself said to be unused."""
    assert sorted(found(tmp_path, HEAD + inputs + REST)) == ["GS305", "GS905"]


@pytest.mark.parametrize(
    "inputs",
    [
        'description: "# graphspec: ignore-file[GS305]"\n',
        "description: ' # graphspec: ignore-file[GS305]'\n",
        "description: |\n  # graphspec: ignore-file[GS305]\n",
        "description: >-\n\n  text # graphspec: ignore-file[GS305]\n",
        "description: text#graphspec:ignore-file[GS305]\n".replace(":ignore", "\u00a0ignore"),
        '"description":\n  "two\n   # graphspec: ignore-file[GS305]\n   lines"\n',
    ],
)
def test_text_is_no_comment(tmp_path: Path, inputs: str) -> None:
    """What stands in quotes or in a block is text, whatever it looks like."""
    assert found(tmp_path, HEAD + inputs + "inputs: {x: [2], z: [3]}\n" + REST) == ["GS305"]


def test_json_has_no_comments(tmp_path: Path) -> None:
    """A text in JSON that reads like a comment hides nothing."""
    path = tmp_path / "spec.json"
    tree = {"graphspec": 1, "description": "# graphspec: ignore-file[unused]", "inputs": {"x": [2], "z": [1]}}
    path.write_text(json.dumps({**tree, "outputs": {"y": {"from": "x", "apply": "ReLU"}}}), encoding="utf-8")
    assert [finding.rule.code for finding in graphspec.validate(path)] == ["GS305"]


def test_a_comment_in_an_included_file_speaks_of_that_file(tmp_path: Path) -> None:
    """It hides what is found there for every spec that includes it, and is not said to be unused by itself."""
    shared = tmp_path / "shared.yaml"
    block = "{inputs: x, output: {from: x, apply: {Dense: {units: 1, unit: 1}}}}"
    shared.write_text(f"graphspec: 1\nblocks:\n  head: {block}\n", encoding="utf-8")
    spec = f"{HEAD}include: shared.yaml\ninputs: {{x: [2]}}\n{REST.replace('Dense: 1', 'head: ')}"
    assert found(tmp_path, spec) == ["GS202"]
    shared.write_text(f"graphspec: 1\nblocks:\n  head: {block}  # graphspec: ignore[GS202]\n", encoding="utf-8")
    assert found(tmp_path, spec) == []
    assert list(graphspec.validate(tmp_path)) == []
    assert list(graphspec.validate(shared)) == []


def test_comments_do_not_hide_what_was_not_read(tmp_path: Path) -> None:
    """A document that cannot be read stays an error."""
    assert found(tmp_path, "# graphspec: ignore-file[GS]\ngraphspec: 1\ngraphspec: 1\n" + REST) == ["GS003"]


@pytest.mark.parametrize("code", sorted(code for code in NOT_STATIC if code < "GS9"))
def test_what_is_found_elsewhere_is_not_called_unused(tmp_path: Path, code: str) -> None:
    """A comment may be meant for `train` or `--deep`: that `validate` finds nothing says nothing."""
    assert found(tmp_path, f"{HEAD}inputs: {{x: [2]}}  # graphspec: ignore[{code}]\n{REST}") == []


def test_a_comment_is_unused_only_where_all_was_looked_for(tmp_path: Path) -> None:
    """After an error later stages may not be reached, so a comment is not blamed for their silence."""
    ignored = "inputs: {x: [2]}  # graphspec: ignore[GS409, GS305]\n"
    assert found(tmp_path, HEAD + ignored + REST) == ["GS905"]
    assert found(tmp_path, HEAD + ignored + REST.replace("Dense", "Dens")) == ["GS201"]


def test_selecting_rules_makes_no_comment_unused(tmp_path: Path) -> None:
    """A comment hides what it names under every selection; only the selection of its own rule shows it as unused."""
    path = tmp_path / "spec.yaml"
    path.write_text(HEAD + "inputs: {x: [2], z: [3]}  # graphspec: ignore[GS305]\n" + REST, encoding="utf-8")
    for options in ([], ["--select", "GS905"], ["--ignore", "GS305"], ["--select", "GS4"]):
        assert CliRunner().invoke(main, ["validate", str(path), *options]).exit_code == 0


@given(
    st.lists(st.sampled_from([*" #\"'|>\n:a-[]{},", "# graphspec: ignore[GS305]", "graphspec: ignore", "\r\n", "\t"]))
)
def test_any_text_can_be_looked_through(parts: list[str]) -> None:
    """Whatever stands around a comment, looking for it fails never, and its place is that of its words."""
    source = SourceText("spec.yaml", "".join(parts))
    for ignore in ignores_in(source):
        assert source.line(ignore.brackets.line)[ignore.brackets.column - 1 :].startswith(("GS305", "#"))
        assert all(each.codes <= set(RULES) for each in ignore.selectors)
