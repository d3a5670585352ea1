"""The spec that a study keeps: the user's text, which says something else, and finds its files from where it lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec.diagnostics import Report, SourceText
from graphspec.language.document import read_text
from graphspec.language.document.tree import plain
from graphspec.language.schema.desugar import desugar
from graphspec.tuning import folder
from graphspec.tuning.edit_spec import edit_spec

Write = Callable[..., Path]


def said(text: str, name: str = "spec.yaml") -> Any:
    """What a text says, its short forms written out."""
    tree = read_text(SourceText(name, text), Report())
    desugar(tree)
    return plain(tree)


FLOW = "vars: {width: 16, rate: 0.1}   # both\ninputs: {x: [2]}\n"
BLOCK = """\
# head
vars:
  # how wide
  width: 16  # cells
  kinds:
    - relu
    - gelu
inputs: {x: [2]}

# foot
"""


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        (FLOW, {"vars": {"width": 32, "rate": 1e-05}}, FLOW.replace("16", "32").replace("0.1", "1.0e-05")),
        (FLOW, {"vars": {"width": {"a": [1]}, "rate": 0.1}}, FLOW.replace("16", "{a: [1]}")),
        (FLOW, {"vars": {"width": 16, "rate": 0.1, "b": "x"}}, FLOW.replace("{width", "{b: x, width")),
        (FLOW, {"inputs": {"x": {"shape": [3]}}}, FLOW.replace("[2]", "[3]")),
        (FLOW, {"inputs": {"x": {"shape": [2], "dtype": "int32"}}}, FLOW.replace("[2]", "{shape: [2], dtype: int32}")),
        (BLOCK, {"vars": {"width": 8, "kinds": ["relu", "elu"]}}, BLOCK.replace("16", "8").replace("gelu", "elu")),
        (
            BLOCK,
            {"vars": {"width": 16, "kinds": ["relu", "gelu"], "deep": True}},
            BLOCK.replace("# cells", "# cells\n  deep: true"),
        ),
        ("a:\nc: 'no'\n", {"a": 5, "c": "yes"}, 'a: 5\nc: "yes"\n'),
    ],
)
def test_comments_and_layout_stay(text: str, change: dict[str, Any], expected: str) -> None:
    """Values give way where they stand, and new keys find a place; every other character stays."""
    assert edit_spec(SourceText("spec.yaml", text), {**said(text), **change}) == expected


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("a: &one {b: 1}\nc: *one\n", {"c": {"b": 2}}),
        ("a: {b: 1}\nc: [1, 2]\n", {"a": 3}),
        ("a:\n  b: 1\n  # about d\n  d: 2\ne: 1\n", {"a": [1]}),
        ("a:\n  - {b: 1}\n  - 2\n", {"a": [1]}),
        ("a: |\n  text\n  more\nc: 1\n", {"a": "other\ntext"}),
        ("a:\n  b:\n    c: 1\n", {"a": {"b": {"c": 1}, "d": 1}}),
        ("{}\n", {"a": 1}),
    ],
)
def test_whatever_the_text_it_says_what_it_should(text: str, change: dict[str, Any]) -> None:
    """Where text cannot be changed in place, it is written anew: what it says is right in any case."""
    wanted = {**said(text), **change}
    assert said(edit_spec(SourceText("spec.yaml", text), wanted)) == wanted


def test_json_is_read_again_as_well() -> None:
    """A spec in JSON is changed in place, into text that YAML reads."""
    text = '{"vars": {"width": 16},\n "inputs": {"x": [2]}}\n'
    assert edit_spec(SourceText("spec.json", text), {**said(text), "vars": {"width": 8}}) == text.replace("16", "8")


def test_files_are_found_from_the_study(write: Write, tmp_path: Path) -> None:
    """Data, includes and plugins are named from the study's folder; expressions stay, for values that are searched."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "blocks.yaml").write_text("graphspec: 1\nvars: {deep: 3}\n", encoding="utf-8")
    (tmp_path / "my_layers.py").write_text("", encoding="utf-8")
    path = write(
        """
        graphspec: 1
        include: [lib/blocks.yaml]
        plugins: [my_layers]
        vars: {size: 4, part: train}   # of a window
        inputs: {x: ["${size}"]}
        outputs: {y: {from: x, apply: {Dense: "${deep}"}, loss: mse}}
        training: {optimizer: adam}
        search: {parameters: {vars.size: [4, 8]}}
        data:
          train:
            inputs: {x: {file: "${part}/x.npy", window: {size: "${size}"}}}
            outputs: {y: ../y.npy}
        """
    )
    study = tmp_path / "studies" / "one"
    study.mkdir(parents=True)
    folder.write_spec(study, graphspec.load(path))
    text = (study / "spec.yaml").read_text(encoding="utf-8")
    assert "# of a window" in text
    found = folder.write_with_overrides(study, ["vars.size=8"], "best.yaml")
    assert found.name == "spec"
    assert found.model.data is not None
    assert found.model.data.train is not None
    source = found.model.data.train.inputs["x"]
    assert (source.file, source.window and source.window.size) == ("../../train/x.npy", 8)
    assert found.model.data.train.outputs["y"].file == "../../../y.npy"
    assert found.graph.inputs["x"].shape == (8,)
    assert (study / str(found.tree["include"][0])).is_file()
    (plugin,) = found.graph.plugins
    assert (plugin.folder / "my_layers.py").is_file()
