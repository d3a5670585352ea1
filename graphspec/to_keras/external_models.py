"""External models: files of saved models, presets of KerasHub, and functions of `keras.applications`.

Each is converted to the form of a nested model: bare tensors for one input or output, dicts by name for several.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from graphspec import catalog
from graphspec.checks.files import require_file
from graphspec.checks.taps import no_such_layer, output_already
from graphspec.diagnostics import Report, SourceText, SpecError
from graphspec.diagnostics.rules import BAD_TAP, UNKNOWN_OBJECT
from graphspec.diagnostics.shape_text import shape_text
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import ExternalModel, PresetModel, PresetPreprocessor
from graphspec.language.lower.presets import is_handle
from graphspec.language.objects import Pattern
from graphspec.to_keras.installed import missing_in_keras, refused_arguments
from graphspec.to_keras.keras_internals import calls_of, fresh_layer_names, weightless_scope
from graphspec.to_keras.preset_preprocessors import load_preprocessor
from graphspec.to_keras.presets import load_preset
from graphspec.to_keras.saved_file import by_name, load_saved

_PYRAMID = "pyramid"
"""What is listed as the class of a level of a backbone."""


@dataclass(frozen=True)
class Interface:
    """The names of a model's inputs and outputs, as in references and `from`."""

    inputs: list[str]
    outputs: list[str]


def make_external(external: ExternalModel, *, weightless: bool, pretrained: bool) -> tuple[Any, Interface]:
    """Return an external model, or the layer of a preset, with the names of its inputs and outputs.

    Args:
        external: the model in the graph.
        weightless: read and allocate no array.
        pretrained: load the weights that the spec names for an application, or a preset holds.

    Raises:
        SpecError: there is no such model, or it cannot be read.
    """
    if isinstance(external, PresetPreprocessor):
        return load_preprocessor(external, weightless=weightless), Interface([], [])
    return _in_nested_form(_loaded(external, weightless=weightless, pretrained=pretrained), external)


def _loaded(external: ExternalModel, *, weightless: bool, pretrained: bool) -> keras.Model:
    if isinstance(external, PresetModel):
        return load_preset(external, weightless=weightless, pretrained=pretrained)
    if external.path is None:
        return _application(external, pretrained=pretrained and not weightless)
    return _from_file(external, weightless=weightless)


def _application(external: ExternalModel, *, pretrained: bool) -> keras.Model:
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in external.arguments.items()}
    weights = arguments.pop("weights", None) if pretrained else None
    arguments.pop("weights", None)
    make = getattr(keras.applications, external.source, None)
    if make is None:
        raise missing_in_keras("application", external.source, external.source_span)
    try:
        with fresh_layer_names():
            return make(**{"name": external.name, **arguments, "weights": weights})
    except Exception as error:
        name, span = external.source, external.source_span
        raise refused_arguments("application", name, "applications", span, error=error) from error


def _from_file(external: ExternalModel, *, weightless: bool) -> keras.Model:
    assert external.path is not None
    require_file(external.path, external.source, external.source_span)
    return load_saved(external.path, external.source, external.source_span, weightless=weightless)


def _in_nested_form(model: keras.Model, external: ExternalModel) -> tuple[keras.Model, Interface]:
    try:
        inputs = by_name(model.input, [each.name for each in model.inputs])
        outputs = by_name(model.output, model.output_names)
    except AttributeError:  # a subclass of Model from a plugin, which is called as it is
        if external.taps:
            raise SpecError.of(
                BAD_TAP,
                f"`{external.source}` is no functional model, so nothing inside it can be an output",
                external.taps[0].span,
                expected="a model that Keras built from inputs to outputs",
            ) from None
        model.name = external.name
        return model, Interface([], [])
    report = Report()
    for tap in external.taps:
        tapped = _tapped(model, tap, outputs, external.source, report=report)
        if tapped is not None:
            outputs[tap.text] = tapped
    report.raise_if_errors()
    nested = keras.Model(_bare(inputs), _bare(outputs), name=external.name)
    return nested, Interface(list(inputs), list(outputs))


def _bare(tensors: dict[str, Any]) -> Any:
    return next(iter(tensors.values())) if len(tensors) == 1 else tensors


def inner_layers(origin: str) -> list[tuple[str, str, str]]:
    """Return name, class and output shape of the layers of a model that can be tapped.

    Args:
        origin: `application:NAME`, `preset:FOLDER` or `preset:HANDLE`, or the path of a saved model.

    Raises:
        SpecError: There is no such model, or it cannot be read.
    """
    span = SourceText("--of", origin).first_line
    kind, _, name = origin.partition(":")
    is_application = kind == "application" and bool(name)
    if is_application and name not in catalog.applications():
        raise SpecError.of(
            UNKNOWN_OBJECT,
            f"there is no application `{name}`",
            expected=f"a function of `keras.applications`, of Keras {catalog.keras_version()}",
            help=did_you_mean(name, catalog.applications(), f"it has {one_of(catalog.applications(), 8)}"),
        )
    external: ExternalModel
    if kind == "preset" and name:
        external = PresetModel(span=span, source=name, source_span=span, path=None if is_handle(name) else Path(name))
    else:
        path = None if is_application else Path(origin)
        external = ExternalModel(span=span, source=name if is_application else origin, source_span=span, path=path)
    external.name = "model"
    with weightless_scope():
        model = _loaded(external, weightless=True, pretrained=False)
    classes = {layer.name: type(layer).__name__ for layer in model.layers}
    return [
        (key, classes.get(key, _PYRAMID), shape_text(tuple(tensor.shape))) for key, tensor in tappable(model).items()
    ]


def tappable(model: keras.Model) -> dict[str, Any]:
    """Return the tensors inside a model that can be outputs, by the names of their layers.

    The levels of a backbone of KerasHub come first, by their names, such as `P3`.
    """
    found: dict[str, Any] = dict(getattr(model, "pyramid_outputs", {}))
    for layer in model.layers:
        calls = calls_of(layer)
        if (
            layer.name not in found
            and len(calls) == 1
            and len(calls[0].output_tensors) == 1
            and not isinstance(layer, keras.layers.InputLayer)
        ):
            found[layer.name] = calls[0].output_tensors[0]
    return found


def _tapped(model: keras.Model, tap: Pattern, outputs: dict[str, Any], source: str, *, report: Report) -> Any:
    """Return the output of an inner layer; None after a diagnostic."""
    known = tappable(model)
    if tap.text in outputs and (tap.text not in known or outputs[tap.text] is known[tap.text]):
        report.extend([output_already(tap)])
    elif tap.text in known:
        return known[tap.text]
    elif any(layer.name == tap.text for layer in model.layers):
        report.add(
            BAD_TAP,
            f"the layer `{tap.text}` does not give exactly one tensor in the model",
            tap.span,
            expected="a layer that is called once and gives one tensor, and no input",
        )
    else:
        report.extend([no_such_layer(tap.text, list(known), source, tap.span)])
    return None
