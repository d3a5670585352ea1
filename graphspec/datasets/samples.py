"""Data → samples, read and checked before TensorFlow is loaded: what headers did not tell is checked here in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from graphspec.checks.data import check_array, check_counts, check_held_out, check_split, unreadable
from graphspec.checks.values import check_column
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
    """Columns of the same samples. rows picks some of them, in that order; None is all.

    faults are what has gone wrong while they were gathered, left_out the files whose samples are not among them.
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
        """How many samples there are."""
        return len(self.rows) if self.rows is not None else len(next(iter(self.inputs.values())))

    def source(self, part: str, name: str) -> DataSource | None:
        """Where `inputs`, `outputs` or `weights` of a name come from."""
        if self.sources is None:
            return None
        sources = {"inputs": self.sources.inputs, "outputs": self.sources.outputs}
        return sources.get(part, self.sources.sample_weights).get(name)

    def batch(self, column: Column, indices: Array) -> Array:
        """The samples of `column` at `indices`, which count within `rows`."""
        return column[indices if self.rows is None else self.rows[indices]]

    def part(self, rows: Array) -> Samples:
        """The samples at `rows` only."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


@dataclass(frozen=True)
class TrainingData:
    """The samples to train on, those to validate on, if any, and the vocabularies that were taken from the former."""

    train: Samples
    validation: Samples | None
    vocabularies: Vocabularies


def read_training_data(
    spec: Spec, progress: Progress | None = None, vocabularies: Vocabularies | None = None
) -> TrainingData:
    """The training and validation samples of `spec`. Raises SpecError with everything that is wrong with them.

    vocabularies are those of an earlier run; without them, those of the training split are taken.
    """
    if spec.training is None or spec.data is None or spec.data.train is None:
        missing = "`training`" if spec.training is None else "`data: train:`"
        raise _nothing(f"the spec has no {missing}, so there is nothing to train", f"add {missing} to {spec.path}")
    if all(output.loss is None for output in spec.graph.outputs.values()):
        raise _nothing("no output has a loss, so there is nothing to train", "give an output a `loss`")
    splits = [split for split in (spec.data.train, spec.data.validation) if split is not None]
    known = vocabularies if vocabularies is not None else read_vocabularies(spec.graph, spec.data, progress)
    read = read_splits(spec.graph, splits, known, progress)
    train = read["train"]
    if not spec.data.held_out:
        return TrainingData(train, read.get("validation"), known)
    report = Report()
    report.extend(check_held_out(spec.data, train.count))
    report.raise_if_errors()
    held_out = spec.data.held_out_of(train.count)
    seed = spec.model.training.seed if spec.model.training is not None else 0
    order = np.random.default_rng([seed, train.count]).permutation(train.count)
    held = train.part(np.sort(order[:held_out]))
    return TrainingData(train.part(np.sort(order[held_out:])), held, known)


def read_vocabularies(graph: Graph, data: Data, progress: Progress | None = None) -> Vocabularies:
    """Every `vocabulary: auto` of the training split. Raises SpecError where a file of one cannot be read."""
    found: dict[str, tuple[str, ...]] = {}
    sources = auto_sources(data.train) if data.train is not None else {}
    report = Report()
    if data.train is not None and sources:
        report.extend(check_split(graph, data.train))
        report.raise_if_errors()
    for key, source in sources.items():
        with _found(source, report):
            found[key] = read_vocabulary(source, progress)
    report.raise_if_errors()
    return found


def read_splits(
    graph: Graph,
    splits: Iterable[Split],
    known: Vocabularies,
    progress: Progress | None = None,
    *,
    to_predict: bool = False,
) -> dict[str, Samples]:
    """The samples of each split by its name. Raises SpecError with everything that is wrong with them.

    to_predict: the inputs are only predicted from, so that NaN in them is NaN in a prediction, and no fault.
    """
    report = Report()
    splits = [with_vocabularies(split, known) for split in splits]
    shapes = infer(graph)
    for split in splits:
        report.extend(check_split(graph, split, shapes))
    report.raise_if_errors()
    read = {split.name: _read(graph, shapes, split, report, progress, to_predict=to_predict) for split in splits}
    report.raise_if_errors()
    return {name: samples for name, samples in read.items() if samples is not None}


def _read(
    graph: Graph, shapes: Shapes, split: Split, report: Report, progress: Progress | None, *, to_predict: bool
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
        if _is_looked_through(columns[id(source)], source):
            found = check_column(graph, shapes, split, name=name, source=source, column=columns[id(source)])
            report.extend(each for each in found if each.rule is not NOT_FINITE or not to_predict)
    if report.errors:
        return None
    inputs = {name: _as_input(columns[id(source)], graph, name) for name, source in split.inputs.items()}
    outputs = {name: columns[id(source)] for name, source in split.outputs.items()}
    weights = {name: columns[id(source)] for name, source in split.sample_weights.items()}
    names = tuple(name for column in columns.values() for name in skipped_files(column))
    samples = Samples(inputs, outputs, weights, split, left_out=names)
    left_out = np.unique(np.concatenate([skipped(column) for column in columns.values()]))
    return samples if not len(left_out) else samples.part(np.delete(np.arange(samples.count), left_out))


LOOKED_THROUGH = 1 << 30
"""Bytes of a column that are looked through before the first step; larger ones would hold it up for too long."""

_BYTES_OF_TEXT = 1 << 9
"""So much as a number of so many bytes does a text take to be read."""


def _is_looked_through(column: Column, source: DataSource) -> bool:
    """Whether every value of `column` is looked at before anything is made of it.

    What a larger one holds is found when its batch is gathered, or by the loss that it leads to.
    """
    is_text = column.dtype.kind in "USO" or source.transforms.vocabulary is not None
    return prod(column.shape) * (_BYTES_OF_TEXT if is_text else column.dtype.itemsize) <= LOOKED_THROUGH


def _load(source: DataSource, report: Report, progress: Progress | None) -> Column | None:
    with _found(source, report):
        return load(source, progress)
    return None


@contextmanager
def _found(source: DataSource, report: Report) -> Iterator[None]:
    """Make a finding of what is raised within because `source` cannot be read."""
    try:
        yield
    except (DataError, OSError, ValueError) as error:
        report.extend([unreadable(source, error)])


def _as_input(column: Column, graph: Graph, name: str) -> Column:
    """One value a sample serves an input of shape [1]."""
    return with_last_axis(column) if len(column.shape) == 1 and graph.inputs[name].shape == (1,) else column


def with_last_axis(column: Column) -> Column:
    """A column of single values as one of lists of one."""
    return Mapped(column, (1,), column.dtype, lambda values: values[:, None])


def _nothing(message: str, help: str) -> SpecError:
    return SpecError.of(NOTHING_TO_TRAIN, message, help=help)
