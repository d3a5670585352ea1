"""Lower `training` and the training of outputs: optimizers, callbacks, losses and metrics, against the catalogue."""

from __future__ import annotations

from pathlib import Path

from graphspec.catalog import Kind
from graphspec.catalog.values import FLOAT32_MAX
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_VALUE
from graphspec.diagnostics.suggest import kind_of
from graphspec.language.document.tree import Located
from graphspec.language.graph import Lora, Node, Object, Output, Pattern, Training
from graphspec.language.lower.files import read_weights
from graphspec.language.lower.objects import read_object
from graphspec.language.schema.model import BALANCED, OutputModel
from graphspec.language.schema.training import LoraModel, TrainingModel

LOGS: dict[str, tuple[str, dict[str, str]]] = {
    "tensorboard": ("TensorBoard", {"log_dir": "logs"}),
    "csv": ("CSVLogger", {"filename": "log.csv"}),
}
"""The callback of each entry of `log`, with paths relative to the run directory. MLflow takes more than a callback."""


def lower_training(model: TrainingModel, folder: Path, report: Report) -> Training | None:
    """Return the objects of `training`; None, after diagnostics, where one of them is faulty."""
    watch = report.watch()
    optimizer = read_object("optimizers", model.located("optimizer"), report)
    read = [read_object("callbacks", item, report) for item in model.located("callbacks").as_list()]
    callbacks = [callback for callback in read if callback is not None] + _logs(model)
    freeze = [Pattern(each.value, each.span) for each in model.located("freeze").as_list()]
    weights = None
    if model.initial_weights is not None:
        weights = read_weights(model.located("initial_weights"), folder, report)
    if optimizer is None or not watch.is_clean:
        return None
    return Training(optimizer, callbacks, freeze, weights, _lora(model.lora))


def _lora(model: LoraModel | None) -> Lora | None:
    if model is None:
        return None
    layers = [Pattern(each.value, each.span) for each in model.located("layers").as_list()]
    return Lora(model.rank, model.alpha, layers, model.span)


def _logs(model: TrainingModel) -> list[Object]:
    spans = {item.value: item.span for item in model.located("log").as_list()}
    logs = [log for log in dict.fromkeys(model.log) if log in LOGS]
    return [Object("callbacks", LOGS[log][0], dict(LOGS[log][1]), spans[log]) for log in logs]


def read_output(model: OutputModel, node: Node, span: Span, report: Report) -> Output:
    """Return the output of `node`, marked as faulty after diagnostics."""
    watch = report.watch()
    loss = read_object("losses", model.located("loss"), report) if model.loss is not None else None
    metrics = _several("metrics", model.located("metrics"), report)
    weighted = _several("metrics", model.located("weighted_metrics"), report)
    is_balanced = model.class_weight == BALANCED
    weights = _class_weight(model, report) if not is_balanced else {}
    return Output(
        node,
        span,
        loss=loss,
        loss_stated=model.states("loss"),
        loss_weight=float(model.loss_weight),
        metrics=metrics,
        weighted_metrics=weighted,
        class_weight=weights,
        is_balanced=is_balanced,
        is_faulty=not watch.is_clean or report.is_open(model.located("loss").span),
        class_weight_span=model.key_span("class_weight") if weights or is_balanced else None,
    )


def _several(kind: Kind, written: Located, report: Report) -> list[Object]:
    read = [read_object(kind, item, report) for item in written.as_list()]
    return [each for each in read if each is not None]


def _class_weight(model: OutputModel, report: Report) -> dict[int, float]:
    """Return the weights by class index. YAML keys are text, so `"0"` is class 0."""
    weights: dict[int, float] = {}
    for key, value in model.located("class_weight").value.entries() if model.class_weight else ():
        if not (isinstance(key.value, str) and key.value.isdecimal()):
            report.add(
                BAD_VALUE, f"`{key.value}` is not a class", key.span, expected="the index of a class, from 0",
                help='write the index in quotes: "0": 1.0',
            )  # fmt: skip
        elif isinstance(value.value, bool) or not isinstance(value.value, int | float) or not value.value >= 0:
            report.add(BAD_VALUE, f"a weight is {kind_of(value.value)}", value.span, expected="a number of 0 or more")
        elif value.value > FLOAT32_MAX:
            report.add(
                BAD_VALUE,
                f"a weight is {kind_of(value.value)}",
                value.span,
                expected=f"a number up to {FLOAT32_MAX:g}",
                help="Keras computes with float32, in which a larger number is infinite",
            )
        else:
            weights[int(key.value)] = float(value.value)
    return weights
