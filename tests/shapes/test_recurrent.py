"""Recurrent layers, their cells, and `Bidirectional`: shapes and verdicts against Keras."""

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

from .documents import assert_document_agrees

SIZE = st.none() | st.integers(1, 4)
SIZES = st.lists(SIZE, min_size=0, max_size=4)
SEQUENCES = st.tuples(SIZE, st.integers(1, 4)).map(list)

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

FLAGS = {name: st.booleans() for name in ("return_sequences", "return_state", "go_backwards")}
SETTINGS = st.fixed_dictionaries(
    {}, optional={**FLAGS, "stateful": st.booleans(), "dtype": st.sampled_from(["float16", "mixed_bfloat16"])}
)
UNITS = st.integers(1, 3)
CELLS: Any = st.deferred(
    lambda: st.one_of(
        st.builds(lambda name, units: {name: units}, st.sampled_from(["LSTMCell", "GRUCell", "SimpleRNNCell"]), UNITS),
        st.builds(lambda cells: {"StackedRNNCells": {"cells": cells}}, st.lists(CELLS, min_size=1, max_size=2)),
        st.just({"Dense": 3}),
    )
)


@st.composite
def recurrent(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a recurrent layer over vectors."""
    name = draw(st.sampled_from(["LSTM", "GRU", "SimpleRNN", "RNN"]))
    arguments = draw(SETTINGS)
    if name == "RNN":
        cell = draw(CELLS | st.lists(CELLS, min_size=1, max_size=2))
        return {"RNN": {**arguments, "cell": cell}}
    return {name: {**arguments, "units": draw(UNITS)}}


@st.composite
def convolutional(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a recurrent layer over images."""
    count = draw(st.integers(1, 3))
    steps = st.integers(1, 2) | st.lists(st.integers(1, 2), min_size=count, max_size=count)
    arguments = draw(
        st.fixed_dictionaries(
            {"filters": UNITS, "kernel_size": st.integers(1, 3)},
            optional={
                **FLAGS,
                "stateful": st.booleans(),
                "strides": steps,
                "dilation_rate": steps,
                "padding": st.sampled_from(["valid", "same"]),
                "data_format": st.sampled_from(["channels_first", "channels_last"]),
            },
        )
    )
    return {f"ConvLSTM{count}D": arguments}


def document(layer: Any, sizes: Any, batch: int | None, dtype: str = "float32") -> dict[str, Any]:
    """Return a spec with one layer applied to one input."""
    return {
        "inputs": {"x": {"shape": sizes, "batch_size": batch, "dtype": dtype}},
        "graph": {"result": {"from": "x", "apply": [layer]}},
        "outputs": {"out": "x"},
    }


BATCHES = st.sampled_from([None, None, 2])
DTYPES = st.sampled_from(["float32", "float16", "int32"])


@property_of
@given(layer=recurrent(), sizes=SEQUENCES | SEQUENCES | SIZES, batch=BATCHES, dtype=DTYPES)
def test_recurrent(tmp_path: Path, layer: Any, sizes: Any, batch: int | None, dtype: str) -> None:
    """Any sequence, and what is none; any cell."""
    assert_document_agrees(document(layer, sizes, batch, dtype), tmp_path)


@property_of
@given(layer=convolutional(), data=st.data(), batch=BATCHES)
def test_convolutional(tmp_path: Path, layer: Any, data: st.DataObject, batch: int | None) -> None:
    """Any sequence of images, sizes open or too small among them."""
    rank = int(next(iter(layer))[-2]) + 2 + data.draw(st.sampled_from([0, 0, 0, 0, 1, -1]))
    size = st.sampled_from([1, 2, 3, 4, 4, 5, 5, 6, None])
    sizes = data.draw(st.lists(size, min_size=rank, max_size=rank))
    assert_document_agrees(document(layer, sizes, batch), tmp_path)


@property_of
@given(
    layer=recurrent() | convolutional() | st.just({"Dense": 2}),
    backward=st.none() | recurrent(),
    merge=st.sampled_from(["concat", "sum", "ave", "mul", None]),
    sizes=SEQUENCES | SEQUENCES | SIZES | st.just([2, 5, 5, 1]),
    batch=BATCHES,
)
def test_both_ways(tmp_path: Path, layer: Any, backward: Any, merge: str | None, sizes: Any, batch: int | None) -> None:
    """Any recurrent layer in `Bidirectional`, with a second one or without."""
    arguments = {"layer": layer, "merge_mode": merge}
    if backward is not None:
        name, inner = next(iter(backward.items()))
        own = next(iter(layer.values())) if isinstance(next(iter(layer.values())), dict) else {}
        alike = {key: own[key] for key in ("return_sequences", "return_state", "stateful") if key in own}
        arguments["backward_layer"] = {name: {**inner, **alike, "go_backwards": not own.get("go_backwards", False)}}
    assert_document_agrees(document({"Bidirectional": arguments}, sizes, batch), tmp_path)


@property_of
@given(
    name=st.sampled_from(["LSTMCell", "GRUCell", "SimpleRNNCell"]),
    units=UNITS,
    features=SIZE,
    states=st.lists(SIZE, min_size=1, max_size=2),
    listed=st.booleans(),
    batches=st.lists(BATCHES, min_size=3, max_size=3),
)
def test_one_step(
    tmp_path: Path, name: str, units: int, features: Any, states: Any, listed: bool, batches: Any
) -> None:
    """A cell by itself, with states that fit and that do not."""
    names = [f"s{number}" for number in range(len(states))]
    sizes = dict(zip(["x", *names], [features, *states], strict=True))
    spec = {
        "inputs": {
            name: {"shape": [size], "batch_size": batch}
            for (name, size), batch in zip(sizes.items(), batches, strict=False)
        },
        "graph": {
            "result": {
                "from": "x",
                "apply": [{name: units, "call": {"states": names if listed or len(names) > 1 else names[0]}}],
            }
        },
        "outputs": {"out": "x"},
    }
    # A bare tensor for the two states of an LSTM is taken apart along its batch.
    assert_document_agrees(spec, tmp_path, may_be_unknown=name == "LSTMCell" and len(names) == 1)


@property_of
@given(layer=recurrent(), states=st.lists(st.lists(SIZE, min_size=1, max_size=2), max_size=3))
def test_initial_states(tmp_path: Path, layer: Any, states: Any) -> None:
    """Keras looks at no initial state before it runs."""
    spec = document(layer, [3, 2], None)
    spec["inputs"] |= {f"s{number}": {"shape": sizes} for number, sizes in enumerate(states)}
    if states:
        spec["graph"]["result"]["apply"] = [
            {**layer, "call": {"initial_state": [f"s{number}" for number in range(len(states))]}}
        ]
    assert_document_agrees(spec, tmp_path)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_empty_list_of_masks(name: str, tmp_path: Path) -> None:
    """Keras takes the first mask of a list."""
    node = {"from": "x", "apply": {name: 3, "call": {"mask": []}}}
    assert_document_agrees({"inputs": {"x": [5, 4]}, "outputs": {"y": node}}, tmp_path)


@pytest.mark.parametrize(
    ("name", "argument"), [("BatchNormalization", "mask"), ("Softmax", "mask"), ("LSTM", "initial_state")]
)
def test_empty_list_that_fails_when_the_model_runs(name: str, argument: str, tmp_path: Path) -> None:
    """Keras builds the model, and fails at the first batch."""
    arguments = {"units": 3} if name == "LSTM" else {}
    node = {"from": "x", "apply": {name: arguments, "call": {argument: []}}}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"graphspec": 1, "inputs": {"x": [5, 4]}, "outputs": {"y": node}}))
    (finding,) = graphspec.validate(path)
    assert finding.rule.code == "GS411"
    assert f"`{argument}` in the call of `{name}` is an empty list" in finding.message
    x = keras.Input((5, 4))
    model = keras.Model(x, getattr(keras.layers, name)(**arguments)(x, **{argument: []}))
    with pytest.raises((AttributeError, IndexError)):
        model.predict(np.ones((2, 5, 4)), verbose=0)
