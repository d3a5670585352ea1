"""Hover, inlay hints, code lenses and signature help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lsprotocol import types

from graphspec.editor.server.code_lens import code_lenses
from graphspec.editor.server.hover import hover
from graphspec.editor.server.inlay_hints import inlay_hints
from graphspec.editor.server.signatures import signature_help
from graphspec.editor.server.spec_calls import SpecCalls
from graphspec.spec import load
from tests.editor.server.editor import CURSOR, Editor, apply_edits

ROOT = Path(__file__).parents[3]
SPEC = """\
graphspec: 1
vars: {width: 8}
layers: {enc: {Dense: 3}}
blocks:
  res: {params: {units: , twice: false}, inputs: x, output: {from: x, apply: {Dense: "${units}"}}}
models:
  two: {inputs: {a: [4]}, outputs: {left: {from: a, apply: {Dense: 2}}}}
inputs: {x: [4], words: {shape: [6], dtype: int32}}
graph:
  embedded: {from: words, apply: [{Embedding: {input_dim: 9, output_dim: 5}}, {LSTM: 7}]}
  deep: {from: x, apply: [{Dense: {units: 16, activation: relu}, repeat: 2}, enc]}
  again: {from: x, apply: [{res: "${width}"}, {Dense: 16}, enc]}
  both: {from: [deep, embedded], merge: concat}
outputs:
  y: {from: [both, again], merge: concat, apply: {Dense: 1}}
  z: {from: x, apply: [two, {Dense: 1}]}
"""


def text_at(editor: Editor, word: str, number: int = 0) -> str:
    document = editor.open(SPEC)
    editor.analysis(document)
    start = [match.start() for match in re.finditer(rf"\b{re.escape(word)}\b", SPEC)][number]
    specs = editor.checks.specs_of(document)
    found = hover(document, document.lines.position(start), editor.workspace, specs)
    assert found is None or isinstance(found.contents, types.MarkupContent)
    return found.contents.value if found is not None else ""  # type: ignore[union-attr] # checked above


@pytest.mark.parametrize(
    ("word", "number", "parts"),
    [
        ("LSTM", 0, ["(batch, 6, 5) float32` → `(batch, 7) float32", "Parameters: 364", "Long Short-Term Memory"]),
        ("Dense", 3, ["(batch, 4) float32` → `(batch, 16)", "(batch, 16) float32", "2 times", "Parameters: 352"]),
        ("embedded", 0, ["node", "(batch, 7) float32", "`Embedding` → `(batch, 6, 5)", "Parameters: 409"]),
        ("words", 0, ["input", "(batch, 6) int32"]),
        ("words", 1, ["input", "(batch, 6) int32"]),
        ("enc", 0, ["layer, used 2 times", "Parameters: ", "densely-connected"]),
        ("enc", 1, ["(batch, 16) float32` → `(batch, 3)", "Shares its weights with line 12"]),
        ("two", 0, ["model, used once", "in: `a (batch, 4)", "out: `left (batch, 2)", "Parameters: 10"]),
        ("two", 1, ["(batch, 4) float32` → ", "model, used once"]),
        ("res", 0, ["block, used once", "(units, twice: false)"]),
        ("res", 1, ["→ `(batch, 8) float32", "block, used once"]),
        ("concat", 0, ["Concatenate", "[(batch, 3), (batch, 7)]", "→ `(batch, 10) float32"]),
        ("activation", 0, ["argument of `Dense`, default `null`", "Activation function"]),
        ("output_dim", 0, ["argument of `Embedding`, required"]),
        ("width", 0, ["variable = `8`"]),
        ("width", 1, ["variable = `8`"]),
        ("repeat", 0, ["How many times"]),
        ("merge", 0, ["operation that combines"]),
        ("inputs", 2, ["The model's inputs"]),
        ("relu", 0, ["relu"]),
    ],
)
def test_hover(word: str, number: int, parts: list[str], editor: Editor) -> None:
    """A hover tells shapes in and out, dtype, parameters, sharing, and Keras' own line."""
    text = text_at(editor, word, number)
    for part in parts:
        assert part in text


def test_while_a_text_is_checked_again_shapes_stay(editor: Editor) -> None:
    """Right after an edit, hints and hovers around it are those of the last check, at their new places."""
    document = editor.open(SPEC)
    editor.analysis(document)
    edited = editor.edit(document, 0, 0, "# a line\n")
    specs = editor.checks.specs_of(edited)
    hints = inlay_hints(edited, edited.lines.whole, specs)
    assert [each.label for each in hints] == [
        each.label for each in inlay_hints(document, document.lines.whole, editor.checks.specs_of(document))
    ]
    found = hover(edited, edited.lines.position(edited.text.index("LSTM")), editor.workspace, specs)
    assert found is not None
    assert "Parameters: 364" in str(found.contents)


def test_hover_in_a_broken_text(editor: Editor) -> None:
    """Where nothing can be inferred, documentation is left."""
    document, place = editor.at_cursor(f"graphspec: 1\ngraph: {{a: {{from: x, apply: {{De{CURSOR}nse: 3")
    editor.analysis(document)
    found = hover(document, place, editor.workspace, editor.checks.specs_of(document))
    assert found is not None
    assert "densely-connected" in str(found.contents)


