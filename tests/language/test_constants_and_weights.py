"""Nodes that begin with `constant`, with `weight` or with an operation, against what Keras makes of them."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.shapes import Tensor, infer

from .specs import Write, codes, layer_names, lower

L = keras.layers

SPEC = """
graphspec: 1
vars: {length: 6, dim: 4}
blocks:
  shifted:
    inputs: x
    graph:
      bias: {weight: {shape: ["${dim}"], initializer: zeros}}
      scale: {constant: [1.0, 2.0, 3.0, 4.0]}
      scaled: {from: [x, scale], apply: ops.multiply}
    output: {from: [scaled, bias], apply: ops.add}
inputs: {x: ["${length}", "${dim}"]}
graph:
  positions: {apply: {ops.arange: "${length}"}}
  embedded: {from: positions, apply: {Embedding: {input_dim: 6, output_dim: 4}}}
  mean: {constant: [[0.4, 0.5, 0.3, 0.2]]}
  half: {from: mean, apply: [{ops.multiply: {x2: 0.5}}, {ops.squeeze: {axis: 0}}]}
  centred: {from: [x, half], apply: ops.subtract}
  seen: {from: [centred, embedded], apply: [ops.add, shifted, shifted]}
  causal: {apply: [{ops.tri: {N: 3, M: 6}}, {ops.cast: bool}]}
  latents: {weight: {shape: [3, "${dim}"], initializer: {RandomNormal: {stddev: 0.02}}}, apply: LayerNormalization}
  read:
    from: {query: latents, value: seen}
    apply: {MultiHeadAttention: {num_heads: 2, key_dim: 2}, call: {attention_mask: causal}}
  token: {weight: {shape: [1, "${dim}"]}}
  joined: {from: [token, read], merge: {concat: {axis: 1}}}
