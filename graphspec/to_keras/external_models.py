"""ExternalModel → keras.Model: a saved model's file, or a function of `keras.applications`.

Whatever form it was saved in, the model is given that of a nested one: bare tensors for one input or one output,
dicts by name for several.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from graphspec.checks.files import missing_file
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import REFUSED_ARGUMENTS
from graphspec.files import is_file
from graphspec.language.graph import ExternalModel
from graphspec.to_keras.installed import lacking, version_help
from graphspec.to_keras.keras_internals import fresh_layer_names
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.saved_file import by_name, load_saved


@dataclass(frozen=True)
class Interface:
    """The names of a model's inputs and outputs, as references and `from` write them."""

    inputs: list[str]
    outputs: list[str]


def make_external(external: ExternalModel, *, weightless: bool, pretrained: bool) -> tuple[keras.Model, Interface]:
    """Return the model of `external` with the names of its inputs and outputs. Raises SpecError where it cannot be had.

    weightless: no array is read or allocated. pretrained: an application loads the weights that the spec asks for.
    """
    if external.path is None:
        return _in_nested_form(_application(external, pretrained=pretrained and not weightless), external.name)
    return _in_nested_form(_from_file(external, weightless=weightless), external.name)


def _application(external: ExternalModel, *, pretrained: bool) -> keras.Model:
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in external.arguments.items()}
    weights = arguments.pop("weights", None) if pretrained else None
    arguments.pop("weights", None)
    make = getattr(keras.applications, external.source, None)
    if make is None:
        raise lacking("application", external.source, external.source_span)
    try:
        with fresh_layer_names():
            return make(**{"name": external.name, **arguments, "weights": weights})
    except Exception as error:
        raise SpecError.of(
            REFUSED_ARGUMENTS,
            f"Keras refused the arguments of the application `{external.source}`: {reason(error)}",
            external.source_span,
            expected=f"arguments that `keras.applications.{external.source}` takes",
            help=version_help(),
        ) from error


def _from_file(external: ExternalModel, *, weightless: bool) -> keras.Model:
    assert external.path is not None
    if not is_file(external.path):
        raise SpecError(Report([missing_file(external.path, external.source, external.source_span)]))
    return load_saved(external.path, external.source, external.source_span, weightless=weightless)


def _in_nested_form(model: keras.Model, name: str) -> tuple[keras.Model, Interface]:
    try:
        inputs = by_name(model.input, [each.name for each in model.inputs])
        outputs = by_name(model.output, model.output_names)
    except AttributeError:  # a subclass of Model, registered by a plugin: it is called as it stands
        model.name = name
        return model, Interface([], [])
    made = keras.Model(_bare(inputs), _bare(outputs), name=name)
    return made, Interface(list(inputs), list(outputs))


def _bare(tensors: dict[str, Any]) -> Any:
    return next(iter(tensors.values())) if len(tensors) == 1 else tensors
