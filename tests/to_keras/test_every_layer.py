"""Every layer of Keras in a spec, against the same layer written by hand: its class, its configuration, its shapes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.language.lower.merges import MERGES

from ..known_uses import CASES, STEPS, Case, images, keras

Write = Callable[..., Path]

REFUSED = {"Equalization": "it hands Keras the tensor that came in, so that a model would lack it"}
APPLIED = [name for name in catalog.names("layers") if name not in {**CODE_CARRYING, **NOT_APPLIED, **REFUSED}]


def test_every_layer_has_a_case() -> None:
    """A layer that Keras has and this table lacks is one that nobody has tried in a spec."""
    assert sorted(CASES) == sorted(APPLIED)
    classes = {name: each for name, each in vars(keras().layers).items() if isinstance(each, type)}
    entries = [catalog.find("layers", name) for name in catalog.names("layers")]
    exported = {entry.name for entry in entries if entry is not None and not entry.module}
    assert {name for name, each in classes.items() if issubclass(each, keras().Layer)} == exported


def spec_of(name: str, case: Case) -> dict[str, Any]:
    """The spec that applies the layer to inputs of the case's shapes."""
    inputs: dict[str, Any] = {}

    def source(shape: Any, label: str) -> Any:
        if isinstance(shape, dict):
            return {key: source(each, f"{label}_{key}") for key, each in shape.items()}
        if isinstance(shape, list):
            return [source(each, f"{label}_{number}") for number, each in enumerate(shape)]
        inputs[label] = {"shape": list(shape), "dtype": case.dtype}
        return label

    step: dict[str, Any] = {name: case.written}
    node = {"from": source(case.inputs, "in"), "apply": step}
    if case.call:
        step["call"] = source(case.call, "call")
    return {"graphspec": 1, "inputs": inputs, "graph": {"node": node}, "outputs": {"out": "node"}}


def make(name: str, case: Case) -> Any:
    """The layer as one writes it in Python."""
    if case.by_hand is not None:
        return case.by_hand(keras().layers)
    entry = catalog.find("layers", name)
    module = import_module(entry.module) if entry is not None and entry.module else keras().layers
    if isinstance(case.written, dict):
        return getattr(module, name)(**case.written)
    return getattr(module, name)(*([] if case.written is None else [case.written]))


def tensors(shape: Any, dtype: str = "float32") -> Any:
    """Inputs of the shapes, in their structure."""
    if isinstance(shape, dict):
        return {key: tensors(each, dtype) for key, each in shape.items()}
    if isinstance(shape, list):
        return [tensors(each, dtype) for each in shape]
    return keras().Input(shape, dtype=dtype)


def without_names(config: Any) -> Any:
    """A configuration with the names of layers left out: graphspec gives its own."""
    if isinstance(config, dict):
        return {key: without_names(value) for key, value in config.items() if key not in ("name", "build_config")}
    return [without_names(each) for each in config] if isinstance(config, list | tuple) else config


@pytest.mark.parametrize("name", APPLIED)
def test_layer_of_a_spec_is_that_of_keras(name: str, write: Write) -> None:
    """The layer of a spec has the class, configuration and outputs of the one by hand, and plain Keras reloads it."""
    case = CASES[name]
    spec = spec_of(name, case)
    layer = make(name, case)

    given, call = tensors(case.inputs, case.dtype), {key: tensors(each) for key, each in case.call.items()}
    by_keyword = isinstance(given, dict) and "data" not in inspect.signature(layer.call).parameters
    expected = layer(**given, **call) if by_keyword else layer(given, **call)
    if len(keras().tree.flatten(expected)) > 1:
        spec["outputs"] = {"out": "node[0]"}
    path = write(json.dumps(spec), "spec.json")
    model = graphspec.build(path)
    (made,) = (each for each in model.layers if type(each) is type(layer) and each.name == "node")
    assert json.dumps(without_names(made.get_config()), default=str) == json.dumps(
        without_names(layer.get_config()), default=str
    )
    found, wanted = keras().tree.flatten(made.output), keras().tree.flatten(expected)
    assert [(each.shape, each.dtype) for each in found] == [(each.shape, each.dtype) for each in wanted]
    assert len(graphspec.summarize(path).root.rows) > 1
    again = keras().models.model_from_json(model.to_json()).get_layer("node")
    assert without_names(again.get_config()) == without_names(made.get_config())


