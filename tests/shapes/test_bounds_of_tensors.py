"""No tensor has more dimensions than NumPy allows, or more elements than TensorFlow counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec
from graphspec.diagnostics.shape_text import shape_text
from graphspec.shapes.tensor import MAX_ELEMENTS, MAX_RANK

Write = Callable[..., Path]
MOST = str(MAX_ELEMENTS)


def _found(write: Write, shape: str, steps: str, more: str = "") -> list[str]:
    path = write(f"graphspec: 1\ninputs: {{x: {shape}}}\n{more}outputs: {{y: {{from: x, apply: {steps}}}}}\n")
    return [f"{each.rule.code}: {each.message}" for each in graphspec.validate(path).errors]


def _ones(number: int) -> str:
    return f"[{', '.join(['1'] * number)}]"


@pytest.mark.parametrize(
    ("shape", "steps"),
    [
        (_ones(MAX_RANK - 1), "ReLU"),
        (_ones(MAX_RANK - 2), "{ops.expand_dims: 1}"),
        (f"[{MOST}]", "ReLU"),
        (f"[{MOST}, null]", "Flatten"),
        (f"[{MAX_ELEMENTS // 7}, 7]", "Flatten"),
    ],
)
def test_largest_tensors_are_taken(shape: str, steps: str, write: Write) -> None:
    """The greatest numbers of dimensions and elements are valid."""
    assert _found(write, shape, steps) == []


@pytest.mark.parametrize(
    ("shape", "steps", "message"),
    [
        (_ones(MAX_RANK), "ReLU", "the input `x` has 65 dimensions"),
        (_ones(MAX_RANK - 1), "{ops.expand_dims: 1}", "the output of `ops.expand_dims` has 65 dimensions"),
        (f"[{MAX_ELEMENTS // 2 + 1}, 2]", "Flatten", "the output of `Flatten` has more than"),
        (f"[{MAX_ELEMENTS // 2 + 1}, 1]", "{UpSampling1D: 2}", "the output of `UpSampling1D` has a dimension of more"),
        (f"[{MOST}, 2]", "{Reshape: [2, 2, -1]}", "the output of `Reshape` has more than"),
        ("[4]", f"{{Reshape: {_ones(200)[:-1]}, -1]}}", "the output of `Reshape` has 202 dimensions"),
        ("[4]", f"{{Dense: {MAX_ELEMENTS + 1}}}", "the output of `Dense` has a dimension of more than"),
        ("[4, 4, 4]", f"{{TimeDistributed: {{layer: {{UpSampling1D: {MOST}}}}}}}", "has a dimension of more than"),
        ("[4]", "[{ops.expand_dims: 1}, m]", "the output of `ops.expand_dims` has 65 dimensions"),
    ],
)
def test_larger_tensors_are_findings(shape: str, steps: str, message: str, write: Write) -> None:
    """The step that makes a tensor too large is reported once, and no step after it."""
    model = (
        "models: {m: {inputs: {z: [null, null]}, outputs: {o: {from: z, apply: {ops.expand_dims: 1, repeat: 62}}}}}\n"
    )
    (found,) = _found(
        write, shape, steps if steps.endswith("m]") else f"[{steps}, ReLU, Flatten]", model * ("m]" in steps)
    )
    assert found.startswith("GS006: ")
    assert message in found


def test_long_shapes_are_cut_in_messages() -> None:
    """A shape is shown whole; what is longer than any shape, and a long list of tensors, by its first."""
    assert shape_text((None, *[2] * 63)).count("2") == 63
    assert shape_text((None, *[2] * 64)) == "(batch, 2, 2, 2, 2, 2, 2, 2, … 57 more)"
    assert shape_text([(1,)] * 10) == "[(1), (1), (1), (1), (1), (1), (1), (1), … 2 more]"
    assert shape_text({f"a{n}": (n,) for n in range(9)}).endswith("a7: (7), … 1 more}")
