"""Rendered specs: they are specs themselves, build the same model, and tell where each value comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import graphspec
from graphspec.diagnostics import SourceText
from graphspec.differences import Side, compare
from graphspec.editor.formatting import format_source
from graphspec.language.document.overlay import key, overlay
from graphspec.rendering import RenderedSpec, render
from graphspec.rendering.tree import values
from graphspec.spec import Spec, inspect, load
from graphspec.validation.ignores import ignores_in

from ..differences.test_random_edits import specs
from ..structure import Walk

ROOT = Path(__file__).resolve().parents[2]
LARGE = ("densenet121", "graph_attention", "mobilenet_v2", "resnet50")
SPECS = [
    pytest.param(path, marks=[pytest.mark.slow] if path.stem in LARGE else [], id=path.stem)
    for path in sorted((ROOT / "specs").rglob("*.yaml"))
]
_MAX_COMMENTS = 5_000
"""The comments that `graphspec fmt` takes."""


def again(written: RenderedSpec, beside: Path) -> Spec:
    """The spec that a rendered spec is, in the folder of `beside`."""
    path = beside.parent / f"rendered_{beside.name}"
    with overlay({key(path): written.text.encode()}):
        spec, report = inspect(path)
    assert spec is not None, str(report.errors)
    assert len(report) == 0, [str(each.message) for each in report]
    return spec


def assert_same(spec: Spec, rendered: Spec) -> None:
    """Two specs differ in nothing but blocks, the names of parts of nodes, and the search."""
    found = compare(Side("a", "spec", spec), Side("b", "spec", rendered))
    assert [each for each in found.nodes if not each.was or each.changes] == []
    assert [each for each in found.settings if not each.path.startswith("search.")] == []
    assert found.first.parameters == found.second.parameters
    assert not (found.weights.renamed)
    assert not (found.weights.reshaped)
    assert not (found.weights.fresh)
    assert not (found.weights.lost)


@pytest.mark.parametrize("path", SPECS)
def test_every_shipped_spec_renders_to_the_same_model(path: Path) -> None:
    """A rendered spec has no findings, means the same, is formatted, and renders to itself."""
    spec = load(path)
    written = render(spec)
    rendered = again(written, path)
    assert_same(spec, rendered)
    assert values(render(rendered).tree) == values(written.tree)
    if written.text.count(" # ") < _MAX_COMMENTS:
        assert format_source(SourceText("spec.yaml", written.text)) == written.text


@pytest.mark.parametrize("name", ["same_digit", "text_qa", "zoo/vae", "zoo/perceiver", "zoo/unet"])
def test_keras_builds_the_same_model(name: str) -> None:
    """Keras' own configuration of each layer and each call is the same."""
    path = ROOT / f"specs/{name}.yaml"
    spec = load(path)
    one, other = (Walk.over(graphspec.build(each, weightless=True)) for each in (spec, again(render(spec), path)))
    assert one.lines == other.lines


@settings(max_examples=40, deadline=None)
@given(specs())
def test_random_specs_render_to_the_same_model(tree: dict[str, Any]) -> None:
    """Whatever is wired, the rendered spec has the same calls, and each weight under its name."""
    path = Path("spec.json")
    with overlay({key(path): json.dumps(tree).encode()}):
        spec = load(path)
    rendered = again(render(spec), path.with_suffix(".yaml"))
    assert_same(spec, rendered)
    assert [each.name for each in spec.graph.called_layers()] == [each.name for each in rendered.graph.called_layers()]


LIBRARY = """
graphspec: 1
vars: {rate: 0.25}
layers: {shared: {Dense: 4}}
blocks:
  deep:
    params: {units: 8}
    inputs: x
    output: {from: x, apply: [{Dense: "${units}"}, {Dropout: "${rate}"}]}
"""
SPEC = """
graphspec: 1
include: [library.yaml]
vars: {width: 16, double: "${width * 2}"}
inputs: {x: [4]}
graph:
  a: {from: x, apply: [{deep: {units: "${width}"}}, {Dense: "${double}"}]}
  b: {when: "${width > 99}", from: x, apply: Flatten, otherwise: {from: x, apply: shared}}
  c: {each: {size: [1, 2]}, from: x, apply: {Dense: "${size}"}}
outputs: {y: {from: [a, b, c], merge: concat, apply: {Dense: 1}, loss: mse}}
training: {optimizer: adam, batch_size: auto}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec that includes a library."""
    (tmp_path / "library.yaml").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path / "spec.yaml"


