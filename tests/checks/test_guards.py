"""Wrong models that Keras makes without a word, each beside what graphspec does about it.

Every test first shows the wrong model, made by hand with plain Keras, and then that graphspec refuses or prevents it.
A test that no longer finds Keras at fault fails, so that the guard can go.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.runs.run import Run

Write = Callable[..., Path]
L = keras.layers


def codes(error: pytest.ExceptionInfo[SpecError]) -> list[str]:
    """The rule codes of a refusal."""
    return [diagnostic.rule.code for diagnostic in error.value.report]


def save(folder: Path, **arrays: np.ndarray[Any, Any]) -> None:
    """Save each array as `<name>.npy`."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def two_heads(write: Write, **changes: str) -> Path:
    """A spec with two regression heads on one input, trained for one epoch at learning rate 0 unless changed."""
    parts = {
        "a": "from: x, apply: {Dense: {units: 1, kernel_initializer: zeros}}, loss: mse",
        "b": "from: x, apply: {Dense: {units: 1, kernel_initializer: zeros}}, loss: mse",
        "optimizer": "{SGD: {learning_rate: 0.0}}",
        "weights": "",
    } | changes
    return write(
        f"""
        graphspec: 1
        inputs: {{x: [2]}}
        outputs:
          a: {{{parts["a"]}}}
          b: {{{parts["b"]}}}
        training: {{optimizer: {parts["optimizer"]}, epochs: 1, batch_size: 4, seed: 1}}
        data:
          train:
            inputs: {{x: x.npy}}
            outputs: {{a: a.npy, b: b.npy}}
            {parts["weights"]}
        """
    )


def train(path: Path) -> Run:
    """Train the spec into a folder beside it."""
    return graphspec.train(path, run_dir=path.parent / "run")


def last(run: Run) -> dict[str, float]:
    """The metrics of the last epoch."""
    metrics: dict[str, float] = run.record["metrics"]
    return metrics


def test_outputs_that_end_in_one_shared_layer_keep_their_names(write: Write) -> None:
    """Keras names both outputs after the shared layer; graphspec ends each in a layer of its own."""
    p, q, shared = keras.Input((3,), name="p"), keras.Input((3,), name="q"), L.Dense(1, name="shared")
    by_hand = keras.Model({"p": p, "q": q}, {"left": shared(p), "right": shared(q)})
    assert by_hand.output_names == ["shared", "shared"]
    path = write(
        """
        graphspec: 1
        inputs: {p: [3], q: [3]}
        layers: {shared: {Dense: 1}}
        outputs:
          left: {from: p, apply: shared}
          right: {from: q, apply: shared}
        """
    )
    model = graphspec.build(path)
    assert model.output_names == ["left", "right"]
    assert model.count_params() == 4


def test_output_without_a_loss_is_refused(write: Write) -> None:
    """Keras never trains an output that the loss dict leaves out; graphspec wants the loss, or `loss: null`."""
    x = keras.Input((2,), name="x")
    by_hand = keras.Model({"x": x}, {"a": L.Dense(1, name="a")(x), "b": L.Dense(1, name="b")(x)})
    by_hand.compile("sgd", loss={"a": "mse"})
    before = by_hand.get_layer("b").get_weights()[0].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        by_hand.fit({"x": np.ones((8, 2))}, {"a": np.ones((8, 1))}, verbose=0)
    np.testing.assert_array_equal(before, by_hand.get_layer("b").get_weights()[0])
    with pytest.raises(SpecError) as refused:
        graphspec.load(two_heads(write, b="from: x, apply: {Dense: 1}"))
    assert codes(refused) == ["GS501"]


def test_output_with_a_null_loss_is_left_alone(write: Write, tmp_path: Path) -> None:
    """`loss: null` says that an output is not to be trained: the others train, and metrics land where they belong."""
    save(tmp_path, x=np.ones((6, 2)), a=np.full((6, 1), 3.0), b=np.zeros((6, 1)))
    path = two_heads(
        write,
        a="from: x, apply: {Dense: {units: 1, kernel_initializer: zeros}}, loss: mse, metrics: [mae]",
        b="from: x, apply: {Dense: {units: 1, kernel_initializer: zeros}}, loss: null",
    )
    path.write_text(path.read_text(encoding="utf-8").replace("a: a.npy, b: b.npy", "a: a.npy"), encoding="utf-8")
    assert last(train(path)) == pytest.approx({"loss": 9.0, "a_mae": 3.0})


