"""The specs that say so compute what `keras.applications` compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec

from ..structure import Walk, stir

ZOO = Path(__file__).parents[2] / "specs" / "zoo"
SIZE = 64


def inception_v3_mixed() -> keras.Model:
    """The first mixed block of Inception V3, cut out of it: from what its convolution of kernel size 1 takes in."""
    whole = keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(299, 299, 3))
    mixed = whole.get_layer("mixed0")
    first_branch = mixed.input[0]._keras_history.operation
    return keras.Model(first_branch.input._keras_history.operation.input._keras_history.operation.input, mixed.output)


@dataclass(frozen=True)
class Case:
    """An application with small images, and the overrides that give the spec the same."""

    application: Callable[[], keras.Model]
    overrides: tuple[str, ...] = (f"vars.size={SIZE}",)


def small(name: str) -> Callable[[], keras.Model]:
    return lambda: getattr(keras.applications, name)(weights=None, input_shape=(SIZE, SIZE, 3))


CASES = {
    "resnet50": Case(small("ResNet50")),
    "densenet121": Case(small("DenseNet121")),
    "mobilenet_v2": Case(small("MobileNetV2")),
    "inception_v3_mixed": Case(inception_v3_mixed, ()),
}


@dataclass(frozen=True)
class Pair:
    """A model as graphspec builds it from the spec, and as `keras.applications` has it, of one input and one output."""

    actual: keras.Model
    expected: keras.Model


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.slow] * (name in ("densenet121", "inception_v3_mixed")))
        for name in sorted(CASES)
    ],
)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    name: str = request.param
    keras.utils.set_random_seed(0)
    case = CASES[name]
    spec = graphspec.load(ZOO / f"{name}.yaml", list(case.overrides))
    yield Pair(graphspec.build(spec), case.application())
    keras.utils.clear_session()


def weighted_layers(model: keras.Model) -> list[Any]:
    """The layers that have weights, in the order in which a walk from the output meets them."""
    return [layer for layer in Walk.over(model).layers if layer.weights]


def settings(layer: Any) -> dict[str, Any]:
    """What is stated of the layer, but its name, and what may be written in several ways."""
    return {key: value for key, value in layer.get_config().items() if key not in ("name", "padding", "axis")}


def test_parameters(pair: Pair) -> None:
    """The model has as many parameters, and as many trainable ones."""
    assert pair.actual.count_params() == pair.expected.count_params()
    assert len(pair.actual.trainable_weights) == len(pair.expected.trainable_weights)


def test_layers(pair: Pair) -> None:
    """Every layer with weights has the arguments of the application's."""
    actual, expected = weighted_layers(pair.actual), weighted_layers(pair.expected)
    assert [(type(each), settings(each)) for each in actual] == [(type(each), settings(each)) for each in expected]


def test_numbers(pair: Pair) -> None:
    """With the application's weights, the model computes what the application computes."""
    stir(pair.expected)
    for to, since in zip(weighted_layers(pair.actual), weighted_layers(pair.expected), strict=True):
        assert [each.shape for each in to.get_weights()] == [each.shape for each in since.get_weights()]
        to.set_weights(since.get_weights())
    (input_name,) = pair.actual.input
    (output_name,) = pair.actual.output
    batch = np.random.default_rng(0).standard_normal((2, *pair.expected.inputs[0].shape[1:])).astype("float32")
    actual = np.asarray(pair.actual({input_name: batch}, training=False)[output_name])
    expected = np.asarray(pair.expected(batch, training=False))
    assert not np.allclose(expected[0], expected[1], rtol=1e-3), "nothing is compared: images make no difference"
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-7)
