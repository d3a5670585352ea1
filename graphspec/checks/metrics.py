"""Checks of metrics against outputs and targets, which Keras refuses only when training starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graphspec import catalog
from graphspec.catalog.comparisons import forms_taken, shape_of
from graphspec.checks.context import CheckContext
from graphspec.checks.targets import forms_of, target_forms
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import LOSS_ACTIVATION
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.language.graph import Output
from graphspec.language.objects import Object
from graphspec.shapes.tensor import Shape


def check_metrics(context: CheckContext) -> Iterator[Diagnostic]:
    """Report the metrics that compare no target which the loss of their output takes."""
    for output in context.graph.outputs.values() if context.settings is not None else ():
        shape = context.output_shape(output)
        if shape is not None and not output.is_faulty:
            yield from _unfit(output, target_forms(output, shape), shape)


def check_metrics_with(output: Output, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    """Report the metrics that do not compare targets of shape `have`.

    Args:
        output: the output that the targets train.
        have: shape of the targets of one sample.
        shape: shape of the output of one sample.
        span: where the spec names the targets.
    """
    possible = target_forms(output, shape)
    if have == () and shape == (1,) and possible == "=":
        have = shape  # as `datasets.targets` expands it
    forms = forms_of(have, shape)
    if not possible or not set(forms) & set(possible):
        return
    for diagnostic in _unfit(output, forms, shape):
        if not any(_unfit(output, possible, shape)):
            yield replace(diagnostic, labels=(*diagnostic.labels, Label(span, "these")))


def _unfit(output: Output, forms: str, shape: Shape) -> Iterator[Diagnostic]:
    for metric in (*output.metrics, *output.weighted_metrics) if forms else ():
        accepted = _forms_accepted(metric, shape)
        if accepted is None or set(accepted) & set(forms):
            continue
        have = " or ".join(sample_shape(each) for form in forms if (each := shape_of(form, shape)) is not None)
        expected = " or ".join(sample_shape(each) for form in accepted if (each := shape_of(form, shape)) is not None)
        yield Diagnostic(
            LOSS_ACTIVATION,
            f"the metric `{metric.name}` of `{output.name}` does not fit: it cannot compare targets of {have} with "
            f"an output of {sample_shape(shape)}",
            metric.span,
            expected=f"a metric for targets of {have}" if expected else "another metric, or an output of another shape",
            help=_help(metric, forms, expected),
            labels=(Label(output.span, "the output"),),
        )


def _help(metric: Object, forms: str, expected: str) -> str:
    sparse = catalog.find("metrics", f"Sparse{_class_of(metric)}")
    if "=" not in forms and sparse is not None:
        return f"for class indices use `{sparse.name}`"
    if "=" not in forms and expected:
        return f"it takes targets of {expected}: one number per class, as for `categorical_crossentropy`"
    return "remove it, or use another metric"


def _forms_accepted(metric: Object, shape: Shape) -> str | None:
    """Return the forms of targets that a metric takes; None if arguments may matter."""
    entry = catalog.find("metrics", metric.name)
    if entry is None or set(metric.arguments) - {*entry.required, "name", "dtype"}:
        return None
    return forms_taken("metrics", entry.name, shape)


def _class_of(metric: Object) -> str:
    entry = catalog.find("metrics", metric.name)
    return entry.name if entry is not None else metric.name
