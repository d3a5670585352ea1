"""What Keras builds and fails on when it runs is a warning of `validate` (GS413), and nothing else is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphspec

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

BATCH = 7
"""A batch that is no other size of these tests, so that it broadcasts to none by chance."""

SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=3)


def warns(tmp_path: Path, inputs: dict[str, Any], node: dict[str, Any]) -> bool:
    """Whether `validate` says that a node built from `inputs` fails when it runs; nothing else is found."""
    path = tmp_path / "spec.json"
    outputs = {"y": node}
    path.write_text(json.dumps({"graphspec": 1, "inputs": inputs, "outputs": outputs}), encoding="utf-8")
    codes = [each.rule.code for each in graphspec.validate(path).found]
    assert codes in ([], ["GS413"]), graphspec.validate(path)
    return bool(codes)


def keeps(call: Any, shape: tuple[int, ...]) -> bool:
    """Whether Keras runs a call, and gives the shape that it infers."""
    try:
        return tuple(call().shape) == shape
    except Exception:
        return False


def ones(shape: list[int]) -> np.ndarray:
    return np.ones((BATCH, *shape), np.float32)


@property_of
@given(shape=SHAPES, scale=st.lists(st.integers(1, 3), max_size=1), offset=SHAPES)
def test_rescaling(tmp_path: Path, shape: list[int], scale: list[int], offset: list[int]) -> None:
    """Numbers of a scale and an offset that the input does not have."""
    arguments = {"scale": np.ones(scale).tolist(), "offset": np.ones(offset[:1]).tolist()}
    said = warns(tmp_path, {"x": {"shape": shape}}, {"from": "x", "apply": {"Rescaling": arguments}})
    layer = keras.layers.Rescaling(**arguments)
    assert said != keeps(lambda: layer(ones(shape)), (BATCH, *shape))


@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout"])
@property_of
@given(shape=SHAPES, noise=st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=4))
def test_noise_shape(name: str, tmp_path: Path, shape: list[int], noise: list[int | None]) -> None:
    """Noise of another shape than the input, the batch included."""
    arguments = {"rate": 0.5, "noise_shape": noise}
    said = warns(tmp_path, {"x": {"shape": shape}}, {"from": "x", "apply": {name: arguments}})
    layer = getattr(keras.layers, name)(**arguments)
    fits = keeps(lambda: layer(ones(shape), training=True), (BATCH, *shape))
    assert said != fits or (not said and _meets_the_batch(noise, len(shape) + 1))


def _meets_the_batch(noise: list[int | None], rank: int) -> bool:
    """Whether a size of the noise is compared with the batch, which nobody knows, or is the batch among sizes."""
    return (len(noise) == rank and noise[0] not in (None, 1)) or (len(noise) < rank and noise[0] is None)


ONE_BY_ONE: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "relu"}, "ActivityRegularization": {}, "ELU": {}, "LeakyReLU": {}, "ReLU": {},
    "Softmax": {}, "Rescaling": {"scale": 2.0}, "Identity": {}, "Dropout": {"rate": 0.5}, "AlphaDropout": {"rate": 0.5},
    "GaussianDropout": {"rate": 0.5}, "GaussianNoise": {"stddev": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("feed", [["x"], ["x", "z"], {"condition": "x", "x1": "x", "x2": "z"}], ids=str)
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_several_tensors_for_one(name: str, feed: Any, tmp_path: Path) -> None:
    """A merge that somebody forgot before a layer that works on each number by itself."""
    then = {"ops.stack": {"axis": 1}} if isinstance(feed, list) else "ops.where"
    names = sorted({*(feed if isinstance(feed, list) else feed.values())})
    said = warns(tmp_path, {each: [3] for each in names}, {"from": feed, "apply": [{name: ONE_BY_ONE[name]}, then]})
    inputs = {each: keras.Input((3,), name=each) for each in names}
    taken = [inputs[each] for each in feed] if isinstance(feed, list) else {key: inputs[feed[key]] for key in feed}
    given = getattr(keras.layers, name)(**ONE_BY_ONE[name])(taken)
    end = keras.ops.stack(given, axis=1) if isinstance(feed, list) else keras.ops.where(**given)
    model = keras.Model(inputs, end)
    assert said != keeps(lambda: model({each: ones([3]) for each in inputs}, training=True), (BATCH, *end.shape[1:]))


@property_of
@given(shape=SHAPES, indices=st.lists(st.integers(-4, 4), min_size=1, max_size=3), data=st.data())
def test_take(tmp_path: Path, shape: list[int], indices: list[int], data: st.DataObject) -> None:
    """Indices that an axis does not have."""
    axis = data.draw(st.integers(1, len(shape)))
    node = {"from": "x", "apply": {"ops.take": {"indices": indices, "axis": axis}}}
    said = warns(tmp_path, {"x": {"shape": shape}}, node)
    taken = (BATCH, *shape[: axis - 1], len(indices), *shape[axis:])
    assert said != keeps(lambda: keras.ops.take(ones(shape), indices, axis=axis), taken)


STEPS = st.sampled_from([1, 2, 5])


@property_of
@given(mask=st.lists(STEPS, min_size=1, max_size=3), steps=st.tuples(STEPS, STEPS), dropout=st.sampled_from([0, 0.5]))
def test_attention_mask(tmp_path: Path, mask: list[int], steps: tuple[int, int], dropout: float) -> None:
    """A mask that does not fit the scores of two heads, on either way that Keras computes them."""
    arguments = {"num_heads": 2, "key_dim": 3, "dropout": dropout}
    inputs = {"q": {"shape": [steps[0], 4]}, "v": {"shape": [steps[1], 4]}, "m": {"shape": mask, "dtype": "bool"}}
    feed = {"query": "q", "value": "v", "attention_mask": "m"}
    said = warns(tmp_path, inputs, {"from": feed, "apply": {"MultiHeadAttention": arguments}})
    layer = keras.layers.MultiHeadAttention(**arguments)
    query, value = ones([steps[0], 4]), ones([steps[1], 4])
    fits = keeps(
        lambda: layer(query, value, attention_mask=np.ones((BATCH, *mask), bool), training=True), (BATCH, steps[0], 4)
    )
    assert said != fits
