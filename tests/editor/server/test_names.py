"""Definition, references, rename, outline, colours and call hierarchy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lsprotocol import types

from graphspec.editor.server import call_hierarchy
from graphspec.editor.server.completion import complete
from graphspec.editor.server.document import Document
from graphspec.editor.server.hover import hover
from graphspec.editor.server.navigation import definition, references
from graphspec.editor.server.outline import document_symbols, folding_ranges
from graphspec.editor.server.positions import Lines
from graphspec.editor.server.project import declaration_of
from graphspec.editor.server.rename import RefusedRenameError, name_range, rename
from graphspec.editor.server.semantic_tokens import LEGEND, semantic_tokens
from graphspec.editor.server.signatures import signature_help
from tests.editor.server.editor import CURSOR, Editor

ROOT = Path(__file__).parents[3]
LIBRARY = """\
graphspec: 1
vars: {wide: 8}
layers: {enc: {Dense: "${wide}"}}
blocks:
  res:
    params: {units: , twice: false}
    inputs: [x, mask]
    graph:
      a: {from: x, apply: {Dense: "${units}"}}
      b: {when: "${twice}", from: a, apply: {Dense: "${units * 2}"}, otherwise: a}
    output: {from: [a, b], merge: concat}
"""
SPEC = """\
graphspec: 1
include: lib.yaml
vars: {width: 3}
models:
  two:
    inputs: {a: [4], b: [4]}
    graph: {both: {from: [a, b], merge: concat}}
    outputs: {left: {from: both, apply: {Dense: "${width}"}}, right: b}
inputs: {x: [4], z: [4]}
graph:
  first: {from: {a: x, b: z}, apply: two}
  second: {from: first.left, apply: [enc, {res: {units: "${wide}"}, call: {mask: z}}]}
  third: {each: {width: [1, 2]}, from: "first.right", apply: {Dense: "${width}"}}
outputs:
  label: {from: [second, "third[0]"], merge: concat, apply: {Dense: 1}, loss: mse}
  other: {from: enc_x, loss: mse}
  enc_x: {from: x, apply: [enc, {TimeDistributed: enc}], loss: null}
training: {optimizer: adam, freeze: [enc, two/left], checkpoint: {monitor: val_label_loss}}
data: {train: {file: t.csv, inputs: {x: {column: a}, z: {column: a}}, outputs: {label: {column: b}}}}
search: {parameters: {vars.width: [1, 2]}}
"""


def place(text: str, word: str, number: int = 0) -> types.Position:
    """Return the place of the n-th occurrence of a word in a text."""
    found = [match.start() for match in re.finditer(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text)]
    return Lines(text).position(found[number])


@pytest.fixture
def both(editor: Editor) -> Editor:
    editor.open(LIBRARY, "lib.yaml")
    editor.open(SPEC)
    return editor


def spec(editor: Editor) -> Document:
    return editor.workspace.documents[editor.uri("spec.yaml")]


@pytest.mark.parametrize(
    ("word", "number", "target"),
    [
        ("x", 1, ("spec.yaml", "x: [4], z")),
        ("first", 1, ("spec.yaml", "first: {from")),
        ("left", 0, ("spec.yaml", "left: {from")),
        ("two", 1, ("spec.yaml", "two:\n")),
        ("a", 2, ("spec.yaml", "a: [4], b")),
        ("enc", 0, ("lib.yaml", "enc: {Dense")),
        ("res", 0, ("lib.yaml", "res:\n")),
        ("units", 0, ("lib.yaml", "units: ,")),
        ("mask", 0, ("lib.yaml", "mask]")),
        ("wide", 0, ("lib.yaml", "wide: 8")),
        ("width", 1, ("spec.yaml", "width: 3")),
        ("width", 3, ("spec.yaml", "width: [1, 2]}, from")),
        ("lib", 0, ("lib.yaml", "graphspec: 1\nvars")),
    ],
)
def test_definition(word: str, number: int, target: tuple[str, str], both: Editor) -> None:
    """Each use leads to its declaration: in bodies, models, blocks, expressions, and other files."""
    found = definition(spec(both), place(SPEC, word, number), both.workspace)
    assert found is not None
    assert found.uri == both.uri(target[0])
    document = both.workspace.documents[found.uri]
    assert document.text[document.lines.offset(found.range.start) :].startswith(target[1])


EARLY = """\
graphspec: 1
vars: {wide: "${narrow * 2}", narrow: 3, seen: [[0], [1]]}
blocks:
  outer: {params: {narrow: "${narrow}"}, inputs: x, output: {from: x, apply: {inner: {units: "${narrow}"}}}}
  inner: {params: {units: }, inputs: x, output: {from: x, apply: {Dense: "${units}"}}}
