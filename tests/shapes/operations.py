"""Random calls of operations: any operands that the catalogue allows, and the constants that a table draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from graphspec import catalog

from .oracle import Case

Shapes = st.SearchStrategy[list[int | None]]

OMIT = object()
"""Drawn for an argument, it leaves the argument out."""

DTYPES = st.sampled_from(["float32"] * 8 + [each for each in catalog.dtypes() if each != "float32"])
SIZE = st.sampled_from([None, None, 1, 1, 2, 2, 3, 4])
AXIS = st.integers(-4, 4)
AXES = st.none() | AXIS | st.lists(AXIS, max_size=3)
NUMBER = st.integers(-3, 3) | st.sampled_from([0.0, 0.5, 2.5]) | st.booleans()
FLAG = st.booleans()
DTYPE = st.sampled_from([None, *catalog.dtypes()])
ANY_SHAPE: Shapes = st.lists(SIZE, max_size=4)


def or_omitted(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.just(OMIT) | strategy


@st.composite
def related(draw: st.DrawFn, shape: list[int | None]) -> list[int | None]:
    """Draw a shape related to `shape`, as those of operands are: equal, broadcast, shorter, or any."""
    kind = draw(st.integers(0, 5))
    if kind < 2:
        return list(shape)
    if kind == 2:
        return [draw(st.sampled_from([size, 1, None])) for size in shape]
    if kind == 3:
        return list(shape[draw(st.integers(0, len(shape))) :])
    if kind == 4 and shape:
        position = draw(st.integers(0, len(shape) - 1))
        return [*shape[:position], draw(SIZE), *shape[position + 1 :]]
    return draw(st.lists(SIZE, max_size=3))


@dataclass(frozen=True)
class Use:
    """The calls of an operation: its constants, and the shapes of its tensors without the batch.

    shapes: that of the first tensor. others: those of further ones; without it they have something to do with the
    first. batches: the sizes of the batch, null among them.
    """

    arguments: dict[str, st.SearchStrategy[Any]] = field(default_factory=dict)
    shapes: Shapes = ANY_SHAPE
    others: Shapes | None = None
    batches: tuple[int | None, ...] = (None, None, 2, 3)


@st.composite
def calls(draw: st.DrawFn, name: str, use: Use) -> Case:
    """Draw a call of the operation `name` of the catalogue."""
    entry = catalog.find("ops", name)
    assert entry is not None
    base, dtype = draw(use.shapes), draw(DTYPES)

    def another() -> list[int | None]:
        return draw(use.others if use.others is not None else related(base))

    constants = {key: value for key, each in use.arguments.items() if (value := draw(each)) is not OMIT}
    batch = draw(st.sampled_from(use.batches))
    first, kind = next(iter(entry.tensors.items()))
    if kind != "one":
        count = draw(st.sampled_from([1, 2, 2, 2, 3]))
        shapes = [base, *(another() for _ in range(count - 1))]
        dtypes = [dtype, *(draw(st.just(dtype) | DTYPES) for _ in range(count - 1))]
        others = [each for each in list(entry.tensors)[1:] if entry.tensors[each] == kind]
        call = {each: draw(st.lists(st.sampled_from([f"x{i}" for i in range(count)]), max_size=3)) for each in others}
        return Case(name, constants, shapes, dtypes, single=False, batch_size=batch, call=call)
    fed: dict[str, list[int | None]] = {}
    for each in entry.tensors:
        if each not in constants and (entry.arguments[each] is catalog.REQUIRED or draw(st.booleans())):
            fed[each] = another() if fed else base
    if not fed:
        constants.pop(first, None)
        fed[first] = base
    dtypes = [dtype, *(draw(st.just(dtype) | DTYPES) for _ in range(len(fed) - 1))]
    return Case(name, constants, fed, dtypes, batch_size=batch)
