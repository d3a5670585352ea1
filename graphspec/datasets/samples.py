"""Samples of a spec, read and checked in full before TensorFlow is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from graphspec.checks.data import check_array, check_counts, check_held_out, check_split, unreadable
from graphspec.checks.fixed_batch import fixed_batch
from graphspec.checks.values import check_column
from graphspec.checks.whole_batches import whole_batches
from graphspec.datasets.faults import Faults
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import NOT_FINITE, NOTHING_TO_TRAIN
from graphspec.language.graph import Graph
from graphspec.shapes import Shapes, infer
from graphspec.sources import Column, Data, DataError, DataSource, Header, Progress, Split, dtype_of, load, skipped
from graphspec.sources.column import Mapped, skipped_files
from graphspec.sources.vocabularies import Vocabularies, auto_sources, read_vocabulary, with_vocabularies
from graphspec.spec import Spec

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Samples:
    """Columns of the same samples.

    Attributes:
        rows: Indices of the samples to use, in that order; None for all.
        faults: Errors noted while batches are gathered.
        left_out: Names of the files whose samples are left out.
    """

    inputs: dict[str, Column]
    outputs: dict[str, Column]
    sample_weights: dict[str, Column]
    sources: Split | None = None
    rows: Array | None = None
    faults: Faults = field(default_factory=list)
    left_out: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Return the number of samples."""
        return len(self.rows) if self.rows is not None else len(next(iter(self.inputs.values())))

    def source(self, part: str, name: str) -> DataSource | None:
        """Return the source of an entry of `inputs`, `outputs` or `weights`, or None if unknown."""
        if self.sources is None:
            return None
        sources = {"inputs": self.sources.inputs, "outputs": self.sources.outputs}
        return sources.get(part, self.sources.sample_weights).get(name)

    def batch(self, column: Column, indices: Array) -> Array:
        """Return the samples of `column` at `indices`, which are indices into `rows`."""
        return column[indices if self.rows is None else self.rows[indices]]

    def part(self, rows: Array) -> Samples:
        """Return a selection of these samples."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


@dataclass(frozen=True)
class TrainingData:
    """The samples to train and to validate on, and the vocabularies of the training split."""

    train: Samples
    validation: Samples | None
    vocabularies: Vocabularies

    @property
    def sources(self) -> list[Split]:
        """Return the sources of the samples."""
        every = [each.sources for each in (self.train, self.validation) if each is not None]
        return [each for each in every if each is not None]


def read_training_data(
    spec: Spec, progress: Progress | None = None, vocabularies: Vocabularies | None = None
) -> TrainingData:
    """Read the training and validation samples of `spec`.

    Args:
        spec: The spec.
        progress: Called while files are read.
        vocabularies: The vocabularies of an earlier run; by default, they are read from the training split.

    Raises:
        SpecError: There is nothing to train, or the data have faults, all of which it reports.
    """
    if spec.training is None or spec.data is None or spec.data.train is None:
        missing = "`training`" if spec.training is None else "`data: train:`"
        raise _nothing_to_train(f"the spec has no {missing}", f"add {missing} to {spec.path}")
    if not spec.graph.loss_weights:
        raise _nothing_to_train("no output has a loss", "give an output a `loss`")
    splits = [split for split in (spec.data.train, spec.data.validation) if split is not None]
    known = vocabularies if vocabularies is not None else read_vocabularies(spec.graph, spec.data, progress)
    read = read_splits(spec.graph, splits, known, progress)
    train, settings = read["train"], spec.model.training
    if not spec.data.held_out:
        validation = read.get("validation")
        _check_batches(spec, train, validation)
        return TrainingData(train, validation, known)
    report = Report()
    report.extend(check_held_out(spec.data, train.count))
    report.raise_if_errors()
    held_out = spec.data.held_out_of(train.count)
    seed = settings.seed if settings is not None else 0
    order = np.random.default_rng([seed, train.count]).permutation(train.count)
    held, train = train.part(np.sort(order[:held_out])), train.part(np.sort(order[held_out:]))
    _check_batches(spec, train, held)
    return TrainingData(train, held, known)


def _check_batches(spec: Spec, train: Samples, validation: Samples | None) -> None:
    """Raise SpecError if an input fixes another size of batches, or no batch is whole."""
    counts = train.count, validation.count if validation is not None else None
    settings = spec.model.training
    Report([*fixed_batch(spec.graph, settings, *counts), *whole_batches(settings, counts[0])]).raise_if_errors()


def read_vocabularies(graph: Graph, data: Data, progress: Progress | None = None) -> Vocabularies:
    """Read every `vocabulary: auto` of the training split; raise SpecError if a file cannot be read."""
    vocabularies: dict[str, tuple[str, ...]] = {}
    sources = auto_sources(data.train) if data.train is not None else {}
    report = Report()
    if data.train is not None and sources:
        report.extend(check_split(graph, data.train))
        report.raise_if_errors()
    for key, source in sources.items():
        with _reported(source, report):
            vocabularies[key] = read_vocabulary(source, progress)
    report.raise_if_errors()
    return vocabularies


def read_splits(
    graph: Graph,
    splits: Iterable[Split],
    known: Vocabularies,
    progress: Progress | None = None,
    *,
    to_predict: bool = False,
) -> dict[str, Samples]:
    """Read the samples of each split, by its name.

    Args:
        graph: The graph of the model.
        splits: The splits to read.
        known: The vocabularies of the training split.
        progress: Called while files are read.
        to_predict: Accept NaN in inputs, which leads to NaN in predictions.

    Raises:
        SpecError: The data have faults, all of which it reports.
    """
    report = Report()
    splits = [with_vocabularies(split, known) for split in splits]
    shapes = infer(graph)
    for split in splits:
        report.extend(check_split(graph, split, shapes))
    report.raise_if_errors()
    read = {
        split.name: _read(graph, shapes, split, report, progress=progress, to_predict=to_predict) for split in splits
    }
    report.raise_if_errors()
    return {name: samples for name, samples in read.items() if samples is not None}


def _read(
    graph: Graph, shapes: Shapes, split: Split, report: Report, *, progress: Progress | None, to_predict: bool
) -> Samples | None:
    columns: dict[int, Column] = {}
    for name, source in split.sources():
        column = _load(source, report, progress)
        if column is None:
            continue
        columns[id(source)] = column
        if split.inputs.get(name) is source:
            header = Header(len(column), tuple(column.shape[1:]), dtype_of(column))
            report.extend(check_array(graph.inputs[name], source, header))
    report.extend(check_counts(split, {key: len(column) for key, column in columns.items()}))
    if report.errors:
        return None
    for name, source in split.sources():
        if _is_scanned(columns[id(source)], source):
            diagnostics = check_column(graph, shapes, split, name=name, source=source, column=columns[id(source)])
            report.extend(each for each in diagnostics if each.rule is not NOT_FINITE or not to_predict)
    if report.errors:
        return None
    inputs = {name: _as_input(columns[id(source)], graph, name) for name, source in split.inputs.items()}
    outputs = {name: columns[id(source)] for name, source in split.outputs.items()}
    weights = {name: columns[id(source)] for name, source in split.sample_weights.items()}
    names = tuple(name for column in columns.values() for name in skipped_files(column))
    samples = Samples(inputs, outputs, weights, split, left_out=names)
    left_out = np.unique(np.concatenate([skipped(column) for column in columns.values()]))
    return samples if not len(left_out) else samples.part(np.delete(np.arange(samples.count), left_out))


MAX_SCANNED = 1 << 30
"""Bytes of a column that is scanned before the first step; a larger one would delay it too long."""

_BYTES_PER_TEXT = 1 << 9
"""Bytes of numbers that take as long to scan as one text."""


def _is_scanned(column: Column, source: DataSource) -> bool:
    """Return whether every value of `column` is checked before training begins.

    A fault in a larger column shows when its batch is gathered, or by a loss of NaN.
    """
    is_text = column.dtype.kind in "USO" or source.transforms.vocabulary is not None
    return prod(column.shape) * (_BYTES_PER_TEXT if is_text else column.dtype.itemsize) <= MAX_SCANNED


def _load(source: DataSource, report: Report, progress: Progress | None) -> Column | None:
    with _reported(source, report):
        return load(source, progress)
    return None


@contextmanager
def _reported(source: DataSource, report: Report) -> Iterator[None]:
    """Report an error within as a diagnostic of `source`."""
    try:
        yield
    except (DataError, OSError, ValueError) as error:
        report.extend([unreadable(source, error)])


def _as_input(column: Column, graph: Graph, name: str) -> Column:
    """Return `column` in the shape of an input; single values are an input of shape [1]."""
    return with_last_axis(column) if len(column.shape) == 1 and graph.inputs[name].shape == (1,) else column


def with_last_axis(column: Column) -> Column:
    """Return a column of single values with a last axis of one."""
    return Mapped(column, (1,), column.dtype, lambda values: values[:, None])


def _nothing_to_train(reason: str, help: str) -> SpecError:
    return SpecError.of(NOTHING_TO_TRAIN, f"{reason}, so there is nothing to train", help=help)
