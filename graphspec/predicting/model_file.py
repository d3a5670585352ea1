"""The file of a saved model → a `Predictor`, with or without a spec that says what it was trained on and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from graphspec.checks.files import missing_file
from graphspec.diagnostics import Report, Span, SpecError
from graphspec.diagnostics import SourceText as Text
from graphspec.diagnostics.rules import REFUSED_TRAINING, UNREADABLE_DATA
from graphspec.files import is_file
from graphspec.language.graph import Feed, Graph, Input, Node, Object, Output
from graphspec.language.traversal import every_plugin
from graphspec.predicting.predictor import Predictor
from graphspec.spec import Spec
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.plugins import import_plugins
from graphspec.to_keras.saved_file import by_name, load_compiling, load_saved
from graphspec.training.metrics import OutputLoss

_PARTS = ("loss", "loss_weights", "metrics", "weighted_metrics")


def loaded(path: Path, spec: Spec | None) -> keras.Model:
    """The model in the file `path`, dicts by name in and out, not compiled; the plugins of `spec` are imported.

    Raises SpecError where there is none, or where the names of its inputs and outputs are not known.
    """
    place = Span(Text("RUN", str(path)), 1, 1, 1, 1 + len(str(path)))
    if not is_file(path):
        raise SpecError(Report([missing_file(path, str(path), place)]))
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
            f"{path} holds a `{type(model).__name__}`, which does not tell its inputs and outputs",
            expected="a functional or a sequential model that was built",
        ) from None
    return keras.Model(inputs, outputs, name=model.name)


def predictor_of(path: Path) -> Predictor:
    """The model in a file alone, compiled as it was saved. Raises SpecError where there is none."""
    model = loaded(path, None)
    compiling = _by_output(load_compiling(path, str(path)) or {}, list(model.output), str(path))
    place = Span(Text(str(path), ""), 1, 1, 1, 1)
    inputs = {
        name: Input(name, tuple(tensor.shape[1:]), str(tensor.dtype), place) for name, tensor in model.input.items()
    }
    outputs = {name: _output(name, compiling, place) for name in model.output}
    graph = Graph(model.name, inputs, {}, outputs, span=place)
    trained = [name for name, output in outputs.items() if output.loss is not None]
    if trained:
        _compile(model, compiling, trained, str(path))
    return Predictor(str(path), graph, lambda: model)


_Compiling = dict[str, dict[str, Any]]
"""Loss, loss weight, metrics and weighted metrics of each output."""


def _by_output(compiled: dict[str, Any], outputs: list[str], name: str) -> _Compiling:
    """What Keras' `compile` was given in any of its forms, by output: alone, in a list, or by name."""
    found: _Compiling = {}
    for part in _PARTS:
        given = compiled.get(part)
        several = given if part in ("metrics", "weighted_metrics") and len(outputs) == 1 else None
        if isinstance(given, dict):
            found[part] = dict(given)
        elif several is not None or not isinstance(given, list):
            found[part] = dict.fromkeys(outputs, given)
        elif len(given) == len(outputs):
            found[part] = dict(zip(outputs, given, strict=True))
        else:
            raise SpecError.of(
                REFUSED_TRAINING,
                f"{name} was compiled with `{part}` in a form that does not tell which output it is for",
                help="name the spec that it was trained with: --spec SPEC",
            )
    return found


def _output(name: str, compiling: _Compiling, place: Span) -> Output:
    loss = compiling["loss"].get(name)
    weight = compiling["loss_weights"].get(name)
    node = Node(name, Feed(), [], place)
    return Output(node, place, loss=_object(loss, place), loss_weight=1.0 if weight is None else float(weight))


def _object(loss: Any, place: Span) -> Object | None:
    """A loss as a spec would write it, as far as targets are checked against it."""
    if loss is None or isinstance(loss, str):
        return Object("losses", loss, {}, place, is_identifier=True) if loss is not None else None
    arguments = loss.get_config() if isinstance(loss, keras.losses.Loss) else {}
    return Object("losses", getattr(loss, "__name__", type(loss).__name__), arguments, place)


def _compile(model: keras.Model, compiling: _Compiling, trained: list[str], name: str) -> None:
    weighted = {each: _listed(compiling["weighted_metrics"].get(each)) for each in model.output}
    for each in trained:
        weighted[each].append(OutputLoss(compiling["loss"][each], len(trained) - 1))
    try:
        model.compile(
            loss={each: compiling["loss"].get(each) for each in model.output},
            loss_weights={each: _weight(compiling["loss_weights"].get(each)) for each in model.output},
            metrics={each: _listed(compiling["metrics"].get(each)) for each in model.output},
            weighted_metrics=weighted,
        )
    except Exception as error:
        raise SpecError.of(REFUSED_TRAINING, f"Keras refused to compile {name}: {reason(error)}") from error


def _weight(given: Any) -> float:
    return 1.0 if given is None else float(given)


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    flat = given[0] if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list) else given
    return list(flat) if isinstance(flat, list) else [flat]
