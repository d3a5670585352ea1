"""Quick fixes, all fixes at once, and formatting."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from graphspec.diagnostics import SourceText
from graphspec.editor.formatting import format_source
from graphspec.editor.server.actions import FIX_ALL, code_actions, fixed
from graphspec.editor.server.formatting import format_document, format_range
from tests.editor.server.editor import Editor, apply_edits

ROOT = Path(__file__).parents[3]
TYPO = """\
graphspec: 1
inputs: {x: [4]}
outputs:
  y: {from: x, aply: {Dense: {units: "3"}}, los: null}
"""


def actions(editor: Editor, line: int, column: int, only: list[str] | None = None) -> list[types.CodeAction]:
    document = editor.workspace.documents[editor.uri("spec.yaml")]
    place = types.Range(types.Position(line, column), types.Position(line, column))
    return code_actions(document, editor.findings(), editor.workspace, range=place, only=only)


def test_a_quick_fix_at_its_finding(editor: Editor) -> None:
    """The fix of a finding is offered at its place alone, and makes its edits."""
    editor.open(TYPO)
    [quick, whole] = actions(editor, 3, 16)
    assert (quick.kind, quick.is_preferred) == (types.CodeActionKind.QuickFix, True)
    assert quick.diagnostics is not None
    assert quick.diagnostics[0].code == "GS101"
    assert whole.kind == FIX_ALL
    assert quick.edit is not None
    editor.apply(quick.edit.changes)  # type: ignore[arg-type]
    assert "apply: {Dense" in editor.text()
    assert actions(editor, 0, 0, [types.CodeActionKind.QuickFix]) == []


def test_a_fix_after_an_edit(editor: Editor) -> None:
    """Until the text is checked again, fixes that the edit has not touched are offered at their new places."""
    document = editor.open(TYPO)
    found = editor.findings()
    edited = editor.edit(document, 0, 0, "# a line\n")
    place = types.Range(types.Position(4, 16), types.Position(4, 16))
    kinds = [types.CodeActionKind.QuickFix]
    [quick] = code_actions(edited, found, editor.workspace, range=place, only=kinds)
    assert quick.edit is not None
    editor.apply(quick.edit.changes)  # type: ignore[arg-type] # lists of edits
    assert "x, apply: {Dense" in editor.text()
    touched = editor.edit(edited, edited.text.index("aply"), edited.text.index("aply") + 1, "b")
    assert code_actions(touched, found, editor.workspace, range=place, only=kinds) == []


def test_all_fixes_are_those_of_the_command(editor: Editor) -> None:
    """All at once gives the text that `graphspec validate --fix` writes."""
    document = editor.open(TYPO)
    [whole] = actions(editor, 0, 0, ["source.fixAll"])
    assert whole.edit is not None
    editor.apply(whole.edit.changes)  # type: ignore[arg-type]
    assert editor.text() == TYPO.replace("aply", "apply").replace('"3"', "3").replace("los:", "loss:")
    assert fixed(document, editor.workspace) == TYPO  # of the text that is open now, nothing is left to fix


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*.yaml")), ids=lambda path: path.stem)
def test_formatting_is_that_of_fmt(path: Path, editor: Editor) -> None:
    """The edits of the editor give the text of `graphspec fmt`, for one that is not formatted too."""
    text = path.read_text(encoding="utf-8").replace(", ", " ,   ").replace("\n\n", "\n\n\n\n")
    document = editor.open(text)
    expected = format_source(SourceText(str(path), text))
    assert apply_edits(document, format_document(document)) == expected
    assert format_document(editor.open(expected, "other.yaml")) == []


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_formatting_keeps_line_ends(end: str, editor: Editor) -> None:
    """Lines are those of the protocol."""
    document = editor.open("graphspec:   1\ninputs: {x:   [4]}\noutputs: {y: x}\n".replace("\n", end))
    assert apply_edits(document, format_document(document)) == (
        "graphspec: 1\ninputs: {x: [4]}\noutputs: {y: x}\n".replace("\n", end)
    )


def test_a_range_is_formatted_alone(editor: Editor) -> None:
    """Lines outside of the range stay as they are."""
    document = editor.open("graphspec:   1\ninputs: {x:   [4]}\noutputs: {y:   x}\n")
    edits = format_range(document, types.Range(types.Position(1, 0), types.Position(2, 0)))
    assert apply_edits(document, edits) == "graphspec:   1\ninputs: {x: [4]}\noutputs: {y:   x}\n"


def test_a_range_never_loses_what_moves(editor: Editor) -> None:
    """Where formatting moves a key across the end of the range, the range is left alone."""
    document = editor.open("graphspec: 1\noutputs: {y: x}\ninputs: {x: [4]}\n")
    edits = format_range(document, types.Range(types.Position(1, 0), types.Position(1, 9)))
    assert edits == []


def test_a_text_that_does_not_read_is_not_formatted(editor: Editor) -> None:
    """Half a line is no reason to touch the rest."""
    assert format_document(editor.open("graphspec: 1\ninputs: {x: [4\n")) == []
