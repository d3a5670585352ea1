"""Keys of `ops.get_item`: read as Python reads them between brackets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec.language.slices import key_text, read_key
from graphspec.shapes import Tensor

Write = Callable[..., Path]


class _Brackets:
    """Gives what stands between its brackets, as Python reads it."""

    def __getitem__(self, key: Any) -> tuple[Any, ...]:
        return key if isinstance(key, tuple) else (key,)


TEXTS = (
    *("0", "-1", ":", "1:", ":2", "1:2", "::2", "::-1", "-3:-1", "1:9:3", "...", "None", "0,", ":, 0", ":,0,:"),
    *("..., 1", "1, ..., -1", "None, :, None", " 1 : 2 , 3 ", ":, 1:-1, -2:", "..., None, 1:3"),
)


@pytest.mark.parametrize("text", TEXTS)
def test_key_is_read_as_python_reads_it(text: str) -> None:
    """A key has the meaning that it has between the brackets of an array, with or without these."""
    expected = eval(f"brackets[{text.strip()}]", {"brackets": _Brackets()})
    assert read_key(text) == expected
    assert read_key(f"[{text}]") == expected


BOUND = st.none() | st.integers(-99, 99)
PART = st.integers(-99, 99) | st.none() | st.builds(slice, BOUND, BOUND, BOUND.filter(lambda step: step != 0))


@given(st.lists(PART, min_size=1, max_size=5), st.none() | st.integers(0, 4))
def test_key_that_is_written_is_read_again(parts: list[Any], ellipsis: int | None) -> None:
    """The text of a key gives the same key."""
    key = tuple(parts if ellipsis is None else [*parts[:ellipsis], ..., *parts[ellipsis:]])
    assert read_key(key_text(key)) == key


SPEC = """
graphspec: 1
inputs: {x: [4, 6]}
outputs:
  y: {from: x, apply: {ops.get_item: %s}}
"""


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (":, x", "the key `:, x` holds `x`"),
        ("", "has an empty part"),
        (":,, 1", "has an empty part"),
        (":, 1.5", "holds `1.5`"),
        (":, ::0", "holds a step of 0"),
        ("..., ...", "holds `...` twice"),
        ("__import__('os')", "holds `__import__('os')`"),
        ("1:2:3:4", "holds `1:2:3:4`"),
        ("9" * 30, "holds"),
    ],
)
def test_bad_key_is_explained(key: str, said: str, write: Write) -> None:
    """A text that is no key is a finding that shows what of it is not, and a key that is one."""
    (finding,) = graphspec.validate(write(SPEC % repr(key).replace("'", '"') if "'" not in key else SPEC % f'"{key}"'))
    assert finding.rule.code == "GS104"
    assert said in finding.message
    assert ":, 0" in finding.help


@pytest.mark.parametrize("key", [":, 0", ":, 1:3, ::-1", "..., -1", ":, None, ..., 2:", ":, -2:, 5"])
def test_slice_is_that_of_numpy(key: str, write: Write) -> None:
    """The built model computes what NumPy does, of the shape that is inferred."""
    x = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")
    path = write(SPEC % f'"{key}"')
    expected = x[read_key(key)]
    assert np.array_equal(graphspec.build(path)({"x": x})["y"], expected)
    spec = graphspec.load(path)
    inferred = spec.shapes.of(spec.graph, "y")
    assert isinstance(inferred, Tensor)
    assert inferred.shape == (None, *expected.shape[1:])
