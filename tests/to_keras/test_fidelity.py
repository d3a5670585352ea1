"""Fidelity as a property: a random description becomes a spec and, by another way, plain Keras; both are one model.

The two ways share the description alone. The spec goes through text, graphspec and its build; the other way calls
Keras as a user would. Structure, configuration, shapes, sharing and, with equal weights, outputs must agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphspec

from ..structure import assert_same_structure, copy_weights, random_inputs

L = keras.layers
Shape = tuple[int, ...]


@dataclass
class Step:
    """One layer of a description: as specs write it, as Keras makes it, and the shape it gives."""

    written: Any
    make: Callable[[], Any]
    shape: Shape
    shared: str = ""


@dataclass
class Described:
    """A random model. nodes: name → what it takes in, its merge, its steps."""

    inputs: dict[str, Shape] = field(default_factory=dict)
    layers: dict[str, Any] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, tuple[list[str], str | None, list[Step]]] = field(default_factory=dict)
    outputs: dict[str, tuple[list[str], str | None, list[Step]]] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    makers: dict[str, tuple[Shape, Callable[[], Any], Shape]] = field(default_factory=dict)


MERGES: dict[str, Callable[[], Any]] = {
    "sum": L.Add,
    "mul": L.Multiply,
    "ave": L.Average,
    "max": L.Maximum,
    "min": L.Minimum,
    "concat": L.Concatenate,
}


ATTEND = "attend"
"""Stands in the place of a merge: attention of one tensor over another, by keyword."""


def vector_steps(draw: st.DrawFn, shape: Shape) -> list[Step]:
    """Steps for samples of shape (features,)."""
    units = draw(st.integers(1, 4))
    activation = draw(st.sampled_from(["relu", "tanh", "linear"]))
    return [
        Step({"Dense": units}, lambda: L.Dense(units), (units,)),
        Step(
            {"Dense": {"units": units, "activation": activation, "kernel_regularizer": {"L2": 0.01}}},
            lambda: L.Dense(units, activation=activation, kernel_regularizer=keras.regularizers.L2(0.01)),
            (units,),
        ),
        Step({"Activation": activation}, lambda: L.Activation(activation), shape),
        Step("BatchNormalization", L.BatchNormalization, shape),
        Step({"LayerNormalization": {"epsilon": 0.01}}, lambda: L.LayerNormalization(epsilon=0.01), shape),
        Step({"Dropout": 0.25}, lambda: L.Dropout(0.25), shape),
        Step({"RepeatVector": 3}, lambda: L.RepeatVector(3), (3, *shape)),
        Step({"Reshape": [shape[0], 1]}, lambda: L.Reshape((shape[0], 1)), (shape[0], 1)),
        Step({"Rescaling": {"scale": 0.5, "offset": 1.0}}, lambda: L.Rescaling(0.5, offset=1.0), shape),
    ]


def sequence_steps(draw: st.DrawFn, shape: Shape) -> list[Step]:
    """Steps for samples of shape (time, features)."""
    units, (time, features) = draw(st.integers(1, 3)), shape
    pooled = [Step({"MaxPooling1D": 2}, lambda: L.MaxPooling1D(2), (time // 2, features))] if time > 1 else []
    return [
        *pooled,
        Step({"LSTM": units}, lambda: L.LSTM(units), (units,)),
        Step(
            {"GRU": {"units": units, "return_sequences": True, "recurrent_initializer": {"Orthogonal": {"gain": 0.5}}}},
            lambda: L.GRU(units, return_sequences=True, recurrent_initializer=keras.initializers.Orthogonal(gain=0.5)),
            (time, units),
        ),
        Step(
            {"Bidirectional": {"layer": {"SimpleRNN": units}, "merge_mode": "sum"}},
            lambda: L.Bidirectional(L.SimpleRNN(units), merge_mode="sum"),
            (units,),
        ),
        Step(
            {"TimeDistributed": {"layer": {"Dense": units}}}, lambda: L.TimeDistributed(L.Dense(units)), (time, units)
        ),
        Step(
            {"Conv1D": {"filters": units, "kernel_size": 2, "padding": "causal", "dilation_rate": 2}},
            lambda: L.Conv1D(units, 2, padding="causal", dilation_rate=2),
            (time, units),
        ),
        Step("GlobalAveragePooling1D", L.GlobalAveragePooling1D, (features,)),
        Step("Flatten", L.Flatten, (time * features,)),
        Step({"Permute": [2, 1]}, lambda: L.Permute((2, 1)), (features, time)),
        Step({"SpatialDropout1D": 0.5}, lambda: L.SpatialDropout1D(0.5), shape),
    ]


def image_steps(draw: st.DrawFn, shape: Shape) -> list[Step]:
    """Steps for samples of shape (height, width, channels)."""
    filters, (height, width, channels) = draw(st.integers(1, 3)), shape
    pooled = [
        Step("MaxPooling2D", L.MaxPooling2D, (height // 2, width // 2, channels)),
        Step(
            {"AveragePooling2D": {"pool_size": 2, "strides": 1}},
            lambda: L.AveragePooling2D(2, strides=1),
            (height - 1, width - 1, channels),
        ),
    ]
    return [
        *(pooled if min(height, width) > 1 else []),
        Step(
            {"Conv2D": {"filters": filters, "kernel_size": 2, "padding": "same", "bias_initializer": "ones"}},
            lambda: L.Conv2D(filters, 2, padding="same", bias_initializer="ones"),
            (height, width, filters),
        ),
        Step(
            {"SeparableConv2D": {"filters": filters, "kernel_size": [1, 2], "padding": "same"}},
            lambda: L.SeparableConv2D(filters, (1, 2), padding="same"),
            (height, width, filters),
        ),
        Step({"DepthwiseConv2D": 1}, lambda: L.DepthwiseConv2D(1), shape),
        Step(
            {"Conv2DTranspose": {"filters": filters, "kernel_size": 2, "strides": 2}},
            lambda: L.Conv2DTranspose(filters, 2, strides=2),
            (2 * height, 2 * width, filters),
        ),
        Step("UpSampling2D", L.UpSampling2D, (2 * height, 2 * width, channels)),
        Step(
            {"ZeroPadding2D": [[1, 0], [0, 1]]},
            lambda: L.ZeroPadding2D(((1, 0), (0, 1))),
            (height + 1, width + 1, channels),
        ),
        Step("GlobalMaxPooling2D", L.GlobalMaxPooling2D, (channels,)),
        Step({"GroupNormalization": {"groups": 1}}, lambda: L.GroupNormalization(groups=1), shape),
        Step({"ops.relu": None}, lambda: keras.ops.relu, shape),
        Step("Flatten", L.Flatten, (height * width * channels,)),
    ]


def shared_step(draw: st.DrawFn, described: Described, shape: Shape) -> Step | None:
    """A declared layer or nested model that fits `shape`: an old one, whose weights are shared, or a new one."""
    fitting = [name for name, (takes, _, _) in described.makers.items() if takes == shape]
    if fitting and draw(st.sampled_from([True, False])):
        name = draw(st.sampled_from(fitting))
        return Step(name, described.makers[name][1], described.makers[name][2], name)
    if len(shape) != 1:
        return None
    name, units = f"declared{len(described.makers)}", draw(st.integers(1, 3))
    if draw(st.sampled_from([True, False])):
        described.layers[name] = {"Dense": {"units": units, "use_bias": False}}
        described.makers[name] = (shape, lambda: L.Dense(units, use_bias=False), (units,))
    else:
        described.models[name] = {
            "inputs": {"inside": list(shape)},
            "graph": {"hidden": {"from": "inside", "apply": [{"Dense": units}, "ReLU"]}},
            "outputs": {"made": {"from": ["hidden", "hidden"], "merge": "concat"}},
        }

        def nested() -> Any:
            inside = keras.Input(shape, name="inside")
            hidden = L.ReLU()(L.Dense(units)(inside))
            return keras.Model(inside, L.Concatenate()([hidden, hidden]))

        described.makers[name] = (shape, nested, (2 * units,))
    return Step(name, described.makers[name][1], described.makers[name][2], name)


@st.composite
def descriptions(draw: st.DrawFn) -> Described:
    """A random model of some nodes over one to three inputs, with one to three outputs."""
    described = Described()
    for number in range(draw(st.integers(1, 3))):
        shape = draw(st.sampled_from([(3,), (4,), (4, 2), (3,), (4, 3, 2)]))
        described.inputs[f"in{number}"] = described.shapes[f"in{number}"] = shape
    if draw(st.sampled_from([True, False])):
        described.inputs["words"] = (4,)
        embedding = Step({"Embedding": {"input_dim": 7, "output_dim": 2}}, lambda: L.Embedding(7, 2), (4, 2))
        described.nodes["embedded"] = (["words"], None, [embedding])
        described.shapes["embedded"] = (4, 2)
    for number in range(draw(st.integers(1, 5))):
        described.nodes[f"node{number}"] = _node(draw, described, f"node{number}")
    for number in range(draw(st.integers(1, 3))):
        described.outputs[f"out{number}"] = _node(draw, described, f"out{number}", least=0)
    return described


def _node(draw: st.DrawFn, described: Described, name: str, least: int = 1) -> tuple[list[str], str | None, list[Step]]:
    first = draw(st.sampled_from(sorted(described.shapes)))
    shape, takes, merge = described.shapes[first], [first], None
    alike = [other for other, its in described.shapes.items() if its == shape]
    if draw(st.sampled_from([True, False])):
        takes.append(draw(st.sampled_from(sorted(alike))))
        merge = draw(st.sampled_from(sorted(MERGES)))
        shape = (*shape[:-1], 2 * shape[-1]) if merge == "concat" else shape
    steps: list[Step] = []
    for _ in range(draw(st.integers(least, 3))):
        shared = shared_step(draw, described, shape) if draw(st.integers(0, 3)) == 0 else None
        choices = (vector_steps, sequence_steps, image_steps)[len(shape) - 1](draw, shape)
        steps.append(shared or draw(st.sampled_from(choices)))
        shape = steps[-1].shape
    described.shapes[name] = shape
    return takes, merge, steps


def as_spec(described: Described) -> str:
    """The description as a JSON spec."""

    def node(takes: list[str], merge: str | None, steps: list[Step]) -> Any:
        written: dict[str, Any] = {"from": takes if merge else takes[0]}
        applied = [step.written for step in steps]
        if merge == ATTEND:
            written["from"] = {"query": takes[0], "value": takes[1]}
            applied.insert(0, {"MultiHeadAttention": {"num_heads": 2, "key_dim": 3}, "call": {"use_causal_mask": True}})
        elif merge:
            written["merge"] = merge
        if applied:
            written["apply"] = applied if len(applied) > 1 else applied[0]
        return written if merge or steps else takes[0]

    return json.dumps(
        {
            "graphspec": 1,
            "inputs": {name: _input(name, shape) for name, shape in described.inputs.items()},
            "layers": described.layers,
            "models": described.models,
            "graph": {name: node(*parts) for name, parts in described.nodes.items()},
            "outputs": {name: node(*parts) for name, parts in described.outputs.items()},
        }
    )


def _input(name: str, shape: Shape) -> Any:
    return {"shape": list(shape), "dtype": "int32"} if name == "words" else list(shape)


def by_hand(described: Described) -> keras.Model:
    """The description as the calls that a user of Keras would write, with an Identity where an output needs one."""
    made: dict[str, Any] = {}
    values = {
        name: keras.Input(shape, name=name, dtype="int32" if name == "words" else None)
        for name, shape in described.inputs.items()
    }
    inputs = dict(values)
    for name, (takes, merge, steps) in {**described.nodes, **described.outputs}.items():
        value = values[takes[0]]
        if merge == ATTEND:
            value = L.MultiHeadAttention(2, 3)(query=value, value=values[takes[1]], use_causal_mask=True)
        elif merge:
            value = MERGES[merge]()([values[take] for take in takes])
        for step in steps:
            layer = made.setdefault(step.shared, step.make()) if step.shared else step.make()
            value = layer(value)
        last = steps[-1] if steps else None
        ends_in_fresh_layer = not (last.shared or last.written == {"ops.relu": None}) if last else merge is not None
        if name in described.outputs and not ends_in_fresh_layer:
            value = L.Identity(name=name)(value)
        values[name] = value
    return keras.Model(inputs, {name: values[name] for name in described.outputs})


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(described=descriptions())
def test_a_spec_is_the_keras_code_of_the_same_description(described: Described, tmp_path_factory: Any) -> None:
    """Same structure, configuration, sharing, names and shapes of outputs, and with equal weights equal outputs."""
    keras.utils.clear_session()
    path = Path(tmp_path_factory.mktemp("spec")) / "spec.json"
    path.write_text(as_spec(described), encoding="utf-8")
    ours, theirs = graphspec.build(path), by_hand(described)
    assert_same_structure(ours, theirs)
    assert ours.output_names == list(described.outputs)
    assert {name: tensor.shape for name, tensor in ours.output.items()} == {
        name: (None, *described.shapes[name]) for name in described.outputs
    }
    copy_weights(theirs, ours)
    batch = random_inputs(ours)
    for name, expected in theirs(batch).items():
        np.testing.assert_allclose(ours(batch)[name], expected, rtol=1e-5, atol=1e-5)


def test_nested_model_of_one_input_and_output_is_bare(write: Callable[..., Path]) -> None:
    """A model of one input and one output takes and gives bare tensors, as wrappers of Keras want; others dicts."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [5, 4], z: [4]}
        models:
          one: {inputs: {i: [4]}, outputs: {o: {from: i, apply: {Dense: 3}}}}
          two: {inputs: {i: [4], j: [4]}, outputs: {o: {from: [i, j], merge: sum}, p: i}}
        graph: {t: {from: [z, z], apply: two}}
        outputs: {y: {from: x, apply: {TimeDistributed: one}}, w: {from: z, apply: one}, v: t.o, u: t.p}
        """
    )
    model = graphspec.build(path)
    one, two = model.get_layer("one"), model.get_layer("two")
    assert (one.input.shape, one.output.shape) == ((None, 4), (None, 3))
    assert (list(two.input), list(two.output)) == (["i", "j"], ["o", "p"])
    assert list(model.input) == ["x", "z"]
