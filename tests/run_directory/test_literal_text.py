"""Text that looks like an expression stays text in the spec of a run."""

from __future__ import annotations

from pathlib import Path

from graphspec.run_directory.resolved_spec import write_spec
from graphspec.spec import load

SPEC = """
graphspec: 1
inputs: {x: [1]}
outputs: {y: {from: x, apply: {Dense: {units: 1, activation: sigmoid}}, loss: binary_crossentropy}}
training: {optimizer: sgd}
data:
  train:
    file: t.csv
    inputs: {x: {columns: ["$${a}"]}}
    outputs: {y: {column: "b $${c}", vocabulary: ["$${no}", "yes"]}}
"""


def test_names_of_columns_with_the_sign_of_an_expression(tmp_path: Path) -> None:
    """A run keeps names of columns and words as they are, so that it can be read again."""
    (tmp_path / "spec.yaml").write_text(SPEC, encoding="utf-8")
    spec = load(tmp_path / "spec.yaml")
    (tmp_path / "run").mkdir()
    write_spec(tmp_path / "run", spec)
    kept = load(tmp_path / "run" / "spec.yaml")
    assert spec.data is not None
    assert kept.data is not None
    before, after = spec.data.train, kept.data.train
    assert before is not None
    assert after is not None
    assert after.inputs["x"].columns == before.inputs["x"].columns == ("${a}",)
    assert after.outputs["y"].column == before.outputs["y"].column == "b ${c}"
    assert after.outputs["y"].transforms.vocabulary == ("${no}", "yes")
