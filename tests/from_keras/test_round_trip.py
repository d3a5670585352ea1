"""Models and specs, decompiled and built again: the same layers, arguments, weights and outputs."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import graphspec
from graphspec.language.graph import Graph, NestedModel
from tests.from_keras.models import MODELS
from tests.from_keras.round_trip import differences

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted([*(ROOT / "specs").glob("*.yaml"), *(ROOT / "specs" / "zoo").glob("*.yaml")])

HEAVY = {
    *("inception", "vqa", "video_qa", "shared_vision", "causal_lm", "densenet121", "frozen_backbone", "resnet18"),
    *("inception_v3_mixed", "mobilenet_v2", "resnet50", "unet", "seq2seq", "transformer_encoder", "tweets"),
}
"""Specs of models with many layers or weights: to build each twice takes seconds."""


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    """Let Keras number the names of layers from the start."""
    keras.backend.clear_session()


@pytest.mark.parametrize("name", MODELS)
def test_model_comes_back(name: str, tmp_path: Path) -> None:
    """A model gives a spec that builds the same layers with the same weights, and outputs that are equal to the bit."""
    found, _ = differences(MODELS[name](), tmp_path)
    assert found == []


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in HEAVY else [], id=path.stem) for path in SPECS],
)
def test_spec_comes_back(path: Path, tmp_path: Path) -> None:
    """The model of a spec gives a spec that builds the same model, with the same graph."""
    spec = graphspec.load(path)
    found, back = differences(graphspec.build(spec), tmp_path)
    assert found == []
    assert described(back.graph) == described(spec.graph)


def described(graph: Graph) -> dict[str, list[str]]:
    """Return the names of inputs and outputs, and of the layers of each class, of a graph and of the models in it."""
    found: dict[str, list[str]] = {"inputs": list(graph.inputs), "outputs": sorted(graph.outputs)}
    for node in graph.nodes.values():
        for step in node.steps:
            if isinstance(step.layer, NestedModel):
                found |= {f"{step.layer.name}/{key}": names for key, names in described(step.layer.graph).items()}
            found.setdefault(type(step.layer).__name__, []).append(step.layer.name)
    return {key: sorted(names) for key, names in found.items()}
