"""`steps_per_execution: auto`: many steps at a time for small models, few for those whose steps take long."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import graphspec
from graphspec.training.steps_per_execution import MAX_STEPS, choose_steps_per_execution, operations

SPECS = Path(__file__).resolve().parents[2] / "specs"


def chosen(name: str, *overrides: str) -> int:
    """What `auto` is for a shipped spec with 1,000 steps an epoch."""
    sections = ["training={optimizer: adam}"] if name == "video_qa.yaml" else []
    spec = graphspec.load(SPECS / name, [*sections, *overrides])
    assert spec.model.training is not None
    return choose_steps_per_execution(spec.model.training, graphspec.build(spec, weightless=True), 1000)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("wine.yaml", MAX_STEPS, MAX_STEPS), ("same_digit.yaml", 5, 60), ("video_qa.yaml", 1, 1)],
)
def test_an_execution_takes_about_a_quarter_of_a_second(name: str, least: int, most: int) -> None:
    """A table takes the most, a small network of convolutions some, and a video one step at a time."""
    assert least <= chosen(name) <= most


def test_larger_batches_make_fewer_steps() -> None:
    """Twice the samples, half the steps."""
    few, many = (
        chosen("same_digit.yaml", "training.batch_size=128"),
        chosen("same_digit.yaml", "training.batch_size=64"),
    )
    assert few < many


def test_checkpoints_lie_between_executions() -> None:
    """Every so many steps means those steps, in every epoch."""
    assert chosen("wine.yaml", "training.checkpoint={every: 60 steps}") == 20
    assert chosen("wine.yaml", "training.checkpoint={every: 7 steps}") == 1


def test_what_the_spec_says_is_done() -> None:
    """A number is taken as it is."""
    assert chosen("wine.yaml", "training.steps_per_execution=3") == 3


def test_multiplications_are_counted_at_every_position() -> None:
    """A kernel of a convolution is used at each pixel, a recurrent one at each step, a shared model at each call."""
    model = graphspec.build(SPECS / "video_qa.yaml", weightless=True)
    first = 64 * (3 * 3 * 3 + 1) * 224 * 224
    assert operations(model) > 100 * first


def test_sequential_model_is_counted_like_its_layers() -> None:
    """A model from a file may be a Sequential: 4 features to 3 take 12 multiplications, and 3 for the bias."""
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    outer = keras.Sequential([keras.Input((4,)), inner])
    assert operations(inner) == 15
    assert operations(outer) == 15
