"""The layers inside models from elsewhere, as far as they are known before the models are built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.catalog.application_layers import application
from graphspec.language.graph import ExternalModel, KerasLayer, Layer
from graphspec.language.objects import Object
from graphspec.shapes.applications import is_application
from graphspec.shapes.saved import written_layers


def inner_layers(model: ExternalModel) -> list[tuple[str, Layer]] | None:
    """Return the layers of an application or a saved model by their paths in it; None where they are not known.

    Reads the file of a saved model. The last layers of an application are not among them.
    """
    found = _of_application(model) if is_application(model) else written_layers(model)
    if found is None:
        return None
    return [
        (path, KerasLayer(name=path, span=model.span, object=Object("layers", kind, arguments, model.span)))
        for path, kind, arguments in found
    ]


def _of_application(model: ExternalModel) -> list[tuple[str, str, dict[str, Any]]]:
    return [(name, each.class_name, {}) for name, each in application(model.source).layers.items()]


def with_inner_layers(
    paths: Iterator[tuple[str, Layer]], known: dict[ExternalModel, list[tuple[str, Layer]]]
) -> Iterator[tuple[str, Layer]]:
    """Yield layers with their paths, each model from elsewhere before the layers known inside of it."""
    for path, layer in paths:
        yield path, layer
        for inner, each in known.get(layer, ()) if isinstance(layer, ExternalModel) else ():
            yield f"{path}/{inner}", each