def test_loss_weights_reach_their_own_output(write: Write, tmp_path: Path) -> None:
    """Keras hands a weight under a wrong key to another output; graphspec has no such keys and emits all weights."""
    data = {"x": np.zeros((4, 2)), "a": np.full((4, 1), 1.0), "b": np.full((4, 1), 10.0)}
    x = keras.Input((2,), name="x")
    by_hand = keras.Model({"x": x}, {"a": L.Dense(1, name="a")(x), "b": L.Dense(1, name="b")(x)})
    by_hand.compile("sgd", loss={"a": "mse", "b": "mse"}, loss_weights={"b": 1.0, "zz_typo": 0.0})
    targets = {"a": data["a"], "b": data["b"]}
    assert by_hand.evaluate({"x": data["x"]}, targets, verbose=0, return_dict=True)["loss"] == pytest.approx(1.0)
    save(tmp_path, **data)
    zero = "from: x, apply: {Dense: {units: 1, kernel_initializer: zeros}}, loss: mse"
    run = train(two_heads(write, a=f"{zero}, loss_weight: 0", b=zero))
    assert last(run)["loss"] == pytest.approx(100.0)


def test_inputs_are_exactly_the_models(write: Write, tmp_path: Path) -> None:
    """An extra key makes Keras feed the wrong tensors with only a warning; graphspec refuses the name."""
    q, p = keras.Input((1,), name="q"), keras.Input((1,), name="p")
    by_hand = keras.Model({"q": q, "p": p}, {"y": L.Subtract(name="y")([q, p])})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = {"a": np.full((1, 1), 100.0), "p": np.full((1, 1), 1.0), "q": np.full((1, 1), 5.0)}
        wrong = by_hand({name: tf.constant(value) for name, value in rows.items()})
    assert float(wrong["y"][0, 0]) != 4.0
    save(tmp_path, x=np.zeros((4, 2)), a=np.zeros((4, 1)), b=np.zeros((4, 1)))
    path = two_heads(write)
    path.write_text(
        path.read_text(encoding="utf-8").replace("{x: x.npy}", "{x: x.npy, extra: a.npy}"), encoding="utf-8"
    )
    with pytest.raises(SpecError) as refused:
        train(path)
    assert codes(refused) == ["GS607"]


@pytest.mark.parametrize("head", ["a", "b"])
def test_each_heads_numbers_are_its_own(write: Write, tmp_path: Path, head: str) -> None:
    """Losses and metrics of one head move with its own targets and with no others (Keras has had this wrong)."""
    zero = "from: x, apply: {Dense: {units: 1, kernel_initializer: zeros}}, loss: mse, metrics: [mae, mse]"
    data = {"x": np.ones((6, 2)), "a": np.full((6, 1), 2.0), "b": np.full((6, 1), 5.0)}
    save(tmp_path, **data)
    before = last(graphspec.train(two_heads(write, a=zero, b=zero), run_dir=tmp_path / "before"))
    save(tmp_path, **{head: data[head] + 1})
    after = last(graphspec.train(two_heads(write, a=zero, b=zero), run_dir=tmp_path / "after"))
    moved = {key for key in before if before[key] != after[key]}
    assert moved == {"loss", f"{head}_loss", f"{head}_mae", f"{head}_mse"}


def test_losses_by_output_are_means_over_samples(write: Write, tmp_path: Path) -> None:
    """With a partial last batch Keras' losses by output do not add up to the total; graphspec's are true means."""
    target = np.zeros((5, 1))
    target[4] = 10.0
    x = keras.Input((2,), name="x")
    heads = {name: L.Dense(1, name=name, kernel_initializer="zeros")(x) for name in ("a", "b")}
    by_hand = keras.Model({"x": x}, heads)
    by_hand.compile("sgd", loss={"a": "mse", "b": "mse"})
    logs = by_hand.evaluate(
        {"x": np.zeros((5, 2))}, {"a": target, "b": target}, batch_size=4, verbose=0, return_dict=True
    )
    assert logs["loss"] == pytest.approx(40.0)
    assert logs["a_loss"] + logs["b_loss"] == pytest.approx(100.0)
    save(tmp_path, x=np.zeros((5, 2)), a=target, b=target)
    run = train(two_heads(write))
    assert last(run) == pytest.approx({"loss": 40.0, "a_loss": 20.0, "b_loss": 20.0})
    assert run.evaluate("train") == pytest.approx({"loss": 40.0, "a_loss": 20.0, "b_loss": 20.0})


