"""External models: files of saved models, presets of KerasHub, and functions of `keras.applications`.

Each is converted to the form of a nested model: bare tensors for one input or output, dicts by name for several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from graphspec.checks.files import require_file
from graphspec.language.graph import ExternalModel, PresetModel
from graphspec.to_keras.installed import missing_in_keras, refused_arguments
from graphspec.to_keras.keras_internals import fresh_layer_names
from graphspec.to_keras.presets import load_preset
from graphspec.to_keras.saved_file import by_name, load_saved


@dataclass(frozen=True)
class Interface:
    """The names of a model's inputs and outputs, as in references and `from`."""

    inputs: list[str]
    outputs: list[str]


def make_external(external: ExternalModel, *, weightless: bool, pretrained: bool) -> tuple[keras.Model, Interface]:
    """Return an external model with the names of its inputs and outputs.

    Args:
        external: the model in the graph.
        weightless: read and allocate no array.
        pretrained: load the weights that the spec names for an application, or a preset holds.

    Raises:
        SpecError: there is no such model, or it cannot be read.
    """
    if isinstance(external, PresetModel):
        return _in_nested_form(load_preset(external, weightless=weightless, pretrained=pretrained), external.name)
    if external.path is None:
        return _in_nested_form(_application(external, pretrained=pretrained and not weightless), external.name)
    return _in_nested_form(_from_file(external, weightless=weightless), external.name)


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
        raise refused_arguments("application", name, "applications", span, error) from error


def _from_file(external: ExternalModel, *, weightless: bool) -> keras.Model:
    assert external.path is not None
    require_file(external.path, external.source, external.source_span)
    return load_saved(external.path, external.source, external.source_span, weightless=weightless)


def _in_nested_form(model: keras.Model, name: str) -> tuple[keras.Model, Interface]:
    try:
        inputs = by_name(model.input, [each.name for each in model.inputs])
        outputs = by_name(model.output, model.output_names)
    except AttributeError:  # a subclass of Model from a plugin, which is called as it is
        model.name = name
        return model, Interface([], [])
    nested = keras.Model(_bare(inputs), _bare(outputs), name=name)
    return nested, Interface(list(inputs), list(outputs))


def _bare(tensors: dict[str, Any]) -> Any:
    return next(iter(tensors.values())) if len(tensors) == 1 else tensors