def test_every_step_has_its_shape(editor: Editor) -> None:
    """A hint after each step shows what it gives; after the last step that is the shape of the output."""
    document = editor.open(SPEC)
    editor.analysis(document)
    specs = editor.checks.specs_of(document)
    hints = inlay_hints(document, document.lines.whole, specs)
    edits = [types.TextEdit(types.Range(each.position, each.position), f"«{each.label}»") for each in hints]
    shown = apply_edits(document, edits)
    for expected in (
        "{Embedding: {input_dim: 9, output_dim: 5}«→ (batch, 6, 5)»}, {LSTM: 7«→ (batch, 7)»}]",
        "{Dense: {units: 16, activation: relu}«→ (batch, 16)», repeat: 2}, enc«→ (batch, 3)»]",
        '[{res: "${width}"«→ (batch, 8)»}, {Dense: 16«→ (batch, 16)»}, enc«→ (batch, 3)»]',
        "merge: concat«→ (batch, 10)»}",
        'output: {from: x, apply: {Dense: "${units}"«→ (batch, 8)»}}',
    ):
        assert expected in shown
    first_line = types.Range(types.Position(0, 0), types.Position(1, 0))
    assert inlay_hints(document, first_line, specs) == []


def test_hints_agree_with_the_inferred_shapes(editor: Editor) -> None:
    """In a library the shapes are those of the spec that is open beside it."""
    editor.write("", "x.yaml")
    library = editor.open("graphspec: 1\nblocks:\n  b: {inputs: x, output: {from: x, apply: {Dense: 3}}}\n", "lib.yaml")
    editor.open("graphspec: 1\ninclude: lib.yaml\ninputs: {x: [4]}\noutputs: {y: {from: x, apply: [b, {Dense: 1}]}}\n")
    editor.analysis(library)
    specs = editor.checks.specs_of(library)
    assert [each.label for each in inlay_hints(library, library.lines.whole, specs)] == ["→ (batch, 3)"]


def test_lenses(editor: Editor) -> None:
    """The spec and its models show their parameters; layers, models and blocks how often they are used."""
    document = editor.open(SPEC)
    editor.analysis(document)
    specs = editor.checks.specs_of(document)
    found = {
        each.range.start.line: each.command.title
        for each in code_lenses(document, editor.workspace, specs)
        if each.command
    }
    assert re.fullmatch(r"[\d,]+ parameters", found[0])
    assert found[4] == "used once"
    lenses = code_lenses(document, editor.workspace, specs, show_references="show")
    commands = {each.range.start.line: each.command for each in lenses if each.command}
    assert {line: each.title for line, each in commands.items()} == found
    shown = commands[2]
    assert shown.command == "show"
    assert shown.arguments is not None
    uri, position, places = shown.arguments
    assert isinstance(position, types.Position)
    assert isinstance(places, list)
    assert (uri, position.line, len(places)) == (document.uri, 2, 2)
    assert commands[0].command == ""
    assert found[6] == "10 parameters · used once"
    assert found[2].endswith("used 2 times")


def test_the_lens_of_a_spec_is_its_number_of_parameters(editor: Editor) -> None:
    """The number is that of `graphspec summary` without Keras."""
    path = ROOT / "specs" / "headline.yaml"
    document = editor.open(path.read_text(encoding="utf-8"))
    editor.analysis(document)
    specs = editor.checks.specs_of(document)
    [first, *_] = code_lenses(document, editor.workspace, specs)
    assert first.command is not None
    calls = SpecCalls.of(load(path))
    count = calls.parameters(calls.spec.graph.needed_layers())
    assert first.command.title == f"{count:,} parameters"


@pytest.mark.parametrize(
    ("text", "label", "active"),
    [
        ("{Dense: {▮", "Dense(units, activation=null", 0),
        ("{Dense: {units: 3, act▮", "Dense(units, activation=null", 1),
        ("{Dense: {units: 3, activation: ▮", "Dense(units, activation=null", 1),
        ("{Dense: {units: 3, kernel_initializer: {HeNormal: {▮", "HeNormal(seed=null", 0),
        ("{res: {twice: ▮", "res(units, twice=false)", 1),
        ("{ops.clip: {x_max: ▮", "ops.clip(x, x_min, x_max)", 2),
    ],
)
def test_signatures(text: str, label: str, active: int, editor: Editor) -> None:
    """The arguments of the innermost object, and the one at the cursor."""
    document, place = editor.at_cursor(SPEC[: SPEC.index("outputs:\n  y")] + f"  new: {{from: x, apply: {text}")
    found = signature_help(document, place, editor.workspace)
    assert found is not None
    assert found.signatures[0].label.startswith(label)
    assert found.active_parameter == active


def test_outside_of_arguments_there_is_no_signature(editor: Editor) -> None:
    """Nothing is shown where nothing is called."""
    document, place = editor.at_cursor("graphspec: 1\nname: a▮\n")
    assert signature_help(document, place, editor.workspace) is None
