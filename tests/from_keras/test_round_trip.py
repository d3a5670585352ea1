"""Models and specs, decompiled and built again: the same layers, arguments, weights and outputs."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import graphspec
from tests.from_keras.models import MODELS
from tests.from_keras.round_trip import differences
from tests.zoo.hand_written import SMALL
from tests.zoo.small_trainings import small

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted([*(ROOT / "specs").glob("*.yaml"), *(ROOT / "specs" / "zoo").glob("*.yaml")])

QUICK = ("mlp", "residual", "tweets", "wine", "deepfm", "multi_task", "vae")
"""Specs that make small models; the others take up to two minutes."""

WITHOUT_NUMBERS = {
    "characters": "its preprocessing layers adapt when they are trained, before which they compute nothing",
    "profile": "so do its own",
    **dict.fromkeys(("densenet121", "resnet50", "mobilenet_v2"), "the applications of the same name are compared"),
    "contrastive": "it moves images at random wherever it is called without `training`",
}
"""Specs whose outputs are not compared, with the reason."""

SMALLER = {
    "vqa": ["models.vision.inputs.image=[32, 32, 3]", "inputs.image=[32, 32, 3]"],
    "video_qa": ["models.vision.inputs.image=[32, 32, 3]", "inputs.video=[3, 32, 32, 3]"],
    **{name: small(name) for name in SMALL if name not in ("causal_lm", "transformer_encoder")},
}
"""Overrides of specs that compute for long; the two that are left out take no text as long as the random ones here."""


def marks_of(number: int, name: str) -> list[pytest.MarkDecorator]:
    """Return the marks of a spec: `make slow` tries every third that is not quick."""
    return [] if name in QUICK else [pytest.mark.slow if number % 3 == 0 else pytest.mark.long]


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    """Let Keras number the names of layers from the start."""
    keras.backend.clear_session()


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
@pytest.mark.parametrize("name", MODELS)
def test_model_comes_back(name: str, tmp_path: Path) -> None:
    """A model gives a spec that builds the same layers with the same weights, and outputs that are equal to the bit."""
    found, _ = differences(MODELS[name](), tmp_path)
    assert found == []


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=marks_of(number, path.stem), id=path.stem) for number, path in enumerate(SPECS)],
)
def test_spec_comes_back(path: Path, tmp_path: Path) -> None:
    """The model of a spec gives a spec that builds the same model: layers, wiring, weights and outputs."""
    model = graphspec.build(graphspec.load(path, SMALLER.get(path.stem, ())))
    found, back = differences(model, tmp_path, numbers=path.stem not in WITHOUT_NUMBERS)
    assert found == []
    assert list(back.graph.inputs) == list(model.input)
    assert list(back.graph.outputs) == list(model.output)
