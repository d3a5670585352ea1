"""Batches: each epoch a permutation that (seed, epoch) alone decides, dtypes and shapes as the model declares."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphspec.diagnostics import Source, Span
from graphspec.graph import Graph, Input
from graphspec.training.batches import evaluation_batches, steps, training_batches
from graphspec.training.data import Samples

SPAN = Span(Source("test", ""), 1, 1, 1, 1)


def graph(dtype: str = "int64", shape: tuple[int | None, ...] = ()) -> Graph:
    """A graph of one input; batches need no more of it."""
    return Graph("g", {"x": Input("x", shape, dtype, SPAN)}, {}, {}, SPAN)


def samples(array: np.ndarray[Any, Any]) -> Samples:
    return Samples({"x": array}, {}, {})


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(1, 60), batch_size=st.integers(1, 70), seed=st.integers(0, 2**31 - 1), epochs=st.integers(1, 3)
)
def test_each_epoch_is_a_permutation(count: int, batch_size: int, seed: int, epochs: int) -> None:
    """Every sample comes once an epoch, in `steps` batches, in the same order for the same seed."""
    array = np.arange(count)
    number = steps(samples(array), batch_size)

    def read() -> list[list[int]]:
        batches = training_batches(graph(), samples(array), batch_size, seed).take(number * epochs)
        return [list(batch[0]["x"].numpy()) for batch in batches]

    found = read()
    for epoch in range(epochs):
        own = found[epoch * number : (epoch + 1) * number]
        assert sorted(chain.from_iterable(own)) == list(range(count))
        assert all(len(batch) == batch_size for batch in own[:-1])
    assert found == read()


def test_epochs_and_seeds_differ() -> None:
    """Two epochs, and two seeds, come in different orders."""
    array = np.arange(50)
    orders = []
    for seed in (1, 2):
        batches = training_batches(graph(), samples(array), 50, seed).take(2)
        orders += [tuple(batch[0]["x"].numpy()) for batch in batches]
    assert len(set(orders)) == 4


def test_evaluation_keeps_the_order_of_the_rows() -> None:
    """Evaluation sees the chosen rows in order, the last batch in part."""
    part = samples(np.arange(100, 120)).part(np.array([3, 5, 7, 11, 19]))
    batches = [list(batch[0]["x"].numpy()) for batch in evaluation_batches(graph(), part, 2)]
    assert batches == [[103, 105], [107, 111], [119]]


def test_values_are_cast_to_the_inputs_dtype() -> None:
    """uint8 pixels reach a float32 input as float32, text reaches a string input as text, with static shapes."""
    (batch,) = evaluation_batches(graph("float32", (2, 2)), samples(np.full((3, 2, 2), 7, np.uint8)), 8)
    assert batch[0]["x"].dtype == "float32"
    assert batch[0]["x"].shape == (3, 2, 2)
    spec = evaluation_batches(graph("float32", (2, 2)), samples(np.zeros((3, 2, 2))), 8).element_spec
    assert spec[0]["x"].shape.as_list() == [None, 2, 2]
    (batch,) = evaluation_batches(graph("string"), samples(np.array(["ja", "nein"])), 8)
    assert [value.decode() for value in batch[0]["x"].numpy()] == ["ja", "nein"]


def test_memory_mapped_file_is_read_row_by_row(tmp_path: Any) -> None:
    """Batches of a memory-mapped array hold what its rows hold."""
    np.save(tmp_path / "x.npy", np.arange(30).reshape(10, 3))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    (batch,) = evaluation_batches(graph("int64", (3,)), samples(mapped), 10)
    np.testing.assert_array_equal(batch[0]["x"].numpy(), mapped)