def origins(written: RenderedSpec) -> dict[str, str]:
    """The origin of each value by its path, without the folder of the files."""
    return {
        path: each["text"].replace(f"{Path(written.source).parent}/", "")
        for path, each in written.as_json()["origins"].items()
    }


def test_each_value_tells_its_origin(spec: Path) -> None:
    """Lines, files, variables, expressions and defaults are told apart."""
    written = render(load(spec))
    found = origins(written)
    assert found["inputs.x.shape"] == "line 5"
    assert found["inputs.x.dtype"] == "default of graphspec"
    assert found["layers.shared.Dense.units"] == "library.yaml:4"
    assert found["graph.a__output.apply[0].Dense.units"] == '"${units}", library.yaml:9, used at line 7'
    assert found["graph.a__output.apply[1].Dropout.rate"] == "vars.rate, library.yaml:3"
    assert found["graph.a.apply[0].Dense.units"] == "vars.double, line 4"
    assert found["graph.a.apply[0].Dense.use_bias"] == "default of Keras"
    assert found["training.optimizer.Adam.learning_rate"] == "default of Keras"
    assert found["training.batch_size"] == "auto, line 11"
    assert found["training.seed"] == "default of graphspec"
    tree = values(written.tree)
    assert tree["graph"]["a"]["apply"][0]["Dense"]["units"] == 32
    assert "vars" not in tree
    assert "include" not in tree
    assert "blocks" not in tree
    assert [name for name in tree["graph"] if name.startswith("c")] == ["c_0", "c_1"]
    assert tree["graph"]["b"] == {"from": "x", "apply": ["shared"]}


def test_overrides_are_origins(spec: Path) -> None:
    """A value that `--set` gives, directly or by a variable, says so."""
    found = origins(render(load(spec, ["training.batch_size=8", "vars.double=5"])))
    assert found["training.batch_size"] == "--set training.batch_size=8"
    assert found["graph.a.apply[0].Dense.units"] == "--set vars.double=5"


def test_paths_start_in_the_folder_of_the_rendered_spec(tmp_path: Path) -> None:
    """Files that the spec names are found from where the rendered spec is to lie."""
    (tmp_path / "words.txt").write_text("a\nb\n", encoding="utf-8")
    (tmp_path / "t.csv").write_text("w,y\na,1\nb,2\n", encoding="utf-8")
    path = tmp_path / "spec.yaml"
    path.write_text(
        "graphspec: 1\ninputs: {w: {shape: [1], dtype: string}}\n"
        "outputs: {y: {from: w, apply: [{StringLookup: {vocabulary: words.txt}}, {Embedding: {input_dim: 4, "
        "output_dim: 2}}, Flatten, {Dense: 1}], loss: mse}}\ntraining: {optimizer: sgd}\n"
        "data: {train: {file: t.csv, inputs: {w: {column: w}}, outputs: {y: {column: y}}}}\n",
        encoding="utf-8",
    )
    (tmp_path / "deeper").mkdir()
    other = tmp_path / "deeper" / "full.yaml"
    other.write_text(render(load(path), other.parent).text, encoding="utf-8")
    found, report = inspect(other, data=True)
    assert found is not None, str(report.errors)
    assert "../words.txt" in other.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["${x} # no", "a: b", "yes", "null", "'\"", "\u2028 \x85 \U0001f600", "- x", "{", "%"])
def test_hostile_text_stays_text(text: str) -> None:
    """Text that YAML or an expression would read otherwise is written so that it is read back."""
    tree = {"graphspec": 1, "description": text.replace("${", "$${"), "inputs": {"x": [2]}, "outputs": {"y": "x"}}
    with overlay({key("spec.json"): json.dumps(tree).encode()}):
        spec = load("spec.json")
    assert again(render(spec), Path("spec.yaml")).model.description == text


def test_comments_of_origins_hide_no_findings() -> None:
    """A text that would be an ignore comment is none in the origin of its value."""
    hidden = "graphspec:ignore[GS3] # graphspec: ignore[GS2] ${1}"
    spec = (
        f"graphspec: 1\ndescription: '{hidden}'\ninputs: {{x: [4]}}\noutputs: {{y: {{from: x, apply: {{Dense: 1}}}}}}\n"
    )
    with overlay({key("spec.yaml"): spec.encode()}):
        text = render(load("spec.yaml")).text
    assert "graphspec\\x3aignore[GS3]" in text
    assert ignores_in(SourceText("rendered.yaml", text)) == []
