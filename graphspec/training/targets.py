"""Targets against the built model: Keras broadcasts a target of another shape without a word, and trains on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from graphspec.diagnostics import Diagnostic, Label, Report, Span
from graphspec.graph import Output
from graphspec.rules import TARGET_SHAPE
from graphspec.spec import Spec
from graphspec.training.data import Array, Samples

SPARSE = ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy")
_OF_OTHER_SHAPE = ("CTC", "ctc", "Circle", "circle")


def fit_targets(spec: Spec, model: keras.Model, samples: Samples) -> Samples:
    """`samples` with each target in the shape its output has, where only an axis of one differs.

    Raises SpecError for every target that does not have the shape, or the class indices, that its output and loss need.
    """
    report = Report()
    fitted: dict[str, Array] = {}
    for name, target in samples.outputs.items():
        output = spec.graph.outputs[name]
        shape = tuple(model.output[name].shape)[1:]
        span = samples.sources.outputs[name].span if samples.sources is not None else output.span
        if output.loss is not None and output.loss.name in _OF_OTHER_SHAPE:
            fitted[name] = target
        elif output.loss is not None and output.loss.name in SPARSE:
            report.extend(_check_classes(output, target, shape, span))
            fitted[name] = target
        else:
            report.extend(_check_shape(output, target, shape, span))
            fitted[name] = target[:, None] if target.ndim == 1 and shape == (1,) else target
    report.raise_if_errors()
    return Samples(samples.inputs, fitted, samples.sample_weights, samples.sources, samples.rows)


def _check_shape(output: Output, target: Array, shape: tuple[int | None, ...], span: Span) -> Iterator[Diagnostic]:
    have = target.shape[1:]
    if have == () and shape == (1,):
        return
    if not _agree(have, shape):
        classes = output.loss is not None and "categorical" in output.loss.name.lower()
        yield Diagnostic(
            TARGET_SHAPE,
            f"the targets of `{output.name}` have shape {_shown(have)} a sample, but the output gives {_shown(shape)}",
            span,
            expected=f"targets of shape {_shown(shape)}",
            help=(
                "class indices go with `sparse_categorical_crossentropy`; this loss takes one number a class"
                if classes and have in ((), (1,))
                else "Keras would stretch one over the other and train on the result; mend the file or the last layer"
            ),
            labels=(Label(output.span, "the output"),),
        )


def _check_classes(output: Output, target: Array, shape: tuple[int | None, ...], span: Span) -> Iterator[Diagnostic]:
    wanted = shape[:-1]
    have = target.shape[1:]
    if not (_agree(have, wanted) or _agree(have, (*wanted, 1))):
        one_hot = have == shape
        yield Diagnostic(
            TARGET_SHAPE,
            f"the targets of `{output.name}` have shape {_shown(have)} a sample, but its loss takes class indices",
            span,
            expected=f"one index for each of {_shown(wanted)}" if wanted else "one class index a sample",
            help="one number a class goes with `categorical_crossentropy`" if one_hot else "",
            labels=(Label(output.span, "the output"),),
        )
        return
    classes = shape[-1]
    lowest, highest = (target.min(), target.max()) if target.size else (0, 0)
    fractional = target.dtype.kind == "f" and not bool(np.all(target == np.floor(target)))
    if fractional or lowest < 0 or (classes is not None and highest >= classes):
        found = "fractions" if fractional else f"indices from {lowest} to {highest}"
        yield Diagnostic(
            TARGET_SHAPE,
            f"the targets of `{output.name}` hold {found}, but the output has {classes} classes",
            span,
            expected=f"class indices from 0 to {classes - 1}" if classes is not None else "class indices from 0",
            help=f"give the last layer {int(highest) + 1} units, or mend the labels"
            if not fractional and lowest >= 0
            else "",
            labels=(Label(output.span, "the output"),),
        )


def _agree(have: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(have) == len(wanted) and all(
        size is None or size == given for given, size in zip(have, wanted, strict=True)
    )


def _shown(shape: tuple[Any, ...]) -> str:
    return "[" + ", ".join("null" if size is None else str(size) for size in shape) + "]"
