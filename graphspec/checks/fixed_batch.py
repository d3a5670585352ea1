"""Check that batches have the size that an input fixes, the last batch of a split too."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.checks.data import _count_of as count_of
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import FIXED_BATCH
from graphspec.language.graph import Graph, Input
from graphspec.language.schema import TrainingModel


def check_fixed_batch(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every input with a `batch_size` that the batches of a split do not have, by the headers of its files."""
    data = context.data
    if data is None or data.train is None:
        return
    train = count_of(data.train)
    held_out = data.held_out_of(train) if train is not None and data.held_out else 0
    validation = count_of(data.validation) if data.validation is not None else held_out or None
    yield from fixed_batch(context.graph, context.settings, train - held_out if train is not None else None, validation)


def fixed_batch(
    graph: Graph, settings: TrainingModel | None, train: int | None, validation: int | None
) -> Iterator[Diagnostic]:
    """Report every input with a `batch_size` that the batches of a split do not have.

    Args:
        graph: the graph that the batches feed.
        settings: `training` of the spec.
        train: samples of the training split, without those held out; None if unknown.
        validation: samples of the validation split; None if unknown, or without one.
    """
    if settings is None:
        return
    rows = settings.batch_size
    for each in graph.inputs.values():
        size = each.batch_size
        if size is None or each.is_faulty:
            continue
        if isinstance(rows, int) and size != rows:
            yield _other_size(each, rows, settings)
        elif not getattr(settings, "drop_remainder", False):
            counts = {"training": train or 0, "validation": validation or 0}
            left = [(split, samples) for split, samples in counts.items() if samples % size]
            yield from (_remainder(each, split, samples, samples % size) for split, samples in left[:1])


def _other_size(model_input: Input, size: int, settings: TrainingModel) -> Diagnostic:
    is_stated = settings.states("batch_size")
    return Diagnostic(
        FIXED_BATCH,
        f"`{model_input.name}` takes batches of {model_input.batch_size:,}, but the training has batches of {size:,}",
        model_input.span,
        expected=f"`batch_size: {size}`, or none, for any size",
        help=f"write `batch_size: {model_input.batch_size}` in `training`, or remove it from the input",
        labels=(Label(settings.key_span("batch_size"), f"batches of {size:,}"),) if is_stated else (),
    )


def _remainder(model_input: Input, split: str, samples: int, rest: int) -> Diagnostic:
    return Diagnostic(
        FIXED_BATCH,
        f"`{model_input.name}` takes batches of {model_input.batch_size:,}, but the last batch of the {samples:,} "
        f"{split} samples has {rest:,}",
        model_input.span,
        expected="an input without `batch_size`, or whole batches",
        help="remove `batch_size` from the input, or leave out the last batch: `drop_remainder: true` in `training`",
    )
