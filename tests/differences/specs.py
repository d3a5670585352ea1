"""Specs as trees, compared as if they were files."""

from __future__ import annotations

import json
from typing import Any

from graphspec.differences import Difference, Side, compare
from graphspec.differences.difference import Change, NodeChange
from graphspec.differences.values import UNSET
from graphspec.language.document.overlay import key, overlay
from graphspec.spec import load

Tree = dict[str, Any]


def side(tree: Tree, name: str = "spec.json") -> Side:
    """A tree as the spec in a file."""
    with overlay({key(name): json.dumps(tree).encode()}):
        return Side(name, "spec", load(name))


def difference(first: Tree, second: Tree) -> Difference:
    """The difference of two trees."""
    return compare(side(first), side(second))


def model(graph: Tree, outputs: Tree | None = None, **more: Any) -> Tree:
    """A spec with an input `x` of 8 numbers, and by default an output of the node `last`."""
    outputs = outputs or {"y": {"from": "last", "apply": {"Dense": 1}}}
    return {"graphspec": 1, "inputs": {"x": [8]}, "graph": graph, "outputs": outputs, **more}


def lines(changes: tuple[Change, ...]) -> list[tuple[str, str, Any, Any]]:
    """Changes as tuples, None for what is unset."""
    return [(each.aspect, each.path, _none(each.before), _none(each.after)) for each in changes]


def _none(value: Any) -> Any:
    return None if value is UNSET else value


def only(found: Difference) -> NodeChange:
    """The one node that differs; nothing else does."""
    assert not found.blocks
    assert not found.settings
    (change,) = found.nodes
    return change
