"""The walk over graphs: models called on other shapes, shared layers, wrappers around models, in random graphs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from graphspec.spec import inspect

from .documents import assert_document_agrees

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SIZE = st.sampled_from([None, 2, 3, 4, 4, 1])
SHAPES = st.lists(SIZE, min_size=1, max_size=2) | st.tuples(SIZE, st.just(4)).map(list)
LAYERS: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"Dense": 4},
        {"Dense": {"units": 4, "dtype": "float16"}},
        {"LSTM": {"units": 4, "return_sequences": True}},
        {"GRU": 4},
        {"Dropout": 0.5},
        {"BatchNormalization": {}},
        {"LayerNormalization": {"axis": 1}},
        {"Conv1D": {"filters": 4, "kernel_size": 2}},
        {"GlobalMaxPooling1D": {}},
        {"Flatten": {}},
        {"RepeatVector": 3},
        {"TimeDistributed": {"layer": {"Dense": 4}}},
        {"ops.relu": None},
        {"LSTM": {"units": 4, "return_state": True}},
    ]
)


@st.composite
def bodies(draw: st.DrawFn, names: list[str], known: list[str]) -> dict[str, Any]:
    """Draw random nodes over tensors of these names, which apply layers and declared ones."""
    nodes: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 4))):
        some = draw(st.lists(st.sampled_from([*names, *nodes]), min_size=1, max_size=2))
        steps = draw(st.lists(LAYERS | st.sampled_from(known) if known else LAYERS, min_size=1, max_size=3))
        node: dict[str, Any] = {"from": some[0], "apply": steps}
        if len(some) > 1:
            node |= {"from": some, "merge": draw(st.sampled_from(["ave", "concat", "mul"]))}
        nodes[f"n{number}"] = node
    return nodes


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a spec with declared layers and models, each used any number of times, on inputs that may fit or not."""
    layers = {f"shared{number}": draw(LAYERS.filter(lambda each: "ops.relu" not in each)) for number in range(2)}
    models: dict[str, Any] = {}
    for number in range(2):
        inputs = {"inside": draw(SHAPES)}
        nodes = draw(bodies(list(inputs), [*layers, *models]))
        outputs = draw(st.lists(st.sampled_from([*nodes]), min_size=1, max_size=2, unique=True))
        models[f"model{number}"] = {
            "inputs": inputs,
            "graph": nodes,
            "outputs": {f"out_{name}": {"from": name, "apply": "Identity"} for name in outputs},
        }
    wrapped = {"wrapped": {"TimeDistributed": {"layer": "model0"}}}
    inputs = {f"x{number}": draw(SHAPES) for number in range(2)}
    nodes = draw(bodies(list(inputs), [*layers, *models, *models, *wrapped]))
    return {
        "inputs": inputs,
        "layers": {**layers, **wrapped},
        "models": models,
        "graph": nodes,
        "outputs": {"out": "x0"},
    }


@property_of
@given(document=documents())
def test_every_tensor_is_as_in_keras(tmp_path: Path, document: dict[str, Any]) -> None:
    """Every node gives what Keras gives, or both refuse the spec.

    Keras builds a model on a tensor of another rank, and refuses every batch of it then; graphspec refuses it at once.
    """
    path = tmp_path / "asked.json"
    path.write_text(json.dumps({"graphspec": 1, **document}), encoding="utf-8")
    assume(not any(re.search("the input .* of the model .* is given", each.message) for each in inspect(path)[1]))
    assert_document_agrees(document, tmp_path)
