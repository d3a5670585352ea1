"""Rename: what changes with a name, what is refused, and which renames are plain."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from graphspec.editor.server.checks import Analysis, analyse
from graphspec.editor.server.document import Document
from graphspec.editor.server.rename import RefusedRenameError, plan_rename, rename
from tests.editor.server.editor import Editor, summary
from tests.editor.server.test_names import EARLY, LIBRARY, SPEC, place

ROOT = Path(__file__).parents[3]


@pytest.fixture
def both(editor: Editor) -> Editor:
    editor.open(LIBRARY, "lib.yaml")
    editor.open(SPEC)
    return editor


@pytest.mark.parametrize(
    ("name", "word", "number"),
    [
        ("spec.yaml", "x", 0),
        ("spec.yaml", "label", 0),
        ("spec.yaml", "first", 1),
        ("spec.yaml", "left", 0),
        ("spec.yaml", "two", 0),
        ("spec.yaml", "width", 0),
        ("spec.yaml", "enc", 0),
        ("spec.yaml", "both", 0),
        ("lib.yaml", "res", 0),
        ("lib.yaml", "enc", 0),
        ("lib.yaml", "units", 0),
        ("lib.yaml", "wide", 0),
        ("lib.yaml", "mask", 0),
        ("lib.yaml", "a", 0),
    ],
)
def test_a_rename_keeps_the_findings(name: str, word: str, number: int, both: Editor) -> None:
    """After a rename nothing is undefined, the old name is gone where it stood, and back again is the old text."""
    before = {each.path: each.text for each in both.workspace.documents.values()}
    codes = [each.finding.rule.code for each in both.findings()]
    document = both.workspace.documents[both.uri(name)]
    where = place(document.text, word, number)
    both.apply(rename(document, where, "fresh_name", both.workspace).changes)  # type: ignore[arg-type]
    assert [each.finding.rule.code for each in both.findings()] == codes
    assert "fresh_name" in both.text(name)
    document = both.workspace.documents[both.uri(name)]
    where = place(document.text, "fresh_name")
    both.apply(rename(document, where, word, both.workspace).changes)  # type: ignore[arg-type]
    assert {each.path: each.text for each in both.workspace.documents.values()} == before


def test_a_rename_changes_files_that_are_not_open(editor: Editor) -> None:
    """A spec of the workspace that includes the file is changed as well."""
    editor.write(SPEC, "spec.yaml")
    library = editor.open(LIBRARY, "lib.yaml")
    edit = rename(library, place(LIBRARY, "res"), "residual", editor.workspace)
    assert edit.changes is not None
    assert set(edit.changes) == {editor.uri("spec.yaml"), editor.uri("lib.yaml")}


@pytest.mark.parametrize(
    ("name", "word", "number", "new", "why"),
    [
        ("spec.yaml", "x", 0, "z", "declared already"),
        ("spec.yaml", "x", 0, "label", "declared already"),
        ("spec.yaml", "two", 0, "Dense", "reserved"),
        ("spec.yaml", "two", 0, "enc", "declared already"),
        ("spec.yaml", "two", 0, "call", "reserved"),
        ("spec.yaml", "width", 0, "wide", "declared already"),
        ("spec.yaml", "width", 0, "min", "word of expressions"),
        ("spec.yaml", "width", 0, "a-b", "not a name"),
        ("lib.yaml", "wide", 0, "width", "declared already"),
        ("lib.yaml", "wide", 0, "units", ""),
        ("lib.yaml", "enc", 0, "two", "declared already"),
        ("lib.yaml", "units", 0, "twice", "declared already"),
        ("spec.yaml", "x", 0, "null", "mean something else"),
        ("spec.yaml", "x", 0, "1x", "not a name"),
        ("spec.yaml", "x", 0, "", "not a name"),
        ("spec.yaml", "graph", 0, "net", "no name"),
        ("spec.yaml", "Dense", 0, "Conv2D", "no name"),
    ],
)
def test_a_rename_that_breaks_something_is_refused(
    name: str, word: str, number: int, new: str, why: str, both: Editor
) -> None:
    """What collides, is reserved or is no name is refused, with the reason; what means the same all the same is not."""
    document = both.workspace.documents[both.uri(name)]
    where = place(document.text, word, number)
    if not why:
        rename(document, where, new, both.workspace)
        return
    with pytest.raises(RefusedRenameError, match=why):
        rename(document, where, new, both.workspace)


def test_a_rename_that_would_be_captured_is_refused(editor: Editor) -> None:
    """A variable that is used in a block cannot take the name of the block's parameter."""
    text = LIBRARY.replace('{Dense: "${units}"}', '{Dense: "${units + wide}"}')
    document = editor.open(text, "lib.yaml")
    with pytest.raises(RefusedRenameError, match="mean something else"):
        rename(document, place(text, "wide"), "units", editor.workspace)


