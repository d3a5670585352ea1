"""Checks of targets against outputs, as Keras silently broadcasts targets of another shape.

Shapes are checked by headers, before any value is read; class indices when values are read.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.catalog.comparisons import forms_taken, shape_of
from graphspec.catalog.losses import OF_CLASS_INDICES, TARGET_RANGES, TargetRange
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import LABEL_RANGE, TARGET_SHAPE
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.language.graph import Output
from graphspec.shapes.tensor import Shape

_LOSSES_OF_OTHER_SHAPE = ("CTC", "ctc", "Circle", "circle")

_WITHOUT_LAST_AXIS = ("CategoricalGeneralizedCrossEntropy",)
"""Losses that compare a sample with its whole batch if each index is in a list of its own."""


def takes_classes(output: Output) -> bool:
    """Return whether the loss of `output` takes class indices."""
    return output.loss is not None and output.loss.name in OF_CLASS_INDICES


def target_range(output: Output) -> TargetRange | None:
    """Return the range of targets that the loss takes; None for any or unknown."""
    return TARGET_RANGES.get(output.loss.name) if output.loss is not None else None


def ignored_class(output: Output) -> int | None:
    """Return the class index that the loss ignores, such as 255 in masks, or None."""
    ignored = output.loss.arguments.get("ignore_class") if output.loss is not None and takes_classes(output) else None
    return ignored if isinstance(ignored, int) else None


def check_target(output: Output, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    """Report targets whose shape the loss does not take.

    Args:
        output: the output that the targets train.
        have: shape of the targets of one sample.
        shape: shape of the output of one sample.
        span: where the spec names the targets.
    """
    if output.loss is None or ">" in output.loss.name or forms_taken("losses", output.loss.name, shape) == "":
        return  # an output that fits no target has a diagnostic of its own
    if output.loss.name in _LOSSES_OF_OTHER_SHAPE:
        yield from _of_other_shape(output, output.loss.name, have=have, shape=shape, span=span)
    elif takes_classes(output):
        yield from _class_indices(output, have, shape, span)
    elif not (_agree(have, shape) or (have == () and shape == (1,))):
        classes = "categorical" in output.loss.name.lower()
        yield Diagnostic(
            TARGET_SHAPE,
            f"the targets of `{output.name}` have shape {sample_shape(have)} per sample, but the output has "
            f"{sample_shape(shape)}",
            span,
            expected=f"targets of shape {sample_shape(shape)}",
            help=(
                "for class indices use `sparse_categorical_crossentropy`; this loss takes one number per class"
                if classes and have in ((), (1,))
                else "Keras would broadcast one over the other and train on the result; fix the file or the last layer"
            ),
            labels=(Label(output.span, "the output"),),
        )


def forms_of(have: Shape, shape: Shape) -> str:
    """Return the forms that targets of shape `have` can have for an output of `shape`."""
    shapes = {form: shape_of(form, shape) for form in ("=-1" if shape else "=")}
    forms = "".join(form for form, each in shapes.items() if each is not None and _agree(have, each))
    return forms or ("s" if len(have) == 1 else "")


def target_forms(output: Output, shape: Shape) -> str:
    """Return the forms of targets that the loss takes for `shape`; empty if unknown."""
    if output.loss is None or ">" in output.loss.name:
        return ""
    if output.loss.name in _LOSSES_OF_OTHER_SHAPE:
        return forms_taken("losses", output.loss.name, shape) or ""
    if not takes_classes(output):
        return "="
    return "-" if output.loss.name in _WITHOUT_LAST_AXIS else "-1"


def _of_other_shape(output: Output, loss: str, *, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    """Report targets of a loss that takes neither the output's shape nor class indices."""
    taken = forms_taken("losses", loss, shape)
    if not taken or set(taken) & set(forms_of(have, shape)) or ("s" in taken and len(have) == 1):
        return
    shapes = [shape_of(form, shape) for form in taken]
    expected = " or ".join(sample_shape(each) for each in shapes if each is not None) if "s" not in taken else "[n]"
    yield Diagnostic(
        TARGET_SHAPE,
        f"the targets of `{output.name}` have shape {sample_shape(have)} per sample, but `{loss}` does not accept "
        f"them for an output of {sample_shape(shape)}",
        span,
        expected=f"targets of shape {expected}",
        help="this loss takes one label per sample" if have == shape and "-" in taken and len(shape) == 1 else "",
        labels=(Label(output.span, "the output"),),
    )


def _class_indices(output: Output, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    expected = shape[:-1]
    takes_lists = output.loss is not None and output.loss.name not in _WITHOUT_LAST_AXIS
    if _agree(have, expected) or (takes_lists and _agree(have, (*expected, 1))):
        return
    yield Diagnostic(
        TARGET_SHAPE,
        f"the targets of `{output.name}` have shape {sample_shape(have)} per sample, but its loss takes class indices",
        span,
        expected=f"one index for each of {sample_shape(expected)}" if expected else "one class index per sample",
        help="for one number per class use `categorical_crossentropy`" if have == shape else "",
        labels=(Label(output.span, "the output"),),
    )


def check_labels(
    output: Output, lowest: float, highest: float, *, fractional: bool, classes: int | None, span: Span
) -> Iterator[Diagnostic]:
    """Report class indices that the output does not have.

    Args:
        output: the output that the targets train.
        lowest: the lowest index.
        highest: the highest index.
        fractional: some target is not a whole number.
        classes: classes of the output; None if unknown.
        span: where the spec names the targets.
    """
    if not fractional and lowest >= 0 and (classes is None or highest < classes):
        return
    more = f"give the last layer {int(highest) + 1} units, or fix the labels"
    if lowest >= 1 and highest == classes:
        more = f"class indices start at 0: subtract 1 from the labels, or give the last layer {int(highest) + 1} units"
    labels = "fractions" if fractional else f"indices from {lowest:g} to {highest:g}"
    yield Diagnostic(
        LABEL_RANGE,
        f"the targets of `{output.name}` hold {labels}, but the output has {classes} classes",
        span,
        expected=f"class indices from 0 to {classes - 1}" if classes is not None else "class indices from 0",
        help=more if not fractional and lowest >= 0 else "",
        labels=(Label(output.span, "the output"),),
    )


def _agree(have: Shape, expected: Shape) -> bool:
    return len(have) == len(expected) and all(
        size is None or other is None or size == other for size, other in zip(have, expected, strict=True)
    )
