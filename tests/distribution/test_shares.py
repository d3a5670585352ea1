"""Devices that share each batch train the model that one device trains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphspec
from graphspec.datasets.order import Order, Part
from tests.distribution.results import assert_equal_to_rounding
from tests.distribution.workers import HERE, write_data


def _train(folder: Path, devices: int, *overrides: str) -> None:
    command = [sys.executable, str(HERE / "mirrored_training.py"), str(devices), str(folder), *overrides]
    ended = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_two_devices_equal_one(tmp_path: Path) -> None:
    """Losses and metrics agree to 6 digits, weights to 1e-6.

    With two inputs, two outputs, weights, clipping, a last batch of one row, validation, a falling learning rate, and
    losses of the graph: one number a row, and their mean. In the same process the devices have trained another model.
    """
    write_data(tmp_path)
    squares = "{from: hidden, apply: [ops.square, {ops.mean: {axis: -1}}], weight: 0.3}"
    _train(
        tmp_path, 2, "after_another", f"losses={{small: {squares}, even: {{from: read, apply: ops.mean, weight: 2.0}}}}"
    )
    assert_equal_to_rounding(tmp_path / "one", tmp_path / "mirrored")


@pytest.mark.long
def test_more_devices_with_other_parts_equal_one(tmp_path: Path) -> None:
    """So do three with uneven shares, synchronised batch statistics, accumulated gradients and a summed loss."""
    write_data(tmp_path, train=100)
    layers = "[{Dense: 8}, {BatchNormalization: {synchronized: true}}]"
    _train(
        tmp_path,
        3,
        f"graph.hidden.apply={layers}",
        "training.optimizer={SGD: {learning_rate: 0.01, gradient_accumulation_steps: 2}}",
        "outputs.size.loss={MeanSquaredError: {reduction: sum}}",
        "outputs.kind.metrics=[{SparseTopKCategoricalAccuracy: {k: 2}}]",
    )
    assert_equal_to_rounding(tmp_path / "one", tmp_path / "mirrored")


MASKED = """
graphspec: 1
inputs: {words: {shape: [6], dtype: int32}}
graph:
  read: {from: words, apply: {Embedding: {input_dim: 7, output_dim: 4, mask_zero: true}}}
  seen: {from: words, apply: {Embedding: {input_dim: 7, output_dim: 4}}}
outputs:
  tag:
    from: read
    apply: [{Dense: 5}, {Dense: {units: 3, activation: softmax}}]
    loss: sparse_categorical_crossentropy
    metrics: [accuracy]
  kind:
    from: seen
    apply: &kind {Dense: {units: 3, activation: softmax}}
    loss: &some {SparseCategoricalCrossentropy: {ignore_class: 0}}
  read_kind: {from: read, apply: *kind, loss: *some}
training: {optimizer: adam, epochs: 3, batch_size: 10}
data:
  train:
    file: train.npz
    inputs: {words: {key: words}}
    outputs: {tag: {key: tag}, kind: {key: tag}, read_kind: {key: tag}}
  validation: {split: 0.2}
