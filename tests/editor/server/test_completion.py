"""Completion at every kind of place, in texts that are broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from graphspec.editor.server.completion import complete
from tests.editor.server.editor import CURSOR, Editor, apply_edits
from tests.sources.valid_files import valid_files

ROOT = Path(__file__).parents[3]
SPEC = """\
graphspec: 1
include: lib.yaml
vars: {width: 3}
layers: {enc: {Dense: 3}}
blocks:
  res: {params: {filters: , strides: 1}, inputs: [x, mask], output: {from: x, apply: {Dense: "${filters}"}}}
models:
  two: {inputs: {a: [3], b: [3]}, outputs: {left: a, right: b}}
inputs: {x: [3], z: [3]}
graph:
  first: {from: {a: x, b: z}, apply: two}
"""
LIBRARY = "graphspec: 1\nvars: {depth: 2}\nlayers: {shared: {Dense: 4}}\n"


def items(editor: Editor, text: str, name: str = "spec.yaml") -> dict[str, types.CompletionItem]:
    document, position = editor.at_cursor(text, name)
    return {each.label: each for each in complete(document, position, editor.workspace)}


PLACES = {
    "a key of the spec": ("graphspec: 1\n▮\n", {"inputs", "training", "blocks"}, {"graphspec", "from"}),
    "a key of a node": (SPEC + "  a: {fr▮}", {"from", "apply", "when"}, {"loss", "inputs"}),
    "a key of an output": (SPEC + "outputs:\n  y:\n    from: x\n    ▮", {"apply", "loss"}, {"from"}),
    "a tensor": (SPEC + "  a: {from: ▮", {"x", "z", "first"}, {"a", "left", "width"}),
    "a tensor in a list": (SPEC + "  a: {from: [x, ▮", {"x", "z", "first"}, {"a"}),
    "a tensor on half a line": (SPEC + "  a: ▮\noutputs: {y: a}\n", {"x", "first"}, {"a"}),
    "an output of a model": (SPEC + "  a: {from: first.▮", {"left", "right"}, {"x"}),
    "an input of a model": (SPEC + "  a: {from: {▮}, apply: two}", {"a", "b"}, {"x"}),
    "an argument of a call": (SPEC + "  a: {from: {▮}, apply: MultiHeadAttention}", {"query", "value"}, {"x"}),
    "an input of a block": (SPEC + "  a: {from: x, apply: {res: 3, call: {▮}}}", {"mask"}, {"filters"}),
    "a step": (
        SPEC + "  a: {from: x, apply: ▮",
        {"Dense", "ops.add", "enc", "res", "two", "shared"},
        {"call", "Lambda"},
    ),
    "a step of a block list": (SPEC + "  a:\n    apply:\n      - De▮\n", {"Dense", "res"}, {"from"}),
    "a key beside a step": (SPEC + "  a: {from: x, apply: {Dense: 3, ▮}}", {"call", "repeat", "when"}, {"Conv2D"}),
    "an argument": (SPEC + "  a: {from: x, apply: {Dense: {▮", {"units", "activation"}, {"filters"}),
    "a further argument": (SPEC + "  a: {from: x, apply: {Dense: {units: 3, ▮", {"activation"}, {"units"}),
    "a parameter of a block": (SPEC + "  a: {from: x, apply: [{res: {▮", {"filters", "strides"}, {"units"}),
    "a word": (SPEC + "  a: {from: x, apply: {Conv2D: {padding: ▮", {"same", "valid"}, {"x"}),
    "an activation": (SPEC + "  a: {from: x, apply: {Dense: {activation: ▮", {"relu", "softmax"}, {"Dense"}),
    "true or false": (SPEC + "  a: {from: x, apply: {Dense: {use_bias: ▮", {"true", "false"}, {"x"}),
    "a loss": (SPEC + "outputs: {y: {from: x, loss: ▮", {"mse", "Huber"}, {"adam"}),
    "a metric": (SPEC + "outputs: {y: {from: x, metrics: [▮", {"accuracy", "AUC"}, {"adam"}),
    "an optimizer": ("graphspec: 1\ntraining: {optimizer: ▮", {"adam", "Adam"}, {"mse"}),
    "a callback": ("graphspec: 1\ntraining:\n  callbacks:\n    - ▮", {"EarlyStopping"}, {"LambdaCallback"}),
    "a dtype": ("graphspec: 1\ninputs: {x: {dtype: ▮", {"int32", "string"}, {"x"}),
    "a merge": (SPEC + "  a: {from: [x, z], merge: ▮", {"concat", "sum"}, {"Dense"}),
    "a variable": (SPEC + '  a: {from: x, apply: {Dense: "${wi▮', {"width", "depth", "min"}, {"x", "filters"}),
    "a variable of each": (SPEC + '  a: {each: {n: [1]}, from: x, apply: {Dense: "${▮', {"n", "width"}, {"x"}),
    "an application": ("graphspec: 1\nmodels: {m: {application: ▮", {"ResNet50"}, {"Dense"}),
    "an input of the data": (SPEC + "outputs: {y: x}\ndata: {train: {inputs: {▮", {"x", "z"}, {"y"}),
    "an output of the data": (SPEC + "outputs: {y: x}\ndata: {train: {outputs: {▮", {"y"}, {"x"}),
    "a column": (
        "graphspec: 1\ndata:\n  train:\n    file: t.csv\n    inputs: {x: {column: ▮",
        {"price", "a: b"},
        {"x"},
    ),
    "a file": ("graphspec: 1\ndata: {train: {file: ▮", {"t.csv", "lib.yaml"}, {".hidden"}),
    "a layer to freeze": (SPEC + "outputs: {y: x}\ntraining: {freeze: [▮", {"enc", "two", "first", "y"}, {"res", "x"}),
    "a monitor": (
        SPEC + "outputs: {y: {from: x, metrics: [mae]}}\ntraining: {checkpoint: {monitor: ▮",
        {"val_mae"},
        {"x"},
    ),
    "a parameter of a search": (SPEC + "search: {parameters: {▮", {"vars.width"}, {"width"}),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_offered(place: str, editor: Editor) -> None:
    """Each place offers what may stand there, with the text broken behind it, and nothing that may not."""
    editor.write(LIBRARY, "lib.yaml")
    editor.write("price,a: b\n1,2\n", "t.csv")
    editor.write("", ".hidden")
    text, offered, absent = PLACES[place]
    labels = set(items(editor, text))
    assert offered <= labels
    assert not absent & labels


@pytest.mark.parametrize(
    ("text", "label", "inserted"),
    [
        (SPEC + "  a: {from: x, apply: De▮", "Dense", "{Dense: {units: $1}}"),
        (SPEC + "  a: {from: x, apply: [De▮]}", "Dense", "{Dense: {units: $1}}"),
        (SPEC + "  a: {from: x, apply: {De▮}}", "Dense", "Dense: {units: $1}"),
        (SPEC + "  a:\n    apply:\n      - De▮", "Dense", "Dense: {units: $1}"),
        (SPEC + "  a: {from: x, apply: {De▮: 3}}", "Dense", "Dense"),
        (SPEC + "  a: {from: x, apply: Fl▮", "Flatten", "Flatten"),
        (SPEC + "  a: {from: x, apply: r▮", "res", "{res: {filters: $1}}"),
        ("graphspec: 1\ngr▮\n", "graph", "graph:\n  $0"),
        ("graphspec: 1\ndata: {train: {file: t.csv, inputs: {x: {column: ▮", "a: b", '"a: b"'),
    ],
)
def test_what_is_inserted(text: str, label: str, inserted: str, editor: Editor) -> None:
    """An item inserts the form that fits the place, with what must be filled in."""
    editor.write("price,a: b\n1,2\n", "t.csv")
    edit = items(editor, text)[label].text_edit
    assert isinstance(edit, types.TextEdit)
    assert edit.new_text == inserted


def test_an_item_replaces_the_word_at_the_cursor(editor: Editor) -> None:
    """What is written of the word before and behind the cursor goes."""
    text = SPEC + "  a: {from: x, apply: {Den▮s: 3}}\n"
    edit = items(editor, text)["Dense"].text_edit
    assert isinstance(edit, types.TextEdit)
    document = editor.workspace.documents[editor.uri("spec.yaml")]
    assert apply_edits(document, [edit]) == SPEC + "  a: {from: x, apply: {Dense: 3}}\n"


def test_items_have_the_documentation_of_keras(editor: Editor) -> None:
    """A layer and its arguments come with Keras' own line."""
    layer = items(editor, SPEC + "  a: {from: x, apply: De▮")["Dense"]
    assert isinstance(layer.documentation, types.MarkupContent)
    assert "densely-connected" in layer.documentation.value
    argument = items(editor, SPEC + "  a: {from: x, apply: {Dense: {▮")["units"]
    assert isinstance(argument.documentation, types.MarkupContent)
    assert argument.detail == "required"


