"""The difference for programs."""

from __future__ import annotations

from typing import Any

from graphspec.differences.changed_specs import Since
from graphspec.differences.difference import (
    BlockChange,
    CarriedWeights,
    Change,
    Described,
    Difference,
    LayerWeights,
    NodeChange,
    Size,
)
from graphspec.differences.texts import json_value
from graphspec.differences.values import UNSET

FORM = 1
"""The version of the keys."""


def as_json(difference: Difference) -> dict[str, Any]:
    """Return the difference as JSON."""
    weights = difference.weights
    return {
        "form": FORM,
        "first": _described(difference.first),
        "second": _described(difference.second),
        "same": difference.is_empty,
        "blocks": list(map(_block, difference.blocks)),
        "nodes": list(map(_node, difference.nodes)),
        "reshaped": list(map(_node, difference.reshaped)),
        "settings": list(map(_change, difference.settings)),
        "weights": _weights(weights),
    }


def since_as_json(since: Since) -> dict[str, Any]:
    """Return what has changed in several specs as JSON."""
    return {
        "form": FORM,
        "since": since.revision,
        "count": since.count,
        "specs": [
            {
                "path": each.path,
                "change": each.status,
                **({"difference": as_json(each.difference)} if each.difference is not None else {}),
                **({"errors": [found.message for found in each.report.errors]} if each.report is not None else {}),
            }
            for each in since.specs
        ],
    }


def _described(each: Described) -> dict[str, Any]:
    return {"source": each.source, "kind": each.kind, "name": each.name, "parameters": each.parameters}


def _block(block: BlockChange) -> dict[str, Any]:
    return {
        "change": block.status,
        "block": block.block,
        **({"was": block.was} if block.was else {}),
        "uses": len(block.nodes),
        "nodes": list(dict.fromkeys(block.nodes)),
        "parameters": list(map(_change, block.parameters)),
        "members": list(map(_node, block.members)),
    }


def _node(node: NodeChange) -> dict[str, Any]:
    found: dict[str, Any] = {"change": node.status, "part": node.part, "name": f"{node.model}{node.name}"}
    if node.was:
        found["was"] = f"{node.model}{node.was}"
    if node.changes:
        found["changes"] = list(map(_change, node.changes))
    for key in ("feed", "layers", "consumers"):
        if getattr(node, key):
            found["from" if key == "feed" else key] = list(getattr(node, key))
    for key, size in (("before", node.before), ("after", node.after)):
        if size is not None:
            found[key] = _size(size)
    return found


def _size(size: Size) -> dict[str, Any]:
    return {"shape": size.shape, "parameters": size.parameters}


def _change(change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {"aspect": change.aspect, "path": change.path}
    for key, value in (("before", change.before), ("after", change.after)):
        if value is not UNSET:
            found[key] = json_value(value)
    return found


def _weights(weights: CarriedWeights) -> dict[str, Any]:
    return {
        key: [_layer(each) for each in getattr(weights, key)]
        for key in ("carried", "reshaped", "fresh", "lost", "unknown")
    }


def _layer(layer: LayerWeights) -> dict[str, Any]:
    found: dict[str, Any] = {"path": layer.path}
    if layer.was:
        found["was"] = layer.was
    for key, shapes in (("before", layer.before), ("after", layer.after)):
        if shapes is not None:
            found[key] = [list(shape) for shape in shapes]
    return found
