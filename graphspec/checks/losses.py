"""Checks of losses: each output has one that fits its last activation and its shape.

Keras trains such models silently to a wrong result; `tests/checks/test_guards.py` shows each case.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphspec import catalog
from graphspec.catalog.comparisons import forms_taken, ranks_taken
from graphspec.catalog.losses import BINARY, CATEGORICAL, OF_SEQUENCES
from graphspec.checks.context import CheckContext
from graphspec.checks.heads import NO_PROBABILITIES, head_of
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import LOGITS, LOSS_ACTIVATION, MISSING_LOSS, NO_GRADIENT, UNUSED_WEIGHTS
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.diagnostics.suggest import closest
from graphspec.language.graph import Output
from graphspec.language.objects import Object
from graphspec.shapes import Tensor
from graphspec.shapes.tensor import Shape


def check_losses(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every output of a trained graph whose loss is missing or does not fit."""
    if context.settings is None:
        return
    for output in context.graph.outputs.values():
        if output.is_faulty:
            continue
        if output.loss is None:
            if not output.loss_stated:
                yield Diagnostic(
                    MISSING_LOSS,
                    f"the output `{output.name}` has no loss, so Keras would silently never train it",
                    output.span,
                    expected="an output with a `loss`",
                    help="add a loss, such as `loss: mse`, or `loss: null` if the output is not to be trained",
                )
            elif output.weighs_classes:
                yield Diagnostic(
                    UNUSED_WEIGHTS,
                    f"the output `{output.name}` has a `class_weight` but no loss",
                    output.span,
                    expected="a loss that the weights scale",
                    help="remove `class_weight`, or give the output a loss",
                )
        else:
            diagnostics = list(_without_gradient(output, context)) or list(_mismatch(output, output.loss, context))
            shape = context.output_shape(output)
            yield from diagnostics or (unfit_shape(output, output.loss, shape) if shape is not None else ())


_DIFFERENTIABLE = ("float", "bfloat", "complex")
"""Beginnings of the dtypes through which gradients pass."""


def _without_gradient(output: Output, context: CheckContext) -> Iterator[Diagnostic]:
    """Report an output of a dtype through which no loss trains a weight."""
    tensor = context.shapes.of(context.graph, output.name)
    if not isinstance(tensor, Tensor) or tensor.dtype.startswith(_DIFFERENTIABLE):
        return
    held = {"string": "text", "bool": "truth values"}.get(tensor.dtype, f"whole numbers ({tensor.dtype})")
    results = zip(output.node.steps, context.shapes.calls[id(context.graph)].get(output.name, ()), strict=False)
    computed = [step.span for step, each in results if not getattr(each, "dtype", "float").startswith(_DIFFERENTIABLE)]
    yield Diagnostic(
        NO_GRADIENT,
        f"the output `{output.name}` holds {held}, through which no gradient passes, so its loss trains nothing",
        output.span,
        expected="an output of floats",
        help="train the values that these are computed from, and write `loss: null` here",
        labels=tuple(Label(span, "they are computed here") for span in computed[:1] if span != output.span),
    )


def _mismatch(output: Output, loss: Object, context: CheckContext) -> Iterator[Diagnostic]:
    head = head_of(context.graph.nodes[output.name], context.graph)
    activation = head.activation if head is not None else None
    shape = context.output_shape(output)
    units = shape[-1] if shape else head.layer.arguments.get("units") if head is not None else None
    from_logits = bool(loss.arguments.get("from_logits", False))
    why = help = ""
    if from_logits and loss.name in BINARY + CATEGORICAL and activation in ("sigmoid", "softmax"):
        why = f"`from_logits` expects logits, but `{activation}` has converted them to probabilities"
        help = f"remove `from_logits`, or the activation `{activation}`"
    elif loss.name in OF_SEQUENCES and activation in ("sigmoid", "softmax") and (shape is None or len(shape) == 2):
        why = f"`{loss.name}` takes logits, to which it applies a softmax, but `{activation}` is applied already"
        help = f"remove the activation `{activation}`: after two of them the gradients are small"
    elif loss.name in BINARY and activation == "softmax":
        why = f"`{loss.name}` scores each unit independently, but `softmax` makes the units sum to 1"
        help = "use `categorical_crossentropy` with softmax, or sigmoid for independent units"
    elif loss.name in CATEGORICAL and units == 1 and "axis" not in loss.arguments:
        why = f"`{loss.name}` compares classes, but the output has one unit"
        help = "use `binary_crossentropy` with one sigmoid unit, or one softmax unit per class"
    elif activation == "softmax" and units == 1:
        why = "`softmax` over one unit is always 1"
        help = "use `sigmoid`, or one unit per class"
    if why:
        yield Diagnostic(
            LOSS_ACTIVATION,
            f"the loss of `{output.name}` does not fit its output: {why}",
            loss.span,
            expected="a loss that fits the output's activation and units",
            help=help,
            labels=(Label(head.layer.span, "the output is computed here"),) if head is not None else (),
        )
    elif head is not None and loss.name in BINARY + CATEGORICAL and not from_logits and activation in NO_PROBABILITIES:
        made = f"`{activation}` gives" if activation else f"`{head.layer.class_name}` without an activation gives"
        fitting = "sigmoid" if loss.name in BINARY else "softmax"
        of_class = closest(loss.name.replace("_", ""), catalog.names("losses")) or "BinaryCrossentropy"  # `bce`
        yield Diagnostic(
            LOGITS,
            f"the loss of `{output.name}` takes probabilities, but {made} none",
            loss.span,
            expected="a loss that fits the output's activation",
            help=f"use `activation: {fitting}` in the last layer, or declare the values as logits: "
            f"`loss: {{{of_class}: {{from_logits: true}}}}`",
            labels=(Label(head.layer.span, "the output is computed here"),),
        )


def unfit_shape(output: Output, loss: Object, shape: Shape) -> Iterator[Diagnostic]:
    """Report an output for which its loss takes targets of no shape.

    Args:
        output: the output.
        loss: its loss.
        shape: shape of one sample of the output.
    """
    if "axis" in loss.arguments or forms_taken("losses", loss.name, shape) != "":
        return
    ranks = ranks_taken("losses", loss.name)
    fault = f"of shape {sample_shape(shape)}" if len(shape) not in ranks else "whose last dimension is 1"
    yield Diagnostic(
        LOSS_ACTIVATION,
        f"the loss of `{output.name}` does not fit: `{loss.name}` does not accept an output {fault}",
        loss.span,
        expected=f"an output of {_dimensions(ranks)} per sample",
        help="use another loss, or change the shape of the output",
        labels=(Label(output.span, f"its shape is {sample_shape(shape)} per sample"),),
    )


def _dimensions(ranks: list[int]) -> str:
    return f"{' or '.join(map(str, ranks))} {'dimension' if ranks == [1] else 'dimensions'}"
