"""A small spec with callbacks, its commands, and the code of what refuses them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from graphspec.cli.main import main
from graphspec.diagnostics import SpecError

SPEC = """
graphspec: 1
name: small
inputs: {x: [2]}
outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
training:
  optimizer: sgd
  epochs: 3
  batch_size: 4
  callbacks: [%s]
data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}, validation: {split: 0.25}}
"""

CALLBACKS = '{CSVLogger: kept/log.csv}, {ModelCheckpoint: "models/{epoch:02d}.keras"}, TensorBoard'


def written(folder: Path, callbacks: str = "", name: str = "small.yaml") -> Path:
    """A spec with these callbacks, and its data beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", np.arange(16, dtype="float32").reshape(8, 2) / 16)
    np.save(folder / "y.npy", np.arange(8, dtype="float32") / 8)
    (folder / name).write_text(SPEC % callbacks, encoding="utf-8")
    return folder / name


def refusal(do: Callable[[], object]) -> str:
    """The code of the one finding that `do` ends with."""
    with pytest.raises(SpecError) as refused:
        do()
    (found,) = refused.value.report
    return found.rule.code


def ends_well(result: Result) -> bool:
    """Whether a command has ended with a finding and without a traceback."""
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return "GS904" in result.output or "GS903" in result.output


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])
