"""Two specs → what differs in meaning: nodes, arguments, shapes, training, data, and the weights that carry over.

    word → Side (a spec) → calls of layers → matching → changes of nodes, blocks and settings → text, markdown, JSON

Comments, the order of keys, short forms, expressions and how a chain is cut into nodes are no differences.
"""

from __future__ import annotations

from pathlib import Path

from graphspec.differences.compare import compare, origins_of_layers
from graphspec.differences.difference import Difference
from graphspec.differences.sides import Side, side_of
from graphspec.spec import Spec

__all__ = ["Difference", "Side", "compare", "diff", "origins_of_layers", "side_of"]


def diff(first: Spec | Path | str, second: Spec | Path | str) -> Difference:
    """Return what differs in meaning between two specs, without TensorFlow.

    Args:
        first: A spec, its path, a run or a folder of runs, a `.keras` file, or `REVISION:path`.
        second: The other one.

    Raises:
        SpecError: One of them cannot be read, or has errors.
    """
    return compare(_side(first), _side(second))


def _side(spec: Spec | Path | str) -> Side:
    return Side(str(spec.path), "spec", spec) if isinstance(spec, Spec) else side_of(str(spec))
