"""What Keras must do for a training on several devices is tried, and added only where it is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf

import graphspec
from graphspec.to_keras.keras_internals import seeds_of_replicas
from tests.distribution.workers import HERE, SPEC

_DRAW = "keras.src.backend.tensorflow.random.draw_seed"


def _replica() -> int:
    return int(tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group))


def test_generators_that_differ_by_replica_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Keras that draws other numbers on each replica by itself is not changed; one that does not is, once."""
    draw = keras.random.SeedGenerator.next

    def by_replica(generator: Any, ordered: bool = True) -> Any:
        return draw(generator, ordered) + keras.ops.convert_to_tensor([_replica(), 0], generator.state.dtype)

    monkeypatch.setattr(keras.random.SeedGenerator, "next", by_replica)
    seeds_of_replicas(_replica)
    assert keras.random.SeedGenerator.next is by_replica
    plain = getattr(draw, "graphspec_draw", draw)
    monkeypatch.setattr(keras.random.SeedGenerator, "next", plain)
    for _ in range(2):
        seeds_of_replicas(_replica)
        assert vars(keras.random.SeedGenerator.next)["graphspec_draw"] is plain


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        (_DRAW, "random layers draw other numbers on each device"),
        ("graphspec.to_keras.keras_internals.mask_of", "masks are known where losses are computed"),
    ],
)
def test_unfit_keras_is_named_before_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, fault: str
) -> None:
    """Where a part of Keras has no effect any more, its version and the fault are told; no data file is there."""
    (tmp_path / SPEC).write_text((HERE / SPEC).read_text())
    monkeypatch.setattr(part, lambda *_: None if fault.startswith("masks") else keras.ops.convert_to_tensor([1, 0]))
    with pytest.raises(graphspec.SpecError, match="GS917") as raised:
        graphspec.train(tmp_path / SPEC, overrides=["training.distribute=mirrored"], run_dir=tmp_path / "run")
    assert f"with Keras {keras.__version__} this does not hold" in str(raised.value)
    assert fault in str(raised.value)
    assert not (tmp_path / "run").exists()
