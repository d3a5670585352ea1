"""Every operation of the catalogue: its shapes, dtypes and verdicts against Keras, in random calls."""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec import catalog
from graphspec.catalog.refused import FAILING_OPS
from graphspec.shapes import ops
from graphspec.shapes.call import SHAPE_RULES, Call, Refusal
from graphspec.shapes.tensor import UNKNOWN, Tensor, Value

from .operations import SIZE, Use, calls
from .operations_in_use import USES
from .oracle import REFUSED, Case, Described, assert_agree, call_operation, describe, keras_verdict, static_verdict

NAMES = [name for name in catalog.names("ops") if name not in FAILING_OPS]


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=st.sampled_from(NAMES).flatmap(lambda name: calls(name, USES.get(name, Use()))))
def test_operation_in_a_spec(case: Case, tmp_path: Path) -> None:
    """Tensors of any shapes and dtypes, and constants that fit or do not: the same result, or both refuse."""
    assert_agree(case, tmp_path)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_operation(name: str, data: st.DataObject) -> None:
    """The same for tensors that no input can be: scalars, sizes of 0, any first size."""
    case = data.draw(calls(name, USES.get(name, Use())))
    shapes = {each: tuple(0 if size == 4 else size for size in shape) for each, shape in case.shapes().items()}
    dtypes = case.input_dtypes()
    inferred = rule_verdict(case, {each: Tensor(shape, dtypes[each]) for each, shape in shapes.items()})
    built = operation_verdict(case, {each: keras.KerasTensor(shape, dtypes[each]) for each, shape in shapes.items()})
    assert inferred == built


@pytest.mark.parametrize(
    ("name", "arguments", "inputs"),
    [
        ("sum", {"axis": "last"}, {"x": [3]}),
        ("swapaxes", {"axis1": 1.5, "axis2": 0}, {"x": [3]}),
        ("cast", {"dtype": "flot32"}, {"x": [3]}),
        ("max_pool", {"pool_size": 2, "padding": "smae"}, {"inputs": [4, 4, 3]}),
        ("max_pool", {"pool_size": 2, "strides": 0}, {"inputs": [4, 4, 3]}),
        ("average_pool", {"pool_size": 2, "data_format": "last"}, {"inputs": [4, 4, 3]}),
        ("one_hot", {"num_classes": 2.5}, {"x": []}),
        ("transpose", {"axes": 1}, {"x": [3]}),
        ("split", {"indices_or_sections": 1.5, "axis": 1}, {"x": [3]}),
        ("image.resize", {"size": 4}, {"images": [4, 4, 3]}),
        ("image.pad_images", {"top_padding": -1, "bottom_padding": 1}, {"images": [4, 4, 3]}),
        ("depth_to_space", {"block_size": 1}, {"x": [4, 4, 4]}),
        ("stft", {"sequence_length": 2, "sequence_stride": 0, "fft_length": 2}, {"x": [8]}),
        ("qr", {"mode": "full"}, {"x": [3, 3]}),
        ("take", {"indices": [[0], [1, 2]], "axis": 1}, {"x": [3]}),
        ("rearrange", {"pattern": 3}, {"tensor": [3]}),
    ],
)
def test_wrong_value(name: str, arguments: dict[str, Any], inputs: dict[str, Any], tmp_path: Path) -> None:
    """A value that no tensor makes right is refused, as Keras does."""
    case = Case(f"ops.{name}", arguments, inputs)
    assert static_verdict(case, tmp_path) == keras_verdict(case) == REFUSED


def rule_verdict(case: Case, tensors: dict[str, Tensor]) -> Described:
    """Return the verdict of the rule for a call with such tensors."""
    entry = catalog.find("ops", case.name)
    assert entry is not None
    listed: list[Value] = list(tensors.values())
    fed = tensors if isinstance(case.inputs, dict) else {next(iter(entry.tensors)): listed}
    further = {key: [tensors[each] for each in several] for key, several in case.call.items()}
    inputs: Value = dict(tensors) if isinstance(case.inputs, dict) else listed
    try:
        return describe(SHAPE_RULES[case.name](call_of(case.name, {**case.arguments, **fed, **further}, inputs)))
    except Refusal:
        return REFUSED


def operation_verdict(case: Case, tensors: dict[str, Any]) -> Described:
    """Return the verdict of Keras for them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = call_operation(case, tensors)
        except Exception:
            return REFUSED
    symbolic = any(isinstance(each, keras.KerasTensor) for each in keras.tree.flatten(result))
    return describe(result) if symbolic else REFUSED


def call_of(name: str, arguments: dict[str, Any], inputs: Value) -> Call:
    """Return the call as the walk over a graph makes it."""

    def infer(*_: object) -> Value:
        raise AssertionError("no operation holds a layer")

    return Call("ops", name, arguments, inputs, {}, "float32", {}, infer)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.integers(-2, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(NAMES), data=st.data())
def test_no_argument_breaks_a_rule(name: str, data: st.DataObject) -> None:
    """For any arguments, a rule returns a value or refuses."""
    entry = catalog.find("ops", name)
    assert entry is not None
    tensors = st.lists(SIZE, max_size=4).map(lambda shape: Tensor(tuple(shape), "float32"))
    operands = {"one": tensors, "list": st.lists(tensors, max_size=3), "each": st.lists(tensors, max_size=3)}
    arguments = {
        key: data.draw(JUNK if key not in entry.tensors else operands[entry.tensors[key]] | JUNK)
        for key in entry.arguments
        if data.draw(st.booleans()) or entry.arguments[key] is catalog.REQUIRED
    }
    with suppress(Refusal):
        SHAPE_RULES[name](call_of(name, arguments, UNKNOWN))


def test_every_operation_has_a_rule() -> None:
    """Every operation that a spec can use has a rule, and the table of calls names such operations alone."""
    usable = set(catalog.names("ops")) - set(FAILING_OPS)
    assert ops.elementwise
    assert usable <= set(SHAPE_RULES)
    assert set(USES) <= usable
