"""Random operations against `keras.random` itself: numbers, shapes, seeds, gradients, and what refuses to be drawn."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog.refused import UNDRAWN_OPS
from graphspec.cli._verify_resume import differences
from graphspec.shapes import Tensor, infer
from graphspec.to_keras.operations import RANDOM
from graphspec.to_python import python_source

from ..exporting.exports import refusal, saved
from ..language.specs import Write, codes

SHAPES: dict[str, tuple[int | None, ...]] = {"flat": (), "table": (4, 1), "steps": (None, 3), "video": (None, None, 2)}
"""Inputs with one unknown size, and with several."""

DRAWS: dict[str, dict[str, Any]] = {
    "normal": {"mean": 2.0, "stddev": 0.5},
    "truncated_normal": {"stddev": 3.0},
    "uniform": {"minval": -2.0, "maxval": 7.0},
}

ALL = """
graphspec: 1
inputs: {x: [4, 3], words: {shape: [null], dtype: string}}
graph:
  noise: {from: x, apply: {ops.random.normal: {stddev: 0.5}}}
  activation: {from: x, apply: ReLU}
  further: {from: activation, apply: ops.random.normal}
  dropped: {from: x, apply: {ops.random.dropout: {rate: 0.5, noise_shape: [null, 4, 1]}}}
  fixed: {apply: [{ops.zeros: [4, 3]}, {ops.random.uniform: {seed: 3}}]}
  dice: {from: words, apply: [{ops.random.randint: {minval: 1, maxval: 7}}, {ops.cast: float16}]}
  classes: {from: x, apply: [Flatten, {ops.random.categorical: 5}]}
  mixed: {from: x, apply: {ops.random.shuffle: {axis: 1}}}
outputs:
  y: {from: [noise, further, dropped, fixed, mixed], merge: sum}
  dice_sum: {from: dice, apply: {ops.sum: {axis: 1}}}
  class: {from: classes}
