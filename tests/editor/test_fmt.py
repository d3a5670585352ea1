"""Formatting: what a spec means and every comment stay, what is formatted once stays as it is."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graphspec.diagnostics import Report, SourceText, SpecError
from graphspec.editor.formatting import format_source, means_same
from graphspec.editor.formatting.order import FORMS
from graphspec.language.document import read_text
from graphspec.language.schema import CheckpointModel, StageModel, TrainingModel
from graphspec.language.schema import model as language
from graphspec.language.schema.part import Part
from graphspec.language.schema.training import LoraModel

from .random_documents import KEYS, TEXTS, TREES, Writer, tree_of

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "specs").rglob("*.yaml"))
FIXTURES = sorted((ROOT / "tests" / "rules").rglob("*.yaml"))


def formatted(text: str, name: str = "spec.yaml") -> str:
    """`text` formatted, after what must hold of every formatting has been checked."""
    after = format_source(SourceText(name, text))
    assert means_same(tree_of(after, name), tree_of(text, name))
    assert format_source(SourceText(name, after)) == after
    return after


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_specs_are_formatted(path: Path) -> None:
    """Formatting a shipped spec gives the very file."""
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_whatever_reads_is_formatted_and_all_else_refused(path: Path) -> None:
    """A fixture of a rule keeps its meaning, good or bad; what is no sound document is refused with its findings."""
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    report = Report()
    try:
        read_text(SourceText("spec.yaml", text), report)
    except SpecError as error:
        report.extend(error.report.found)
    if report.errors:
        with pytest.raises(SpecError) as refused:
            format_source(SourceText("spec.yaml", text))
        assert list(refused.value.report) == list(report)
    else:
        formatted(text)


def test_examples_of_the_language_stay_as_they_are() -> None:
    """The specs on the page of the language are written in the style that `fmt` gives them."""
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    found = re.findall(r"^```yaml\n(graphspec: 1\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(found) >= 3
    for text in found:
        assert formatted(text) == text


MESSY = """\
# the head

outputs:
    y:   {loss: 'mse', from: h, apply: [Flatten , {Dense: {units: 1, name: "no"}}]}     # an output
graph:
  h:
    apply:
    - repeat: 2      # twice
      # what
      Dense: {"units": 64,
              activation: relu}
    - {Dropout: 0.5}
    # whence
    from: "x"


inputs: {x: [8], # eight
         # sparse
         z: {dtype: float32, shape: [2]}}
name: messy
graphspec: 1
# the end
"""

NEAT = """\
# the head

graphspec: 1
name: messy

inputs:
  x: [8]  # eight
  # sparse
  z: {shape: [2], dtype: float32}

graph:
  h:
    # whence
    from: x
    apply:
      # what
      - Dense: {units: 64, activation: relu}
        repeat: 2    # twice
      - Dropout: 0.5

outputs:
  y: {from: h, apply: [Flatten, {Dense: {units: 1, name: "no"}}], loss: mse}            # an output