"""


@pytest.mark.long
def test_masked_steps_count_as_in_one_batch(tmp_path: Path) -> None:
    """A loss counts by the steps of the whole batch that no mask or `ignore_class` leaves out, on any device."""
    rng = np.random.default_rng(1)
    words = rng.integers(1, 7, size=(51, 6)).astype(np.int32)
    for row, length in zip(words, rng.integers(1, 7, size=51), strict=True):
        row[length:] = 0
    np.savez(tmp_path / "train.npz", words=words, tag=rng.integers(0, 3, size=(51, 6)))
    (tmp_path / "two_heads.yaml").write_text(MASKED)
    _train(tmp_path, 3)
    assert_equal_to_rounding(tmp_path / "one", tmp_path / "mirrored")


RANDOM = {
    "dropout": "{Dropout: 0.5}",
    "gaussian_dropout": "{GaussianDropout: 0.5}",
    "gaussian_noise": "{GaussianNoise: 0.5}",
    "alpha_dropout": "{AlphaDropout: 0.5}",
    "spatial_dropout": "{Reshape: [1, 64]}, {SpatialDropout1D: 0.5}",
    "seeded_dropout": "{Dropout: {rate: 0.5, seed: 3}}",
    "operation": "ops.random.normal",
    "operation_dropout": "{ops.random.dropout: 0.5}",
}


def _random_spec() -> str:
    """Return a spec whose weights, after one step from zero, are what each random layer made of each of two rows."""
    nodes, outputs = [], []
    for name, layer in RANDOM.items():
        nodes += [f"  {name}_row: {{from: x, apply: [{layer}, {{Reshape: [1, 64]}}]}}"]
        nodes += [f"  {name}_rows: {{from: [{name}_row, row], merge: mul}}"]
        dense = "{Dense: {units: 1, use_bias: false, kernel_initializer: zeros}}"
        outputs += [f"  {name}: {{from: {name}_rows, apply: [Flatten, {dense}], loss: mse}}"]
    targets = ", ".join(f"{name}: {{key: y}}" for name in RANDOM)
    return "\n".join(
        [
            "graphspec: 1\ninputs: {x: [64], row: [2, 1]}\ngraph:",
            *nodes,
            "outputs:",
            *outputs,
            "training: {optimizer: {SGD: 1.0}, epochs: 1, batch_size: 2, seed: 7}",
            "data: {train: {file: train.npz, inputs: {x: {key: x}, row: {key: row}}, outputs: {" + targets + "}}}\n",
        ]
    )


@pytest.mark.long
def test_random_layers_draw_other_numbers_on_each_device(tmp_path: Path) -> None:
    """Two devices with equal rows drop and add other numbers, and the same again; rows of one device differ too."""
    np.savez(tmp_path / "train.npz", x=np.ones((2, 64)), row=np.eye(2)[..., None], y=np.ones((2, 1)))
    (tmp_path / "two_heads.yaml").write_text(_random_spec())
    _train(tmp_path, 2, "again")
    one, mirrored, again = (graphspec.Run(tmp_path / name).model() for name in ("one", "mirrored", "again"))
    for name in RANDOM:
        alone, drawn, repeated = (
            model.get_layer(name).get_weights()[0].reshape(2, 64) for model in (one, mirrored, again)
        )
        assert np.array_equal(drawn, repeated), name
        for rows in (alone, drawn):
            assert not np.array_equal(rows[0], rows[1]), name
            assert len(np.unique(rows)) > 1, name
        if name.endswith("_dropout") and not name.startswith(("gaussian", "alpha")):
            assert set(np.unique(drawn)) == {0.0, 2.0}, name
    masks = [mirrored.get_layer(name).get_weights()[0] for name in RANDOM]
    assert all(not np.array_equal(masks[0], each) for each in masks[1:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layers", "effect"),
    [
        ("[{Dense: 8}]", "the result equals that of an uninterrupted training to rounding, not to the bit"),
        (
            "[{Dropout: 0.5}, BatchNormalization]",
            "random layers draw other numbers and `BatchNormalization` normalises by other rows, so the result is not "
            "that of an uninterrupted training",
        ),
    ],
)
def test_other_number_of_devices_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], layers: str, effect: str
) -> None:
    """A run that resumes on another number of devices says what becomes of its result."""
    write_data(tmp_path)
    overrides = ["training.distribute=mirrored", "training.epochs=1", f"graph.hidden.apply={layers}"]
    run = graphspec.train(tmp_path / "two_heads.yaml", overrides=overrides, run_dir=tmp_path / "run")
    assert run.record["distribution"] == {"workers": 1, "replicas": 1}
    record = {**run.record, "distribution": {"workers": 1, "replicas": 3}}
    (run.path / "run.json").write_text(json.dumps(record), encoding="utf-8")
    capsys.readouterr()
    resumed = graphspec.resume(run.path, epochs=2)
    said = " ".join(capsys.readouterr().err.split())
    assert "the number of devices that share each batch is 1, and was 3" in said
    assert effect in said
    assert resumed.record["distribution"]["replicas"] == 1


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 7])
def test_parts_hold_each_row_once(workers: int) -> None:
    """The shares of all replicas are, one after another, the batches of one process, in any division into processes."""
    whole = Order(count=31, batch_size=7, seed=4)
    for step in range(whole.steps):
        parts = [order for first in range(workers) for order in whole.of_part(Part(first=first, count=1, of=workers))]
        shares = [order.indices(2, step, step + 1) for order in parts]
        assert np.array_equal(np.concatenate(shares), whole.indices(2, step, step + 1))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
        assert whole.size(step) == sum(map(len, shares))
        assert whole.first_index(2, step) == whole.indices(2, step, step + 1)[:1]
