"""What only the values themselves tell: every array that a spec names, read whole.

Runs without TensorFlow and needs NumPy, which it imports when it is called. Arrays are gone through in blocks, so that
a memory-mapped file is never in memory as a whole. What headers tell is `checks.data`'s; a source whose header is at
fault is left to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphspec.checks.data import check_array, check_counts
from graphspec.checks.subject import Subject
from graphspec.checks.targets import check_labels, takes_classes
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.graph import Graph, Input, Object, Reference
from graphspec.rules import INDEX_RANGE, NOT_FINITE, UNREADABLE_DATA
from graphspec.sources import DataError, Header, Source, Split, header, load

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BLOCK = 1 << 22
"""How many numbers are looked at together."""


def check_values(subject: Subject) -> Iterator[Diagnostic]:
    """Every fault that the values of the data have: unreadable ones, numbers that are none, indices out of range."""
    data = subject.data
    for split in (data.train, data.validation, data.test) if data is not None else ():
        if split is not None:
            yield from _check_split(subject, split)


def _check_split(subject: Subject, split: Split) -> Iterator[Diagnostic]:
    counts: dict[int, int | None] = {}
    for part in (split.inputs, split.outputs, split.sample_weights):
        for name, source in part.items():
            array = _read(source)
            if isinstance(array, Diagnostic):
                yield array
            if array is None or isinstance(array, Diagnostic):
                continue
            counts[id(source)] = len(array)
            yield from _check_finite(array, source)
            if part is split.inputs and name in subject.graph.inputs:
                yield from _check_input(subject.graph, subject.graph.inputs[name], source, array)
            if part is split.outputs and name in subject.graph.outputs:
                yield from _check_labels(subject, name, source, array)
    if any(header(source).samples is None for _, source in split.sources() if id(source) in counts):
        yield from check_counts(split, counts)


def _read(source: Source) -> Array | Diagnostic | None:
    """The array; a finding where its file can be opened and not be read; None where the header is at fault."""
    try:
        header(source)
    except (DataError, OSError):
        return None
    try:
        return load(source)
    except DataError as error:
        return Diagnostic(UNREADABLE_DATA, error.message, source.span_of(error.part), help=error.help)
    except (OSError, ValueError) as error:
        return Diagnostic(UNREADABLE_DATA, f"{source.text} cannot be read: {error}", source.span_of("file"))


def _place(source: Source) -> Span:
    """The column or columns that the source names; its file where it names none."""
    part = "column" if source.column is not None else "columns" if source.columns is not None else "file"
    return source.span_of(part)


def _blocks(array: Array) -> Iterator[Array]:
    rows = max(1, BLOCK // max(1, array[:1].size))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]


def _check_finite(array: Array, source: Source) -> Iterator[Diagnostic]:
    import numpy as np

    if array.dtype.kind != "f":
        return
    missing = infinite = 0
    for block in _blocks(array):
        missing += int(np.isnan(block).sum())
        infinite += int(np.isinf(block).sum())
    if missing or infinite:
        found = [f"{count:,} {word}" for count, word in ((missing, "NaN"), (infinite, "infinite")) if count]
        yield Diagnostic(
            NOT_FINITE,
            f"{source.text} holds {' and '.join(found)} among its {array.size:,} values",
            _place(source),
            expected="finite numbers",
            help="one such value turns every weight into NaN at the first step: drop or fill those samples",
        )


def _check_input(graph: Graph, wanted: Input, source: Source, array: Array) -> Iterator[Diagnostic]:
    told = header(source)
    if told.samples is None or told.dtype is None:
        dtype = "string" if array.dtype.kind in "US" else str(array.dtype)
        yield from check_array(wanted, source, Header(len(array), tuple(array.shape[1:]), dtype))
    if array.dtype.kind not in "iuf" or not array.size:
        return
    lowest, highest = _range(array)
    for count, span in dict.fromkeys(_vocabularies(graph, wanted.name)):
        if lowest < 0 or highest >= count:
            yield Diagnostic(
                INDEX_RANGE,
                f"{source.text} holds indices from {lowest:g} to {highest:g}, and `Embedding` knows {count}",
                _place(source),
                expected=f"indices from 0 to {count - 1}",
                help=f"write `input_dim: {int(highest) + 1}`, or mend the indices"
                if lowest >= 0
                else "an index counts from 0",
                labels=(Label(span, f"it knows {count} indices"),),
            )


def _vocabularies(graph: Graph, name: str, depth: int = 0) -> Iterator[tuple[int, Span]]:
    """The sizes of the vocabularies that the tensor `name` is looked up in, also inside models."""
    for node in graph.nodes.values() if depth < 30 else ():
        fed = [each for each in _fed(node.feed) if each[1].name == name and each[1].index is None]
        if not fed:
            continue
        what = node.steps[0].layer.what if node.steps else None
        if what is None:
            yield from _vocabularies(graph, node.name, depth + 1)
        elif isinstance(what, Object):
            count = what.arguments.get("input_dim")
            if what.name == "Embedding" and isinstance(count, int):
                yield count, what.span_of("input_dim")
        elif isinstance(what, Graph):
            for place, _ in fed:
                inner = place if isinstance(place, str) else list(what.inputs)[place : place + 1]
                for each in [inner] if isinstance(inner, str) else inner:
                    yield from _vocabularies(what, each, depth + 1)


def _fed(feed: Any) -> list[tuple[int | str, Reference]]:
    if isinstance(feed, Reference):
        return [(0, feed)]
    return list(feed.items()) if isinstance(feed, dict) else list(enumerate(feed))


def _check_labels(subject: Subject, name: str, source: Source, array: Array) -> Iterator[Diagnostic]:
    output = subject.graph.outputs[name]
    tensor = subject.tensor(output)
    if not takes_classes(output) or not array.size or array.dtype.kind not in "iufb":
        return
    lowest, highest = _range(array)
    classes = tensor.shape[-1] if tensor is not None else None
    span = _place(source)
    if lowest == lowest and highest == highest:  # NaN is found by itself
        yield from check_labels(output, lowest, highest, fractional=is_fractional(array), classes=classes, span=span)


def _range(array: Array) -> tuple[float, float]:
    lows, highs = zip(*((block.min(), block.max()) for block in _blocks(array)), strict=True)
    return float(min(lows)), float(max(highs))


def is_fractional(array: Array) -> bool:
    """Whether some value of the array is no whole number."""
    import numpy as np

    return array.dtype.kind == "f" and any(not bool(np.all(block == np.floor(block))) for block in _blocks(array))
