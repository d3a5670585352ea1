"""Checks of `freeze`: each entry matches a layer, and some layer stays trainable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from graphspec import catalog
from graphspec.catalog.arguments import argument_kind
from graphspec.checks.context import CheckContext
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import FROZEN_EVERYTHING, UNMATCHED_FREEZE
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import ExternalModel, Layer, ObjectLayer, Pattern, wrapped_layers
from graphspec.language.traversal import layer_paths

_MAX_PATHS = 100_000
"""Paths of layers to list; beyond these no entry is reported, as nested models can have any number of paths."""

_MAX_MATCHES = 1_000_000
"""Globs times paths to match."""


def check_freeze(context: CheckContext) -> Iterator[Diagnostic]:
    """Report every entry of `freeze` that matches no layer."""
    training = context.training
    if training is None or not training.freeze or not context.is_whole:
        return
    listed = list(islice(layer_paths(context.graph), _MAX_PATHS))
    paths = list(dict.fromkeys(path for path, _ in listed))
    if len(listed) == _MAX_PATHS or _are_too_many(training.freeze, paths):
        return
    known = set(paths)
    outside = [path for path, layer in listed if isinstance(layer, ExternalModel)]
    for pattern in training.freeze:
        if pattern.text in known or _may_lie_inside(pattern.text, outside):
            continue
        if not (_is_glob(pattern.text) and any(fnmatchcase(path, pattern.text) for path in paths)):
            yield unmatched(pattern, paths)


def check_frozen(context: CheckContext) -> Iterator[Diagnostic]:
    """Report a training whose every layer with weights is frozen, by `freeze` or `trainable: false`.

    External models and custom layers may have weights. The adapters of LoRA train inside frozen layers too.
    """
    training = context.training
    if training is None or training.lora is not None or not context.is_whole:
        return
    paths = list(islice(layer_paths(context.graph), _MAX_PATHS))
    if _are_too_many(training.freeze, paths):
        return
    names = {each.text for each in training.freeze}
    globs = [each for each in names if _is_glob(each)]
    frozen = {
        path
        for path, layer in paths
        if not layer.trainable or path in names or any(fnmatchcase(path, text) for text in globs)
    }
    frozen_layers = {layer for path, layer in paths if path in frozen or _within(path, frozen)}
    weighted = {layer for _, layer in paths if _may_have_weights(layer)}
    if weighted and weighted <= frozen_layers and len(paths) < _MAX_PATHS:
        yield Diagnostic(
            FROZEN_EVERYTHING,
            "every layer with weights is frozen, so training would change nothing",
            training.freeze[0].span if training.freeze else training.optimizer.span,
            expected="at least one layer to train",
            help="remove a layer from `freeze`, or its `trainable: false`",
        )


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
