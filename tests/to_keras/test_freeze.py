"""`training: freeze:` against plain Keras: what is frozen stays, is counted, and normalises as Keras does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]
L = keras.layers

SPEC = """
graphspec: 1
inputs: {x: [4], frames: [3, 4]}
layers: {shared: {Dense: 4}}
models:
  encoder:
    inputs: {v: [4]}
    graph: {inner: {from: v, apply: [{Dense: 5}, BatchNormalization]}}
    outputs: {code: {from: inner, apply: {Dense: 3}}}
graph:
  first: {from: x, apply: [shared, {Dense: 4}, BatchNormalization]}
  coded: {from: first, apply: encoder}
  seen: {from: frames, apply: [{TimeDistributed: encoder}, {Bidirectional: {layer: {LSTM: 2}}}]}
outputs:
  y: {from: [coded, seen], merge: concat, apply: {Dense: 1}, loss: mse}
training: {optimizer: {SGD: 0.01}, epochs: 2, batch_size: 8, seed: 3, freeze: FREEZE}
data: {train: {inputs: {x: x.npy, frames: frames.npy}, outputs: {y: y.npy}}}
"""


def spec(write: Write, freeze: str) -> Path:
    """The spec above with its data and this list under `freeze`."""
    path = write(SPEC.replace("FREEZE", freeze))
    rng = np.random.default_rng(0)
    for name, shape in (("x", (16, 4)), ("frames", (16, 3, 4)), ("y", (16, 1))):
        np.save(path.parent / f"{name}.npy", rng.normal(2.0, size=shape))
    return path


def frozen(model: keras.Model) -> set[str]:
    """The paths of the variables that training leaves alone, moving statistics left out."""
    trained = {id(variable) for variable in model.trainable_variables}
    return {
        variable.path for variable in model.weights if id(variable) not in trained and "moving" not in variable.path
    }


@pytest.mark.parametrize(
    ("freeze", "layers"),
    [
        ("[shared]", {"shared"}),
        ("[first_dense]", {"first_dense"}),
        ("['first*']", {"first_dense", "first"}),
        ("[encoder]", {"inner_dense", "inner", "code"}),
        ("[seen_time_distributed]", {"inner_dense", "inner", "code"}),
        ("['encoder/inner*', shared]", {"inner_dense", "inner", "shared"}),
        ("[seen_time_distributed/encoder/code]", {"code"}),
        ("[seen]", {"forward_lstm", "backward_lstm"}),
    ],
)
def test_freeze_stops_what_it_matches(write: Write, freeze: str, layers: set[str]) -> None:
    """Names, globs, paths into models and wrappers freeze those layers and no other."""
    model = graphspec.build(spec(write, freeze))
    assert {next(part for part in reversed(path.split("/")[:-1]) if not part.endswith("_cell"))
            for path in frozen(model)} == layers  # fmt: skip


def test_frozen_layers_keep_their_weights_and_others_train(write: Write, tmp_path: Path) -> None:
    """After training, frozen weights are the initial ones, and all others have moved."""
    path = spec(write, "[encoder, shared]")
    keras.utils.set_random_seed(3)
    before = {each.path: each.numpy() for each in graphspec.build(path).weights}
    after = graphspec.train(path, run_dir=tmp_path / "run").model()
    stayed = {each.path for each in after.weights if np.array_equal(before[each.path], each.numpy())}
    assert stayed == {each for each in before if each.startswith(("inner", "code/", "shared/"))}
    assert any("moving_mean" in each for each in stayed)


@pytest.mark.smoke
def test_frozen_batch_normalisation_is_that_of_keras(write: Write, tmp_path: Path) -> None:
    """A model frozen by hand before `compile` ends in the same weights."""
    path = spec(write, "[encoder, 'first*']")
    run = graphspec.train(path, run_dir=tmp_path / "run")
    keras.utils.set_random_seed(3)
    by_hand = graphspec.build(write(SPEC.replace(", freeze: FREEZE", ""), "plain.yaml"))
    for name in ("encoder", "first_dense", "first"):
        by_hand.get_layer(name).trainable = False
    by_hand.compile(keras.optimizers.SGD(0.01), loss={"y": "mse"})
    from graphspec.datasets.batches import TrainingBatches
    from graphspec.datasets.order import Order
    from graphspec.datasets.samples import read_training_data

    loaded = graphspec.load(path)
    samples = read_training_data(loaded).train
    batches = TrainingBatches(loaded.graph, samples, Order(samples.count, 8, 3))
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.start(epoch))
    by_hand.fit(batches.dataset, epochs=2, shuffle=False, verbose=0, callbacks=[begin])
    for ours, theirs in zip(run.model().get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_summary_counts_frozen_weights(write: Write) -> None:
    """The summary's trainable weights are those of Keras, without allocating any."""
    path = spec(write, "[encoder]")
    summary = graphspec.summarize(path)
    model = graphspec.build(path)
    assert summary.trainable == sum(int(np.prod(each.shape)) for each in model.trainable_variables)
    assert summary.parameters == model.count_params()


def test_freezing_everything_is_refused(write: Write, tmp_path: Path) -> None:
    """A training that would change nothing is an error, before a run directory is made."""
    with pytest.raises(SpecError) as refused:
        graphspec.train(spec(write, "['*']"), run_dir=tmp_path / "run")
    (found,) = refused.value.report
    assert found.span is not None
    assert (found.rule.name, found.span.text) == ("frozen-everything", "'*'")
    assert not (tmp_path / "run").exists()


def test_unmatched_entry_says_what_is_near(write: Write) -> None:
    """An entry that matches nothing is found by validation, with the layer that may be meant."""
    result = CliRunner().invoke(main, ["validate", str(spec(write, "[encoder/iner]"))])
    assert result.exit_code == 1
    assert "error[GS509] unmatched-freeze: `encoder/iner` matches no layer" in result.output
    assert "did you mean `encoder/inner`?" in result.output


def test_inside_of_a_copying_wrapper_cannot_be_frozen(write: Write) -> None:
    """`Bidirectional` trains copies of its layer: freezing the one that was written would freeze nothing."""
    assert [each.rule.code for each in graphspec.validate(spec(write, "[seen/lstm]"))] == ["GS509"]


def test_logs_are_written_below_the_run(write: Write, tmp_path: Path) -> None:
    """`log` adds Keras' own callbacks: `log.csv` with a row an epoch, and TensorBoard's events in `logs/`."""
    path = spec(write, "[], log: [csv, tensorboard]")
    run = graphspec.train(path, run_dir=tmp_path / "run")
    rows = (run.path / "log.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("epoch,")
    assert len(rows) == 3
    assert list((run.path / "logs").rglob("events.out.tfevents.*"))