def test_total_loss_is_the_weighted_sum_with_weights_and_regularisation(write: Write, tmp_path: Path) -> None:
    """The total is the sum of loss_weight * output loss, with sample weights and partial batches too."""
    rng = np.random.default_rng(0)
    save(tmp_path, x=rng.random((7, 2)), a=rng.random((7, 1)), b=rng.random((7, 1)), w=rng.random(7))
    path = two_heads(
        write,
        a="from: x, apply: {Dense: 1}, loss: mae, loss_weight: 3.0",
        b="from: x, apply: {Dense: 1}, loss: {Huber: {delta: 0.1}}, loss_weight: 0.5",
        weights="sample_weights: {a: w.npy}",
    )
    logs = last(train(path))
    assert logs["loss"] == pytest.approx(3 * logs["a_loss"] + 0.5 * logs["b_loss"], rel=1e-5)


def test_target_that_would_be_broadcast_is_refused(write: Write, tmp_path: Path) -> None:
    """Keras stretches targets (N, 1) over predictions (N, 3) and trains on that; graphspec names both shapes."""
    x = keras.Input((2,), name="x")
    by_hand = keras.Model({"x": x}, {"a": L.Dense(3, name="a")(x)})
    by_hand.compile("sgd", loss={"a": "mse"})
    assert by_hand.evaluate({"x": np.zeros((4, 2))}, {"a": np.ones((4, 1))}, verbose=0) == pytest.approx(1.0)
    save(tmp_path, x=np.zeros((4, 2)), a=np.ones((4, 1)), b=np.ones((4, 1)))
    with pytest.raises(SpecError) as refused:
        train(two_heads(write, a="from: x, apply: {Dense: 3}, loss: mse"))
    assert codes(refused) == ["GS503"]
    assert "[1]" in str(refused.value)
    assert "[3]" in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_loss_that_keras_cannot_compute_is_a_finding(write: Write, tmp_path: Path) -> None:
    """A loss over an axis that there is not: what Keras says of it, before anything is written."""
    save(tmp_path, x=np.zeros((4, 2)), a=np.ones((4, 3)), b=np.ones((4, 1)))
    with pytest.raises(SpecError) as refused:
        train(
            two_heads(
                write,
                a="from: x, apply: {Dense: 3}, loss: {CategoricalCrossentropy: {axis: 3}}",
            )
        )
    assert codes(refused) == ["GS504"]
    assert "compare the losses and metrics" in str(refused.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("labels", "code", "said"),
    [
        (np.array([0, 1, 2, 3]), "GS609", "indices from 0 to 3"),
        (np.array([-1, 0, 1, 2]), "GS609", "indices from -1 to 2"),
        (np.array([0.5, 0, 1, 2]), "GS609", "fractions"),
        (np.eye(4, 3), "GS503", "takes class indices"),
    ],
)
def test_labels_out_of_range_are_refused(write: Write, tmp_path: Path, labels: Any, code: str, said: str) -> None:
    """Class indices beyond the units give nonsense or a crash in mid-training; graphspec refuses them before."""
    save(tmp_path, x=np.zeros((4, 2)), a=labels, b=np.ones((4, 1)))
    with pytest.raises(SpecError) as refused:
        train(
            two_heads(
                write,
                a="from: x, apply: {Dense: {units: 3, activation: softmax}}, loss: sparse_categorical_crossentropy",
            )
        )
    assert codes(refused) == [code]
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (3, "softmax", "binary_crossentropy"),
        (1, "sigmoid", "categorical_crossentropy"),
        (1, "sigmoid", "sparse_categorical_crossentropy"),
        (1, "softmax", "mse"),
        (3, "softmax", "{CategoricalCrossentropy: {from_logits: true}}"),
        (1, "sigmoid", "{BinaryCrossentropy: {from_logits: true}}"),
    ],
)
def test_loss_that_does_not_fit_its_activation_is_refused(write: Write, units: int, activation: str, loss: str) -> None:
    """Keras trains these pairs to nonsense; graphspec says why they do not fit."""
    with pytest.raises(SpecError) as refused:
        graphspec.load(
            two_heads(write, a=f"from: x, apply: {{Dense: {{units: {units}, activation: {activation}}}}}, loss: {loss}")
        )
    assert codes(refused) == ["GS502"]


