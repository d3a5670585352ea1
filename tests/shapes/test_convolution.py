"""Convolutions: their shapes and verdicts against Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec.catalog import find, names

from .oracle import Case, assert_agree
from .sharing import assert_agree_shared

LAYERS = [name for name in names("layers") if "Conv" in name and "LSTM" not in name]
FORMATS = st.sampled_from([None, "channels_last", "channels_first", "Channels_First"])
DTYPES = st.sampled_from(["float32", "float16", "int32", "bool", "string"])

quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rank(name: str) -> int:
    return next(int(letter) for letter in name if letter.isdigit())


def per_dimension(sizes: st.SearchStrategy[int], count: int) -> st.SearchStrategy[Any]:
    return sizes | st.lists(sizes, min_size=count, max_size=count)


def shapes(count: int) -> st.SearchStrategy[list[int | None]]:
    """Draw shapes of one sample: mostly of `count` spatial dimensions and channels, now and then others."""
    size = st.integers(1, 9) | st.sampled_from([None, 4])
    fitting = st.lists(size, min_size=count + 1, max_size=count + 1)
    return st.one_of(fitting, fitting, fitting, st.lists(size, max_size=5))


@st.composite
def calls(draw: st.DrawFn, name: str | None = None) -> tuple[str, dict[str, Any]]:
    """Draw a convolution with arguments that are valid one by one, if not together."""
    name = name or draw(st.sampled_from(LAYERS))
    count, entry = rank(name), find("layers", name)
    assert entry is not None
    few = st.sampled_from([1, 1, 1, 2, 3])
    paddings = ["valid", "same", "SAME"] + ["causal"] * (name in ("Conv1D", "Convolution1D"))
    choices: dict[str, st.SearchStrategy[Any]] = {
        "strides": per_dimension(few, count),
        "dilation_rate": per_dimension(few, count),
        "padding": st.sampled_from(paddings),
        "data_format": FORMATS,
        "groups": st.sampled_from([1, 1, 2, 3]),
        "depth_multiplier": st.integers(1, 3),
        "output_padding": st.none() | per_dimension(st.integers(0, 2), count),
        "lora_rank": st.sampled_from([None, None, 2]),
        "kernel_constraint": st.sampled_from([None, None, "non_neg"]),
        "use_bias": st.booleans(),
        "dtype": st.sampled_from(["float32", "mixed_float16"]),
    }
    arguments = {"kernel_size": draw(per_dimension(st.integers(1, 4), count))}
    if "filters" in entry.arguments:
        arguments["filters"] = draw(st.sampled_from([2, 4, 6]))
    for argument, values in choices.items():
        if argument in entry.arguments and draw(st.booleans()):
            arguments[argument] = draw(values)
    return name, arguments


@quick
@given(call=calls(), data=st.data(), dtype=DTYPES, batch_size=st.sampled_from([None, None, 2]))
def test_convolution(
    tmp_path: Path, call: tuple[str, dict[str, Any]], data: st.DataObject, dtype: str, batch_size: int | None
) -> None:
    """Any convolution on any shape: the same result, or both refuse."""
    name, arguments = call
    sizes = data.draw(shapes(rank(name)))
    assert_agree(Case(name, arguments, sizes, dtype, batch_size=batch_size), tmp_path)


@settings(quick, max_examples=60)
@given(call=calls(), data=st.data())
def test_shared_convolution(tmp_path: Path, call: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    """A convolution applied to two tensors keeps to the channels of the first."""
    name, arguments = call
    first, second = data.draw(shapes(rank(name))), data.draw(shapes(rank(name)))
    if data.draw(st.booleans()) and first and second:
        second[-1] = first[-1]
    assert_agree_shared(name, arguments, first, second, tmp_path)


@settings(quick, max_examples=20)
@given(call=calls(), count=st.integers(0, 2), data=st.data())
def test_list_is_no_tensor(tmp_path: Path, call: tuple[str, dict[str, Any]], count: int, data: st.DataObject) -> None:
    """A convolution takes one tensor: a list, even of one, is refused."""
    name, arguments = call
    sizes = [data.draw(shapes(rank(name))) for _ in range(count + 1)]
    assert_agree(Case(name, arguments, sizes, single=False), tmp_path)
