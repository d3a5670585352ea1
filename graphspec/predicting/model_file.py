"""A saved model file → a `keras.Model`, and a `Predictor` where there is no spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from graphspec.checks.files import missing_file
from graphspec.diagnostics import Report, SourceText, Span, SpecError
from graphspec.diagnostics.rules import REFUSED_TRAINING, UNREADABLE_DATA
from graphspec.files import is_file
from graphspec.language.feed import Feed
from graphspec.language.graph import Graph, Input, Node, Output
from graphspec.language.objects import Object
from graphspec.language.traversal import every_plugin
from graphspec.predicting.predictor import Predictor
from graphspec.spec import Spec
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.plugins import import_plugins
from graphspec.to_keras.saved_file import by_name, load_compiling, load_saved
from graphspec.training.metrics import OutputLoss

_PARTS = ("loss", "loss_weights", "metrics", "weighted_metrics")


def load_model(path: Path, spec: Spec | None) -> keras.Model:
    """Load the model in a file, uncompiled, with dicts by name as inputs and outputs.

    Args:
        path: A saved model.
        spec: Its spec, whose plugins are imported first.

    Raises:
        SpecError: There is no model, or the names of its inputs and outputs are unknown.
    """
    span = SourceText("RUN", str(path)).first_line
    if not is_file(path):
        raise SpecError(Report([missing_file(path, str(path), span)]))
    if spec is not None:
        import_plugins(every_plugin(spec.graph))
    model = load_saved(path, str(path))
    try:
        if isinstance(model, keras.Sequential):
            (first,) = model.inputs
            tensor = keras.Input(batch_shape=first.shape, dtype=first.dtype, name=first.name)
            return keras.Model({first.name: tensor}, {model.layers[-1].name: model(tensor)}, name=model.name)
        inputs = by_name(model.input, [each.name for each in model.inputs])
        outputs = by_name(model.output, model.output_names)
    except (AttributeError, ValueError):
        raise SpecError.of(
            UNREADABLE_DATA,
            f"{path} holds a `{type(model).__name__}`, which does not name its inputs and outputs",
            expected="a functional model, or a sequential model that is built",
        ) from None
    return keras.Model(inputs, outputs, name=model.name)


def predictor_of(path: Path) -> Predictor:
    """Load the model in a file, compiled as it was saved. Raises SpecError if there is none."""
    model = load_model(path, None)
    compiling = _by_output(load_compiling(path, str(path)) or {}, list(model.output), str(path))
    span = SourceText(str(path), "").first_line
    inputs = {
        name: Input(name, tuple(tensor.shape[1:]), str(tensor.dtype), span) for name, tensor in model.input.items()
    }
    outputs = {name: _output(name, compiling, span) for name in model.output}
    graph = Graph(model.name, inputs, {}, outputs, span=span)
    trained = [name for name, output in outputs.items() if output.loss is not None]
    if trained:
        _compile(model, compiling, trained, str(path))
    return Predictor(name=str(path), graph=graph, make=lambda: model)


_Compiling = dict[str, dict[str, Any]]
"""Loss, loss weight, metrics and weighted metrics of each output."""


def _by_output(compiled: dict[str, Any], outputs: list[str], name: str) -> _Compiling:
    """Return the arguments of Keras' `compile` by output, from any of its forms: one value, a list or a dict."""
    by_output: _Compiling = {}
    for part in _PARTS:
        argument = compiled.get(part)
        is_shared = part in ("metrics", "weighted_metrics") and len(outputs) == 1
        if isinstance(argument, dict):
            by_output[part] = dict(argument)
        elif is_shared or not isinstance(argument, list):
            by_output[part] = dict.fromkeys(outputs, argument)
        elif len(argument) == len(outputs):
            by_output[part] = dict(zip(outputs, argument, strict=True))
        else:
            raise SpecError.of(
                REFUSED_TRAINING,
                f"{name} was compiled with `{part}` in a form that does not name the outputs",
                help="name the spec that it was trained with: --spec SPEC",
            )
    return by_output


def _output(name: str, compiling: _Compiling, span: Span) -> Output:
    loss = compiling["loss"].get(name)
    node = Node(name, Feed(), [], span)
    return Output(node, span, loss=_object(loss, span), loss_weight=_weight(compiling["loss_weights"].get(name)))


def _object(loss: Any, span: Span) -> Object | None:
    """Return a loss as lowered from a spec, as far as the checks of targets need it."""
    if loss is None or isinstance(loss, str):
        return Object("losses", loss, {}, span, is_identifier=True) if loss is not None else None
    arguments = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
    return Object("losses", getattr(loss, "__name__", type(loss).__name__), arguments, span)


def _compile(model: keras.Model, compiling: _Compiling, trained: list[str], name: str) -> None:
    weighted = {each: _as_list(compiling["weighted_metrics"].get(each)) for each in model.output}
    for each in trained:
        weighted[each].append(OutputLoss(compiling["loss"][each], len(trained) - 1))
    try:
        model.compile(
            loss={each: compiling["loss"].get(each) for each in model.output},
            loss_weights={each: _weight(compiling["loss_weights"].get(each)) for each in model.output},
            metrics={each: _as_list(compiling["metrics"].get(each)) for each in model.output},
            weighted_metrics=weighted,
        )
    except Exception as error:
        raise SpecError.of(REFUSED_TRAINING, f"Keras refused to compile {name}: {reason(error)}") from error


def _weight(weight: Any) -> float:
    return 1.0 if weight is None else float(weight)


def _as_list(metrics: Any) -> list[Any]:
    if metrics is None:
        return []
    flat = metrics[0] if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list) else metrics
    return list(flat) if isinstance(flat, list) else [flat]
