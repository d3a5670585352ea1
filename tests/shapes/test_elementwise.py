"""Layers that keep shapes, layers that normalise, and products with a matrix: shapes and verdicts against Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .documents import assert_document_agrees
from .oracle import Case, assert_agree

SIZES = st.lists(st.none() | st.integers(1, 4), max_size=4)
DTYPES = st.sampled_from(["float32", "float16", "int32", "bool", "string", "int8", "float64"])
AXES = st.integers(-5, 5)

property_of = settings(
    max_examples=int(os.environ.get("EXAMPLES", "15")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

LAYERS: dict[str, Any] = {
    "Activation": st.fixed_dictionaries({"activation": st.sampled_from(["relu", "softmax"])}),
    "ActivityRegularization": st.just({}),
    "AlphaDropout": st.just({"rate": 0.5}),
    "Dropout": st.fixed_dictionaries({"rate": st.just(0.5)}, optional={"noise_shape": st.just([1, None])}),
    "ELU": st.just({}),
    "GaussianDropout": st.just({"rate": 0.5}),
    "GaussianNoise": st.just({"stddev": 0.5}),
    "Identity": st.just({}),
    "LeakyReLU": st.just({}),
    "Masking": st.just({}),
    "PReLU": st.fixed_dictionaries({}, optional={"shared_axes": st.none() | AXES | st.lists(AXES, max_size=3)}),
    "ReLU": st.just({}),
    "Softmax": st.fixed_dictionaries({}, optional={"axis": AXES}),
    "SpatialDropout1D": st.just({"rate": 0.5}),
    "SpatialDropout2D": st.just({"rate": 0.5}),
    "SpatialDropout3D": st.just({"rate": 0.5}),
    "BatchNormalization": st.fixed_dictionaries(
        {}, optional={"axis": AXES, "center": st.booleans(), "scale": st.booleans()}
    ),
    "LayerNormalization": st.fixed_dictionaries(
        {}, optional={"axis": AXES | st.lists(AXES, max_size=3), "center": st.booleans(), "scale": st.booleans()}
    ),
    "GroupNormalization": st.fixed_dictionaries(
        {"groups": st.sampled_from([-1, 1, 2, 3])}, optional={"axis": AXES, "scale": st.booleans()}
    ),
    "RMSNormalization": st.fixed_dictionaries({}, optional={"axis": AXES | st.lists(AXES, max_size=3)}),
    "UnitNormalization": st.fixed_dictionaries({}, optional={"axis": AXES | st.lists(AXES, max_size=3)}),
    "Dense": st.fixed_dictionaries(
        {"units": st.integers(1, 5)},
        optional={"lora_rank": st.just(2), "kernel_constraint": st.sampled_from([None, "nonneg"])},
    ),
    "Embedding": st.fixed_dictionaries(
        {"input_dim": st.integers(1, 5), "output_dim": st.integers(1, 5)},
        optional={
            "lora_rank": st.just(2),
            "mask_zero": st.booleans(),
            "embeddings_constraint": st.sampled_from([None, "nonneg"]),
        },
    ),
    "ReversibleEmbedding": st.just({"input_dim": 5, "output_dim": 3}),
}
REQUIRED: dict[str, dict[str, Any]] = {
    "Activation": {"activation": "relu"},
    "GaussianNoise": {"stddev": 0.5},
    "Dense": {"units": 2},
    "Embedding": {"input_dim": 4, "output_dim": 2},
    "ReversibleEmbedding": {"input_dim": 4, "output_dim": 2},
}
POLICIES = st.fixed_dictionaries({}, optional={"dtype": st.sampled_from(["float16", "mixed_bfloat16", "float64"])})


@pytest.mark.parametrize("name", LAYERS)
@property_of
@given(data=st.data())
def test_one_tensor(name: str, tmp_path: Path, data: st.DataObject) -> None:
    """Any arguments, shape and dtype: the same result, or both refuse."""
    arguments = data.draw(LAYERS[name]) | data.draw(POLICIES)
    batch = data.draw(st.sampled_from([None, None, 2]))
    assert_agree(Case(name, arguments, data.draw(SIZES), data.draw(DTYPES), batch_size=batch), tmp_path)


@pytest.mark.parametrize("name", LAYERS)
@settings(property_of, max_examples=max(3, property_of.max_examples // 15))
@given(inputs=st.lists(SIZES.filter(bool), min_size=1, max_size=3))
def test_a_list(name: str, tmp_path: Path, inputs: list[list[int | None]]) -> None:
    """A list, of one tensor too: Keras takes it where the layer asks for no sizes, and refuses it elsewhere."""
    case = Case(name, REQUIRED.get(name, {"rate": 0.5} if "Dropout" in name else {}), inputs, single=False)
    assert_agree(case, tmp_path)


@property_of
@given(
    equation=st.sampled_from(
        [
            *("ab,bc->ac", "abc,cd->abd", "abc,cde->abde", "...x,xy->...y", "ab...,bc->ac...", "abc,bd->adc"),
            *("...bc,bd->...dc", "ab,bc->bc", "ab,cd->ac", "ab->b", "abc,cd->abe", "a,b->ab", "ab,bc->acq"),
            *("abcd,cde->abe", "...xy,xyz->...z"),
        ]
    ),
    output_shape=st.integers(1, 4) | st.lists(st.none() | st.integers(1, 4), max_size=3),
    bias_axes=st.sampled_from([None, None, "c", "d", "cd", "", "y", "e"]),
    sizes=SIZES,
)
def test_einsum_dense(
    tmp_path: Path, equation: str, output_shape: Any, bias_axes: str | None, sizes: list[int | None]
) -> None:
    """Equations of every form, with output shapes that fit and that do not."""
    arguments = {"equation": equation, "output_shape": output_shape, "bias_axes": bias_axes}
    assert_agree(Case("EinsumDense", arguments, sizes), tmp_path)


@property_of
@given(sizes=SIZES, reverse=st.booleans())
def test_reversible_embedding(tmp_path: Path, sizes: list[int | None], reverse: bool) -> None:
    """Back and forth."""
    arguments = {"input_dim": 5, "output_dim": 3}
    assert_agree(Case("ReversibleEmbedding", arguments, sizes, call={"reverse": reverse}), tmp_path)


@pytest.mark.parametrize("name", ["Masking", "Activation", "Dropout", "LayerNormalization", "Softmax"])
def test_scalar(name: str, tmp_path: Path) -> None:
    """A tensor without a batch, as `ops.sum` over all axes gives it."""
    arguments = {"Activation": "relu", "Dropout": 0.5}.get(name, {})
    graph = {"scalar": {"from": "x", "apply": "ops.sum"}, "y": {"from": "scalar", "apply": {name: arguments}}}
    assert_document_agrees({"inputs": {"x": [4]}, "graph": graph, "outputs": {"z": {"from": "y"}}}, tmp_path)
