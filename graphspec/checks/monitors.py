"""What callbacks watch, against what the training reports: Keras warns once an epoch, and stops nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from graphspec.checks.context import Subject
from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.rules import UNKNOWN_MONITOR
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import Object, Output
from graphspec.language.lower.naming import snake_case

MONITORING = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau")


def check_monitors(subject: Subject) -> Iterator[Diagnostic]:
    """Every callback, the checkpoint and the search that monitors what the training does not report.

    A spec that names no data may be trained with validation or without, so both serve there.
    """
    if subject.settings is None or any(output.is_faulty for output in subject.graph.outputs.values()):
        return
    data = subject.data
    validates = data is None or data.validation is not None or data.held_out > 0
    reported = reported_names(subject.graph.outputs, validates=validates)
    for callback in subject.training.callbacks if subject.training is not None else ():
        if monitors(callback):
            monitor = str(callback.arguments.get("monitor", "val_loss"))
            if monitor not in reported:
                yield unknown_monitor(callback.name, monitor, callback.span_of("monitor"), reported, validates)
    checkpoint = subject.settings.checkpoint
    if checkpoint is not None and checkpoint.monitor is not None and checkpoint.monitor not in reported:
        span = checkpoint.located("monitor").span
        yield unknown_monitor("checkpoint", checkpoint.monitor, span, reported, validates)
    search = subject.search
    if search is not None and search.monitor is not None and search.monitor not in reported:
        yield unknown_monitor("search", search.monitor, search.monitor_span, reported, validates)


def monitors(callback: Object) -> bool:
    """Whether a callback watches a metric: `ModelCheckpoint` does where it saves the best alone."""
    saves_always = callback.name == "ModelCheckpoint" and not callback.arguments.get("save_best_only", False)
    return callback.name in MONITORING and not saves_always


def unknown_monitor(who: str, monitor: str, span: Span, reported: Iterable[str], validates: bool) -> Diagnostic:
    """That `who` monitors what is not among `reported`."""
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


def reported_names(outputs: Mapping[str, Output], *, validates: bool) -> dict[str, Object | None]:
    """Every log key of a training, with the metric that it is of; None for a loss."""
    trained = [name for name, output in outputs.items() if output.loss is not None]
    found: dict[str, Object | None] = {"loss": None}
    if len(trained) > 1:
        found |= dict.fromkeys(f"{name}_loss" for name in trained)
    for name, output in outputs.items():
        prefix = f"{name}_" if len(outputs) > 1 else ""
        found |= {prefix + key: each for each, key in metric_names([*output.metrics, *output.weighted_metrics])}
    return found | {f"val_{key}": each for key, each in found.items()} if validates else found


def metric_names(written: list[Object]) -> list[tuple[Object, str]]:
    """Each metric of one output with its name in the log: its own, or that of its class, numbered where taken."""
    counts = Counter[str]()
    named = []
    for each in written:
        usual = each.name if each.is_identifier else snake_case(each.name.rpartition(">")[2])
        name = str(each.arguments.get("name", usual))
        counts[name] += 1
        named.append((each, name if counts[name] == 1 else f"{name}_{counts[name] - 1}"))
    return named