def test_json_gets_quotes(editor: Editor) -> None:
    """In a JSON spec, keys and words are quoted."""
    found = items(editor, '{"graphspec": 1, "graph": {"a": {▮', "spec.json")
    assert isinstance(found["from"].text_edit, types.TextEdit)
    assert found["from"].text_edit.new_text == '"from": '
    found = items(editor, '{"graphspec": 1, "graph": {"a": {"apply": "▮', "spec.json")
    assert isinstance(found["Dense"].text_edit, types.TextEdit)
    assert found["Dense"].text_edit.new_text == "Dense"


def test_names_in_data_files(editor: Editor) -> None:
    """The columns, arrays or features of a file are offered where a source names one; a broken file offers none."""
    seen = set()
    for each in valid_files():
        key = next((key for key in ("column", "key", "feature") if key in each.keys), None)
        if key is None or each.keys.get("decode") is not None:
            continue
        path, data = editor.folder / f"data{each.ending}", each.mended(each.data)
        path.write_bytes(data)
        text = f"graphspec: 1\ndata: {{train: {{inputs: {{x: {{file: {path.name}, {key}: ▮}}}}}}}}\n"
        assert each.keys[key] in items(editor, text), each.what
        for size in (0, 1, len(data) // 2):
            path.write_bytes(data[:size])
            items(editor, text)
        seen.add(each.ending)
    assert seen >= {".npz", ".csv", ".jsonl", ".tfrecord"}


def test_a_comment_offers_nothing(editor: Editor) -> None:
    """Nor does the text of a description."""
    assert items(editor, "graphspec: 1  # in▮\n") == {}


def test_any_place_of_any_prefix_is_answered(editor: Editor) -> None:
    """Typing a spec character by character, no place fails."""
    for path in sorted(ROOT.glob("specs/*.yaml"))[::4]:
        text = path.read_text(encoding="utf-8")
        for end in range(0, len(text), 37):
            items(editor, f"{text[:end]}{CURSOR}")
            items(editor, f"{text[:end]}{CURSOR}{text[end + 20 :]}")
