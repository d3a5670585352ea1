"""Every operation of the catalogue: its shapes, dtypes and verdicts against Keras, in random calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec import catalog
from graphspec.catalog.refused import FAILING_OPS
from graphspec.shapes.call import SHAPE_RULES
from graphspec.shapes.ops.elementwise import words

from .operations import AXES, DTYPE, FLAG, NUMBER, OMIT, Use, calls, or_omitted
from .oracle import assert_agree

LIST = st.just([0.5, 1.0])

USES: dict[str, Use] = {
    f"ops.{name}": use
    for names, use in {
        "clip": Use({"x_min": NUMBER, "x_max": NUMBER}),
        "threshold": Use({"threshold": NUMBER, "default_value": NUMBER}),
        "add floor_divide fmax fmin maximum minimum multiply power subtract fmod mod divide divide_no_nan logaddexp "
        "logaddexp2 true_divide gcd lcm ldexp nextafter arctan2 heaviside hypot equal greater greater_equal isclose "
        "less less_equal logical_and logical_or logical_xor not_equal allclose isin": Use(
            {"x1": st.just(OMIT) | st.just(OMIT) | NUMBER | LIST, "x2": st.just(OMIT) | NUMBER | LIST}
        ),
        "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift left_shift right_shift": Use(
            {"y": or_omitted(NUMBER)}
        ),
        "all any amax amin max min ptp argmax argmin nanmax nanmin nansum sum nanprod mean median nanmean nanmedian "
        "nanstd nanvar var std logsumexp nanargmax nanargmin": Use({"axis": or_omitted(AXES), "keepdims": FLAG}),
        "count_nonzero": Use({"axis": AXES}),
        "prod": Use({"axis": or_omitted(AXES), "dtype": or_omitted(DTYPE), "keepdims": FLAG}),
        "moments": Use({"axes": AXES, "keepdims": FLAG}),
        "norm": Use(
            {"axis": or_omitted(AXES), "keepdims": FLAG, "ord": st.sampled_from([OMIT, 1, 2, 3, 0, "fro", "nuc"])}
        ),
        "quantile nanquantile percentile nanpercentile": Use(
            {"q": or_omitted(NUMBER | st.lists(st.just(0.5), max_size=3)), "axis": or_omitted(AXES), "keepdims": FLAG}
        ),
        "average": Use({"axis": or_omitted(AXES)}),
        "where": Use({"x1": or_omitted(NUMBER), "x2": or_omitted(NUMBER | LIST)}),
    }.items()
    for name in words(names)
}
"""How the operations are called that take more than tensors of any shape."""

NAMES = [name for name in catalog.names("ops") if name in SHAPE_RULES and name not in FAILING_OPS]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_operation(name: str, data: st.DataObject, tmp_path: Path) -> None:
    """Tensors of any shapes and dtypes, and constants that fit or do not: the same result, or both refuse."""
    assert_agree(data.draw(calls(name, USES.get(name, Use()))), tmp_path)