def test_one_unit_categorical_crossentropy_learns_nothing_in_keras() -> None:
    """What the guard above prevents: the loss is 0 whatever the targets, so nothing is learned."""
    x = keras.Input((2,), name="x")
    by_hand = keras.Model({"x": x}, {"y": L.Activation("linear", name="y")(L.Dense(1, activation="sigmoid")(x))})
    by_hand.compile("sgd", loss={"y": "categorical_crossentropy"})
    assert by_hand.evaluate({"x": np.ones((4, 2))}, {"y": np.ones((4, 1))}, verbose=0) == pytest.approx(0.0, abs=1e-6)


def test_class_weight_with_several_outputs_becomes_sample_weights(write: Write, tmp_path: Path) -> None:
    """Keras refuses `class_weight` with several outputs; graphspec weighs the samples of that output alone."""
    x = keras.Input((2,), name="x")
    by_hand = keras.Model({"x": x}, {"a": L.Dense(1, name="a")(x), "b": L.Dense(1, name="b")(x)})
    by_hand.compile("sgd", loss={"a": "mse", "b": "mse"})
    targets = {"a": np.ones((4, 1)), "b": np.ones((4, 1))}
    with pytest.raises(ValueError, match="class_weight"):
        by_hand.fit({"x": np.zeros((4, 2))}, targets, class_weight={0: 1.0, 1: 2.0}, verbose=0)
    save(tmp_path, x=np.zeros((4, 2)), a=np.array([0, 0, 1, 1]), b=np.full((4, 1), 2.0))
    softmax = "from: x, apply: {Dense: {units: 2, activation: softmax, kernel_initializer: zeros}}"
    path = two_heads(write, a=f"{softmax}, loss: sparse_categorical_crossentropy, class_weight: {{1: 3.0}}")
    logs = last(train(path))
    assert logs["a_loss"] == pytest.approx(np.log(2) * (1 + 1 + 3 + 3) / 4)
    assert logs["b_loss"] == pytest.approx(4.0)


def test_class_weight_reads_one_hot_targets_and_joins_sample_weights(write: Write, tmp_path: Path) -> None:
    """The class of a one-hot target is its largest entry; class and sample weights multiply."""
    save(tmp_path, x=np.zeros((4, 2)), a=np.eye(2)[[0, 0, 1, 1]], b=np.zeros((4, 1)), w=np.array([1.0, 0.0, 1.0, 0.5]))
    softmax = "from: x, apply: {Dense: {units: 2, activation: softmax, kernel_initializer: zeros}}"
    path = two_heads(
        write,
        a=f"{softmax}, loss: categorical_crossentropy, class_weight: {{1: 4.0}}",
        weights="sample_weights: {a: w.npy}",
    )
    assert last(train(path))["a_loss"] == pytest.approx(np.log(2) * (1 + 0 + 4 + 2) / 4)


