"""Lower `training` and the training of outputs: optimizers, callbacks, losses and metrics, against the catalogue."""

from __future__ import annotations

from pathlib import Path

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.values import FLOAT32_MAX
from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_STAGE, BAD_VALUE
from graphspec.diagnostics.suggest import kind_of
from graphspec.language.document.tree import Located, Mapping, plain
from graphspec.language.graph import Node, Output
from graphspec.language.lower.files import read_weights
from graphspec.language.lower.objects import FAULTY, read_argument, read_object
from graphspec.language.objects import Object, Pattern
from graphspec.language.schema.model import BALANCED, OutputModel
from graphspec.language.schema.training import LoraModel, StageModel, TrainingModel
from graphspec.language.training import (
    LEARNING_RATE,
    Lora,
    Multiplier,
    Stage,
    Training,
    has_learning_rate,
    with_learning_rate,
)

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
    weights = None
    if model.initial_weights is not None:
        weights = read_weights(model.located("initial_weights"), folder, report)
    stages = _stages(model, optimizer, report) if optimizer is not None else []
    if optimizer is None or not watch.is_clean:
        return None
    return Training(
        optimizer=optimizer,
        callbacks=callbacks,
        stages=stages,
        freeze=_patterns(model, "freeze"),
        initial_weights=weights,
        multipliers=_multipliers(model),
        lora=_lora(model.lora),
    )


def _lora(model: LoraModel | None) -> Lora | None:
    return Lora(model.rank, model.alpha, _patterns(model, "layers"), model.span) if model is not None else None


def _stages(model: TrainingModel, optimizer: Object, report: Report) -> list[Stage]:
    """Return the stages of a training, or the one that all of it is."""
    if not model.stages:
        return [Stage(name="", epochs=model.epochs, optimizer=optimizer, span=model.span)]
    return [
        Stage(
            name=each.name or f"stage_{number}",
            epochs=each.epochs,
            optimizer=_with_rate(optimizer, each, report),
            span=each.located("name").span if each.name is not None else each.span,
            freeze=_patterns(each, "freeze"),
            unfreeze=_patterns(each, "unfreeze"),
        )
        for number, each in enumerate(model.stages, 1)
    ]


def _patterns(part: TrainingModel | StageModel | LoraModel, key: str) -> list[Pattern]:
    return [Pattern(each.value, each.span) for each in part.located(key).as_list()]


def _multipliers(model: TrainingModel) -> list[Multiplier]:
    written = model.located("learning_rate_multipliers").value
    entries = written.entries() if isinstance(written, Mapping) else ()
    return [Multiplier(Pattern(key.value, key.span), float(value.value)) for key, value in entries]


def _with_rate(optimizer: Object, stage: StageModel, report: Report) -> Object:
    """Return the optimizer with the learning rate of a stage, or as it is after a diagnostic."""
    if stage.learning_rate is None:
        return optimizer
    written, entry = stage.located(LEARNING_RATE), catalog.find("optimizers", optimizer.name)
    if not has_learning_rate(optimizer):
        report.add(
            BAD_STAGE,
            f"`{optimizer.name}` has no learning rate of its own, so a stage cannot change it",
            written.span,
            expected="an optimizer with a `learning_rate`",
            help="remove `learning_rate` from the stage",
        )
        return optimizer
    value = read_argument(entry, LEARNING_RATE, written, report) if entry is not None else plain(written.value)
    return with_learning_rate(optimizer, value, written.span) if value is not FAULTY else optimizer


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