def test_renaming_any_node_of_a_shipped_spec_keeps_it_valid(editor: Editor) -> None:
    """Each name of a real spec can be renamed, and the spec stays as valid as it was."""
    for name in ("wine", "shared_vision"):
        path = ROOT / "specs" / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        editor.workspace.folders, editor.workspace.documents = [], {}
        document = editor.open(text, str(path))
        found = summary([each.finding for each in editor.findings()])
        assert document.names is not None
        for each in document.names.names:
            edit = rename(document, document.lines.position(each.start), "zz", editor.workspace)
            editor.apply(edit.changes)  # type: ignore[arg-type]
            assert summary([each.finding for each in editor.findings()]) == found, each.text
            editor.open(text, str(path))


def test_a_name_that_is_declared_later_can_be_renamed(editor: Editor) -> None:
    """No use of a name that is declared later, or twice, is left behind."""
    document = editor.open(EARLY)
    assert editor.findings() == []
    assert document.names is not None
    for each in document.names.names:
        edit = rename(document, document.lines.position(each.start), "fresh", editor.workspace)
        editor.apply(edit.changes)  # type: ignore[arg-type]
        assert editor.findings() == [], each.text
        editor.open(EARLY)


PLAIN = """graphspec: 1
vars: {width: 3}
layers: {shared: {Dense: {units: "${width}", name: named}}}
inputs: {pixels: [4]}
graph:
  hidden: {from: pixels, apply: [shared, ReLU]}
  near: {from: hidden, apply: shared}
outputs:
  label: {from: [hidden, near], merge: concat, loss: mse}
"""
TRAINED = PLAIN + "training: {optimizer: sgd, freeze: [shared], early_stopping: {monitor: val_label_loss}}\n"
COMPOSED = PLAIN.replace("vars: {", "vars: {word: den, ")
MADE = PLAIN.replace("near:", "near: {each: {i: [1, 2]}, ", 1).replace(
    ", {from: hidden, apply: shared}", "from: hidden, apply: ReLU}"
)
DATA = PLAIN + "data: {train: {file: t.npz}}\n"


