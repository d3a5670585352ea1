"""Every operation of the catalogue, decompiled and built again, in random calls."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import graphspec
from graphspec import catalog
from graphspec.catalog.refused import FAILING_OPS
from tests.from_keras.round_trip import differences
from tests.shapes.operations import Use, calls
from tests.shapes.operations_in_use import USES
from tests.shapes.oracle import Case

QUICK = (
    *("ops.add", "ops.concatenate", "ops.einsum", "ops.get_item", "ops.image.resize", "ops.matmul", "ops.mean"),
    *("ops.one_hot", "ops.pad", "ops.reshape", "ops.split", "ops.take", "ops.transpose", "ops.where"),
)
"""Operations that are tried in every run of the tests; the others take minutes."""

NAMES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in catalog.names("ops")
    if name not in (*FAILING_OPS, "ops.arange")
]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_operation_comes_back(name: str, data: st.DataObject, tmp_path: Path) -> None:
    """A model of one operation gives a spec that builds the same operation with the same constants."""
    case = data.draw(calls(name, USES.get(name, Use())))
    model = next(filter(None, (_built(case, output, tmp_path) for output in ("result[0]", "result"))), None)
    assume(model is not None)
    assert model is not None
    found, _ = differences(model, tmp_path, numbers=False)
    assert found == []
    again = graphspec.build(tmp_path / "spec.yaml")
    ours, theirs = ([_described(each) for each in made.operations] for made in (model, again))
    assert sorted(ours) == sorted(theirs)


def _built(case: Case, output: str, folder: Path) -> keras.Model | None:
    """Return the model of a case with this output; None where it cannot be built."""
    path = folder / "made.json"
    path.write_text(json.dumps({**case.written(), "outputs": {"out": output}}), encoding="utf-8")
    try:
        model = graphspec.build(path)
    except graphspec.SpecError:
        return None
    return model if all(isinstance(each, keras.KerasTensor) for each in model.output.values()) else None


def _described(operation: keras.Operation) -> str:
    config = {key: value for key, value in operation.get_config().items() if key != "name"}
    return f"{type(operation).__name__} {json.dumps(config, default=str, sort_keys=True)}"
