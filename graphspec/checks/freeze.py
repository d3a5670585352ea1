"""`freeze` against the layers that there are: an entry that matches none would silently freeze nothing."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice

from graphspec.diagnostics import Diagnostic
from graphspec.graph import Graph, Training, layer_paths
from graphspec.rules import UNMATCHED_FREEZE
from graphspec.suggest import did_you_mean, one_of

_MOST = 100_000
"""Models in models can have more paths than anyone can list; beyond these no entry is said to match nothing."""


def check_freeze(graph: Graph, training: Training) -> Iterator[Diagnostic]:
    """Every entry of `freeze` that matches no layer."""
    if not training.freeze:
        return
    paths = list(dict.fromkeys(path for path, _ in islice(layer_paths(graph), _MOST)))
    if len(paths) == _MOST:
        return
    for pattern in training.freeze:
        if not any(fnmatchcase(path, pattern.text) for path in paths):
            yield Diagnostic(
                UNMATCHED_FREEZE,
                f"`{pattern.text}` matches no layer",
                pattern.span,
                expected="the name of a layer in Keras, `model/layer`, or a glob such as `encoder/*`",
                help=did_you_mean(pattern.text, paths, f"the layers are {one_of(paths)}"),
            )
