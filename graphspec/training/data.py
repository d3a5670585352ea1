"""Data → arrays, read and checked before TensorFlow is loaded: what headers did not tell is checked here in full."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphspec.checks.data import check_array, check_counts, check_split
from graphspec.diagnostics import Report, SpecError
from graphspec.graph import Graph
from graphspec.rules import NOTHING_TO_TRAIN, UNREADABLE_DATA
from graphspec.sources import DataError, Header, Source, Split, load
from graphspec.spec import Spec

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Samples:
    """Arrays whose first axes count the same samples. rows picks some of them, in that order; None is all."""

    inputs: dict[str, Array]
    outputs: dict[str, Array]
    sample_weights: dict[str, Array]
    sources: Split | None = None
    rows: Array | None = None

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.rows) if self.rows is not None else len(next(iter(self.inputs.values())))

    def batch(self, array: Array, indices: Array) -> Array:
        """The samples of `array` at `indices`, which count within `rows`."""
        return array[indices if self.rows is None else self.rows[indices]]

    def part(self, rows: Array) -> Samples:
        """The samples at `rows` only."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


@dataclass(frozen=True)
class TrainingData:
    """The samples to train on and those to validate on, if any."""

    train: Samples
    validation: Samples | None


def read_training_data(spec: Spec) -> TrainingData:
    """The training and validation samples of `spec`. Raises SpecError with everything that is wrong with them."""
    if spec.training is None or spec.data is None or spec.data.train is None:
        missing = "`training`" if spec.training is None else "`data: train:`"
        raise _nothing(f"the spec has no {missing}, so there is nothing to train", f"add {missing} to {spec.path}")
    if all(output.loss is None for output in spec.graph.outputs.values()):
        raise _nothing("no output has a loss, so there is nothing to train", "give an output a `loss`")
    splits = [split for split in (spec.data.train, spec.data.validation) if split is not None]
    read = read_splits(spec.graph, splits)
    train = read["train"]
    if not spec.data.held_out:
        return TrainingData(train, read.get("validation"))
    held_out = round(train.count * spec.data.held_out)
    if not 0 < held_out < train.count:
        raise _nothing(
            f"a validation split of {spec.data.held_out:g} of {train.count} samples leaves "
            f"{held_out} to validate on and {train.count - held_out} to train on",
            "change `data: validation: split:`",
        )
    seed = spec.model.training.seed if spec.model.training is not None else 0
    order = np.random.default_rng([seed, train.count]).permutation(train.count)
    return TrainingData(train.part(np.sort(order[held_out:])), train.part(np.sort(order[:held_out])))


def read_splits(graph: Graph, splits: Iterable[Split]) -> dict[str, Samples]:
    """The samples of each split by its name. Raises SpecError with everything that is wrong with them."""
    report = Report()
    splits = list(splits)
    for split in splits:
        report.extend(check_split(graph, split))
    report.raise_if_errors()
    read = {split.name: _read(graph, split, report) for split in splits}
    report.raise_if_errors()
    return {name: samples for name, samples in read.items() if samples is not None}


def _read(graph: Graph, split: Split, report: Report) -> Samples | None:
    arrays: dict[int, Array] = {}
    for name, source in split.sources():
        array = _load(source, report)
        if array is None:
            continue
        arrays[id(source)] = array
        if split.inputs.get(name) is source:
            header = Header(len(array), array.shape[1:], _dtype(array))
            report.extend(check_array(graph.inputs[name], source, header))
    report.extend(check_counts(split, {key: len(array) for key, array in arrays.items()}))
    if report.errors:
        return None
    inputs = {name: _as_input(arrays[id(source)], graph, name) for name, source in split.inputs.items()}
    outputs = {name: arrays[id(source)] for name, source in split.outputs.items()}
    weights = {
        name: arrays[id(source)].reshape(len(arrays[id(source)])) for name, source in split.sample_weights.items()
    }
    return Samples(inputs, outputs, weights, split)


def _load(source: Source, report: Report) -> Array | None:
    try:
        return load(source)
    except DataError as error:
        report.add(UNREADABLE_DATA, error.message, source.span_of(error.part), help=error.help)
    except (OSError, ValueError) as error:
        report.add(UNREADABLE_DATA, f"{source.text} cannot be read: {error}", source.span_of("file"))
    return None


def _as_input(array: Array, graph: Graph, name: str) -> Array:
    """One number a sample serves an input of shape [1]."""
    return array[:, None] if array.ndim == 1 and graph.inputs[name].shape == (1,) else array


def _dtype(array: Array) -> str:
    return "string" if array.dtype.kind in "US" else str(array.dtype)


def _nothing(message: str, help: str) -> SpecError:
    return SpecError.of(NOTHING_TO_TRAIN, message, help=help)
