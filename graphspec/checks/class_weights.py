"""Checks of `class_weight`: its targets are single classes, which the output has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.catalog.losses import BINARY, OF_CLASS_INDICES, OF_NUMBERS, OF_SEQUENCES, TARGET_RANGES, TargetRange
from graphspec.checks.context import CheckContext
from graphspec.checks.heads import NO_PROBABILITIES, head_of
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import UNUSED_WEIGHTS
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.language.graph import Output
from graphspec.sources import Column, DataSource
from graphspec.sources.origin import place_of_sample
from graphspec.sources.scan import Scan, first_where


def check_class_weights(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each `class_weight` whose loss compares no classes, or with an unknown class."""
    for output in context.graph.outputs.values() if context.settings is not None else ():
        if output.weighs_classes and output.loss is not None and not output.is_faulty and ">" not in output.loss.name:
            yield from _unfit(output, output.loss.name, context)


def _unfit(output: Output, loss: str, context: CheckContext) -> Iterator[Diagnostic]:
    shape = context.output_shape(output)
    head = head_of(context.graph.nodes[output.name], context.graph)
    activation = head.activation if head is not None else None
    if loss in OF_SEQUENCES:
        yield _useless(output, f"`{loss}` compares sequences", "a loss of classes")
    elif _is_of_numbers(loss) and activation in NO_PROBABILITIES and shape in ((), (1,)):
        yield _useless(output, f"`{loss}` compares numbers, not classes", "a loss of classes")
    elif shape is not None and len(shape) > 1:
        why = f"it gives {sample_shape(shape)} per sample, so a sample has more than one class"
        yield _useless(output, why, "an output with one class per sample")
    elif shape and output.class_weight:
        count = 2 if shape[-1] == 1 and loss not in OF_CLASS_INDICES else shape[-1]
        wrong = max(output.class_weight)
        if count is not None and wrong >= count:
            yield _useless(output, f"there is no class {wrong} among its {count}", f"classes from 0 to {count - 1}")


def _is_of_numbers(loss: str) -> bool:
    return loss in OF_NUMBERS and (TARGET_RANGES.get(loss) or TargetRange()).high != 1


def _useless(output: Output, why: str, expected: str) -> Diagnostic:
    return Diagnostic(
        UNUSED_WEIGHTS,
        f"the `class_weight` of `{output.name}` has no effect: {why}",
        output.class_weight_span or output.span,
        expected=expected,
        help="remove `class_weight`; `sample_weights` under `data` weigh each sample",
        labels=(Label(output.span, "the output"),) if output.class_weight_span is not None else (),
    )


def check_weighed(output: Output, source: DataSource, column: Column, stats: Scan) -> Iterator[Diagnostic]:
    """Report the first target that is not of one class, if `output` has a `class_weight`.

    Args:
        output: the output that the targets train.
        source: where the spec names the targets.
        column: the targets.
        stats: statistics of their values.
    """
    if not output.weighs_classes or output.loss is None or output.loss.name in OF_CLASS_INDICES or stats.lowest is None:
        return
    shape = tuple(column.shape[1:])
    if shape in ((), (1,)):
        first = first_where(column, _is_no_class) if stats.fractional or stats.lowest < 0 else None
        what, help = "is not a class", "write 0 for -1" if stats.lowest == -1 and not stats.fractional else ""
    else:
        is_wrong = _is_not_one_hot if _is_of_numbers(output.loss.name) else _has_several
        first = first_where(column, is_wrong) if len(shape) == 1 else None
        what = "does not have one class"
        help = "use `sample_weights` instead" if output.loss.name in BINARY else ""
    if first is None:
        return
    yield Diagnostic(
        UNUSED_WEIGHTS,
        f"{place_of_sample(source, column, first[0])} of {source.text} {what}"
        f"{f': {first[1]:g}' if what == 'is not a class' else ''}, but `class_weight` of "
        f"`{output.name}` needs classes",
        source.place,
        expected="targets with one class each",
        help=help or "remove `class_weight`, or fix the file",
        labels=(Label(output.span, "the output"),),
    )


def _is_no_class(numbers: Any) -> Any:
    return (numbers < 0) | (numbers % 1 != 0)


def _has_several(rows: Any) -> Any:
    """Mark the numbers of each row whose maximum occurs more than once."""
    greatest = rows.max(axis=-1, keepdims=True)
    several: Any = (rows == greatest).sum(axis=-1, keepdims=True) > 1
    return several & (rows == rows)


def _is_not_one_hot(rows: Any) -> Any:
    """Mark the numbers of each row that is not a single 1 among zeros."""
    is_one_hot: Any = ((rows == 0) | (rows == 1)).all(axis=-1, keepdims=True) & (rows.sum(axis=-1, keepdims=True) == 1)
    return ~is_one_hot & (rows == rows)
