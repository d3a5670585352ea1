"""Specs, built and decompiled again: `diff` finds the same graph in both."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import pytest

import graphspec
from graphspec.differences import Side, compare
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file

ROOT = Path(__file__).resolve().parents[2]
WITH_APPLICATIONS = ("deeplab",)
"""Specs with models that only Keras knows: they are one layer without shapes, and written out when they come back."""

SPECS = sorted(
    path
    for folder in ("specs", "specs/zoo")
    for path in (ROOT / folder).glob("*.yaml")
    if path.stem not in WITH_APPLICATIONS
)

FROM_FILES = {
    "frozen_backbone": "a model of a file is one layer of its spec, and written out when it is decompiled",
    "distillation": "so is its teacher",
}
"""Specs whose layers are not all compared, with the reason."""

OTHERWISE_WRITTEN = {
    **dict.fromkeys(("swin", "traffic"), "what it computes of constants alone comes back as numbers"),
    "vae": "the seed that its noise has drawn comes back",
}
"""Specs whose graph comes back in other words, with the reason."""

SLOW = ("densenet121", "mobilenet_v2", "resnet50")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in SLOW else [], id=path.stem) for path in SPECS],
)
def test_decompiled_spec_has_the_same_graph(path: Path, tmp_path: Path) -> None:
    """No node is added, removed, rewired, renamed or changed; shapes, parameters and weights are the same."""
    keras.backend.clear_session()
    spec = graphspec.load(path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(keras.saving.serialize_keras_object(graphspec.build(spec, weightless=True))))
    back = decompile_file(read_model_file(config), DecompileOptions(path=tmp_path / "spec.yaml")).spec
    sides = Side(str(path), "spec", spec), Side("spec.yaml", "model", back)
    for first, second in (sides, sides[::-1]):
        found = compare(first, second)
        if path.stem not in OTHERWISE_WRITTEN:
            assert (found.nodes, found.blocks, found.reshaped) == ((), (), ())
        assert found.first.parameters == found.second.parameters
        weights = found.weights
        assert not [*weights.reshaped, *weights.fresh, *weights.lost, *weights.renamed]
        assert bool(weights.unknown) is (path.stem in FROM_FILES)
