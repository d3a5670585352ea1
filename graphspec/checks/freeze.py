"""Checks of `freeze` and `unfreeze`: each entry matches a layer and changes it, and some layer stays trainable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from graphspec import catalog
from graphspec.catalog.arguments import argument_kind
from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic, Span
from graphspec.diagnostics.rules import BAD_STAGE, FROZEN_EVERYTHING, IDLE_MULTIPLIER, UNMATCHED_FREEZE
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import ExternalModel, Layer, ObjectLayer, wrapped_layers
from graphspec.language.objects import Pattern
from graphspec.language.training import Stage, Training
from graphspec.language.traversal import layer_paths

_MAX_PATHS = 100_000
"""Paths of layers to list; beyond these no entry is reported, as nested models can have any number of paths."""

_MAX_MATCHES = 1_000_000
"""Globs times paths to match."""


def check_freeze(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every entry of `freeze` and `unfreeze` that matches no layer."""
    training = context.training
    if training is None or not training.patterns or not context.is_whole:
        return
    listed = list(islice(layer_paths(context.graph), _MAX_PATHS))
    paths = list(dict.fromkeys(path for path, _ in listed))
    if len(listed) == _MAX_PATHS or _are_too_many(training.patterns, paths):
        return
    known = set(paths)
    outside = [path for path, layer in listed if isinstance(layer, ExternalModel)]
    for pattern in training.patterns:
        if pattern.text in known or _may_lie_inside(pattern.text, outside):
            continue
        if not (_is_glob(pattern.text) and any(fnmatchcase(path, pattern.text) for path in paths)):
            yield unmatched(pattern, paths)


def check_frozen(context: CheckContext) -> Iterator[Diagnostic]:
    """Report a training, or a stage, whose every layer with weights is frozen, by `freeze` or `trainable: false`.

    External models and custom layers may have weights. The adapters of LoRA train inside frozen layers too.
    """
    training = context.training
    if training is None or training.lora is not None or not context.is_whole:
        return
    paths = list(islice(layer_paths(context.graph), _MAX_PATHS))
    if _are_too_many(training.patterns, paths) or len(paths) == _MAX_PATHS:
        return
    weighted = {layer for _, layer in paths if _may_have_weights(layer)}
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
    paths = list(islice(layer_paths(context.graph), _MAX_PATHS))
    if _are_too_many(training.patterns, paths) or len(paths) == _MAX_PATHS:
        return
    weighted = [(path, layer) for path, layer in paths if _may_have_weights(layer)]
    if any(isinstance(layer, ExternalModel) for _, layer in weighted):
        return
    frozen = frozen_at_first(training, paths)
    for stage in training.stages:
        _change(frozen, paths, stage.freeze, is_frozen=True)
        for pattern in stage.unfreeze:
            matched = _matched([pattern], [path for path, _ in paths])
            inside = [layer for path, layer in weighted if path in matched or _within(path, matched)]
            if matched and not any(layer in frozen for layer in inside):
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
    paths = list(islice(layer_paths(context.graph), _MAX_PATHS))
    if _are_too_many(training.patterns, paths) or len(paths) == _MAX_PATHS:
        return
    if any(isinstance(layer, ExternalModel) for _, layer in paths):
        return
    weighted = {layer for _, layer in paths if _may_have_weights(layer) and not next(wrapped_layers(layer), None)}
    trained = {layer for frozen in frozen_layers(training, paths) for layer in weighted - frozen}
    for each in reversed(training.multipliers):
        matched = _matched([each.layers], [path for path, _ in paths])
        inside = {layer for path, layer in paths if path in matched or _within(path, matched)}
        if matched and not inside & trained:
            yield Diagnostic(
                IDLE_MULTIPLIER,
                f"`{each.layers.text}` matches no layer that trains, so its factor changes nothing",
                each.layers.span,
                expected="layers with weights that train, and that no later entry matches",
                help="remove it, or write general names before special ones: the last entry that matches counts",
            )
        trained -= inside


def frozen_layers(training: Training, paths: Sequence[tuple[str, Layer]]) -> Iterator[set[Layer]]:
    """Yield the layers of `paths` that each stage leaves as they are."""
    frozen = frozen_at_first(training, paths)
    for stage in training.stages:
        _change(frozen, paths, stage.freeze, is_frozen=True)
        _change(frozen, paths, stage.unfreeze, is_frozen=False)
        yield set(frozen)


def frozen_at_first(training: Training, paths: Sequence[tuple[str, Layer]]) -> set[Layer]:
    """Return the layers of `paths` that are frozen before the first stage."""
    stated = {path for path, layer in paths if not layer.trainable}
    frozen = {layer for path, layer in paths if path in stated or _within(path, stated)}
    _change(frozen, paths, training.freeze, is_frozen=True)
    return frozen


def _change(
    frozen: set[Layer], paths: Sequence[tuple[str, Layer]], patterns: Sequence[Pattern], *, is_frozen: bool
) -> None:
    """Add the layers that match, and those inside of them, to `frozen`, or remove them."""
    matched = _matched(patterns, [path for path, _ in paths])
    if matched:
        layers = {layer for path, layer in paths if path in matched or _within(path, matched)}
        frozen.update(layers) if is_frozen else frozen.difference_update(layers)


def _matched(patterns: Sequence[Pattern], paths: Sequence[str]) -> set[str]:
    names = {each.text for each in patterns}
    globs = [each for each in names if _is_glob(each)]
    return {path for path in paths if path in names or any(fnmatchcase(path, text) for text in globs)}


def _is_glob(text: str) -> bool:
    return any(char in text for char in "*?[")


def _are_too_many(patterns: Sequence[Pattern], paths: Sequence[object]) -> bool:
    """Return whether matching all globs with all paths would take too long."""
    return sum(_is_glob(each.text) for each in patterns) * len(paths) > _MAX_MATCHES


def _within(path: str, frozen: set[str]) -> bool:
    """Return whether a model or wrapper that contains `path` is frozen."""
    parts = path.split("/")
    return any("/".join(parts[:count]) in frozen for count in range(1, len(parts)))


def _may_have_weights(layer: Layer) -> bool:
    """Return whether a layer takes an initializer, contains layers, or is unknown."""
    if not isinstance(layer, ObjectLayer):
        return isinstance(layer, ExternalModel)
    name = layer.class_name
    if ">" in name or name == "Attention" or next(wrapped_layers(layer), None):
        return True
    entry = catalog.find(layer.object.kind, name)
    return entry is not None and any(argument_kind(name) == "initializers" for name in entry.arguments)


def _may_lie_inside(pattern: str, models: list[str]) -> bool:
    """Return whether `pattern` may match a layer of an external model, known only once built."""
    return bool(models) and (_is_glob(pattern) or pattern.startswith(tuple(f"{m}/" for m in models)))


def unmatched(pattern: Pattern, paths: list[str]) -> Diagnostic:
    """Return the diagnostic for a pattern that matches none of `paths`."""
    return Diagnostic(
        UNMATCHED_FREEZE,
        f"`{pattern.text}` matches no layer",
        pattern.span,
        expected="the name of a layer in Keras, `model/layer`, or a glob such as `encoder/*`",
        help=did_you_mean(pattern.text, paths, f"the layers are {one_of(paths)}"),
    )
