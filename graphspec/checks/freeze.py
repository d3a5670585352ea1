"""Checks of `freeze` and `unfreeze`: each entry matches a layer and changes it, and some layer stays trainable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphspec import catalog
from graphspec.catalog.arguments import argument_kind
from graphspec.checks.context import CheckContext
from graphspec.checks.layer_patterns import LayerPaths, may_lie_inside
from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.rules import BAD_STAGE, FROZEN_EVERYTHING, IDLE_MULTIPLIER, UNMATCHED_FREEZE
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import ExternalModel, Layer, ObjectLayer, wrapped_layers
from graphspec.language.objects import Pattern
from graphspec.language.training import Stage, Training
from graphspec.language.traversal import layer_paths


def check_freeze(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every entry of `freeze` and `unfreeze` that matches no layer."""
    training = context.training
    if training is None or not training.patterns or not context.is_whole:
        return
    paths = LayerPaths.of(layer_paths(context.graph), training.patterns)
    if paths is None:
        return
    outside = {path for path, layer in paths.every() if isinstance(layer, ExternalModel)}
    for pattern in training.patterns:
        if next(paths.matches(pattern), None) is None and not may_lie_inside(pattern, outside):
            yield unmatched(pattern, list(paths.items))


def check_frozen(context: CheckContext) -> Iterator[Diagnostic]:
    """Report a training, or a stage, whose every layer with weights is frozen, by `freeze` or `trainable: false`.

    External models and custom layers may have weights. The adapters of LoRA train inside frozen layers too.
    """
    training = context.training
    if training is None or training.lora is not None or not context.is_whole:
        return
    paths = LayerPaths.of(layer_paths(context.graph), training.patterns)
    if paths is None:
        return
    weighted = {layer for _, layer in paths.every() if _may_have_weights(layer)}
    stages = zip(training.stages, frozen_layers(training, paths), strict=True)
    stage = next((stage for stage, frozen in stages if weighted and weighted <= frozen), None)
    if stage is not None:
        listed = stage.freeze or training.freeze
        yield frozen_everything(stage, listed[0].span if listed else training.optimizer.span)


def frozen_everything(stage: Stage, span: Span) -> Diagnostic:
    """Return the diagnostic for a stage, or a training without stages, that trains no weights."""
    return Diagnostic(
        FROZEN_EVERYTHING,
        f"every layer with weights is frozen in `{stage.name}`, so this stage would change nothing"
        if stage.name
        else "every layer with weights is frozen, so training would change nothing",
        span,
        expected="at least one layer to train",
        help="remove a layer from `freeze`, or its `trainable: false`",
    )


def check_unfrozen(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every entry of `unfreeze` whose layers train already."""
    training = context.training
    if training is None or not context.is_whole or not any(each.unfreeze for each in training.stages):
        return
    paths = LayerPaths.of(layer_paths(context.graph), training.patterns)
    if paths is None or any(isinstance(layer, ExternalModel) for _, layer in paths.every()):
        return
    frozen = frozen_at_first(training, paths)
    for stage in training.stages:
        _change(frozen, paths, stage.freeze, is_frozen=True)
        for pattern in stage.unfreeze:
            layers = paths.layers_of(paths.matches(pattern))
            if layers and not any(layer in frozen for layer in layers if _may_have_weights(layer)):
                yield Diagnostic(
                    BAD_STAGE,
                    f"`{pattern.text}` is not frozen when `{stage.name}` begins, so `unfreeze` changes nothing",
                    pattern.span,
                    expected="layers that `freeze` or `trainable: false` has frozen",
                    help="list them under `freeze` of `training`, or remove the entry",
                )
        _change(frozen, paths, stage.unfreeze, is_frozen=False)


def check_multipliers(context: CheckContext) -> Iterator[Diagnostic]:
    """Warn of entries of `learning_rate_multipliers` whose layers train in no stage, or that later entries replace."""
    training = context.training
    if training is None or not training.multipliers or not context.is_whole:
        return
    paths = LayerPaths.of(layer_paths(context.graph), training.patterns)
    if paths is None or any(isinstance(layer, ExternalModel) for _, layer in paths.every()):
        return
    trained = {layer for _, layer in paths.every() if _may_have_weights(layer)}
    trained -= {layer for layer in trained if next(wrapped_layers(layer), None)}
    trained -= always_frozen(training, paths)
    for each in reversed(training.multipliers):
        layers = paths.layers_of(paths.matches(each.layers))
        if layers and layers.isdisjoint(trained):
            yield Diagnostic(
                IDLE_MULTIPLIER,
                f"`{each.layers.text}` matches no layer that trains, so its factor changes nothing",
                each.layers.span,
                expected="layers with weights that train, and that no later entry matches",
                help="remove it, or write general names before special ones: the last entry that matches counts",
            )
        trained -= layers


def frozen_layers(training: Training, paths: LayerPaths[Layer]) -> Iterator[set[Layer]]:
    """Yield the layers of `paths` that each stage leaves as they are."""
    frozen = frozen_at_first(training, paths)
    for stage in training.stages:
        _change(frozen, paths, stage.freeze, is_frozen=True)
        _change(frozen, paths, stage.unfreeze, is_frozen=False)
        yield set(frozen)


def always_frozen(training: Training, paths: LayerPaths[Layer]) -> set[Layer]:
    """Return the layers of `paths` that no stage trains."""
    return set.intersection(*frozen_layers(training, paths))


def frozen_at_first(training: Training, paths: LayerPaths[Layer]) -> set[Layer]:
    """Return the layers of `paths` that are frozen before the first stage."""
    frozen = paths.layers_of(path for path, layer in paths.every() if not layer.trainable)
    _change(frozen, paths, training.freeze, is_frozen=True)
    return frozen


def _change(frozen: set[Layer], paths: LayerPaths[Layer], patterns: Sequence[Pattern], *, is_frozen: bool) -> None:
    """Add the layers that match, and those inside of them, to `frozen`, or remove them."""
    layers = paths.layers_of(path for each in patterns for path in paths.matches(each))
    frozen.update(layers) if is_frozen else frozen.difference_update(layers)


def _may_have_weights(layer: Layer) -> bool:
    """Return whether a layer takes an initializer, contains layers, or is unknown."""
    if not isinstance(layer, ObjectLayer):
        return isinstance(layer, ExternalModel)
    name = layer.class_name
    if ">" in name or name == "Attention" or next(wrapped_layers(layer), None):
        return True
    entry = catalog.find(layer.object.kind, name)
    return entry is not None and any(argument_kind(name) == "initializers" for name in entry.arguments)


def unmatched(pattern: Pattern, paths: list[str]) -> Diagnostic:
    """Return the diagnostic for a pattern that matches none of `paths`."""
    return Diagnostic(
        UNMATCHED_FREEZE,
        f"`{pattern.text}` matches no layer",
        pattern.span,
        expected="the name of a layer in Keras, `model/layer`, or a glob such as `encoder/*`",
        help=did_you_mean(pattern.text, paths, f"the layers are {one_of(paths)}"),
    )
