"""Metrics against the outputs and targets that they compare: what Keras refuses at the first step of a training."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec import catalog
from graphspec.catalog.comparisons import forms_taken, shape_of
from graphspec.checks.context import Subject
from graphspec.checks.targets import forms_of, target_forms
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import LOSS_ACTIVATION
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.language.graph import Object, Output
from graphspec.shapes.tensor import Shape


def check_metrics(subject: Subject) -> Iterator[Diagnostic]:
    """Find the metrics that compare no target of their output, whichever of the shapes it has that the loss takes."""
    for output in subject.graph.outputs.values() if subject.settings is not None else ():
        tensor = subject.tensor(output)
        if tensor is not None and not output.is_faulty:
            forms = target_forms(output, tensor.shape[1:])
            yield from _unfit(output, forms, tensor.shape[1:])


def check_metrics_with(output: Output, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    """Find the metrics that do not compare targets of shape `have`, of a sample, though they compare others."""
    possible = target_forms(output, shape)
    if have == () and shape == (1,) and possible == "=":
        have = shape  # as it is trained
    forms = forms_of(have, shape)
    if not possible or not set(forms) & set(possible):
        return
    for found in _unfit(output, forms, shape):
        if not any(_unfit(output, possible, shape)):
            yield Diagnostic(
                found.rule, found.message, found.span, found.expected, found.help, (*found.labels, Label(span, "these"))
            )


def _unfit(output: Output, forms: str, shape: Shape) -> Iterator[Diagnostic]:
    for metric in (*output.metrics, *output.weighted_metrics) if forms else ():
        taken = _taken(metric, shape)
        if taken is None or set(taken) & set(forms):
            continue
        given = " or ".join(sample_shape(each) for form in forms if (each := shape_of(form, shape)) is not None)
        wanted = " or ".join(sample_shape(each) for form in taken if (each := shape_of(form, shape)) is not None)
        yield Diagnostic(
            LOSS_ACTIVATION,
            f"the metric `{metric.name}` of `{output.name}` does not fit: it cannot compare targets of {given} with "
            f"an output of {sample_shape(shape)}",
            metric.span,
            expected=f"a metric for targets of {given}" if wanted else "another metric, or an output of another shape",
            help=_mend(metric, forms, wanted),
            labels=(Label(output.span, "the output"),),
        )


def _mend(metric: Object, forms: str, wanted: str) -> str:
    sparse = catalog.find("metrics", f"Sparse{_class_of(metric)}")
    if "=" not in forms and sparse is not None:
        return f"for class indices use `{sparse.name}`"
    if "=" not in forms and wanted:
        return f"it takes targets of {wanted}: one number per class, as for `categorical_crossentropy`"
    return "remove it, or use another metric"


def _taken(metric: Object, shape: Shape) -> str | None:
    """Return the forms of targets that the metric takes; None where its arguments may decide otherwise."""
    entry = catalog.find("metrics", metric.name)
    if entry is None or set(metric.arguments) - {*entry.required, "name", "dtype"}:
        return None
    return forms_taken("metrics", entry.name, shape)


def _class_of(metric: Object) -> str:
    entry = catalog.find("metrics", metric.name)
    return entry.name if entry is not None else metric.name
