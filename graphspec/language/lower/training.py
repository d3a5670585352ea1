"""The objects of `training`: optimizer and callbacks, read against the catalogue, and the layers and files it names."""

from __future__ import annotations

from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.language.graph import Object, Pattern, Training
from graphspec.language.lower.files import read_weights
from graphspec.language.lower.objects import read_object
from graphspec.language.schema.model import TrainingModel

LOGS: dict[str, tuple[str, dict[str, str]]] = {
    "tensorboard": ("TensorBoard", {"log_dir": "logs"}),
    "csv": ("CSVLogger", {"filename": "log.csv"}),
}
"""The callback that an entry of `log` stands for; its paths lie below the run directory. MLflow takes more than one."""


def lower_training(model: TrainingModel, folder: Path, report: Report) -> Training | None:
    """The optimizer, the callbacks and what else is named; None, with findings, where one of them is faulty."""
    before = report.added
    optimizer = read_object("optimizers", model.located("optimizer"), report)
    read = [read_object("callbacks", item, report) for item in model.located("callbacks").as_list()]
    callbacks = [callback for callback in read if callback is not None] + _logs(model)
    freeze = [Pattern(each.value, each.span) for each in model.located("freeze").as_list()]
    weights = None
    if model.initial_weights is not None:
        weights = read_weights(model.located("initial_weights"), folder, report)
    if optimizer is None or report.added > before:
        return None
    return Training(optimizer, callbacks, freeze, weights)


def _logs(model: TrainingModel) -> list[Object]:
    spans = {item.value: item.span for item in model.located("log").as_list()}
    logs = [log for log in dict.fromkeys(model.log) if log in LOGS]
    return [Object("callbacks", LOGS[log][0], dict(LOGS[log][1]), spans[log]) for log in logs]
