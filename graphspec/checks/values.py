"""Checks of the values of data, which read every source whole.

They need NumPy, imported on the first call, but not TensorFlow. Columns are read in blocks, so that a memory-mapped
file is never in memory as a whole. `checks.data` checks the headers; a source with a wrong header is skipped here.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from graphspec.checks.class_weights import check_weighed
from graphspec.checks.context import CheckContext, output_shape
from graphspec.checks.data import check_array, check_counts, check_held_out, check_trained_with, unreadable
from graphspec.checks.embeddings import embeddings
from graphspec.checks.ranges import check_range, check_weights
from graphspec.checks.targets import check_labels, check_target, ignored_class, takes_classes
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import DATA_DTYPE, INDEX_RANGE, NOT_FINITE, NOTHING_TO_TRAIN, UNREADABLE_DATA
from graphspec.language.graph import Graph, Input
from graphspec.shapes import Shapes
from graphspec.sources import AUTO, Column, DataError, DataSource, Header, Split, dtype_of, header, load
from graphspec.sources.scan import Scan, scan
from graphspec.sources.vocabularies import auto_sources, read_vocabulary, with_vocabularies

NO_HEADER = Header(None, (None,), None)
"""The header of an array of unknown size, shape and dtype."""


def check_values(context: CheckContext) -> Iterator[Diagnostic]:
    """Report values that cannot be read, are not finite, or are out of range."""
    data = context.data
    if data is None:
        return
    known: dict[str, tuple[str, ...]] = {}
    for key, source in auto_sources(data.train).items() if data.train is not None else ():
        try:
            header(source)
        except (DataError, OSError):
            continue  # `checks.data` reports it
        try:
            known[key] = read_vocabulary(source)
        except (DataError, OSError, ValueError) as error:
            yield unreadable(source, error)
    for split in data.splits():
        counts: dict[int, int | None] = {}
        yield from _check_split(context, with_vocabularies(split, known), counts)
        if split is data.train and data.held_out and _was_unknown(split):
            yield from check_held_out(data, next(iter(counts.values()), None))


def _was_unknown(split: Split) -> bool:
    """Return whether no header states the number of samples that `checks.data` checks."""
    try:
        return all(header(source).samples is None for _, source in split.sources())
    except (DataError, OSError):
        return False


def _check_split(context: CheckContext, split: Split, counts: dict[int, int | None]) -> Iterator[Diagnostic]:
    """Check the values of a split, and enter the samples of each source into `counts`."""
    is_counted_anew = False
    for name, source in split.sources():
        model_input = context.graph.inputs.get(name) if split.inputs.get(name) is source else None
        read = _read(split, name, source, model_input)
        if isinstance(read, Diagnostic):
            yield read
        if read is None or isinstance(read, Diagnostic):
            continue
        head, column = read
        counts[id(source)] = len(column)
        is_counted_anew = is_counted_anew or head.samples is None
        yield from check_column(
            context.graph, context.shapes, split, name=name, source=source, column=column, head=head
        )
    if is_counted_anew:
        yield from check_counts(split, counts)


def _read(
    split: Split, name: str, source: DataSource, model_input: Input | None
) -> tuple[Header, Column] | Diagnostic | None:
    """Return the header and the column, or a diagnostic if the values cannot be read.

    None if the header is wrong or does not fit, or the vocabulary of the training split is unknown: another check
    reports these.
    """
    if source.transforms.vocabulary == AUTO:
        return None
    try:
        head = header(source)
    except (DataError, OSError):
        return None
    if model_input is not None and any(check_array(model_input, source, head)):
        return None
    if any(check_trained_with(split, name, source, head)):
        return None
    try:
        return head, load(source)
    except (DataError, OSError, ValueError) as error:
        return unreadable(source, error)


def check_column(
    graph: Graph,
    shapes: Shapes,
    split: Split,
    *,
    name: str,
    source: DataSource,
    column: Column,
    head: Header = NO_HEADER,
) -> Iterator[Diagnostic]:
    """Report everything wrong with the values of a column, which are all read.

    Args:
        graph: the graph that the column feeds.
        shapes: its inferred shapes.
        split: the split that the source belongs to.
        name: the input or output that the column serves.
        source: where the spec names the column.
        column: its values.
        head: the header that was checked; what it leaves open is checked too.
    """
    is_target = split.outputs.get(name) is source and name in graph.outputs
    try:
        stats = scan(column, ignored_class(graph.outputs[name]) if is_target else None)
    except (DataError, OSError, ValueError) as error:
        yield unreadable(source, error)
        return
    if stats.broken:
        yield Diagnostic(
            UNREADABLE_DATA,
            f"{source.text} holds {stats.broken:,} strings with an unpaired surrogate, which is not a character",
            source.place,
            expected="strings that can be encoded as UTF-8",
            help="fix the file",
        )
    yield from _check_finite(stats, column, source)
    if split.inputs.get(name) is source and name in graph.inputs:
        yield from _check_input(graph, graph.inputs[name], source=source, column=column, stats=stats, head=head)
    elif is_target:
        if head.dtype is None:
            yield from check_trained_with(split, name, source, _as_header(column))
        yield from _check_target(graph, shapes, name, source=source, column=column, stats=stats, head=head)
    elif split.sample_weights.get(name) is source:
        if head.dtype is None or None in head.shape:
            yield from check_trained_with(split, name, source, _as_header(column))
        yield from _check_fits("float32", f"the sample weights of `{name}`", source, column=column, stats=stats)
        yield from check_weights(name, source, column, stats)
        if split.name == "train" and stats.is_finite and stats.lowest == stats.highest == 0:
            yield Diagnostic(
                NOTHING_TO_TRAIN,
                f"every sample weight of `{name}` is 0, so nothing is trained",
                source.place,
                expected="weights above 0",
            )


def _as_header(column: Column) -> Header:
    return Header(len(column), tuple(column.shape[1:]), dtype_of(column))


def _check_finite(stats: Scan, column: Column, source: DataSource) -> Iterator[Diagnostic]:
    if not stats.is_finite:
        counts = [
            f"{count:,} {word}" for count, word in ((stats.missing, "NaN"), (stats.infinite, "infinite")) if count
        ]
        yield Diagnostic(
            NOT_FINITE,
            f"{source.text} holds {' and '.join(counts)} among its {prod(column.shape):,} values",
            source.place,
            expected="finite numbers",
            help="one such value makes every weight NaN at the first step: drop or fill these samples",
        )


def _check_fits(dtype: str, what: str, source: DataSource, *, column: Column, stats: Scan) -> Iterator[Diagnostic]:
    """Report numbers out of the range of the dtype that they are converted to."""
    if stats.lowest is None or stats.highest is None:
        return
    least, greatest = _range_of_dtype(dtype)
    if column.dtype.kind in "iuf" and not (least <= stats.lowest and stats.highest <= greatest):
        yield Diagnostic(
            DATA_DTYPE,
            f"{source.text} holds numbers from {stats.lowest:g} to {stats.highest:g}, but {what} are "
            f"converted to {dtype}",
            source.place,
            expected=f"numbers from {least:g} to {greatest:g}",
            help="fix the file, or scale the numbers with `scale`",
        )


def _range_of_dtype(dtype: str) -> tuple[float, float]:
    import numpy as np

    if dtype in ("float16", "float32", "bfloat16"):  # a bfloat16 has the exponent of a float32, and NumPy knows none
        greatest = float(np.finfo("float16" if dtype == "float16" else "float32").max)
        return -greatest, greatest
    if dtype.startswith(("int", "uint")) and hasattr(np, dtype):
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return float("-inf"), float("inf")


def _check_input(
    graph: Graph, model_input: Input, *, source: DataSource, column: Column, stats: Scan, head: Header
) -> Iterator[Diagnostic]:
    if head.samples is None or head.dtype is None or None in head.shape:
        yield from check_array(model_input, source, _as_header(column))
    if column.dtype.kind not in "iuf" or stats.lowest is None or stats.highest is None:
        return
    yield from _check_fits(model_input.dtype, f"the values of `{model_input.name}`", source, column=column, stats=stats)
    held = f"{source.text} holds indices from {stats.lowest:g} to {stats.highest:g}"
    for count, span in dict.fromkeys(embeddings(graph, model_input.name)):
        if stats.lowest < 0 or stats.highest >= count:
            yield Diagnostic(
                INDEX_RANGE,
                f"{held}, but `Embedding` has {count}",
                source.place,
                expected=f"indices from 0 to {count - 1}",
                help=f"write `input_dim: {int(stats.highest) + 1}`, or fix the indices"
                if stats.lowest >= 0
                else "indices start at 0",
                labels=(Label(span, f"it has {count} indices"),),
            )


def _check_target(
    graph: Graph, shapes: Shapes, name: str, *, source: DataSource, column: Column, stats: Scan, head: Header
) -> Iterator[Diagnostic]:
    output = graph.outputs[name]
    shape = output_shape(shapes, graph, output)
    if shape is not None and None in head.shape:
        yield from check_target(output, tuple(column.shape[1:]), shape, source.span)
    if stats.lowest is None or stats.highest is None:
        return
    yield from check_weighed(output, source, column, stats)
    if not takes_classes(output):
        becomes = "int64" if column.dtype.kind in "iu" else "float32"
        yield from _check_fits(becomes, f"the targets of `{name}`", source, column=column, stats=stats)
        yield from check_range(output, source, column, stats)
        return
    classes = shape[-1] if shape else None
    if classes != 1:  # `checks.losses` reports that
        yield from check_labels(
            output, stats.lowest, stats.highest, fractional=stats.fractional, classes=classes, span=source.place
        )
