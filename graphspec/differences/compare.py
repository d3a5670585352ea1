"""Two specs → their difference."""

from __future__ import annotations

import json
import re
from typing import Any

from graphspec.differences.blocks import group_blocks
from graphspec.differences.bodies import LayerPairs, compare_bodies
from graphspec.differences.difference import Described, Difference
from graphspec.differences.settings import compare_settings
from graphspec.differences.sides import Side
from graphspec.differences.weights import carried_weights, path_origins
from graphspec.language.document.tree import plain
from graphspec.language.graph import Graph
from graphspec.shapes import Shapes
from graphspec.shapes.parameters import count_parameters
from graphspec.spec import Spec


def compare(first: Side, second: Side) -> Difference:
    """Return all differences of two specs."""
    ours, theirs = _body(first.spec), _body(second.spec)
    layers = LayerPairs()
    by_layers = "model" in (first.kind, second.kind)
    matching, changes = compare_bodies(ours, theirs, layers, by_layers=by_layers)
    outputs = {
        name: other
        for call, partner in matching.calls.items()
        for name, other in zip(matching.first.outputs_of(call), matching.second.outputs_of(partner), strict=False)
    }
    blocks, nodes = group_blocks(matching, changes, _same_blocks(first.spec, second.spec))
    return Difference(
        first=_described(first),
        second=_described(second),
        blocks=tuple(blocks),
        nodes=tuple(each for each in nodes if each.is_direct),
        reshaped=tuple(each for each in nodes if not each.is_direct),
        settings=compare_settings(first.spec, second.spec, matching.inputs, outputs, compiled_alone=by_layers),
        weights=carried_weights(ours, theirs, layers),
    )


def origins_of_layers(first: Spec, second: Spec) -> tuple[dict[str, str | None], frozenset[str]]:
    """Match the layers of two specs as `compare` does.

    Returns:
        The path in `first` of each layer of `second` by its path, None for a layer that is new; and the layers whose
        weights are known from the specs, so that all of them carry over or none.
    """
    ours, theirs = _body(first), _body(second)
    layers = LayerPairs()
    compare_bodies(ours, theirs, layers)
    weights = carried_weights(ours, theirs, layers)
    whole = frozenset(each.path for each in (*weights.carried, *weights.reshaped) if each.after is not None)
    return path_origins(first.graph, second.graph, layers), whole


def _same_blocks(first: Spec, second: Spec) -> set[str]:
    """Return the blocks that two specs define alike, and that use no variable of another value."""
    ours, theirs = _definitions(first), _definitions(second)
    before, after = ours["vars"], theirs["vars"]
    changed = {name for name in {**before, **after} if before.get(name) != after.get(name)}
    size = -1
    while size != len(changed):
        size = len(changed)
        changed |= {name for name, value in after.items() if _words(value) & changed}
    alike = {name for name, block in ours["blocks"].items() if theirs["blocks"].get(name) == block}
    return {name for name in alike if not _words(ours["blocks"][name]) & changed}


def _words(value: Any) -> set[str]:
    """Return the words in the expressions of a value."""
    expressions = re.findall(r"\$\{([^}]*)\}", json.dumps(value))
    return {word for each in expressions for word in re.findall(r"[A-Za-z_]\w*", each)}


def _definitions(spec: Spec) -> dict[str, dict[str, Any]]:
    """Return the blocks and variables of a spec and of the files that it includes, as they are written."""
    libraries = [each for library in spec.includes for each in (library, *library.all_includes())]
    trees = [*(each.written for each in libraries), spec.tree]
    return {
        part: {key: item for tree in trees for key, item in plain(tree.get(part) or {}).items()}
        for part in ("blocks", "vars")
    }


def _body(spec: Spec) -> tuple[Graph, Shapes]:
    return spec.graph, spec.shapes


def _described(side: Side) -> Described:
    count = count_parameters(side.spec.graph, side.spec.shapes)
    return Described(side.source, side.kind, side.spec.name, count)