# the end
"""


def test_a_messy_spec_is_made_neat() -> None:
    """Keys come in order with their comments, lines are joined, quotes go where they are not needed."""
    assert formatted(MESSY) == NEAT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 'x'\n", "a: x\n"),
        ("a: '1'\n", 'a: "1"\n'),
        ("a: 'no'\n", 'a: "no"\n'),
        ("a: no\n", "a: no\n"),
        ("a: '1:30'\n", 'a: "1:30"\n'),
        ("a: ${b}\n", 'a: "${b}"\n'),
        ("a: [\"${b}\", 'c d']\n", 'a: ["${b}", c d]\n'),
        ("a: 'say \"x\"'\n", "a: 'say \"x\"'\n"),
        ('a: "tab\\t"\n', 'a: "tab\\t"\n'),
        ("a: 'x[1]'\n", 'a: "x[1]"\n'),
        ("a: ''\n", 'a: ""\n'),
        ("a: TRUE\nTRUE: ~\n", "a: true\nTRUE: null\n"),
        ("a: 1e-3\nb: 0x1F\nc: .5\nd: 012\n", "a: 1e-3\nb: 0x1F\nc: .5\nd: 012\n"),
        ("a:\nb: {c: , d: }\n", "a:\nb: {c: , d: }\n"),
        ("a: &x [1, 2]\nb: *x\n", "a: &x [1, 2]\nb: *x\n"),
        ("a: &x\n    c: 1\nb:\n- &y\n  d: *x\n- *y\n", "a: &x\n  c: 1\nb:\n  - &y\n    d: *x\n  - *y\n"),
        ("a: |\n      x\n        y\n\n\nb: >-\n  p\n  q\n", "a: |\n  x\n    y\n\nb: >-\n  p\n  q\n"),
        ("a: |2\n   x\n  y\nb: |+\n  z\n\n\nc: 1\n", "a: |2\n   x\n  y\nb: |+\n  z\n\n\nc: 1\n"),
        ("a: one\n  two\n\n  three\n", "a: one two\n\n  three\n"),
        ("--- # c\na: 1\n...\n# d\n", "# c\na: 1\n# d\n"),
        ("? a\n: - 1\n  -  2\n", "a:\n  - 1\n  - 2\n"),
        ("a: - \n", None),
        ("a: [1, # one\n  2]  # two\n", "# one\n"),
        ("a: [ # nothing\n  ]\n", "a: []  # nothing\n"),
        ("a:\n\n\n  b: 1\n\n\n\n  c: 2\n\n", "a:\n  b: 1\n\n  c: 2\n"),
        ("a: b\u2028c # d\u2029e\nf: g\x85\n", 'a: "b\\u2028c"  # d\u2029e\nf: "g\\u0085"\n'),
        (f"? '{'a' * 2_000}'\n: [1,2]\n", f"? {'a' * 2_000}\n: [1, 2]\n"),
        (f"? &k {'a' * 2_000}  # one\n: # two\n  - b: ''\n", f'# one\n? &k {"a" * 2_000}\n:  # two\n  - b: ""\n'),
        ("a: 1     # one\n         # and more\nb: 2 # two\n", "a: 1     # one\n         # and more\nb: 2  # two\n"),
    ],
)
def test_styles(before: str, after: str | None) -> None:
    """How values, comments and empty lines are written."""
    if after is None:
        with pytest.raises(SpecError):
            format_source(SourceText("spec.yaml", before))
    elif before.startswith("a: [1, #"):
        assert formatted(before) == "a:  # two\n  - 1  # one\n  - 2\n"
    else:
        assert formatted(before) == after


@given(st.dictionaries(st.sampled_from(KEYS) | TEXTS, TREES, min_size=1, max_size=6), st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_document_keeps_its_meaning_and_its_comments(tree: Any, data: st.DataObject) -> None:
    """Whatever the style of a document, its values, types and comments are there afterwards, each comment once."""
    writer = Writer(data)
    text = "".join(writer.end() for _ in range(data.draw(st.integers(0, 2)))) + writer.block(tree, 0)
    try:
        tree_of(text)
    except SpecError:
        assume(False)
    after = formatted(text)
    for number in range(1, writer.comments + 1):
        assert len(re.findall(rf"# note {number}(?!\d)", after)) == 1


@given(st.sampled_from(SHIPPED + FIXTURES), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 14)), max_size=8))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_comments_anywhere_in_a_spec_are_kept(path: Path, places: list[tuple[int, int]]) -> None:
    """Comments at the end of any lines, and of their own at any column, are kept once, and the file stays stable."""
    lines = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    assume(lines)
    for number, (line, column) in enumerate(places):
        at = line % len(lines)
        if column > 10:
            lines[at] += f"  # note {number}."
        else:
            lines.insert(at, " " * column + f"# note {number}.")
    text = "\n".join(lines) + "\n"
    try:
        tree_of(text)
    except SpecError:
        assume(False)
    after = formatted(text)
    for number in range(len(places)):
        assert after.count(f"# note {number}.") == text.count(f"# note {number}.") == 1


def test_an_alias_never_comes_before_its_anchor() -> None:
    """Keys whose order an alias depends on stay where they are; all others are put in order."""
    text = "outputs: {y: &node {loss: mse, from: x}}\ngraph: {z: *node}\ngraphspec: 1\n"
    after = formatted(text)
    assert after == "outputs: {y: &node {from: x, loss: mse}}\ngraph: {z: *node}\ngraphspec: 1\n"


@pytest.mark.parametrize("where", ["first", "second", "above a moved key"])
def test_a_modeline_comes_first(where: str) -> None:
    """The line that tells editors the schema stands at the top, whatever moves."""
    line, head = "# yaml-language-server: $schema=x.json", "# about this spec"
    lines = {"first": [line, head], "second": [head, line], "above a moved key": [head, "", line]}[where]
    text = "\n".join([*lines, "name: a", "graphspec: 1"]) + "\n"
    assert formatted(text).splitlines()[:2] == [line, head]


def test_long_lines_are_broken_and_short_blocks_are_left() -> None:
    """What does not fit in 120 columns goes over several lines, from the outside in; a block stays a block."""
    steps = ", ".join(f"{{Dense: {{units: {n}, activation: relu}}}}" for n in (64, 32, 16, 8))
    after = formatted(f"graph:\n  a: {{from: x, apply: [{steps}]}}\n  b:\n    from: a\n")
    assert after.splitlines()[1:5] == [
        "  a:",
        "    from: x",
        "    apply:",
        "      - Dense: {units: 64, activation: relu}",
    ]
    assert after.endswith("  b:\n    from: a\n")
    names = [f"column_{number}" for number in range(12)]
    after = formatted(f"data: {{train: {{inputs: {{x: {{columns: [{', '.join(names)}]}}}}}}}}\n")
    assert max(map(len, after.splitlines())) <= 120
    assert "        columns: [column_0, column_1," in after


@pytest.mark.parametrize("inner", ["", "1", "1, # note\n", "a b c"])
def test_deep_documents_are_formatted(inner: str) -> None:
    """Collections nested as deep as a document may be are laid out, also where no line is short enough."""
    formatted(f"a: {'[' * 98}{inner}{']' * 98}\n")
    formatted(f"a: {'{a: ' * 97}[{inner}]{'}' * 97}\n")


def test_json_stays_json() -> None:
    """A JSON spec is formatted as JSON, its keys in order, its numbers as they were written."""
    text = '{"outputs":{"y":{"loss":"mse","from":"x"}},\n"inputs": {\n"x":[1e3, 2.50]}, "graphspec":1}'
    after = formatted(text, "spec.json")
    assert list(json.loads(after)) == ["graphspec", "inputs", "outputs"]
    assert after == (
        '{\n  "graphspec": 1,\n  "inputs": {\n    "x": [1e3, 2.50]\n  },\n'
        '  "outputs": {"y": {"from": "x", "loss": "mse"}}\n}\n'
    )


@given(st.dictionaries(st.text(max_size=5), TREES, max_size=5), st.sampled_from([None, 1, "\t"]))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_json_keeps_its_meaning(tree: Any, indent: Any) -> None:
    """Whatever the JSON, its values are the same afterwards."""
    text = re.sub(r"NaN|-?Infinity", "1.5", json.dumps(tree, indent=indent))
    try:
        tree_of(text, "spec.json")
    except SpecError:
        assume(False)
    formatted(text, "spec.json")


def test_every_key_of_the_language_has_its_place() -> None:
    """The order of keys knows exactly the keys of the language."""
    beside = {"each", "when", "otherwise", "include", "vars"}
    parts: dict[str, type[Part]] = {
        "spec": language.SpecModel,
        "model": language.NestedModelSpec,
        "block": language.BlockModel,
        "plugin": language.PluginModel,
        "input": language.InputModel,
        "node": language.NodeModel,
        "output": language.OutputModel,
        "loss": language.LossModel,
        "training": TrainingModel,
        "lora": LoraModel,
        "checkpoint": CheckpointModel,
        "stage": StageModel,
        "data": language.DataModel,
        "split": language.ValidationModel,
        "source": language.SourceModel,
    }
    for form, part in parts.items():
        keys = {field.alias or name for name, field in part.model_fields.items()}
        assert set(FORMS[form].keys) - beside == keys - beside, form


def test_more_comments_than_anyone_reads_are_refused() -> None:
    """A document of very many comments, and one of very many faults, is refused in a moment and left as it is."""
    text = "graphspec: 1\n" + "# a\n" * 4_999
    assert formatted(text) == text
    with pytest.raises(SpecError, match="more than 5,000 comments"):
        formatted(text + "# b\n# c\n")
    with pytest.raises(SpecError, match=r"more than 1,000 findings"):
        formatted("[" + "!a x, " * 5_000 + "]")


def test_the_python_parser_reads_comments_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML comes without its C library, formatting gives the same."""
    texts = [MESSY, *(path.read_text(encoding="utf-8") for path in SHIPPED)]
    expected = [format_source(SourceText("spec.yaml", text)) for text in texts]
    monkeypatch.setattr(import_module("graphspec.editor.formatting.source_nodes"), "LOADER", yaml.BaseLoader)
    assert [format_source(SourceText("spec.yaml", text)) for text in texts] == expected
