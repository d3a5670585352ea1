"""Check that `drop_remainder` leaves something to train on."""

from __future__ import annotations

from collections.abc import Iterator

from graphspec.checks.context import CheckContext
from graphspec.checks.data import split_counts
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import NO_WHOLE_BATCH
from graphspec.language.schema import TrainingModel


def check_whole_batches(context: CheckContext) -> Iterator[Diagnostic]:
    """Report a training split without a whole batch, by the headers of its files."""
    if context.data is not None and context.data.train is not None:
        yield from whole_batches(context.settings, split_counts(context.data)[0])


def whole_batches(settings: TrainingModel | None, train: int | None) -> Iterator[Diagnostic]:
    """Report a training whose `drop_remainder` leaves out every sample.

    Args:
        settings: `training` of the spec.
        train: Samples of the training split, without those held out; None if unknown.
    """
    if settings is None or not settings.drop_remainder or not train or train >= settings.batch_size:
        return
    yield Diagnostic(
        NO_WHOLE_BATCH,
        f"`drop_remainder` leaves out all {train:,} training samples, which are less than a batch of "
        f"{settings.batch_size:,}",
        settings.located("drop_remainder").span,
        expected="at least one whole batch",
        help=f"write a `batch_size` of at most {train:,}, or remove `drop_remainder`",
    )
