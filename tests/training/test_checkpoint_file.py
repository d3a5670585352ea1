"""Checkpoint files: arrays come back as they were, and damage is always reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphspec.training.checkpoint_file import CheckpointContents, DamagedError, read_checkpoint, write_checkpoint

CONTENTS = CheckpointContents(
    {"position": [1, 2]}, {"model/00000": np.arange(12.0).reshape(3, 4), "x": np.array(7, np.int64)}
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint."""
    path = tmp_path_factory.mktemp("checkpoint") / "step.npz"
    write_checkpoint(path, CONTENTS)
    return path


def test_checkpoint_holds_what_was_written(checkpoint: Path) -> None:
    """Arrays come back with their dtypes, those that .npy does not know among them; `numpy.load` opens the file."""
    found = read_checkpoint(checkpoint)
    assert found.state == CONTENTS.state
    assert np.array_equal(found.arrays["model/00000"], CONTENTS.arrays["model/00000"])
    half = np.array([1.5, -2.0], np.dtype("bfloat16"))
    path = checkpoint.parent / "half.npz"
    write_checkpoint(path, CheckpointContents({}, {"a": half}))
    assert read_checkpoint(path).arrays["a"].dtype == half.dtype
    assert read_checkpoint(path).arrays["a"].tobytes() == half.tobytes()
    with np.load(checkpoint) as plain:
        assert np.array_equal(plain["model/00000"], CONTENTS.arrays["model/00000"])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damage_is_always_told(checkpoint: Path, data: st.DataObject) -> None:
    """A file that was cut or altered anywhere gives what was written, or is told to be damaged: never other numbers."""
    whole = bytearray(checkpoint.read_bytes())
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = checkpoint.parent / "damaged.npz"
    path.write_bytes(whole)
    try:
        found = read_checkpoint(path)
    except DamagedError:
        return
    assert found.state == CONTENTS.state
    assert all(np.array_equal(found.arrays[name], each) for name, each in CONTENTS.arrays.items())