@pytest.mark.parametrize("name", REFUSED)
def test_layer_that_keras_would_lose_is_refused(name: str, write: Write) -> None:
    """A layer that Keras traces to its own input would be missing from the model; in a pipeline it is not."""
    spec = spec_of(name, images())
    with pytest.raises(graphspec.SpecError) as error:
        graphspec.build(write(json.dumps(spec), "spec.json"))
    (finding,) = error.value.report
    assert finding.rule.code == "GS401"
    assert "without it" in finding.message
    spec["graph"]["node"]["apply"] = {"Pipeline": {"layers": [name]}}
    assert graphspec.build(write(json.dumps(spec), "spec.json")).get_layer("node").layers[0].__class__.__name__ == name


WORDS = {
    "sum": ("Add", {}),
    "sub": ("Subtract", {}),
    "mul": ("Multiply", {}),
    "ave": ("Average", {}),
    "max": ("Maximum", {}),
    "min": ("Minimum", {}),
    "concat": ("Concatenate", {"axis": 1}),
    "dot": ("Dot", {"axes": 2}),
    "cos": ("Dot", {"axes": -1, "normalize": True}),
}


def test_every_merge_word_has_a_case() -> None:
    """The words here are those of the language."""
    assert set(WORDS) == set(MERGES)


@pytest.mark.parametrize("word", WORDS)
def test_merge_word_is_its_layer_of_keras(word: str, write: Write) -> None:
    """A merge makes the layer that the language names, with its arguments, bare and as a mapping."""
    name, arguments = WORDS[word]
    layer = getattr(keras().layers, name)(**arguments)
    expected = layer([keras().Input(STEPS), keras().Input(STEPS)])
    written: Any = word if word == "cos" or not arguments else {word: arguments}
    spec = {
        "graphspec": 1,
        "inputs": {"a": list(STEPS), "b": list(STEPS)},
        "outputs": {"out": {"from": ["a", "b"], "merge": written}},
    }
    made = graphspec.build(write(json.dumps(spec), "spec.json")).get_layer("out")
    assert type(made) is type(layer)
    assert without_names(made.get_config()) == without_names(layer.get_config())
    assert made.output.shape == expected.shape


def test_call_arguments_and_several_results(write: Write) -> None:
    """States go from one recurrent layer to another, scores are picked, and layers are told not to train."""
    path = write(
        """
        graphspec: 1
        inputs: {source: [7, 6], target: [5, 6]}
        graph:
          read: {from: source, apply: {Bidirectional: {layer: {LSTM: {units: 4, return_state: true}}}}}
          written:
            from: target
            apply:
              Bidirectional: {layer: {LSTM: {units: 4, return_sequences: true}}}
              call: {initial_state: ["read[1]", "read[2]", "read[3]", "read[4]"]}
          attended:
            from: {query: written, value: source}
            apply:
              MultiHeadAttention: {num_heads: 2, key_dim: 3}
              call: {return_attention_scores: true}
          steady: {from: "attended[0]", apply: {Dropout: 0.5, call: {training: true}}}
        outputs: {scores: "attended[1]", steady_out: steady}
        """
    )
    model = graphspec.build(path)
    ones = {"source": np.ones((2, 7, 6), "float32"), "target": np.ones((2, 5, 6), "float32")}
    found = {name: np.asarray(each) for name, each in model(ones).items()}
    assert {name: each.shape for name, each in found.items()} == {"scores": (2, 2, 5, 7), "steady_out": (2, 5, 8)}
    assert (found["steady_out"] == 0).any()


def test_declared_layers_in_wrappers_are_shared(write: Write) -> None:
    """A cell inside a cell inside a layer, and one layer inside two wrappers, hold their weights once."""
    path = write(
        """
        graphspec: 1
        inputs: {a: [3, 6], b: [3, 6]}
        layers: {code: {Dense: 4}}
        graph:
          a_code: {from: a, apply: {TimeDistributed: code}}
          b_code: {from: b, apply: {TimeDistributed: code}}
          state: {from: a_code, apply: {RNN: {cell: {StackedRNNCells: {cells: [{GRUCell: 4}, {GRUCell: 4}]}}}}}
        outputs: {y: {from: [state, b_code], merge: {dot: {axes: [1, 2]}}}}
        """
    )
    model = graphspec.build(path)
    assert model.count_params() == (6 * 4 + 4) + 2 * 3 * (4 * 4 + 4 * 4 + 2 * 4)
