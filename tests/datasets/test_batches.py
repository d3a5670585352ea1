"""Batches: each epoch a permutation that (seed, epoch) alone decides, dtypes and shapes as the model declares."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphspec.datasets.batches import TrainingBatches, evaluation_batches
from graphspec.datasets.order import Order
from graphspec.datasets.samples import Samples
from graphspec.diagnostics import SourceText, Span
from graphspec.language.graph import Graph, Input

SPAN = Span(SourceText("test", ""), 1, 1, 1, 1)


def graph(dtype: str = "int64", shape: tuple[int | None, ...] = ()) -> Graph:
    """A graph of one input; batches need no more of it."""
    return Graph("g", {"x": Input("x", shape, dtype, SPAN)}, {}, {}, span=SPAN)


def samples(array: np.ndarray[Any, Any]) -> Samples:
    return Samples({"x": array}, {}, {})


def read(batches: TrainingBatches, epoch: int, step: int = 0) -> list[list[int]]:
    """The numbers in each batch of an epoch, from a step on."""
    batches.start(epoch, step)
    return [batch[0]["x"].numpy().tolist() for batch in batches.dataset]


def positions(order: Order, epoch: int, first: int, last: int) -> list[int]:
    """The samples of a worker in some batches of a pass."""
    found: list[int] = order.indices(epoch, first, last).tolist()
    return found


@settings(max_examples=100, deadline=None)
@given(
    count=st.integers(1, 300),
    batch_size=st.integers(1, 70),
    workers=st.integers(1, 5),
    seed=st.integers(0, 2**31 - 1),
    epoch=st.integers(0, 10_000),
    start=st.floats(0, 1, exclude_max=True),
)
def test_each_pass_is_a_permutation_shared_by_workers(
    count: int, batch_size: int, workers: int, seed: int, epoch: int, start: float
) -> None:
    """Every sample comes once a pass, the workers share every batch as equally as can be, and any step can be first."""
    workers = min(workers, batch_size)
    whole = Order(count, batch_size, seed)
    order = positions(whole, epoch, 0, whole.steps)
    assert sorted(order) == list(range(count))
    step = int(start * whole.steps)
    assert positions(whole, epoch, step, whole.steps) == order[step * batch_size :]
    for first in {0, step, whole.steps - 1}:
        shares = [
            positions(Order(count, batch_size, seed, worker=worker, workers=workers), epoch, first, first + 1)
            for worker in range(workers)
        ]
        sizes = [Order(count, batch_size, seed, worker=each, workers=workers).own_size for each in range(workers)]
        if (first + 1) * batch_size <= count:
            assert [len(share) for share in shares] == sizes
        assert sum(sizes) == batch_size
        assert [each for share in shares for each in share] == order[first * batch_size : (first + 1) * batch_size]
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    everything = [
        each
        for worker in range(workers)
        for each in positions(Order(count, batch_size, seed, worker=worker, workers=workers), epoch, 0, whole.steps)
    ]
    assert sorted(everything) == list(range(count))


@settings(max_examples=10, deadline=None)
@given(
    count=st.integers(1, 300),
    batch_size=st.integers(1, 70),
    workers=st.integers(1, 3),
    start=st.floats(0, 1, exclude_max=True),
)
def test_batches_are_those_of_the_order(count: int, batch_size: int, workers: int, start: float) -> None:
    """The data set of an epoch gives each worker its batches, from the first or from any other step on."""
    workers = min(workers, batch_size)
    order = Order(count, batch_size, 5, worker=workers - 1, workers=workers)
    batches = TrainingBatches(graph(), samples(np.arange(count)), order)
    expected = [positions(order, 3, step, step + 1) for step in range(order.steps)]
    assert read(batches, 3) == expected
    step = int(start * order.steps)
    assert read(batches, 3, step) == expected[step:]


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(count=st.integers(1, 60), batch_size=st.integers(1, 20), steps=st.integers(1, 12), epochs=st.integers(1, 6))
def test_epochs_of_another_length_go_on_where_the_last_has_ended(
    count: int, batch_size: int, steps: int, epochs: int
) -> None:
    """`steps_per_epoch` cuts the same passes over the samples into epochs of another length."""
    order = Order(count, batch_size, 3)
    cut = TrainingBatches(graph(), samples(np.arange(count)), order, steps)
    found = [batch for epoch in range(epochs) for batch in read(cut, epoch)]
    passes = TrainingBatches(graph(), samples(np.arange(count)), order)
    expected = [batch for number in range(steps * epochs // order.steps + 1) for batch in read(passes, number)]
    assert found == expected[: steps * epochs]
    for first in {0, steps // 2, steps}:  # a run that is resumed has taken that many steps of its last epoch, or all
        assert read(cut, epochs - 1, first) == expected[steps * (epochs - 1) + first : steps * epochs]


@settings(max_examples=10, deadline=None)
@given(count=st.integers(1, 60), batch_size=st.integers(1, 20), steps=st.integers(1, 9), workers=st.integers(1, 3))
def test_a_last_batch_that_is_not_whole_is_left_out(count: int, batch_size: int, steps: int, workers: int) -> None:
    """Batches are those of the same passes but for each last one that is smaller; epochs of any length, shared too."""
    workers, count = min(workers, batch_size), max(count, batch_size)
    order = Order(count, batch_size, 3, worker=workers - 1, workers=workers)
    cut = TrainingBatches(graph(), samples(np.arange(count)), replace(order, drop_remainder=True), steps)
    expected = [
        positions(order, number, batch, batch + 1)
        for number in range(2 * steps)
        for batch in range(count // batch_size)
    ]
    assert [batch for epoch in range(2) for batch in read(cut, epoch)] == expected[: 2 * steps]
    assert cut.samples_between(0, 0, steps) == steps * batch_size
    assert read(cut, 1, 1) == expected[steps + 1 : 2 * steps]


def test_epochs_and_seeds_differ() -> None:
    """Two epochs, and two seeds, come in different orders."""
    orders = set()
    for seed in (1, 2):
        batches = TrainingBatches(graph(), samples(np.arange(50)), Order(50, 50, seed))
        orders |= {tuple(read(batches, epoch)[0]) for epoch in range(2)}
    assert len(orders) == 4


def test_nothing_is_gathered_for_a_reading_in_vain() -> None:
    """Keras begins to read again after each epoch; what it never uses is not gathered."""
    asked: list[int] = []

    class Watched:
        shape, dtype = (100,), np.dtype(np.int64)

        def __len__(self) -> int:
            return 100

        def __getitem__(self, at: Any, /) -> Any:
            asked.append(len(at))
            return np.asarray(at)

    batches = TrainingBatches(graph(), Samples({"x": Watched()}, {}, {}), Order(100, 10))
    assert read(batches, 1)
    before = sum(asked)
    iterator = iter(batches.dataset)
    time.sleep(0.2)
    assert sum(asked) == before
    del iterator


@pytest.mark.parametrize(
    ("size", "workers", "gathered"),
    [
        (1, 1, [16, 32, 32]),  # 8 batches of 2 samples, twice as many, and the rest
        (2**18, 1, [8] * 10),  # 8 MiB are 8 samples of 1 MiB
        (2**18, 2, [8] * 5),  # a worker has every other one of them
        (2**21, 1, [2] * 40),  # one batch is more than 8 MiB
    ],
)
def test_small_batches_are_gathered_together(size: int, workers: int, gathered: list[int]) -> None:
    """Up to 128 batches are gathered at once, first 8, as long as they hold no more than 8 MiB together."""
    asked: list[int] = []

    class Watched:
        shape, dtype = (80, size), np.dtype(np.float32)

        def __len__(self) -> int:
            return 80

        def __getitem__(self, at: Any, /) -> Any:
            asked.append(len(at))
            return np.broadcast_to(np.float32(0), (len(at), size))

    order = Order(80, 2, worker=workers - 1, workers=workers)
    batches = TrainingBatches(graph("float32", (size,)), Samples({"x": Watched()}, {}, {}), order)
    batches.start(0)
    assert sum(1 for _ in batches.dataset) == 40
    assert sorted(asked) == sorted(gathered)  # two threads gather


@pytest.mark.parametrize(
    ("worker", "workers", "fits"), [(0, 1, True), (3, 4, True), (0, 5, False), (4, 4, False), (5, 4, False)]
)
def test_workers_share_a_batch(worker: int, workers: int, fits: bool) -> None:
    """Each worker has a number below that of the workers, of whom there are no more than samples in a batch."""
    with nullcontext() if fits else pytest.raises(ValueError, match=f"{workers} workers cannot share batches of 4"):
        assert Order(10, 4, worker=worker, workers=workers).own_size == 4 // workers
    with pytest.raises(ValueError, match="cannot share"):
        Order(10, 4, worker=-1, workers=workers)


def test_order_takes_no_memory() -> None:
    """A batch in the middle of a thousand thousand millions of samples is found at once."""
    order = Order(10**12, 32, 5)
    middle = order.steps // 2
    found = order.indices(7, middle, middle + 1)
    assert len(set(found.tolist())) == 32
    assert 0 <= found.min() <= found.max() < 10**12


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