outputs: {y: {from: joined, apply: [Flatten, {Dense: 2}]}}
"""


class Table(keras.layers.Layer):
    """A weight as `add_weight` makes it, once for each sample."""

    def __init__(self, shape: tuple[int, ...], **keywords: object) -> None:
        super().__init__(**keywords)
        self.shape = shape

    def build(self, _: object) -> None:
        self.table = self.add_weight(shape=self.shape, name="embeddings")

    def call(self, x: object) -> object:
        return keras.ops.broadcast_to(self.table, (keras.ops.shape(x)[0], *self.shape))


def by_hand() -> keras.Model:
    """The spec above with weights of a layer of its own."""
    ops = keras.ops
    x = keras.Input((6, 4), name="x")
    positions = ops.add(np.arange(6), ops.cast(x[:, :, 0] * 0, "int32"))
    embedded = L.Embedding(6, 4, name="embedded")(positions)
    y = x - np.array([0.2, 0.25, 0.15, 0.1], "float32") + embedded
    for name in ("seen", "seen_1"):
        y = y * np.array([1.0, 2.0, 3.0, 4.0], "float32") + Table((1, 4), name=f"{name}__bias")(y)
    latents = L.LayerNormalization(name="latents_layer_normalization")(Table((3, 4), name="latents")(x))
    mask = ops.cast(ops.add(np.tri(3, 6)[None], x[:, :1, :1] * 0), "bool")
    read = L.MultiHeadAttention(2, 2, name="read")(latents, y, attention_mask=mask)
    joined = L.Concatenate(axis=1)([Table((1, 4), name="token")(x), read])
    return keras.Model({"x": x}, {"y": L.Dense(2, name="y")(L.Flatten()(joined))})


def test_model_is_what_keras_makes(write: Write) -> None:
    """Constants are operands, weights are trained, what has no batch goes into layers once for each sample."""
    path = write(SPEC)
    assert codes(path) == []
    ours, theirs = graphspec.build(path), by_hand()
    rng = np.random.default_rng(0)
    for weight in ours.weights:
        weight.assign(rng.random(weight.shape))
    values = {weight.path: weight.numpy() for weight in ours.weights}
    assert sorted(values) == sorted(weight.path for weight in theirs.weights)
    for weight in theirs.weights:
        weight.assign(values[weight.path])
    x = rng.random((5, 6, 4)).astype("float32")
    np.testing.assert_allclose(ours({"x": x})["y"], theirs({"x": x})["y"], rtol=1e-4, atol=1e-5)


def test_every_weight_is_trained_and_counted(write: Write) -> None:
    """A step changes each weight; the parameters are counted without Keras; each use of a block has its own."""
    path = write(SPEC)
    model = graphspec.build(path)
    before = {weight.path: weight.numpy() for weight in model.trainable_weights}
    assert {"seen__bias/embeddings", "seen_1__bias/embeddings", "latents/embeddings", "token/embeddings"} <= set(before)
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)
    model.fit({"x": rng.random((4, 6, 4))}, {"y": rng.random((4, 2))}, verbose=0)
    still = [
        path
        for path, value in before.items()
        if np.array_equal(value, model.get_layer(path.split("/")[0]).get_weights())
    ]
    assert still == []
    assert graphspec.summarize(path).parameters == model.count_params()


def test_plain_keras_loads_the_model(write: Write, tmp_path: Path) -> None:
    """A saved model holds constants and weights in layers and operations of Keras alone."""
    model = graphspec.build(write(SPEC))
    model.save(tmp_path / "model.keras")
    assert "graphspec" not in str(model.get_config())
    x = np.random.default_rng(0).random((2, 6, 4)).astype("float32")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras")({"x": x})["y"], model({"x": x})["y"])


def test_a_shared_layer_takes_them_several_times(write: Write, tmp_path: Path) -> None:
    """A model or a layer that is used again gets each of them for each sample; the saved model loads."""
    spec = """
        graphspec: 1
        inputs: {x: [2, 3]}
        layers: {look: {MultiHeadAttention: {num_heads: 1, key_dim: 2}}}
        models:
          both:
            inputs: {u: [2, 3], v: [2, 3]}
            outputs: {w: {from: [u, v], merge: sum}}
        graph:
          table: {weight: {shape: [2, 3]}}
          fixed: {constant: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}
          one: {from: {u: x, v: table}, apply: both}
          two: {from: {u: one, v: fixed}, apply: both}
          three: {from: {query: two, value: table}, apply: look}
          four: {from: {query: three, value: fixed}, apply: look}
        outputs: {y: {from: four, apply: {Dense: 1}}}
    """
    model = graphspec.build(write(spec))
    model.save(tmp_path / "model.keras")
    batch = {"x": np.arange(12, dtype="float32").reshape(2, 2, 3)}
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(batch, verbose=0)["y"], model.predict(batch, verbose=0)["y"])


def test_shapes_have_no_batch(write: Write) -> None:
    """What comes from no input has the shape that it states; what takes an input has a batch."""
    graph = lower(write, SPEC.replace("graphspec: 1\n", ""))
    shapes = infer(graph)
    found = {
        name: str(shapes.of(graph, name)) for name in ("positions", "embedded", "half", "causal", "latents", "read")
    }
    assert found == {
        "positions": "(6)",
        "embedded": "(6, 4)",
        "half": "(4)",
        "causal": "(3, 6)",
        "latents": "(3, 4)",
        "read": "(batch, 3, 4)",
    }


@pytest.mark.parametrize("shape", [[], [3], [2, 3], [2, 1, 3], [1, 2, 2, 3]])
def test_weights_of_any_rank(write: Write, shape: list[int]) -> None:
    """A weight has the shape that it states, and one layer of Keras behind it, named after the node."""
    path = write(
        f"""
        graphspec: 1
        inputs: {{x: [3]}}
        graph:
          w: {{weight: {{shape: {shape}, initializer: ones, regularizer: {{L2: 0.1}}, constraint: non_neg}}}}
          total: {{from: w, apply: ops.sum}}
        outputs: {{y: {{from: [x, total], apply: ops.multiply}}}}
        """
    )
    assert codes(path) == []
    spec, model = graphspec.load(path), graphspec.build(path)
    assert infer(spec.graph).of(spec.graph, "w") == Tensor(tuple(shape))
    count = int(np.prod(shape))
    assert model.count_params() == count
    assert model.get_layer("w").embeddings_regularizer is not None
    np.testing.assert_allclose(model({"x": np.ones((2, 3))})["y"], np.full((2, 3), count))


@pytest.mark.parametrize("shape", [[5], [3, 4], [3, 3, 1, 8], []])
@pytest.mark.parametrize("initializer", ["GlorotUniform", "HeNormal", "Orthogonal", "RandomNormal"])
def test_weights_start_in_their_own_shape(write: Write, tmp_path: Path, shape: list[int], initializer: str) -> None:
    """Initializers that scale by what comes in and goes out see the weight, and plain Keras loads what is saved."""
    if initializer == "Orthogonal" and len(shape) < 2:
        pytest.skip("Keras takes it for two dimensions or more")
    path = write(
        f"""
        graphspec: 1
        inputs: {{x: [3]}}
        graph:
          w: {{weight: {{shape: {shape}, initializer: {{{initializer}: {{seed: 3}}}}}}}}
          total: {{from: w, apply: ops.sum}}
        outputs: {{y: {{from: [x, total], apply: ops.multiply}}}}
        """
    )
    model = graphspec.build(path)
    expected = getattr(keras.initializers, initializer)(seed=3)(tuple(shape))
    np.testing.assert_array_equal(np.reshape(model.get_layer("w").get_weights()[0], shape), expected)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").get_layer("w")
    assert type(loaded.embeddings_initializer).__name__ == initializer


@pytest.mark.parametrize(
    ("written", "dtype"),
    [
        ("1", "int32"),
        ("1.5", "float32"),
        ("[true, false]", "bool"),
        ("[[1, 2], [3, 4]]", "int32"),
        ("[1, 0.5]", "float32"),
        ("[1, 2], dtype: int64", "int64"),
        ("[1, 2], dtype: float16", "float16"),
        ("{file: a.npy}", "float32"),
        ("{file: b.npz, key: counts}", "int32"),
        ("{file: a.npy}, dtype: float64", "float64"),
    ],
)
def test_dtype_of_constants(write: Write, tmp_path: Path, written: str, dtype: str) -> None:
    """The dtype is stated, or follows from the numbers; files start at the spec."""
    np.save(tmp_path / "a.npy", np.arange(3) / 2)
    np.savez(tmp_path / "b.npz", counts=np.arange(3), other=np.ones(2))
    path = write(
        "graphspec: 1\ninputs: {x: [1, 1]}\n"
        f"graph: {{c: {{constant: {written}}}, d: {{from: c, apply: {{ops.cast: float32}}}}}}\n"
        "outputs: {y: {from: [x, d], apply: [ops.subtract, Flatten]}}\n"
    )
    spec = graphspec.load(path)
    inferred = infer(spec.graph).of(spec.graph, "c")
    assert isinstance(inferred, Tensor)
    assert inferred.dtype == dtype
    assert graphspec.build(path, weightless=True).output["y"].shape[0] is None


def test_missing_file_is_a_finding(write: Write) -> None:
    """A constant names a file that is not there: it is said at the path."""
    path = write(
        "graphspec: 1\ninputs: {x: [3]}\ngraph: {c: {constant: {file: none.npy}}}\n"
        "outputs: {y: {from: [x, c], apply: ops.add}}\n"
    )
    assert codes(path) == ["GS601"]


MAKERS = {
    "ops.arange": [
        "8",
        "{start: 2, stop: 9, step: 2}",
        "{start: 0.5, stop: 2, step: 0.25}",
        "3.5",
    ],
    "ops.array": ["{x: [[1, 2], [3, 4]]}", "{x: 2.5, dtype: float16}"],
    "ops.bartlett": ["5"],
    "ops.blackman": ["5"],
    "ops.eye": ["3", "{N: 2, M: 3, k: 1, dtype: int32}"],
    "ops.full": ["{shape: [2, 3], fill_value: 7}", "{shape: [2], fill_value: 0.5, dtype: float16}"],
    "ops.geomspace": ["{start: 1, stop: 100, num: 3}"],
    "ops.hamming": ["4"],
    "ops.hanning": ["4"],
    "ops.identity": ["3"],
    "ops.kaiser": ["{x: 4, beta: 2.0}"],
    "ops.linspace": ["{start: 0, stop: 1, num: 5}"],
    "ops.logspace": ["{start: 0, stop: 2, num: 3}"],
    "ops.ones": ["[2, 3]", "{shape: [4], dtype: int32}"],
    "ops.tri": ["3", "{N: 2, M: 4, k: -1, dtype: bool}"],
    "ops.zeros": ["[2]", "{shape: [1, 2], dtype: bool}"],
}


@pytest.mark.parametrize("name", catalog.makers())
def test_operations_make_what_keras_makes(write: Write, name: str) -> None:
    """Each operation that a node may begin with gives the tensor of Keras, of the shape and dtype that is inferred."""
    for number, written in enumerate(MAKERS[name]):
        graph = lower(
            write,
            f"""
            inputs: {{x: [1]}}
            graph:
              made: {{apply: {{{name}: {written}}}}}
              mean: {{from: made, apply: [{{ops.cast: float32}}, ops.mean]}}
            outputs: {{y: {{from: [x, mean], apply: ops.add}}}}
            """,
        )
        arguments = graph.nodes["made"].steps[0].layer.arguments
        made = getattr(keras.ops, name.partition(".")[2])(**arguments)
        expected = Tensor(tuple(made.shape), keras.backend.standardize_dtype(made.dtype))
        assert infer(graph).of(graph, "made") == expected, f"{name} {number}"


SMALL = "graphspec: 1\ninputs: {x: [3]}\ngraph: {a: NODE}\noutputs: {y: {from: [x, a], apply: ops.add}}\n"


@pytest.mark.parametrize(
    ("node", "code", "said"),
    [
        ("{apply: {Dense: 3}}", "GS102", "has no `from`"),
        ("{apply: ops.relu}", "GS102", "`ops.relu` takes a tensor, but the node has no `from`"),
        ("{from: x, apply: {ops.zeros: [2]}}", "GS202", "takes no tensor"),
        ("{apply: {ops.arange: 8, call: {stop: x}}}", "GS202", "`call` beside `ops.arange`"),
        ("{apply: ops.arange}", "GS203", "needs `start`"),
        ("{apply: {ops.arange: 100000000}}", "GS006", "more than 10,000,000 numbers"),
        ("{apply: {ops.arange: {start: 0, stop: 1, step: 0}}}", "GS213", "other than 0"),
        ("{apply: {ops.arange: {start: 5, stop: 1}}}", "GS412", "no number"),
        ("{apply: {ops.ones: [2, null]}}", "GS213", "without `null`"),
        ("{weight: {shape: [3], initialiser: zeros}}", "GS101", "did you mean `initializer`?"),
        ("{weight: {initializer: zeros}}", "GS102", "has no `shape`"),
        ("{weight: {shape: [null]}}", "GS103", ""),
        ("{weight: {shape: [3], initializer: zeroes}}", "GS201", "did you mean `zeros`?"),
        ("{weight: [3]}", "GS103", ""),
        ("{constant: [1, 2, 3], dtype: int}", "GS104", "write `int32`"),
    ],
)
def test_mistakes_are_findings(write: Write, node: str, code: str, said: str) -> None:
    """Each mistake gives one finding that says what it is."""
    path = write(SMALL.replace("NODE", node))
    found = [each for each in graphspec.validate(path) if each.is_error]
    assert [each.rule.code for each in found] == [code]
    assert said in found[0].message + found[0].help + found[0].expected


def test_a_weight_is_found_by_the_name_of_its_node(write: Write, tmp_path: Path) -> None:
    """`freeze` and `initial_weights` find it, taken in twice it is one, `trainable: false` leaves it alone."""
    text = """
        graphspec: 1
        inputs: {x: [2]}
        graph:
          w: {weight: {shape: [2], initializer: ones}}
          fixed: {weight: {shape: [2], trainable: false}}
          a: {from: [x, w], apply: ops.add}
          b: {from: [a, w], apply: ops.multiply}
        outputs: {y: {from: [b, fixed], apply: [ops.add, {Dense: 1}], loss: mse}}
        training: {optimizer: sgd, freeze: [w]}
        """
    path = write(text)
    assert codes(path) == []
    model = graphspec.build(path)
    assert [weight.path for weight in model.weights] == ["w/embeddings", "fixed/embeddings", "y/kernel", "y/bias"]
    assert layer_names(model).count("w") == 1
    assert not model.get_layer("fixed").trainable
    model.get_layer("w").set_weights([np.array([[5.0, 7.0]])])
    model.save_weights(tmp_path / "start.weights.h5")
    again = graphspec.build(write(text.replace("inputs:", "weights: start.weights.h5\n        inputs:")))
    np.testing.assert_array_equal(again.get_layer("w").get_weights()[0], [[5.0, 7.0]])
