"""The findings of open documents are those of `graphspec validate` on the same texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from graphspec.editor.server import checks
from graphspec.editor.server.checks import analyse
from graphspec.editor.server.diagnostics import diagnostics_by_uri
from tests.editor.server.editor import Editor, summary

ROOT = Path(__file__).parents[3]

MISTAKE = """\
graphspec: 1
inputs: {x: [4]}
graph:
  a: {from: x, apply: {Dens: 3}}
outputs:
  y: {from: a, apply: {Dense: 1}}
"""
LIBRARY = """\
graphspec: 1
blocks:
  twice:
    params: {units: }
    inputs: x
    output: {from: x, apply: [{Dense: "${units}"}, {Dense: "${units}"}]}
"""
USER = """\
graphspec: 1
include: lib.yaml
inputs: {x: [4]}
outputs: {y: {from: x, apply: {twice: 3}}}
"""


def shown(editor: Editor) -> list[tuple[str, str, str]]:
    return summary([each.finding for each in editor.findings()])


def test_findings_are_those_of_validate(editor: Editor) -> None:
    """Whatever is wrong with a spec, the editor shows what the command shows."""
    for path in sorted(ROOT.glob("tests/rules/GS[1234]*/*.yaml"))[::8]:
        editor.open(path.read_text(encoding="utf-8"))
        assert shown(editor) == editor.validated(), path


@pytest.mark.parametrize(
    "text", ["", "a", "\0", "graphspec: 1\n\tx: 1", "- a", "{", "\ufeffgraphspec: 1\n", "[" * 3000]
)
def test_findings_of_odd_texts_are_those_of_validate(text: str, editor: Editor) -> None:
    """Empty, broken and binary texts too."""
    editor.open(text)
    assert shown(editor) == editor.validated()


def test_a_diagnostic_names_rule_page_and_places(editor: Editor) -> None:
    """A finding has its range, code, the page of its rule, and the places that belong to it."""
    document = editor.open(MISTAKE.replace("Dens:", "Dense:").replace("from: a", "from: aa"))
    [found] = diagnostics_by_uri(editor.findings(), editor.workspace)[document.uri]
    assert found.range == types.Range(types.Position(5, 12), types.Position(5, 14))
    assert (found.code, found.severity, found.source) == ("GS301", types.DiagnosticSeverity.Error, "graphspec")
    assert "did you mean `a`" in found.message
    assert found.code_description is not None
    assert Path(found.code_description.href.removeprefix("file://")).read_text(encoding="utf-8").startswith("#")
    assert found.related_information is not None
    assert found.related_information[0].location.range.start == types.Position(3, 2)


def test_an_unused_name_is_faded(editor: Editor) -> None:
    """What reaches no output is marked as unnecessary."""
    document = editor.open(MISTAKE.replace("Dens:", "Dense:").replace("from: a", "from: x"))
    [found] = diagnostics_by_uri(editor.findings(), editor.workspace)[document.uri]
    assert found.tags == [types.DiagnosticTag.Unnecessary]


def test_an_include_is_read_from_the_open_document(editor: Editor) -> None:
    """A mistake in a library that is not saved yet is found through the spec that uses it, in the library."""
    editor.write(LIBRARY, "lib.yaml")
    editor.open(USER)
    assert shown(editor) == []
    library = editor.open(LIBRARY.replace("{Dense:", "{Dens:", 1), "lib.yaml")
    by_uri = diagnostics_by_uri(editor.findings(), editor.workspace)
    assert list(by_uri) == [library.uri]
    assert [each.code for each in by_uri[library.uri]] == ["GS201"]
    editor.workspace.documents.pop(library.uri)
    editor.checks.forget(library.uri)
    assert shown(editor) == []


def test_a_mistake_in_a_file_that_is_not_open_is_shown_there(editor: Editor) -> None:
    """Otherwise nobody would see it."""
    path = editor.write(LIBRARY.replace("{Dense:", "{Dens:", 1), "lib.yaml")
    editor.open(USER)
    assert list(diagnostics_by_uri(editor.findings(), editor.workspace)) == [path.as_uri()]


def test_an_edit_checks_again_what_depends_on_it_alone(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three documents, an edit of the library checks the library and the one that includes it."""
    library = editor.open(LIBRARY, "lib.yaml")
    user = editor.open(USER)
    editor.open(MISTAKE, "other.yaml")
    editor.findings()
    checked: list[str] = []

    def count(document: Any, *more: Any) -> Any:
        checked.append(Path(document.path).name)
        return analyse(document, *more)

    monkeypatch.setattr(checks, "analyse", count)
    editor.edit(library, len(LIBRARY), len(LIBRARY), "# end\n")
    editor.findings()
    assert sorted(checked) == ["lib.yaml", "spec.yaml"]
    checked.clear()
    editor.edit(user, len(USER), len(USER), "# end\n")
    editor.findings()
    assert checked == ["spec.yaml"]


def test_stale_work_is_dropped(editor: Editor) -> None:
    """The analysis of a text that has changed meanwhile is not kept."""
    document = editor.open(MISTAKE)
    analysis = analyse(document, editor.workspace.texts())
    editor.edit(document, 0, 0, "# ")
    assert not editor.checks.put(analysis, editor.workspace)
    assert document.uri not in editor.checks.analyses


def test_a_failure_of_a_check_is_a_finding(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphspec itself failing is shown (GS902), and the server goes on."""
    monkeypatch.setattr("graphspec.validation.check.inspect", lambda *_, **__: 1 / 0)
    editor.open(MISTAKE)
    assert [code for code, _, _ in shown(editor)] == ["GS902"]


def test_settings_and_comments_apply(editor: Editor) -> None:
    """What a project or a comment ignores is not shown, as on the command line."""
    editor.write('[tool.graphspec]\nignore = ["unknown-object"]\n', "pyproject.toml")
    editor.open(MISTAKE)
    assert shown(editor) == []
    editor.open("# graphspec: ignore-file[GS201]\n" + MISTAKE, "other.yaml")
    assert shown(editor) == []


def test_a_file_that_is_gone_is_no_failure(editor: Editor) -> None:
    """Deleting the file, or its folder, under an open document leaves its findings."""
    folder = editor.folder / "below"
    folder.mkdir()
    editor.workspace.folders = [str(folder)]
    document = editor.open(USER, "below/spec.yaml")
    folder.rmdir()
    by_uri = diagnostics_by_uri(editor.findings(), editor.workspace)
    assert [each.code for each in by_uri[document.uri]] == ["GS001"]