"""


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def all_inputs() -> dict[str, Any]:
    return {
        "x": keras.ops.convert_to_tensor(numbers(2, 4, 3)),
        "words": keras.ops.convert_to_tensor([["a", "b", "c"], ["d", "e", "f"]]),
    }


def module_of(path: Path, folder: Path) -> Any:
    """The module that a spec is exported to."""
    (folder / "exported.py").write_text(python_source(graphspec.load(path), folder), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("exported", folder / "exported.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def equal(one: Any, other: Any) -> bool:
    """Whether two results hold the same numbers under each name."""
    return all(np.array_equal(one[name], other[name]) for name in {*one, *other})


def test_every_function_of_keras_is_drawn_or_refused() -> None:
    """The operations are the functions of `keras.random`; each draws, or a sentence says what to write instead."""
    assert set(catalog.random_operations()) == {*RANDOM, *UNDRAWN_OPS}
    assert not {*RANDOM} & {*UNDRAWN_OPS}
    assert all(len(sentence.split()) > 1 for sentence in UNDRAWN_OPS.values())


def test_numbers_are_those_of_keras(write: Write, tmp_path: Path) -> None:
    """Of any shape, to the bit, call by call, in a model that plain Keras has loaded as well."""
    nodes = {
        f"{shape}_{draw}": {"from": shape, "apply": {f"ops.random.{draw}": {**arguments, "seed": 7}}}
        for shape in SHAPES
        for draw, arguments in DRAWS.items()
    }
    inputs = {name: list(shape) for name, shape in SHAPES.items()}
    path = write(str({"graphspec": 1, "inputs": inputs, "outputs": nodes}).replace("None", "null"))
    assert codes(path) == []
    model = graphspec.build(path)
    graph = graphspec.load(path).graph
    for name, tensor in model.output.items():
        assert infer(graph).of(graph, name) == Tensor(tuple(tensor.shape), tensor.dtype)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    batch = {name: np.zeros((2, *(size or 5 for size in shape))) for name, shape in SHAPES.items()}
    generators = {name: keras.random.SeedGenerator(7) for name in nodes}
    for _ in range(2):
        ours, again = model(batch), loaded(batch)
        for name, generator in generators.items():
            shape, _, draw = name.partition("_")
            expected = getattr(keras.random, draw)(batch[shape].shape, **DRAWS[draw], seed=generator)
            np.testing.assert_array_equal(ours[name], expected)
            np.testing.assert_array_equal(again[name], expected)


def test_dropout_is_that_of_keras(write: Write) -> None:
    """The same numbers become 0, the others are scaled up, at inference; along an axis of `noise_shape` all or none."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [40, 5]}
        outputs:
          each: {from: x, apply: {ops.random.dropout: {rate: 0.25, seed: 1}}}
          rows: {from: x, apply: {ops.random.dropout: {rate: 0.25, noise_shape: [null, 40, 1], seed: 1}}}
        """
    )
    x = numbers(3, 40, 5)
    found = graphspec.build(path)({"x": x}, training=False)
    for name, noise_shape in (("each", None), ("rows", (3, 40, 1))):
        expected = keras.random.dropout(x, 0.25, noise_shape, seed=keras.random.SeedGenerator(1))
        np.testing.assert_allclose(found[name], expected, rtol=1e-6)


def test_classes_whole_numbers_and_orders(write: Write) -> None:
    """Classes are drawn by their probabilities, whole numbers evenly within their bounds, and orders lose nothing."""
    path = write(
        """
        graphspec: 1
        inputs: {logits: [3], x: [50, 2]}
        outputs:
          class: {from: logits, apply: {ops.random.categorical: {num_samples: 4000, seed: 1}}}
          dice: {from: x, apply: {ops.random.randint: {minval: -2, maxval: 4, dtype: int8, seed: 2}}}
          mixed: {from: x, apply: {ops.random.shuffle: {axis: -2, seed: 3}}}
          rows: {from: x, apply: {ops.random.shuffle: {seed: 4}}}
        """
    )
    x = numbers(20, 50, 2)
    shares = np.array([0.7, 0.1, 0.2])
    found = graphspec.build(path)({"logits": np.log(np.tile(shares, (20, 1))) + 5, "x": x})
    assert found["class"].shape == (20, 4000)
    np.testing.assert_allclose(np.bincount(np.ravel(found["class"])) / 80_000, shares, atol=0.01)
    dice = np.asarray(found["dice"])
    assert (dice.shape, dice.dtype.name) == (x.shape, "int8")
    values, counts = np.unique(dice, return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2, 3]
    assert counts.min() > 270
    for name, axis in (("mixed", 1), ("rows", 0)):
        mixed = np.asarray(found[name])
        assert not np.array_equal(mixed, x)
        np.testing.assert_array_equal(np.sort(mixed, axis=axis), np.sort(x, axis=axis))


def test_every_call_draws_anew_and_nodes_differ(write: Write, tmp_path: Path) -> None:
    """Two calls, two nodes and two models differ; one seed of the process, or of an operation, gives the same again."""
    path = write(ALL)
    assert codes(path) == []
    keras.utils.set_random_seed(1)
    model = graphspec.build(path)
    keras.utils.set_random_seed(1)
    again, other = graphspec.build(path), graphspec.build(path)
    batch = all_inputs()
    first = model(batch)
    assert equal(first, again(batch))
    assert not equal(first, other(batch))
    assert not equal(first, model(batch))
    made = {each.name: each for each in model.operations}
    drawn = keras.Model(model.input, [made[name].output for name in ("noise_normal", "further_normal")])
    one, two = (np.asarray(each) for each in drawn(batch))
    assert not np.allclose(one, two * 0.5)
    predicted = [model.predict(batch, verbose=0) for _ in range(2)]
    assert not equal(*predicted)
    model.save(tmp_path / "model.keras")
    loaded = [keras.models.load_model(tmp_path / "model.keras")(batch) for _ in range(2)]
    assert equal(*loaded)  # the file holds the seeds
    assert "graphspec" not in str(model.get_config())


def test_states_belong_to_the_model(write: Write, tmp_path: Path) -> None:
    """The variables of a model hold each generator, in a nested model and in one from a file as well."""
    states = [each for each in graphspec.build(write(ALL)).variables if "seed_generator" in each.path]
    assert len(states) == 7
    graphspec.build(write(ALL)).save(tmp_path / "inner.keras")
    path = write(
        """
        graphspec: 1
        models:
          saved: {file: inner.keras}
          nested:
            inputs: {a: [3]}
            outputs: {b: {from: a, apply: ops.random.normal}}
        inputs: {x: [4, 3], words: {shape: [null], dtype: string}, a: [3]}
        graph: {once: {from: {x: x, words: words}, apply: saved}}
        outputs: {y: {from: once.y}, b: {from: a, apply: nested}}
        """
    )
    assert codes(path) == []
    assert len([each for each in graphspec.build(path).variables if "seed_generator" in each.path]) == 8


def test_gradients_flow_through_what_scales_numbers(write: Write) -> None:
    """The reparametrisation trick: the deviation learns, though the numbers have no gradient."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [2]}
        graph:
          mean: {from: x, apply: {Dense: {units: 3, kernel_initializer: ones}}}
          deviation: {from: x, apply: {Dense: {units: 3, kernel_initializer: ones}}}
          noise: {from: mean, apply: {ops.random.normal: {seed: 1}}}
          scaled: {from: [deviation, noise], merge: mul}
        outputs: {code: {from: [mean, scaled], merge: sum, loss: mse}}
        training: {optimizer: sgd}
        """
    )
    model = graphspec.build(path)
    before = {each.path: each.numpy() for each in model.trainable_variables}
    model.compile("sgd", "mse")
    model.fit({"x": np.ones((4, 2))}, {"code": np.ones((4, 3))}, verbose=0)
    assert all(not np.array_equal(before[each.path], each) for each in model.trainable_variables)


def test_exported_python_draws_the_same(write: Write, tmp_path: Path) -> None:
    """The module needs no graphspec, knows the generators, and gives the same numbers for the same seed."""
    path = write(ALL)
    ours = graphspec.build(path)
    theirs = module_of(path, tmp_path).build_model()
    assert "graphspec" not in (tmp_path / "exported.py").read_text(encoding="utf-8").partition('"""\n\nimport')[2]
    assert len(theirs.variables) == len(ours.variables)
    for model in (ours, theirs):
        for generator in model.seed_generators:
            generator.state.assign([9, 0])
    assert equal(ours(all_inputs()), theirs(all_inputs()))


