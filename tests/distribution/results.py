"""The results of runs, compared."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from graphspec.runs.run import Run
from graphspec.training.checkpoint_file import read_checkpoint


def history(run: Path) -> list[dict[str, Any]]:
    """Return the metrics of each epoch, without times."""
    return [{key: value for key, value in row.items() if not key.startswith("time/")} for row in Run(run).metrics]


def arrays(run: Path) -> dict[str, Any]:
    """Return the variables of model and optimizer after the last step."""
    newest = max((run / "checkpoints").glob("step_*.npz"))
    return {name: each for name, each in read_checkpoint(newest).arrays.items() if name.startswith(("model", "optim"))}


def assert_equal_to_rounding(run: Path, other: Path, relative: float = 1e-6) -> None:
    """Assert that histories agree to `relative`, which is 6 digits, and weights to 1e-6."""
    rows, others = history(run), history(other)
    assert [list(row) for row in rows] == [list(row) for row in others]
    for row, further in zip(rows, others, strict=True):
        for key, value in row.items():
            assert math.isclose(value, further[key], rel_tol=relative, abs_tol=1e-9), (key, value, further[key])
    for name, array in arrays(run).items():
        assert np.abs(array.astype(float) - arrays(other)[name]).max(initial=0) <= 1e-6, name


def assert_identical(run: Path, other: Path) -> None:
    """Assert that histories and all variables are equal to the bit."""
    assert history(run) == history(other)
    expected = arrays(other)
    assert all(np.array_equal(array, expected[name]) for name, array in arrays(run).items())
