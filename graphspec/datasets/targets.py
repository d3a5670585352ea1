"""Targets in the shapes that Keras needs, each checked against the output that it trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import keras

from graphspec.checks.losses import unfit_shape
from graphspec.checks.targets import check_labels, check_target, ignored_class, takes_classes
from graphspec.datasets.faults import Fault
from graphspec.datasets.samples import Samples, with_last_axis
from graphspec.diagnostics import Diagnostic, Report, Span
from graphspec.diagnostics.rules import NOT_FINITE
from graphspec.language.graph import Graph, Output
from graphspec.sources import Column, DataError
from graphspec.sources.scan import Scan, scan


def _check_classes(output: Output, labels: Scan, classes: int | None, span: Span) -> Iterator[Diagnostic]:
    """Yield a diagnostic for class indices that are NaN or outside of the classes."""
    if not labels.is_finite:
        yield Diagnostic(NOT_FINITE, f"the targets of `{output.name}` are not all finite", span, "class indices")
    elif labels.lowest is not None and labels.highest is not None:
        yield from check_labels(
            output, labels.lowest, labels.highest, fractional=labels.fractional, classes=classes, span=span
        )


def fit_targets(graph: Graph, model: keras.Model, samples: Samples) -> Samples:
    """Return `samples` with each target in the shape of its output, where only an axis of one differs.

    Raises:
        SpecError: A loss does not fit its output, or a target has another shape, or other class indices, than both
            need; it reports all.
    """
    report = Report()
    fitted: dict[str, Column] = {}
    for name, target in samples.outputs.items():
        output = graph.outputs[name]
        shape = tuple(model.output[name].shape)[1:]
        span = samples.sources.outputs[name].span if samples.sources is not None else output.span
        watch = report.watch()
        if output.loss is not None:
            report.extend(unfit_shape(output, output.loss, shape))
        report.extend(check_target(output, tuple(target.shape[1:]), shape, span))
        if takes_classes(output) and watch.is_clean and len(target):
            try:
                labels = scan(target, ignored_class(output))
            except (DataError, OSError) as error:
                report.extend(Fault(samples.source("outputs", name), error).as_spec_error().report)
                continue
            report.extend(_check_classes(output, labels, shape[-1], span))
        is_single = len(target.shape) == 1 and shape == (1,) and not takes_classes(output)
        fitted[name] = with_last_axis(target) if is_single else target
    report.raise_if_errors()
    return replace(samples, outputs=fitted)
