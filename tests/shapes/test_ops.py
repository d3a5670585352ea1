"""Every operation of the catalogue: its shapes, dtypes and verdicts against Keras, in random calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec import catalog
from graphspec.catalog.refused import FAILING_OPS
from graphspec.shapes import ops
from graphspec.shapes.call import SHAPE_RULES

from .operations import Use, calls
from .operations_in_use import USES
from .oracle import assert_agree

NAMES = [name for name in catalog.names("ops") if name not in FAILING_OPS]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_operation(name: str, data: st.DataObject, tmp_path: Path) -> None:
    """Tensors of any shapes and dtypes, and constants that fit or do not: the same result, or both refuse."""
    assert_agree(data.draw(calls(name, USES.get(name, Use()))), tmp_path)


def test_every_operation_has_a_rule() -> None:
    """Every operation that a spec can use has a rule, and the table of calls names such operations alone."""
    usable = set(catalog.names("ops")) - set(FAILING_OPS)
    assert ops.__all__
    assert usable <= set(SHAPE_RULES)
    assert set(USES) <= usable