def test_exports_draw_on(write: Write, tmp_path: Path) -> None:
    """A SavedModel holds the states, so it begins as the model does; formats without states refuse it by a sentence."""
    path = write("graphspec: 1\ninputs: {x: [3]}\noutputs: {y: {from: x, apply: ops.random.normal}}")
    file = saved(tmp_path / "model.keras", graphspec.build(path))
    exported = graphspec.export(file, "saved-model")
    assert exported.differences["y"].absolute < 1e-6
    assert refusal(file, "onnx")[1].count("draws random numbers, which ONNX does not support") == 1


def test_decompiled_spec_draws_the_same(write: Write, tmp_path: Path) -> None:
    """What draws is an operation again, with its seed."""
    model = graphspec.build(write(ALL))
    spec = graphspec.decompile(model, tmp_path / "back.yaml")
    text = (tmp_path / "back.yaml").read_text(encoding="utf-8")
    assert text.count("ops.random.normal") == 2
    assert text.count("ops.random.uniform") == 5
    assert "Activation" not in text
    assert equal(graphspec.build(spec)(all_inputs()), model(all_inputs()))


def test_resumed_training_draws_on(write: Write, tmp_path: Path) -> None:
    """One epoch and then another end in the weights of two; another seed ends in others."""
    np.save(tmp_path / "x.npy", numbers(8, 2))
    path = write(
        """
        graphspec: 1
        inputs: {x: [2]}
        graph:
          noise: {from: x, apply: ops.random.normal}
          noisy: {from: [x, noise], merge: sum}
        outputs: {y: {from: noisy, apply: {Dense: 2}, loss: mse}}
        training: {optimizer: sgd, epochs: 2, batch_size: 4, seed: 5, deterministic: true}
        data: {train: {inputs: {x: x.npy}, outputs: {y: x.npy}}}
        """
    )
    whole = graphspec.train(path, run_dir=tmp_path / "whole")
    graphspec.train(path, overrides=["training.epochs=1"], run_dir=tmp_path / "part")
    graphspec.resume(tmp_path / "part", epochs=2)
    assert list(differences(tmp_path / "whole", tmp_path / "part")) == []
    other = graphspec.train(path, overrides=["training.seed=6"], run_dir=tmp_path / "other")
    assert not np.allclose(*(run.model().get_layer("y").get_weights()[0] for run in (whole, other)))


WRONG = "graphspec: 1\ninputs: {x: [4, 3], n: {shape: [3], dtype: int32}}\noutputs: {y: {NODE}}\n"


