"""Checks that callbacks monitor what the training reports: Keras only warns after each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.rules import UNKNOWN_MONITOR
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.log_keys import log_keys
from graphspec.language.objects import Object

_MONITORING = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau")


def check_monitors(context: CheckContext) -> Iterator[Diagnostic]:
    """Report callbacks, a checkpoint and a search that monitor what the training does not report.

    A spec without data may be trained with or without validation, so either key is valid.
    """
    if context.settings is None or any(output.is_faulty for output in context.graph.outputs.values()):
        return
    validates = context.validates
    reported = log_keys(context.graph, validates=validates)
    for callback in context.training.callbacks if context.training is not None else ():
        if is_monitoring(callback):
            monitor = str(callback.arguments.get("monitor", "val_loss"))
            if monitor not in reported:
                yield unknown_monitor(
                    callback.name, monitor, callback.span_of("monitor"), reported=reported, validates=validates
                )
    checkpoint = context.settings.checkpoint
    if checkpoint is not None and checkpoint.monitor is not None and checkpoint.monitor not in reported:
        span = checkpoint.located("monitor").span
        yield unknown_monitor("checkpoint", checkpoint.monitor, span, reported=reported, validates=validates)
    search = context.search
    if search is not None and search.monitor is not None and search.monitor not in reported:
        yield unknown_monitor("search", search.monitor, search.monitor_span, reported=reported, validates=validates)


def is_monitoring(callback: Object) -> bool:
    """Return whether a callback monitors a metric: `ModelCheckpoint` only does with `save_best_only`."""
    saves_always = callback.name == "ModelCheckpoint" and not callback.arguments.get("save_best_only", False)
    return callback.name in _MONITORING and not saves_always


def unknown_monitor(who: str, monitor: str, span: Span, *, reported: Iterable[str], validates: bool) -> Diagnostic:
    """Return the diagnostic for a monitor that the training does not report.

    Args:
        who: the callback, `checkpoint` or `search`.
        monitor: the log key that it monitors.
        span: where the spec states it.
        reported: the log keys of the training.
        validates: the training validates.
    """
    known = list(reported)
    help = did_you_mean(monitor, known, f"it reports {one_of(known)}")
    if monitor.startswith("val_") and not validates:
        help = "add validation data, such as `data: {validation: {split: 0.1}}`"
    return Diagnostic(
        UNKNOWN_MONITOR,
        f"`{who}` monitors `{monitor}`, which this training does not report",
        span,
        expected="a metric that this training reports",
        help=help,
    )
