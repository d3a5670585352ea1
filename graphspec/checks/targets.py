"""Targets against outputs: Keras stretches a target of another shape over an output without a word, and trains on it.

What a header tells — the shape of one sample — is checked before anything is read; that class indices are those of
classes that the output has, when the values are.
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

_OF_OTHER_SHAPE = ("CTC", "ctc", "Circle", "circle")

_WITHOUT_LAST_AXIS = ("CategoricalGeneralizedCrossEntropy",)
"""Losses that compare each sample with all others of its batch where an index stands in a list of its own."""


def takes_classes(output: Output) -> bool:
    """Whether the loss of `output` takes the index of a class."""
    return output.loss is not None and output.loss.name in OF_CLASS_INDICES


def target_range(output: Output) -> TargetRange | None:
    """Return the targets that the loss of `output` takes; None where it takes any, or nothing is known of it."""
    return TARGET_RANGES.get(output.loss.name) if output.loss is not None else None


def ignored_class(output: Output) -> int | None:
    """Return the index that the loss of `output` leaves out, such as the 255 of borders in masks; None for none."""
    ignored = output.loss.arguments.get("ignore_class") if output.loss is not None and takes_classes(output) else None
    return ignored if isinstance(ignored, int) else None


def check_target(output: Output, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    """Targets of samples of shape `have` against an output that gives `shape`, both without the batch."""
    if output.loss is None or ">" in output.loss.name:
        return
    if output.loss.name in _OF_OTHER_SHAPE:
        yield from _of_other_shape(output, output.loss.name, have, shape, span)
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
    """Return the forms that a target of shape `have` may be of for an output of `shape`, as far as both are known."""
    wanted = {form: shape_of(form, shape) for form in ("=-1" if shape else "=")}
    forms = "".join(form for form, each in wanted.items() if each is not None and _agree(have, each))
    return forms or ("s" if len(have) == 1 else "")


def target_forms(output: Output, shape: Shape) -> str:
    """Return the forms of targets that train an output of `shape`; none where its loss is not known."""
    if output.loss is None or ">" in output.loss.name:
        return ""
    if output.loss.name in _OF_OTHER_SHAPE:
        return forms_taken("losses", output.loss.name, shape) or ""
    if not takes_classes(output):
        return "="
    return "-" if output.loss.name in _WITHOUT_LAST_AXIS else "-1"


def _of_other_shape(output: Output, loss: str, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    """Targets of a loss that takes neither the shape of the output nor the index of a class for each of its places."""
    taken = forms_taken("losses", loss, shape)
    if not taken or set(taken) & set(forms_of(have, shape)) or ("s" in taken and len(have) == 1):
        return  # of an output that fits no target, another finding tells
    shapes = [shape_of(form, shape) for form in taken]
    wanted = " or ".join(sample_shape(each) for each in shapes if each is not None) if "s" not in taken else "[n]"
    yield Diagnostic(
        TARGET_SHAPE,
        f"the targets of `{output.name}` have shape {sample_shape(have)} per sample, but `{loss}` does not accept "
        f"them for an output of {sample_shape(shape)}",
        span,
        expected=f"targets of shape {wanted}",
        help="this loss takes one label per sample" if have == shape and "-" in taken and len(shape) == 1 else "",
        labels=(Label(output.span, "the output"),),
    )


def _class_indices(output: Output, have: Shape, shape: Shape, span: Span) -> Iterator[Diagnostic]:
    wanted = shape[:-1]
    takes_lists = output.loss is not None and output.loss.name not in _WITHOUT_LAST_AXIS
    if _agree(have, wanted) or (takes_lists and _agree(have, (*wanted, 1))):
        return
    yield Diagnostic(
        TARGET_SHAPE,
        f"the targets of `{output.name}` have shape {sample_shape(have)} per sample, but its loss takes class indices",
        span,
        expected=f"one index for each of {sample_shape(wanted)}" if wanted else "one class index per sample",
        help="for one number per class use `categorical_crossentropy`" if have == shape else "",
        labels=(Label(output.span, "the output"),),
    )


def check_labels(
    output: Output, lowest: float, highest: float, *, fractional: bool, classes: int | None, span: Span
) -> Iterator[Diagnostic]:
    """Class indices from `lowest` to `highest` against the number of classes that `output` has, if it is known."""
    if not fractional and lowest >= 0 and (classes is None or highest < classes):
        return
    more = f"give the last layer {int(highest) + 1} units, or fix the labels"
    if lowest >= 1 and highest == classes:
        more = f"class indices start at 0: subtract 1 from the labels, or give the last layer {int(highest) + 1} units"
    found = "fractions" if fractional else f"indices from {lowest:g} to {highest:g}"
    yield Diagnostic(
        LABEL_RANGE,
        f"the targets of `{output.name}` hold {found}, but the output has {classes} classes",
        span,
        expected=f"class indices from 0 to {classes - 1}" if classes is not None else "class indices from 0",
        help=more if not fractional and lowest >= 0 else "",
        labels=(Label(output.span, "the output"),),
    )


def _agree(have: Shape, wanted: Shape) -> bool:
    return len(have) == len(wanted) and all(
        size is None or given is None or size == given for given, size in zip(have, wanted, strict=True)
    )