@pytest.mark.parametrize(
    ("node", "code", "said"),
    [
        ("from: x, apply: {ops.random.normal: {stddev: -1.0}}", "GS213", "a number from 0 up"),
        ("from: x, apply: {ops.random.normal: {mean: .nan}}", "GS213", "a number"),
        ("from: x, apply: {ops.random.normal: {mean: [1.0, 2.0]}}", "GS213", "a number"),
        ("from: x, apply: {ops.random.normal: {mean: 1.0e+300}}", "GS213", "float32"),
        ("from: x, apply: {ops.random.normal: {means: 1.0}}", "GS202", "did you mean `mean`?"),
        ("from: x, apply: {ops.random.normal: {dtype: int32}}", "GS213", "floats"),
        ("from: x, apply: {ops.random.normal: {dtype: float31}}", "GS213", "float32"),
        ("from: x, apply: {ops.random.normal: {seed: -1}}", "GS213", "from 0 to 4,294,967,295"),
        ("from: x, apply: {ops.random.normal: {seed: 4294967296}}", "GS213", "from 0 to 4,294,967,295"),
        ("from: x, apply: {ops.random.normal: {seed: true}}", "GS213", ""),
        ("from: x, apply: {ops.random.normal: {shape: [4, 3]}}", "GS202", "set twice"),
        ("apply: {ops.random.normal: {shape: [4, 3]}}", "GS102", "[{ops.zeros: [16, 8]}, ops.random.normal]"),
        ("from: [x, x], apply: ops.random.normal", "GS202", "takes one tensor"),
        ("from: x, apply: ops.random.normale", "GS201", "did you mean `ops.random.normal`?"),
        ("from: x, apply: {ops.random.uniform: {minval: 1.0, maxval: 1.0}}", "GS412", "a number above `minval`"),
        ("from: x, apply: {ops.random.randint: {minval: 3}}", "GS203", "needs `maxval`"),
        ("from: x, apply: {ops.random.randint: {minval: 0, maxval: 2.5}}", "GS213", "a whole number"),
        ("from: x, apply: {ops.random.randint: {minval: 0, maxval: 100000000}}", "GS412", "at most 8,388,608 numbers"),
        ("from: x, apply: {ops.random.randint: {minval: 0, maxval: 300, dtype: int8}}", "GS412", "beyond int8"),
        ("from: x, apply: {ops.random.randint: {minval: -1, maxval: 3, dtype: uint8}}", "GS412", "beyond uint8"),
        ("from: x, apply: {ops.random.randint: {minval: 0, maxval: 3, dtype: float32}}", "GS213", "whole numbers"),
        ("from: x, apply: {ops.random.dropout: 1.0}", "GS213", "without, 1"),
        ("from: x, apply: {ops.random.dropout: {rate: 0.1, noise_shape: [null, 1]}}", "GS213", "3 sizes"),
        ("from: x, apply: {ops.random.dropout: {rate: 0.1, noise_shape: [null, 2, 1]}}", "GS412", "has 2"),
        ("from: n, apply: {ops.random.dropout: 0.1}", "GS410", "ops.cast: float32"),
        ("from: x, apply: {ops.random.categorical: 2}", "GS404", "(batch, classes)"),
        ("from: n, apply: {ops.random.categorical: 2}", "GS410", "log-probabilities"),
        ("from: n, apply: [{ops.cast: float32}, {ops.random.categorical: 0}]", "GS213", "from 1 up"),
        ("from: x, apply: {ops.random.shuffle: {axis: 3}}", "GS408", "axis 3"),
        ("from: x, apply: {ops.random.gamma: {alpha: 2.0}}", "GS207", "exponentials"),
        ("from: x, apply: {ops.random.beta: {alpha: 2.0, beta: 1.0}}", "GS207", "gammas"),
        ("from: x, apply: {ops.random.binomial: {counts: 2, probabilities: 0.5}}", "GS207", "ops.less"),
    ],
)
def test_mistakes_are_findings(write: Write, node: str, code: str, said: str) -> None:
    """Each mistake gives one finding that says what it is."""
    found = [each for each in graphspec.validate(write(WRONG.replace("NODE", node))) if each.is_error]
    assert [each.rule.code for each in found] == [code], [str(each) for each in found]
    assert said in f"{found[0].message} {found[0].help} {found[0].expected}"
