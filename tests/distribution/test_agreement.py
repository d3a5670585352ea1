"""Workers that would not train the same are told apart before the first step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphspec
from graphspec.datasets.samples import read_training_data
from graphspec.distribution.agreement import check_agreement
from graphspec.distribution.strategy import Distribution
from tests.distribution.threads import together

SPEC = """
graphspec: 1
inputs: {x: [2]}
graph: {inner: {from: x, apply: {Dense: 3}}}
outputs: {y: {from: inner, apply: {Dense: 1}, loss: mse}}
training: {optimizer: adam, initial_weights: start.weights.h5}
data: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}}
"""


def write(folder: Path, *, bias: float) -> graphspec.Spec:
    """Write the spec with its data, and with weights that start from `bias`."""
    folder.mkdir()
    np.savez(folder / "d.npz", x=np.ones((8, 2)), y=np.ones((8, 1)))
    (folder / "spec.yaml").write_text(SPEC)
    model = graphspec.build(folder / "spec.yaml")
    model.set_weights([np.full(each.shape, bias) for each in model.get_weights()])
    model.save_weights(folder / "start.weights.h5")
    return graphspec.load(folder / "spec.yaml")


@pytest.mark.parametrize(("bias", "agree"), [(0.0, True), (1.0, False)])
def test_other_initial_weights_are_named(tmp_path: Path, bias: float, agree: bool) -> None:
    """A file of weights with other content on one worker is an error on all, which names it; a copy is none."""
    specs = [write(tmp_path / "here", bias=0.0), write(tmp_path / "there", bias=bias)]
    for each in specs[1:] if agree else ():
        content = (tmp_path / "here" / "start.weights.h5").read_bytes()
        (each.path.parent / "start.weights.h5").write_bytes(content)

    def check(own: Distribution) -> str:
        assert own.cluster is not None
        spec = specs[own.cluster.index]
        try:
            check_agreement(own, spec, read_training_data(spec))
        except graphspec.SpecError as error:
            return str(error)
        return ""

    first, second = together(2, check)
    assert first == second
    if agree:
        assert first == ""
    else:
        assert "GS913" in first
        assert "the file of weights `start.weights.h5` is" in first
