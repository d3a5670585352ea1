"""Check of trainings that divide batches among devices: what does not add up to the whole batch is refused."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.checks.rows import mixing_step
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.rules import NOT_DISTRIBUTABLE
from graphspec.language.graph import Graph, GraphLoss, KerasLayer
from graphspec.language.objects import Object
from graphspec.language.schema import TrainingModel

_OVER_BATCH = ("Dice", "dice", "Tversky", "tversky")
"""Losses that are ratios of sums, over the whole batch unless `axis` leaves it out."""
_REDUCTIONS = ("sum_over_batch_size", "mean", "sum")


def check_distribution(context: CheckContext) -> Iterator[Diagnostic]:
    """Report what a training with `distribute` cannot compute from shares of a batch."""
    settings = context.settings
    if settings is None or settings.distribute is None:
        return
    why = Label(settings.located("distribute").span, "batches are shared here")
    yield from _settings(settings, why)
    for name, each in context.graph.inputs.items():
        if each.batch_size is not None:
            problem = f"the input `{name}` has a `batch_size` of {each.batch_size}, and each device gets fewer rows"
            yield _refused(problem, each.span, why, "remove `batch_size` from the input")
    for output in context.graph.outputs.values():
        if output.loss is not None:
            yield from _loss(output.name, output.loss, why)
    for loss in context.graph.losses.values():
        yield from _graph_loss(loss, context.graph, why)
    own = {loss.layer for loss in context.graph.losses.values() if loss.ending}
    for layer in context.layers:
        if layer not in own and isinstance(layer, KerasLayer):
            yield from _layer(layer, why)


def _settings(settings: TrainingModel, why: Label) -> Iterator[Diagnostic]:
    if settings.jit_compile is True:
        problem = "XLA compiles no sums over several devices, so `jit_compile: true` cannot be used"
        yield _refused(problem, settings.located("jit_compile").span, why, "remove `jit_compile`")
    steps = settings.steps_per_execution
    if steps != "auto" and steps > 1:
        problem = f"TensorFlow sums over several devices in no loop, so {steps} steps are not one execution"
        yield _refused(problem, settings.located("steps_per_execution").span, why, "remove `steps_per_execution`")


def _loss(output: str, loss: Object, why: Label) -> Iterator[Diagnostic]:
    axis = loss.arguments.get("axis")
    axes = axis if isinstance(axis, list | tuple) else [axis]
    reduction = loss.arguments.get("reduction", "sum_over_batch_size")
    if loss.name in _OVER_BATCH and (axis is None or 0 in axes):
        yield _refused(
            f"`{loss.name}` of `{output}` is a ratio of sums over the whole batch, which is no sum over its rows",
            loss.span,
            why,
            "leave the batch out: `axis: [1, 2, 3]` computes it for each row",
        )
    elif reduction not in _REDUCTIONS:
        yield _refused(
            f"the loss of `{output}` is reduced by `{str(reduction).lower()}`, which is no sum over rows of a batch",
            loss.span_of("reduction"),
            why,
            "use `sum_over_batch_size` or `sum`",
        )


def _graph_loss(loss: GraphLoss, graph: Graph, why: Label) -> Iterator[Diagnostic]:
    """Report a loss that compares rows of a batch, or adds them up, so that shares give another number."""
    found = mixing_step(loss, graph) if not loss.node.is_faulty else None
    if found is not None:
        node, step = found
        at = Label(step.span, f"`{step.layer.type_name}` takes in rows of the whole batch here")
        yield Diagnostic(
            NOT_DISTRIBUTABLE,
            f"the loss `{loss.node.name}` is computed from several rows of a batch together, by "
            f"`{step.layer.type_name}` in `{node.label}`, and devices get other rows",
            loss.span,
            expected="a loss of each row by itself, or the mean of such",
            help="compute one number a sample, along the other axes; a contrastive loss needs one device",
            labels=(at, why) if step.span != loss.span else (why,),
        )


def _layer(layer: KerasLayer, why: Label) -> Iterator[Diagnostic]:
    span = layer.object.span
    arguments = layer.arguments
    if arguments.get("activity_regularizer") is not None or layer.class_name == "ActivityRegularization":
        problem = f"`{layer.label}` adds the activities of a whole batch to the loss, whatever its size"
        yield _refused(problem, span, why, "regularise weights: `kernel_regularizer`, `bias_regularizer`")
    if arguments.get("stateful") is True:
        problem = f"`{layer.label}` keeps a state for each row of a batch, and devices get other rows"
        yield _refused(problem, layer.object.span_of("stateful"), why, "remove `stateful`")


def _refused(problem: str, span: Span, why: Label, help: str) -> Diagnostic:
    return Diagnostic(
        NOT_DISTRIBUTABLE,
        problem,
        span,
        expected="a part of the model that adds up over shares of a batch",
        help=help,
        labels=(why,),
    )
