"""Check of layers that normalise by the rows beside a row, in trainings that divide batches among devices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from graphspec.checks.context import CheckContext
from graphspec.checks.freeze import always_frozen
from graphspec.checks.inner_layers import inner_layers, with_inner_layers
from graphspec.checks.layer_patterns import LayerPaths
from graphspec.diagnostics import Diagnostic, Label, Span
from graphspec.diagnostics.render import counted
from graphspec.diagnostics.rules import BATCH_STATISTICS
from graphspec.language.graph import ExternalModel, KerasLayer, Layer
from graphspec.language.traversal import layer_paths
from graphspec.shapes.applications import is_application

NORMALISING = "BatchNormalization"
_Known = dict[ExternalModel, list[tuple[str, Layer]]]


def check_batch_statistics(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each layer, and each application with layers, that trains with the statistics of one device."""
    if context.settings is None or context.settings.distribute is None:
        return
    known = _known(context, is_application)
    frozen = _frozen(context, known)
    span = context.settings.located("distribute").span
    for layer in context.layers:
        if isinstance(layer, KerasLayer) and _is_apart(layer) and layer not in frozen:
            yield Diagnostic(
                BATCH_STATISTICS,
                f"`{layer.label}` normalises by the rows of one device, not by those of the whole batch",
                layer.object.span,
                expected=_EXPECTED,
                help="write `synchronized: true`, which sums them over all devices in each step",
                labels=(_why(span),),
            )
    yield from _of_models(known, frozen, span)


def check_saved_statistics(context: CheckContext) -> Iterator[Diagnostic]:
    """Report each saved model with layers that train with the statistics of one device, which its file tells."""
    if context.settings is None or context.settings.distribute is None:
        return
    known = _known(context, lambda model: not is_application(model))
    yield from _of_models(known, _frozen(context, known), context.settings.located("distribute").span)


def model_statistics(model: ExternalModel, names: Sequence[str], span: Span) -> Diagnostic:
    """Return the diagnostic for a model from elsewhere with layers that train with the statistics of one device.

    Args:
        model: The model.
        names: The layers.
        span: Where the spec says that devices share batches.
    """
    return Diagnostic(
        BATCH_STATISTICS,
        f"`{NORMALISING}` in the model `{model.name}` ({counted(len(names), 'layer')}, such as `{names[0]}`) "
        "normalises by the rows of one device, not by those of the whole batch",
        model.source_span,
        expected=_EXPECTED,
        help="freeze it by `trainable: false` beside its origin, so that it normalises by the statistics that it has "
        "learnt; or raise `batch_size`, and ignore this where each device has many rows",
        labels=(_why(span),),
    )


_EXPECTED = "the statistics of the whole batch, as on one device"


def _why(span: Span) -> Label:
    return Label(span, "batches are shared here")


def _known(context: CheckContext, chosen: Callable[[ExternalModel], bool]) -> _Known:
    """Return the layers inside the chosen models from elsewhere that train, as far as they are known."""
    models = [each for each in context.layers if isinstance(each, ExternalModel) and each.trainable]
    return {each: inner_layers(each) or [] for each in models if chosen(each)}


def _frozen(context: CheckContext, known: _Known) -> Collection[Layer]:
    """Return the layers that no stage of the training trains."""
    every = list(with_inner_layers(layer_paths(context.graph), known))
    frozen = {layer for _, layer in every if not layer.trainable}
    training = context.training
    paths = LayerPaths.of(iter(every), training.patterns) if training is not None else None
    return frozen | always_frozen(training, paths) if training is not None and paths is not None else frozen


def _of_models(known: _Known, frozen: Collection[Layer], span: Span) -> Iterator[Diagnostic]:
    for model, inner in known.items():
        names = [path for path, layer in inner if _is_apart(layer) and layer not in frozen]
        if names:
            yield model_statistics(model, names, span)


def _is_apart(layer: Layer) -> bool:
    """Return whether a layer normalises by the rows of its own device where it trains."""
    return layer.class_name == NORMALISING and layer.trainable and layer.arguments.get("synchronized") is not True
