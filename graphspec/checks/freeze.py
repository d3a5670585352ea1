"""`freeze` against the layers that there are: an entry that matches none would silently freeze nothing."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice

from graphspec.diagnostics import Diagnostic
from graphspec.graph import External, Graph, Pattern, Training, layer_paths
from graphspec.rules import UNMATCHED_FREEZE
from graphspec.suggest import did_you_mean, one_of

_MOST = 100_000
"""Models in models can have more paths than anyone can list; beyond these no entry is said to match nothing."""


def check_freeze(graph: Graph, training: Training) -> Iterator[Diagnostic]:
    """Every entry of `freeze` that matches no layer."""
    if not training.freeze or not all(body.is_whole for body in (graph, *graph.models())):
        return
    paths = list(dict.fromkeys(path for path, _ in islice(layer_paths(graph), _MOST)))
    if len(paths) == _MOST:
        return
    outside = [path for path, layer in layer_paths(graph) if isinstance(layer.what, External)]
    for pattern in training.freeze:
        if _may_lie_inside(pattern.text, outside):
            continue
        if not any(fnmatchcase(path, pattern.text) for path in paths):
            yield unmatched(pattern, paths)


def _may_lie_inside(pattern: str, models: list[str]) -> bool:
    """Whether `pattern` may match a layer of a model from elsewhere, whose layers are known when it is built."""
    return bool(models) and (
        any(char in pattern for char in "*?[") or pattern.startswith(tuple(f"{m}/" for m in models))
    )


def unmatched(pattern: Pattern, paths: list[str]) -> Diagnostic:
    """That `pattern` matches none of `paths`."""
    return Diagnostic(
        UNMATCHED_FREEZE,
        f"`{pattern.text}` matches no layer",
        pattern.span,
        expected="the name of a layer in Keras, `model/layer`, or a glob such as `encoder/*`",
        help=did_you_mean(pattern.text, paths, f"the layers are {one_of(paths)}"),
    )
