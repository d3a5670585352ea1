"""What only the values themselves tell: every source that a spec names, read whole.

Runs without TensorFlow and needs NumPy, which it imports when it is called. Columns are gone through in blocks, so that
a memory-mapped file is never in memory as a whole. What headers tell is `checks.data`'s; a source whose header is at
fault is left to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from graphspec.checks.data import check_array, check_counts
from graphspec.checks.embeddings import embeddings
from graphspec.checks.subject import Subject
from graphspec.checks.targets import check_labels, takes_classes
from graphspec.diagnostics import Diagnostic, Label
from graphspec.graph import Graph, Input
from graphspec.rules import INDEX_RANGE, NOT_FINITE, UNREADABLE_DATA
from graphspec.sources import AUTO, Column, DataError, Header, Source, Split, blocks_of, dtype_of, header, load
from graphspec.sources.vocabularies import Vocabularies, vocabularies_of, with_vocabularies

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def check_values(subject: Subject) -> Iterator[Diagnostic]:
    """Every fault that the values of the data have: unreadable ones, numbers that are none, indices out of range."""
    data = subject.data
    if data is None:
        return
    known = _vocabularies_of(data.train) if data.train is not None else {}
    for split in data.splits():
        yield from _check_split(subject, with_vocabularies(split, known))


def _vocabularies_of(train: Split) -> Vocabularies:
    """The vocabularies of the training split; none where a file of it is at fault, which is found by itself."""
    try:
        return vocabularies_of(train)
    except (DataError, OSError, ValueError):
        return {}


def _check_split(subject: Subject, split: Split) -> Iterator[Diagnostic]:
    counts: dict[int, int | None] = {}
    for part in (split.inputs, split.outputs, split.sample_weights):
        for name, source in part.items():
            wanted = subject.graph.inputs.get(name) if part is split.inputs else None
            column = _read(source, wanted)
            if isinstance(column, Diagnostic):
                yield column
            if column is None or isinstance(column, Diagnostic):
                continue
            counts[id(source)] = len(column)
            try:
                yield from _check_finite(column, source)
                if wanted is not None:
                    yield from _check_input(subject.graph, wanted, source, column)
                if part is split.outputs and name in subject.graph.outputs:
                    yield from _check_labels(subject, name, source, column)
            except DataError as error:
                yield _unreadable(source, error)
    if any(header(source).samples is None for _, source in split.sources() if id(source) in counts):
        yield from check_counts(split, counts)


def _read(source: Source, wanted: Input | None) -> Column | Diagnostic | None:
    """The column; a finding where its file can be opened and not be read.

    None where the header is at fault, or does not fit the input that it serves, and where the words of the training
    split are not known: a finding has been made of that.
    """
    if source.transforms.vocabulary == AUTO:
        return None
    try:
        told = header(source)
    except (DataError, OSError):
        return None
    if wanted is not None and any(check_array(wanted, source, told)):
        return None
    try:
        return load(source)
    except DataError as error:
        return _unreadable(source, error)
    except (OSError, ValueError) as error:
        return Diagnostic(UNREADABLE_DATA, f"{source.text} cannot be read: {error}", source.span_of("file"))


def _unreadable(source: Source, error: DataError) -> Diagnostic:
    return Diagnostic(UNREADABLE_DATA, error.message, source.span_of(error.part), help=error.help)


def _check_finite(column: Column, source: Source) -> Iterator[Diagnostic]:
    """Whether all numbers are finite. Every block is read, so that whatever cannot be read is found."""
    import numpy as np

    missing = infinite = 0
    for block in blocks_of(column):
        if block.dtype.kind != "f":
            continue
        missing += int(np.isnan(block).sum())
        infinite += int(np.isinf(block).sum())
    if missing or infinite:
        found = [f"{count:,} {word}" for count, word in ((missing, "NaN"), (infinite, "infinite")) if count]
        yield Diagnostic(
            NOT_FINITE,
            f"{source.text} holds {' and '.join(found)} among its {prod(column.shape):,} values",
            source.place,
            expected="finite numbers",
            help="one such value turns every weight into NaN at the first step: drop or fill those samples",
        )


def _check_input(graph: Graph, wanted: Input, source: Source, column: Column) -> Iterator[Diagnostic]:
    told = header(source)
    if told.samples is None or told.dtype is None or None in told.shape:
        dtype = dtype_of(column)
        yield from check_array(wanted, source, Header(len(column), tuple(column.shape[1:]), dtype))
    if column.dtype.kind not in "iuf" or not prod(column.shape):
        return
    lowest, highest = range_of(column)
    for count, span in dict.fromkeys(embeddings(graph, wanted.name)):
        if lowest < 0 or highest >= count:
            yield Diagnostic(
                INDEX_RANGE,
                f"{source.text} holds indices from {lowest:g} to {highest:g}, and `Embedding` knows {count}",
                source.place,
                expected=f"indices from 0 to {count - 1}",
                help=f"write `input_dim: {int(highest) + 1}`, or mend the indices"
                if lowest >= 0
                else "an index counts from 0",
                labels=(Label(span, f"it knows {count} indices"),),
            )


def _check_labels(subject: Subject, name: str, source: Source, column: Column) -> Iterator[Diagnostic]:
    output = subject.graph.outputs[name]
    tensor = subject.tensor(output)
    if not takes_classes(output) or not prod(column.shape) or column.dtype.kind not in "iufb":
        return
    lowest, highest = range_of(column)
    classes = tensor.shape[-1] if tensor is not None else None
    if classes == 1:
        return  # the loss does not fit the output, which is found by itself
    if lowest == lowest and highest == highest:  # NaN is found by itself
        fractional = is_fractional(column)
        yield from check_labels(output, lowest, highest, fractional=fractional, classes=classes, span=source.place)


def range_of(column: Column) -> tuple[float, float]:
    """The least and the greatest number of a column that holds some."""
    lows, highs = zip(*((block.min(), block.max()) for block in blocks_of(column)), strict=True)
    return float(min(lows)), float(max(highs))


def is_fractional(column: Column) -> bool:
    """Whether some number of the column is not whole."""
    import numpy as np

    return column.dtype.kind == "f" and any(not bool(np.all(block == np.floor(block))) for block in blocks_of(column))
