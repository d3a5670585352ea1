"""Check that the batches of a training have the size that its model is made for, the last batch of a split too."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.checks.data import split_counts
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import FIXED_BATCH
from graphspec.language.graph import Graph, Input
from graphspec.language.schema import TrainingModel
from graphspec.language.traversal import every_layer
from graphspec.shapes import Tensor, infer


def check_fixed_batch(context: CheckContext) -> Iterator[Diagnostic]:
    """Report an input whose `batch_size` the batches of a split do not have, by the headers of its files."""
    if context.data is not None and context.data.train is not None:
        yield from fixed_batch(context.graph, context.settings, *split_counts(context.data))


def fixed_batch(
    graph: Graph, settings: TrainingModel | None, train: int | None, validation: int | None
) -> Iterator[Diagnostic]:
    """Report an input whose `batch_size` the batches of a split do not have, if the model computes with that size.

    Keras itself ignores the size that an input states.

    Args:
        graph: the graph that the batches feed.
        settings: `training` of the spec.
        train: samples of the training split, without those held out; None if unknown.
        validation: samples of the validation split; None if unknown, or without one.
    """
    fixed = next((each for each in graph.inputs.values() if each.batch_size is not None and not each.is_faulty), None)
    if settings is None or fixed is None or not isinstance(settings.batch_size, int):
        return
    rows = settings.batch_size
    if fixed.batch_size != rows and not _fits(graph, rows):
        yield _other_size(fixed, rows, settings)
    else:
        counts = {"training": 0 if settings.drop_remainder else train or 0, "validation": validation or 0}
        left = [(split, samples) for split, samples in counts.items() if samples % rows]
        yield from (
            _remainder(fixed, split, samples, samples % rows)
            for split, samples in left[:1]
            if not _fits(graph, samples % rows)
        )


def _fits(graph: Graph, rows: int) -> bool:
    """Return whether the trained outputs of a model have so many rows for a batch of them, as far as it is known."""
    if any(layer.arguments.get("stateful") is True for layer in every_layer(graph)):
        return False
    stated, here = infer(graph), infer(graph, batch=rows)
    trained = [name for name, output in graph.outputs.items() if output.loss is not None]
    known = [name for name in trained if isinstance(stated.of(graph, name), Tensor)]
    found = [here.of(graph, name) for name in known]
    return all(isinstance(each, Tensor) and each.shape[:1] == (rows,) for each in found)


def _other_size(model_input: Input, size: int, settings: TrainingModel) -> Diagnostic:
    is_stated = settings.states("batch_size")
    return Diagnostic(
        FIXED_BATCH,
        f"the model is made for batches of {model_input.batch_size:,}, as `{model_input.name}` states, but the "
        f"training has batches of {size:,}",
        model_input.span,
        expected=f"`batch_size: {size}`",
        help=f"write `batch_size: {model_input.batch_size}` in `training`",
        labels=(Label(settings.key_span("batch_size"), f"batches of {size:,}"),) if is_stated else (),
    )


def _remainder(model_input: Input, split: str, samples: int, rest: int) -> Diagnostic:
    return Diagnostic(
        FIXED_BATCH,
        f"the model is made for batches of {model_input.batch_size:,}, as `{model_input.name}` states, but the last "
        f"batch of the {samples:,} {split} samples has {rest:,}",
        model_input.span,
        expected="whole batches alone",
        help="leave out the last batch: `drop_remainder: true` in `training`; or choose a size that divides the samples"
        if split == "training"
        else "choose a size that divides the samples; `drop_remainder` leaves out none of them",
    )
