"""Profiles of data sources: samples, shapes, dtypes, ranges, class frequencies, and the first samples.

TensorFlow is not needed; NumPy is imported when values are read. Sources are read in blocks.
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
"""Distinct values that are counted as classes."""

MAX_VALUES = 1 << 27
"""Values that are read of a source, unless all are requested."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The profile of one source of a split; statistics are None if no values were read, or they are text.

    Attributes:
        part: `input`, `output` or `sample_weight`.
        looked_at: Number of samples that were read.
        not_finite: Number of values that are NaN or infinite.
        counts: Frequency of each value, highest first; None unless a sample is one integer or text, of few values.
        first: The first samples.
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
    limit: int | None,
    first: int = 3,
    progress: Progress | None = None,
) -> Iterator[Profile | tuple[DataSource, DataError | OSError]]:
    """Yield a profile of each source of `split`, or the source and the error if it cannot be read.

    Args:
        split: The split.
        known: The vocabularies of the training split.
        limit: Maximum number of samples to read: 0 for headers alone, None for all.
        first: Number of samples in `Profile.first`.
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
                yield _profile(split.name, part, name, source, limit=limit, first=first, progress=progress)
            except (DataError, OSError) as error:
                yield source, error


def _profile(
    split: str, part: str, name: str, source: DataSource, *, limit: int | None, first: int, progress: Progress | None
) -> Profile:
    head = header(source)
    if limit == 0:
        return Profile(
            split=split, part=part, name=name, source=source, samples=head.samples, shape=head.shape, dtype=head.dtype
        )
    column = load(source, progress)
    dtype = dtype_of(column)
    statistics = _Statistics()
    for block in blocks_of(column):
        statistics.add(block if limit is None else block[: limit - statistics.samples])
        if limit is not None and (
            statistics.samples == limit or statistics.samples * prod(column.shape[1:]) >= MAX_VALUES
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
    """Return the only sample of an array, or its first values if it holds more than `count`."""
    return sample.reshape(-1)[:count].tolist() if sample.ndim > 1 and sample.size > count else sample.tolist()[0]


def _counts(statistics: _Statistics, source: DataSource) -> dict[str, int] | None:
    """Return the frequency of each value; indices of a vocabulary are replaced by its words."""
    if statistics.counts is None or not statistics.samples:
        return None
    transforms, words = source.transforms, source.transforms.vocabulary
    are_indices = transforms.one_hot is None and transforms.cast is None and transforms.scale is None
    if words is None or words == AUTO or not are_indices:
        return dict(statistics.counts.most_common())
    return {str(words[int(index)]): count for index, count in statistics.counts.most_common()}


class _Statistics:
    """The statistics of the values of a source, which is added block by block."""

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
    """Return the first samples of each input of images, shape (count, height, width, channels)."""
    images = {}
    for name, source in split.inputs.items():
        head = header(source)
        if name in graph.inputs and len(head.shape) == 3 and head.shape[-1] in (1, 3, 4):
            column: Column = load(source)
            images[name] = in_order(column, 0, count)
    return images