inputs: {x: [4]}
graph:
  tree: {each: {seen: "${seen}"}, from: x, apply: {outer: {narrow: "${seen[0] + wide}"}}}
outputs:
  y: {from: tree, merge: concat, loss: mse}
"""


@pytest.mark.parametrize(
    ("word", "number", "target"),
    [
        ("narrow", 0, "narrow: 3"),
        ("narrow", 3, "narrow: 3"),
        ("narrow", 4, 'narrow: "${narrow}"}, inputs'),
        ("inner", 0, "inner: {params"),
        ("units", 0, "units: }"),
        ("seen", 2, "seen: [[0]"),
        ("seen", 3, 'seen: "${seen}"'),
    ],
)
def test_a_use_may_stand_before_its_declaration(word: str, number: int, target: str, editor: Editor) -> None:
    """Variables and blocks are known to what stands above; a default and a value of `each` use what is around."""
    document = editor.open(EARLY)
    found = definition(document, place(EARLY, word, number), editor.workspace)
    assert found is not None
    assert EARLY[document.lines.offset(found.range.start) :].startswith(target)


def test_references_across_files(both: Editor) -> None:
    """A layer of a library has its uses in every spec that includes it, as step, as argument and in `freeze`."""
    library = both.workspace.documents[both.uri("lib.yaml")]
    found = references(library, place(LIBRARY, "enc"), both.workspace, with_declaration=True)
    assert [(each.uri.rpartition("/")[2], each.range.start.line) for each in found] == [
        ("lib.yaml", 2),
        ("spec.yaml", 11),
        ("spec.yaml", 16),
        ("spec.yaml", 16),
        ("spec.yaml", 17),
    ]


def test_references_include_data_and_monitors(both: Editor) -> None:
    """An output is named by its targets and by the metrics that are watched."""
    found = references(spec(both), place(SPEC, "label"), both.workspace, with_declaration=False)
    assert [each.range.start.line for each in found] == [17, 18]


def test_only_names_of_the_spec_can_be_renamed(both: Editor) -> None:
    """An editor asks first whether there is a name."""
    assert name_range(spec(both), place(SPEC, "first"), both.workspace) is not None
    assert name_range(spec(both), place(SPEC, "Dense"), both.workspace) is None
    assert name_range(spec(both), place(SPEC, "graph"), both.workspace) is None


def test_every_reference_of_the_shipped_specs_is_found(editor: Editor) -> None:
    """In valid specs no tensor, layer or variable is left without its declaration."""
    for path in sorted(ROOT.glob("specs/**/*.yaml")):
        editor.workspace.folders = []
        document = editor.workspace.document_at(str(path))
        assert document is not None
        assert document.names is not None
        for use in document.names.uses:
            if use.kind in ("tensor", "declared", "variable") and ">" not in use.text:
                assert declaration_of(document, use, editor.workspace) is not None, (path.name, use.text)


def test_symbols_nest_as_the_spec_does(both: Editor) -> None:
    """The outline holds sections, their names, and those inside of models and blocks."""
    symbols = {each.name: each for each in document_symbols(spec(both))}
    assert list(symbols)[:4] == ["graphspec", "include", "vars", "models"]
    [two] = symbols["models"].children or []
    assert two.kind == types.SymbolKind.Class
    assert [each.name for each in two.children or []] == ["inputs", "graph", "outputs"]
    for symbol in symbols.values():
        for inner in symbol.children or []:
            assert symbol.range.start <= inner.range.start
            assert inner.range.end <= symbol.range.end


def test_folding(editor: Editor) -> None:
    """What spans several lines folds, comments too."""
    document = editor.open("# one\n# two\ngraphspec: 1\ngraph:\n  a:\n    from: x\n  b: {from: x}\n")
    found = [(each.start_line, each.end_line, each.kind) for each in folding_ranges(document)]
    assert sorted(found, key=str) == sorted(
        [(3, 6, None), (4, 5, None), (0, 1, types.FoldingRangeKind.Comment)], key=str
    )


def test_tokens_are_in_order_and_within_lines(both: Editor) -> None:
    """Tokens are relative, of known types, and name what they cover."""
    data = semantic_tokens(spec(both)).data
    lines = SPEC.split("\n")
    line = column = 0
    words: dict[str, str] = {}
    for delta, start, length, kind, _ in zip(*[iter(data)] * 5, strict=True):
        line, column = line + delta, start + (0 if delta else column)
        words.setdefault(lines[line][column : column + length], LEGEND.token_types[kind])
    assert words["Dense"] == "class"
    assert words["first"] == "variable"
    assert words["two"] == "namespace"
    assert words["width"] == "parameter"


def test_calls_of_blocks(both: Editor) -> None:
    """A block knows the nodes that use it, and a model what it uses."""
    [block] = call_hierarchy.prepare(spec(both), place(SPEC, "res"), both.workspace)
    assert (block.name, block.uri) == ("res", both.uri("lib.yaml"))
    [incoming] = call_hierarchy.incoming_calls(block, both.workspace)
    assert incoming.from_.name == "second"
    layers = "graphspec: 1\nlayers: {d: {Dense: 3}}\nblocks:\n"
    block_text = f"  b{CURSOR}: {{inputs: x, output: {{from: x, apply: d}}}}\n"
    document, where = both.at_cursor(layers + block_text, "c.yaml")
    [item] = call_hierarchy.prepare(document, where, both.workspace)
    assert [each.to.name for each in call_hierarchy.outgoing_calls(item, both.workspace)] == ["d"]


def test_a_huge_text_is_checked_and_no_more(editor: Editor) -> None:
    """Features that walk through names answer nothing for a text of more than a million characters."""
    document = editor.open("graphspec: 1\n" + "# a comment\n" * 100_000)
    place = types.Position(0, 3)
    assert document.names is None
    assert editor.findings()
    assert definition(document, place, editor.workspace) is None
    assert document_symbols(document) == []
    assert folding_ranges(document) == []
    assert semantic_tokens(document).data == []
    assert complete(document, place, editor.workspace) == []
    assert hover(document, place, editor.workspace, editor.checks.specs_of(document)) is None
    assert signature_help(document, place, editor.workspace) is None
    with pytest.raises(RefusedRenameError):
        rename(document, place, "x", editor.workspace)


@pytest.mark.parametrize(
    "text", ["", "\0", "graphspec", "[[[[", "{" * 300, "a: " * 300, "- \n" * 300, "&a *a", "? x\n: y", "%YAML"]
)
def test_odd_texts_have_answers(text: str, editor: Editor) -> None:
    """At every place of a text that is no spec, each feature answers."""
    document = editor.open(text)
    editor.findings()
    for offset in range(0, len(text) + 1, 1 + len(text) // 10):
        place = document.lines.position(offset)
        complete(document, place, editor.workspace)
        hover(document, place, editor.workspace, editor.checks.specs_of(document))
        signature_help(document, place, editor.workspace)
        definition(document, place, editor.workspace)
    document_symbols(document)
    folding_ranges(document)
    semantic_tokens(document)
