"""`freeze` against the layers that there are: an entry that matches none, and entries that leave nothing to train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice

from graphspec import catalog
from graphspec.catalog.arguments import argument_kind
from graphspec.checks.context import Subject
from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.rules import FROZEN_EVERYTHING, UNMATCHED_FREEZE
from graphspec.diagnostics.suggest import did_you_mean, one_of
from graphspec.language.graph import External, Graph, Layer, Object, Pattern, layer_paths, wrapped_layers

_MOST = 100_000
"""Models in models can have more paths than anyone can list; beyond these no entry is said to match nothing."""

_MOST_MATCHES = 1_000_000
"""Globs times paths."""


def check_freeze(subject: Subject) -> Iterator[Diagnostic]:
    """Every entry of `freeze` that matches no layer."""
    graph, training = subject.graph, subject.training
    if training is None or not training.freeze or not all(body.is_whole for body in (graph, *graph.models())):
        return
    listed = list(islice(layer_paths(graph), _MOST))
    paths = list(dict.fromkeys(path for path, _ in listed))
    if len(listed) == _MOST or _are_too_many(training.freeze, paths):
        return
    known = set(paths)
    outside = [path for path, layer in listed if isinstance(layer.what, External)]
    for pattern in training.freeze:
        if pattern.text in known or _may_lie_inside(pattern.text, outside):
            continue
        if not (_is_glob(pattern.text) and any(fnmatchcase(path, pattern.text) for path in paths)):
            yield unmatched(pattern, paths)


def check_frozen(subject: Subject) -> Iterator[Diagnostic]:
    """That every layer which may have weights is frozen, by `freeze` or by `trainable: false`.

    A model from elsewhere, and a custom layer, may have weights.
    """
    graph, training = subject.graph, subject.training
    if training is None or not all(body.is_whole for body in (graph, *graph.models())):
        return
    paths = list(islice(layer_paths(graph), _MOST))
    if _are_too_many(training.freeze, paths):
        return
    names = {each.text for each in training.freeze}
    globs = [each for each in names if _is_glob(each)]
    frozen = {
        path
        for path, layer in paths
        if _is_fixed(layer) or path in names or any(fnmatchcase(path, text) for text in globs)
    }
    still = {layer for path, layer in paths if path in frozen or _within(path, frozen)}
    weighted = {layer for _, layer in paths if _may_have_weights(layer)}
    if weighted and weighted <= still and len(paths) < _MOST:
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
    """Return whether to hold all globs against all paths would take too long; then nothing is said of them."""
    return sum(_is_glob(each.text) for each in patterns) * len(paths) > _MOST_MATCHES


def _within(path: str, frozen: set[str]) -> bool:
    """Whether one of the models and wrappers that `path` leads through is frozen."""
    parts = path.split("/")
    return any("/".join(parts[:count]) in frozen for count in range(1, len(parts)))


def _is_fixed(layer: Layer) -> bool:
    """Whether the spec itself says that the layer is not to be trained."""
    return not layer.trainable or (isinstance(layer.what, Object) and layer.what.arguments.get("trainable") is False)


def _may_have_weights(layer: Layer) -> bool:
    """Whether a layer itself may have weights to train: it takes an initializer, holds layers, or is unknown."""
    what = layer.what
    if isinstance(what, Graph):
        return False
    if isinstance(what, External) or ">" in what.name or what.name == "Attention" or next(wrapped_layers(layer), None):
        return True
    entry = catalog.find(what.kind, what.name)
    return entry is not None and any(argument_kind(name) == "initializers" for name in entry.arguments)


def _may_lie_inside(pattern: str, models: list[str]) -> bool:
    """Whether `pattern` may match a layer of a model from elsewhere, whose layers are known when it is built."""
    return bool(models) and (_is_glob(pattern) or pattern.startswith(tuple(f"{m}/" for m in models)))


def unmatched(pattern: Pattern, paths: list[str]) -> Diagnostic:
    """That `pattern` matches none of `paths`."""
    return Diagnostic(
        UNMATCHED_FREEZE,
        f"`{pattern.text}` matches no layer",
        pattern.span,
        expected="the name of a layer in Keras, `model/layer`, or a glob such as `encoder/*`",
        help=did_you_mean(pattern.text, paths, f"the layers are {one_of(paths)}"),
    )