def test_partial_sample_weights_are_filled_with_ones(write: Write, tmp_path: Path) -> None:
    """Keras raises on a sample-weight dict that lacks an output; graphspec fills it with ones."""
    x = keras.Input((2,), name="x")
    by_hand = keras.Model({"x": x}, {"a": L.Dense(1, name="a")(x), "b": L.Dense(1, name="b")(x)})
    by_hand.compile("sgd", loss={"a": "mse", "b": "mse"})
    targets = {"a": np.ones((4, 1)), "b": np.ones((4, 1))}
    with pytest.raises((KeyError, ValueError)):
        by_hand.fit({"x": np.zeros((4, 2))}, targets, sample_weight={"a": np.ones(4)}, verbose=0)
    save(tmp_path, x=np.zeros((4, 2)), a=np.ones((4, 1)), b=np.full((4, 1), 3.0), w=np.array([0.0, 0.0, 2.0, 2.0]))
    logs = last(train(two_heads(write, weights="sample_weights: {a: w.npy}")))
    assert logs["a_loss"] == pytest.approx(1.0)
    assert logs["b_loss"] == pytest.approx(9.0)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_heads_stay_in_float32_under_mixed_precision(write: Write, precision: str) -> None:
    """Keras leaves the outputs of a mixed-precision model in 16 bit; graphspec makes its heads float32."""
    keras.config.set_dtype_policy(precision)
    try:
        x = keras.Input((2,), name="x")
        by_hand = keras.Model({"x": x}, {"a": L.Dense(1, name="a")(x)})
    finally:
        keras.config.set_dtype_policy("float32")
    assert by_hand.output["a"].dtype != "float32"
    path = two_heads(write, a="from: h, apply: {Dense: 1}, loss: mse", b="from: h, loss: mse")
    text = path.read_text(encoding="utf-8").replace(
        "outputs:\n", "graph: {h: {from: x, apply: {Dense: 1}}}\noutputs:\n", 1
    )
    path.write_text(text.replace("epochs: 1", f"epochs: 1, precision: {precision}"), encoding="utf-8")
    model = graphspec.build(path)
    assert {name: tensor.dtype for name, tensor in model.output.items()} == {"a": "float32", "b": "float32"}
    assert model.get_layer("h").compute_dtype == precision.removeprefix("mixed_")
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("at_a_time", ["auto", "1", "3", "5", "50"])
def test_steps_per_execution_never_overruns_an_epoch(write: Write, tmp_path: Path, at_a_time: str) -> None:
    """Keras by hand runs 6 steps for an epoch of 5 at 3 a time; graphspec runs 5, whatever runs at a time."""
    x = keras.Input((2,), name="x")
    by_hand = keras.Model({"x": x}, {"a": L.Dense(1, name="a")(x)})
    by_hand.compile("sgd", loss={"a": "mse"}, steps_per_execution=3)
    batches = tf.data.Dataset.from_tensors(({"x": np.zeros((4, 2))}, {"a": np.ones((4, 1))})).repeat()
    by_hand.fit(batches, epochs=1, steps_per_epoch=5, verbose=0)
    assert int(by_hand.optimizer.iterations.numpy()) == 6
    save(tmp_path, x=np.zeros((18, 2)), a=np.ones((18, 1)), b=np.ones((18, 1)))
    path = two_heads(write)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("epochs: 1", f"epochs: 3, steps_per_execution: {at_a_time}"), encoding="utf-8")
    saved = keras.saving.load_model(train(path).path / "model.keras")
    assert int(saved.optimizer.iterations.numpy()) == 15


def test_wrapper_that_copies_its_layer_is_not_given_a_shared_one(write: Write) -> None:
    """`Bidirectional` copies the layer it is given, so sharing would be lost without a word; graphspec refuses it."""
    shared, x = L.LSTM(2, name="shared"), keras.Input((4, 3), name="x")
    both = L.Bidirectional(shared)
    both(x)
    shared(x)
    assert all(variable is not own for variable in both.variables for own in shared.variables)
    path = write(
        """
        graphspec: 1
        inputs: {x: [4, 3]}
        layers: {shared: {LSTM: 2}}
        graph: {one: {from: x, apply: shared}}
        outputs:
          y: {from: x, apply: {Bidirectional: shared}}
          z: {from: one}
        """
    )
    with pytest.raises(SpecError) as refused:
        graphspec.load(path)
    assert codes(refused) == ["GS210"]


def test_training_of_a_call(write: Write) -> None:
    """Keras: `training=False` of a call does not hold in `fit`. graphspec: a warning."""
    tensor = keras.Input((2,))
    norm = L.BatchNormalization()
    model = keras.Model(tensor, L.Dense(1)(norm(tensor, training=False)))
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 2)), np.ones((8, 1)), verbose=0)
    assert (np.asarray(norm.moving_mean) > 0).all()
    path = write(
        """
        graphspec: 1
        inputs: {x: [2]}
        outputs: {y: {from: x, apply: [{BatchNormalization: , call: {training: false}}, {Dense: 1}]}}
        """
    )
    assert [finding.rule.code for finding in graphspec.validate(path)] == ["GS403"]


def test_layer_that_keras_loses(write: Write) -> None:
    """Keras: a model goes on from the very tensor that `Equalization` was given. graphspec: an error."""
    tensor = keras.Input((8, 8, 3))
    assert L.Equalization()(tensor) is tensor
    path = write("graphspec: 1\ninputs: {x: [8, 8, 3]}\noutputs: {y: {from: x, apply: Equalization}}\n")
    with pytest.raises(SpecError) as error:
        graphspec.build(path)
    assert codes(error) == ["GS401"]
