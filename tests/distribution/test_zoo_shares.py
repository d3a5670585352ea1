"""Devices that share each batch train the specs of the zoo as one device does, losses of the graph included."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import graphspec
from tests.distribution.results import assert_equal_to_rounding
from tests.forked import Forked
from tests.zoo.small_trainings import ZOO, small, write_data

NO_DROPOUT = "vars.dropout=0.0"
SAME_EVERYWHERE: dict[str, list[str]] = {
    "vq_vae": [],
    "ner": [NO_DROPOUT],
    "neural_forest": ["graph.scaled.apply={BatchNormalization: {synchronized: true}}"],
    "switch_transformer": [NO_DROPOUT],
}
"""Specs that stand for the others, and overrides without which layers would see other numbers on each device.

Losses of the graph, weights of the graph, a loss that leaves out a class, statistics of the batch, `each`. Others take
longer and were compared once, without random numbers and with `synchronized: true`. Losses agree to 2e-6. Weights do to
3e-6, for `cct` as rounding does: inputs that differ in their last bit change its first kernel by as much on one device;
those of `tab_transformer` do to 1e-5 of the largest, in the embeddings before a `BatchNormalization`: Keras computes a
synchronized variance as the mean of squares less the square of the mean, which rounds more where two rows are close.
`deeplab` agrees with its backbone frozen; in training, the
`BatchNormalization` inside of it is not synchronized, which GS517 says.
"""

FIRST = tuple(SAME_EVERYWHERE)[:2]
"""Those that `make slow` tries."""


def two_devices() -> None:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def train(spec: Path, run: Path, overrides: list[str]) -> None:
    words = [word for each in overrides for word in ("--set", each)]
    with Forked("train", spec, "--run-dir", run, "--quiet", *words, before=two_devices) as training:
        assert training.communicate(300)[1] == ""
    assert training.returncode == 0


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in FIRST else pytest.mark.long) for name in SAME_EVERYWHERE],
)
def test_two_devices_train_as_one(name: str, tmp_path: Path) -> None:
    """Two steps give the same losses, to 5 digits, and weights on two devices, a row for each, as on one."""
    spec = ZOO / f"{name}.yaml"
    keras.utils.set_random_seed(0)
    model = graphspec.build(graphspec.load(spec, small(name)))
    overrides = [*write_data(name, tmp_path, model), *SAME_EVERYWHERE[name]]
    overrides += ["training.epochs=2", "training.optimizer={SGD: 0.01}"]
    train(spec, tmp_path / "one", overrides)
    train(spec, tmp_path / "two", [*overrides, "training.distribute=mirrored"])
    assert_equal_to_rounding(tmp_path / "one", tmp_path / "two", relative=1e-5)


def test_contrast_between_rows_is_refused() -> None:
    """A loss that compares the rows of a batch is no sum over shares of it."""
    found = graphspec.validate(ZOO / "contrastive.yaml", ["training.distribute=mirrored"])
    assert [each.rule.code for each in found.errors] == ["GS516"]
