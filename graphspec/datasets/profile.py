"""Profiles of data sources: samples, shapes, dtypes, ranges, balance of classes, and the first samples.

Needs no TensorFlow; NumPy is imported when values are read. Sources are read in blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from graphspec.language.graph import Graph
from graphspec.sources import (
    AUTO,
    Column,
    DataError,
    DataSource,
    Progress,
    Split,
    blocks_of,
    dtype_of,
    header,
    in_order,
    load,
)
from graphspec.sources.transforms import as_word
from graphspec.sources.vocabularies import Vocabularies, with_vocabularies

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_CLASSES = 1_000
"""Different values that are counted as classes, at most."""

MAX_VALUES = 1 << 27
"""Values that are read at most, unless all samples are asked for: of large samples only a few."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The profile of one source of a split. Values are None where they were not read, or are text.

    `looked_at` counts the samples that were read. `counts` holds how often each value occurs, most frequent first,
    where the source has one whole number or text a sample and there are not too many. `first` are the first samples.
    """

    split: str
    part: str
    name: str
    source: DataSource
    samples: int | None
    shape: tuple[int | None, ...]
    dtype: str | None
    looked_at: int = 0
    lowest: float | None = None
    highest: float | None = None
    mean: float | None = None
    not_finite: int = 0
    counts: dict[str, int] | None = None
    first: list[Any] = field(default_factory=list)


def profiles(
    split: Split,
    known: Vocabularies,
    *,
    most: int | None,
    first: int = 3,
    progress: Progress | None = None,
) -> Iterator[Profile | tuple[DataSource, DataError | OSError]]:
    """Yield a profile of each source of `split`, or the source and the error where it cannot be read.

    Args:
        split: The split.
        known: The vocabularies of the training split.
        most: Samples whose values are read, at most: 0 for headers alone, None for all.
        first: Samples that a profile shows.
        progress: Called while files are read.
    """
    split = with_vocabularies(split, known)
    for part, sources in (
        ("input", split.inputs),
        ("output", split.outputs),
        ("sample_weight", split.sample_weights),
    ):
        for name, source in sources.items():
            try:
                yield _profile(split.name, part, name, source, most, first, progress)
            except (DataError, OSError) as error:
                yield source, error


def _profile(
    split: str, part: str, name: str, source: DataSource, most: int | None, first: int, progress: Progress | None
) -> Profile:
    head = header(source)
    if most == 0:
        return Profile(
            split=split, part=part, name=name, source=source, samples=head.samples, shape=head.shape, dtype=head.dtype
        )
    column = load(source, progress)
    dtype = dtype_of(column)
    statistics = _Statistics()
    for block in blocks_of(column):
        statistics.add(block if most is None else block[: most - statistics.samples])
        if most is not None and (
            statistics.samples == most or statistics.samples * prod(column.shape[1:]) >= MAX_VALUES
        ):
            break
    return Profile(
        split=split,
        part=part,
        name=name,
        source=source,
        samples=len(column),
        shape=tuple(column.shape[1:]),
        dtype=dtype,
        looked_at=statistics.samples,
        lowest=statistics.lowest,
        highest=statistics.highest,
        mean=statistics.total / statistics.finite if statistics.finite else None,
        not_finite=statistics.not_finite,
        counts=_counts(statistics, source),
        first=[_first_values(in_order(column, number, number + 1)) for number in range(min(first, len(column)))],
    )


def _first_values(sample: Array, count: int = 100) -> Any:
    """Return the value of one sample, or the first of its values: it may hold millions."""
    found = sample[0]
    return sample.reshape(-1)[:count].tolist() if sample.ndim > 1 and found.size > count else sample.tolist()[0]


def _counts(statistics: _Statistics, source: DataSource) -> dict[str, int] | None:
    """Return how often each value occurs; an index of a vocabulary bears the name of its word."""
    if statistics.counts is None or not statistics.samples:
        return None
    words, made = source.transforms.vocabulary, source.transforms
    if words is None or words == AUTO or made.one_hot is not None or made.cast is not None or made.scale is not None:
        return dict(statistics.counts.most_common())
    return {str(words[int(index)]): count for index, count in statistics.counts.most_common()}


class _Statistics:
    """Statistics of the values of a source, block by block."""

    def __init__(self) -> None:
        self.samples = self.finite = self.not_finite = 0
        self.total = 0.0
        self.lowest: float | None = None
        self.highest: float | None = None
        self.counts: Counter[str] | None = Counter()

    def add(self, block: Array) -> None:
        self.samples += len(block)
        self._count(block)
        if block.dtype.kind in "biuf":
            self._measure(block)

    def _count(self, block: Array) -> None:
        import numpy as np

        singles = block.reshape(len(block), -1)
        is_label = block.dtype.kind in "iubUSO" and singles.shape[1] == 1
        if self.counts is None or not is_label:
            self.counts = None
            return
        if block.dtype.kind == "O":
            self.counts.update(map(as_word, singles[:, 0].tolist()))
        else:
            values, counts = np.unique(singles[:, 0], return_counts=True)
            self.counts.update(dict(zip(map(as_word, values.tolist()), counts.tolist(), strict=True)))
        if len(self.counts) > MAX_CLASSES:
            self.counts = None

    def _measure(self, block: Array) -> None:
        import numpy as np

        finite = block[np.isfinite(block)] if block.dtype.kind == "f" else block.reshape(-1)
        self.not_finite += block.size - finite.size
        if finite.size:
            low, high = float(finite.min()), float(finite.max())
            self.lowest = low if self.lowest is None else min(self.lowest, low)
            self.highest = high if self.highest is None else max(self.highest, high)
            self.total += float(finite.sum(dtype=np.float64))
            self.finite += finite.size


def images_of(graph: Graph, split: Split, count: int) -> dict[str, Array]:
    """Return the first samples of each input of images: shape (count, height, width, channels)."""
    found = {}
    for name, source in split.inputs.items():
        head = header(source)
        if name in graph.inputs and len(head.shape) == 3 and head.shape[-1] in (1, 3, 4):
            column: Column = load(source)
            found[name] = in_order(column, 0, count)
    return found