@pytest.mark.parametrize(
    ("text", "word", "new", "plain"),
    [
        (PLAIN, "hidden", "fresh", True),
        (PLAIN, "width", "fresh", True),
        (PLAIN, "shared", "fresh", True),
        (PLAIN, "pixels", "fresh", True),
        (PLAIN, "hidden", "named", False),
        (PLAIN, "hidden", "near_by", False),
        (PLAIN, "hidden", "nearby", True),
        (PLAIN, "hidden", "ear", True),
        (PLAIN.replace("hidden", "hidden_2"), "hidden_2", "hidden_3", True),
        (PLAIN, "hidden", "yes", False),
        (PLAIN, "hidden", "units", False),
        (MADE, "hidden", "fresh", True),
        (MADE, "hidden", "near_1", False),
        (PLAIN, "hidden", "near_re_lu", False),
        (PLAIN.replace("near", "hid_1"), "hidden", "hid", False),
        (
            COMPOSED.replace("from: hidden, apply: shared", 'from: "hid${word}", apply: shared'),
            "hidden",
            "fresh",
            False,
        ),
        (
            COMPOSED.replace("from: hidden, apply: shared", """from: "${'hid' + word}", apply: shared"""),
            "hidden",
            "f",
            False,
        ),
        (PLAIN.replace("${width}", "${width * 2}"), "hidden", "fresh", True),
        (PLAIN.replace("near:", "hidden:"), "hidden", "fresh", False),
        (PLAIN + "# hidden\n", "hidden", "fresh", True),
        (PLAIN + 'description: "\\x68idden"\n', "hidden", "fresh", False),
        (TRAINED, "hidden", "fresh", True),
        (TRAINED, "shared", "fresh", False),
        (TRAINED, "label", "fresh", False),
        (TRAINED.replace("[shared]", '["sh*"]'), "hidden", "fresh", False),
        (DATA, "hidden", "fresh", True),
        (DATA, "pixels", "fresh", False),
    ],
)
def test_a_plain_rename_is_not_checked(
    text: str, word: str, new: str, plain: bool, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word for a word that nothing looks at needs no compiler; whatever may depend on letters does."""
    checked: list[Document] = []

    def analyse_and_count(document: Document, *more: Any) -> Analysis:
        checked.append(document)
        return analyse(document, *more)

    monkeypatch.setattr("graphspec.editor.server.rename.analyse", analyse_and_count)
    document = editor.open(text)
    with suppress(RefusedRenameError):
        rename(document, place(text, word), new, editor.workspace)
    assert (not checked) is plain


def test_a_plain_rename_changes_nothing(editor: Editor) -> None:
    """Findings, nodes and shapes of shipped specs are the same after it."""
    editor.workspace.folders = []
    count = 0
    for name in ("headline", "shared_vision", "zoo/unet"):
        path = ROOT / "specs" / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        editor.workspace.documents = {}
        document = editor.open(text, str(path))
        before = as_compiled(editor.analysis(document))
        assert document.names is not None
        for each in document.names.names[::2]:
            new = "q" * len(each.text)
            planned = plan_rename(document, document.lines.position(each.start), new, editor.workspace)
            assert planned is not None
            if len(new) > 2 and planned.is_plain:
                editor.apply(planned.edit.changes)  # type: ignore[arg-type]
                assert as_compiled(editor.analysis(editor.workspace.documents[document.uri])) == before, each.text
                editor.open(text, str(path))
                count += 1
    assert count > 8


MANY_NAMES = """graphspec: 1
vars: {width: 3}
layers: {shared: {Dense: {units: "${width}"}}}
blocks:
  cell: {inputs: z, graph: {inner: {from: z, apply: [{Dense: {units: 2}}, ReLU]}}, output: {from: inner, apply: shared}}
inputs: {pixels: [4]}
graph:
  head: {each: {i: [1, 2]}, from: pixels, apply: {Dense: {units: 2, use_bias: "${i > 1}"}}}
  near: {from: head, merge: sum, apply: [cell, {Dense: {units: 3}}, {Dense: {units: 3}}]}
  hidden: {from: [near, pixels], merge: concat}
outputs:
  label: {from: hidden, apply: {Dense: {units: 1}}, loss: mse}
"""


def test_a_plain_rename_passes_the_check(editor: Editor) -> None:
    """No name that the compiler makes out of others is given to something else unseen."""
    document = editor.open(MANY_NAMES)
    assert document.names is not None
    assert editor.findings() == []
    names = document.names.names
    ends = ["", "_0", "_1", "_dense", "_dense_1", "_concatenate", "_inner", "_cell", "_cell_dense", "_re_lu", "_x"]
    asked, plain = 0, 0
    for each, other, end in product(names, names, ends):
        with suppress(RefusedRenameError):
            planned = plan_rename(document, document.lines.position(each.start), other.text + end, editor.workspace)
            asked += 1
            if planned is not None and planned.is_plain:
                plain += 1
                try:
                    planned.check()
                except RefusedRenameError as error:
                    pytest.fail(f"{each.text} → {other.text + end}: {error}")
    assert 0 < plain < asked


def as_compiled(analysis: Analysis) -> object:
    """Return what a spec means, without its names."""
    spec = analysis.spec
    assert spec is not None
    graphs = [
        (len(each.nodes), [str(spec.shapes.of(each, node)) for node in each.nodes])
        for each in (spec.graph, *spec.graph.models())
    ]
    return graphs, [(each.rule.code, str(each.span and each.span.place)) for each in analysis.check.findings]
