"""Small models in files, exports of them, and the comparison of what they give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner, Result

import graphspec
from graphspec.cli import main
from graphspec.diagnostics import SpecError


def saved(path: Path, model: keras.Model) -> Path:
    """`model` in a file."""
    model.save(path)
    return path


def chain(shape: tuple[int | None, ...], *layers: Any, dtype: str = "float32") -> keras.Model:
    """A model of one input `x` and one output `y`, one layer after the other."""
    value = x = keras.Input(shape, dtype=dtype, name="x")
    for each in layers:
        value = each(value)
    return keras.Model({"x": x}, {"y": value})


def refusal(*arguments: Any, **options: Any) -> tuple[str, str]:
    """The code and the text of the one finding that an export gives."""
    with pytest.raises(SpecError) as refused:
        graphspec.export(*arguments, **options)
    (found,) = refused.value.report
    return found.rule.code, str(refused.value)


def call(*arguments: object) -> Result:
    """Run `graphspec export` in this process."""
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


def is_close(found: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Whether exactly the same outputs have the same numbers, but for the rounding of float32."""
    assert set(found) == set(expected)
    return all(np.allclose(found[name], expected[name], rtol=1e-4, atol=1e-5) for name in expected)
