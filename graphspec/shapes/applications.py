"""The outputs of a function of `keras.applications`, by what is measured of its layers."""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.catalog.application_layers import STRIDE, Application, application
from graphspec.diagnostics.rules import VANISHED_DIMENSION
from graphspec.language.graph import ExternalModel, Graph, Input, PresetModel
from graphspec.shapes.call import Refusal
from graphspec.shapes.model_inputs import by_input, cast_input, refuse_others
from graphspec.shapes.tensor import UNKNOWN, Size, Tensor, Value

_TOP, _POOLING, _IMAGE, _CLASSES = "include_top", "pooling", "input_shape", "classes"
_LAYERS_KEPT = (
    _TOP,
    _POOLING,
    _IMAGE,
    _CLASSES,
    "classifier_activation",
    "include_preprocessing",
    "name",
    "weights",
)
"""Arguments that leave the shapes of inner layers as they are; what others change is not known."""
_INPUT = "input_layer"
"""The name of the input in Keras."""


def is_application(model: ExternalModel) -> bool:
    """Return whether a model is that of a function of `keras.applications`."""
    return model.path is None and not isinstance(model, PresetModel) and model.source in catalog.applications()


def applied(model: ExternalModel, value: Value, dtype: str) -> Value:
    """Return the outputs of an application for an image; UNKNOWN where its arguments change what is measured.

    Raises:
        Refusal: It takes no such image, or gets several.
    """
    written = _arguments(model)
    known = application(model.source)
    stated = _stated_image(written, known)
    if stated is None or not keeps_layers(model):
        return UNKNOWN
    if value is not UNKNOWN:  # Keras chooses the name of the input anew with each model
        refuse_others(model.name, [_INPUT], list(value.values()) if isinstance(value, dict) else value)
    declared = Input(_INPUT, stated, "float32", model.source_span)
    graph = Graph(model.name, {_INPUT: declared}, {}, {}, span=model.source_span)
    given = by_input(graph, value)
    image = cast_input(graph, declared, given[_INPUT]) if given is not None else UNKNOWN
    if not isinstance(image, Tensor):
        return UNKNOWN
    batch, height, width, _ = image.shape
    is_exact = known.any_size or None in stated or not any(isinstance(e, int) and e % STRIDE for e in stated[:2])
    if is_exact:
        _refuse_small(model, image, known.least)
    sides = (height, width) if is_exact else (None, None)
    shapes = {name: each.shape(sides) for name, each in known.layers.items()}
    outputs: dict[str, Value] = {"": _tensor(batch, _last(written, shapes[known.output]), dtype)}
    outputs |= {tap.text: _tensor(batch, shapes.get(tap.text), dtype) for tap in model.taps}
    return outputs if model.taps else outputs[""]


def _arguments(model: ExternalModel) -> dict[str, Any]:
    """Return all arguments of an application, those that the spec leaves out at their defaults."""
    return {**catalog.application_arguments(model.source), **model.arguments}


def _refuse_small(model: ExternalModel, image: Tensor, least: int) -> None:
    """Refuse an image of which a layer inside would leave nothing."""
    _, *sides, _ = image.shape
    for name, side in zip(("height", "width"), sides, strict=True):
        if side is not None and side < least:
            raise Refusal(
                VANISHED_DIMENSION,
                f"the model `{model.name}` leaves no {name}: nothing is left of {image} inside of it",
                expected=f"a {name} of at least {least}",
                help="apply it to a larger image, or shrink less before it",
            )


def keeps_layers(model: ExternalModel) -> bool:
    """Return whether the arguments of an application leave its inner layers as they are measured."""
    defaults = catalog.application_arguments(model.source)
    return all(name in _LAYERS_KEPT or value == defaults.get(name) for name, value in model.arguments.items())


def ends_in_layers(model: ExternalModel) -> bool:
    """Return whether an application has no layers but those that are measured."""
    written = _arguments(model)
    return keeps_layers(model) and written[_TOP] is False and written.get(_POOLING) is None


def _stated_image(written: dict[str, Any], known: Application) -> tuple[Size, ...] | None:
    """Return the shape of the image that the model is made for; None if it is not known."""
    image = written.get(_IMAGE)
    if image is None:
        return known.image if written[_TOP] is False else known.image_with_top
    sizes = tuple(image) if isinstance(image, list) else ()
    if len(sizes) != 3 or sizes[2] != known.image[2] or known.image[0] is not None:
        return sizes if sizes == known.image else None
    return sizes if all(isinstance(each, int) and each > 0 for each in sizes) else None


def _last(written: dict[str, Any], shape: tuple[Size, ...]) -> tuple[Size, ...] | None:
    """Return the shape of the output without the batch, given that of the last layer before the top and pooling."""
    if written[_TOP] is not False:
        return (written[_CLASSES],) if isinstance(written[_CLASSES], int) else None
    if written.get(_POOLING) is None:
        return shape
    return shape[-1:] if written[_POOLING] in ("avg", "max") else None


def _tensor(batch: Size, shape: tuple[Size, ...] | None, dtype: str) -> Value:
    return Tensor((batch, *shape), dtype) if shape is not None else UNKNOWN
