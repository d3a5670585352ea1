"""Diagnostics of calls that Keras would refuse, at their step, with the shapes that come in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import BAD_OPERANDS, BAD_SELECTION, NO_BATCH, TOO_LARGE, Rule
from graphspec.diagnostics.shape_text import MAX_LISTED, shape_text
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.feed import Reference
from graphspec.language.graph import Graph, Layer, Node, Step
from graphspec.shapes.call import Refusal
from graphspec.shapes.tensor import MAX_ELEMENTS, MAX_RANK, Tensor, TooLargeError, Value

NO_BATCH_HELP = "what comes from no input has no batch axis: a layer, or `merge`, takes it once for each sample"


def bad_index(reference: Reference, count: int) -> Diagnostic:
    """Return the diagnostic of a reference to a tensor behind the last of `count`."""
    return Diagnostic(
        BAD_SELECTION,
        f"`{reference.name}` is {count} tensor{'s' if count > 1 else ''}, so there is no `{reference}`",
        reference.span,
        expected=f"an index from [0] to [{count - 1}]" if count > 1 else f"`{reference.name}`",
        help="" if count > 1 else "a recurrent layer returns its states with `return_state: true`",
    )


def no_output(reference: Reference, names: list[str]) -> Diagnostic:
    """Return the diagnostic of a reference to an output that a model does not have, given those that it has."""
    return Diagnostic(
        BAD_SELECTION,
        f"`{reference.name}` has no output `{reference.output}`",
        reference.span,
        expected="an output of the applied model",
        help=did_you_mean(str(reference.output), names, f"it has {one_of(names)}"),
    )


def outputs_of_several(graph: Graph, values: dict[str, Value]) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each output that is not one tensor: no loss or data file belongs to it as a whole."""
    for name, output in graph.outputs.items():
        value = values.get(name)
        if isinstance(value, list | dict):
            picked = "[0]" if isinstance(value, list) else f".{next(iter(value))}"
            yield Diagnostic(
                BAD_OPERANDS,
                f"the output `{name}` is {f'{len(value)} tensors' if len(value) > 1 else 'a list of one tensor'}",
                output.span,
                expected="one tensor",
                help=f"compute it in a node, and name one of its tensors: `{name}: node{picked}`",
            )


def lost_batch(layer: Layer, batched: Tensor, other: Tensor) -> Refusal:
    """Return the refusal of an operation that broadcasts `other`, without a batch, over the batch of `batched`."""
    return Refusal(
        NO_BATCH,
        f"`{layer.class_name}` broadcasts {other}, which has no batch axis, over the batch of {batched}",
        expected=f"at most {batched.rank - 1} dimension{'' if batched.rank == 2 else 's'}, or a first one of size 1",
        help="axis 0 is the batch: insert a 1 after it with `ops.expand_dims: 1`, or leave an axis out",
    )


def too_large(what: str, error: TooLargeError) -> Refusal:
    """Return the refusal of a tensor that is too large."""
    return Refusal(
        TOO_LARGE,
        f"{what} has {error}",
        expected=f"at most {MAX_RANK} dimensions, and {MAX_ELEMENTS:,} elements",
        help="NumPy and TensorFlow have no larger tensors: reduce the sizes, or what multiplies them",
    )


def diagnostic_of(
    node: Node, step: Step, value: Value, refusal: Refusal, *, layer: Layer, from_where: list[Label]
) -> Diagnostic:
    """Return the diagnostic: at the argument at fault, else at the step; with labels for the shapes of the operands."""
    span = layer.span_of(refusal.argument) if refusal.argument is not None else None
    span = span or step.span
    labels = [*_came_in(node, step, value), *refusal.labels, *from_where]
    if span != step.span and not step.fresh:
        labels.append(Label(step.span, "it is applied here"))
    rule: Rule = refusal.rule
    return Diagnostic(rule, refusal.message, span, refusal.expected, refusal.help, tuple(labels))


def _came_in(node: Node, step: Step, value: Value) -> Iterator[Label]:
    """Yield labels for the operands of a step, each at the place that names it."""
    if step is not node.steps[0]:
        before = node.steps[node.steps.index(step) - 1]
        yield Label(before.span, f"gives {shape_text(value)}")
    elif node.feed.single is not None:
        yield Label(node.feed.single.span, f"`{node.feed.single}` is {shape_text(value)}")
    elif isinstance(value, list | dict):
        for key, reference in islice(node.feed.items(), MAX_LISTED):
            yield Label(reference.span, f"`{reference}` is {shape_text(value[key])}")  # type: ignore[index]
