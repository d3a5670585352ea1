"""The objects of `training`: optimizer and callbacks, read against the catalogue."""

from __future__ import annotations

from graphspec.diagnostics import Report
from graphspec.graph import Training
from graphspec.lower.objects import read_object
from graphspec.schema.model import TrainingModel


def lower_training(model: TrainingModel, report: Report) -> Training | None:
    """The optimizer and the callbacks; None, with findings, where one of them is faulty."""
    optimizer = read_object("optimizers", model.located("optimizer"), report)
    read = [read_object("callbacks", item, report) for item in model.located("callbacks").as_list()]
    callbacks = [callback for callback in read if callback is not None]
    return Training(optimizer, callbacks) if optimizer is not None and len(callbacks) == len(read) else None
