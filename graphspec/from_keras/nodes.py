"""Units → the nodes of a spec: chains of units folded into one node each, and named."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from graphspec.from_keras.records import Tensor
from graphspec.from_keras.units import NAME, WEIGHT, Unit, users_of
from graphspec.language.lower.naming import snake_case

_NODE_COST = 1.2
"""What a node costs beside a `name` that a step states: two lines, or a line and a long one."""

_MAX_NAME = 200
"""Characters of a name. YAML takes no key of more than 1,024."""


@dataclass(eq=False, slots=True)
class NodeRecord:
    """A node: its name, and the units of its steps."""

    name: str
    units: list[Unit]

    @property
    def result(self) -> Tensor:
        """The tensor that the node names."""
        return self.units[-1].result


def fold(units: list[Unit], outputs: list[Tensor], several: Container[tuple[str, int]] = ()) -> list[NodeRecord]:
    """Return the nodes that the units make, in their order, without names yet but for those of weights.

    A unit continues a node where it takes the one tensor that the node gives, and nothing else takes that.

    Args:
        units: The steps of a body or a block.
        outputs: The tensors that it gives.
        several: Layers and numbers of calls that give several tensors, which a node must name to pick one.
    """
    used = users_of(units, outputs)
    made = {unit.result for unit in units}
    of_weights = {unit.result for unit in units if unit.kind[0] == WEIGHT}
    follower: dict[Tensor, Unit] = {}
    for unit in units:
        if unit.takes_one:
            tensor = unit.feed[0]
            is_alone = used[tensor] == 1 and (tensor.layer, tensor.call) not in several
            is_operation = unit.kind[0] == "ops" and unit.result not in outputs
            fits = tensor not in of_weights or is_operation  # the weight has the name of the node
            if is_alone and fits and tensor in made and tensor not in outputs:
                follower[tensor] = unit
                of_weights |= {unit.result} if tensor in of_weights else set()
    following = set(follower.values())
    nodes = []
    for unit in units:
        if unit in following:
            continue
        chain = [unit]
        while chain[-1].result in follower:
            chain.append(follower[chain[-1].result])
        parts = _parts(chain) if unit.kind[0] != WEIGHT else [chain]
        nodes += [NodeRecord(unit.kind[1] if unit.kind[0] == WEIGHT else "", part) for part in parts]
    return nodes


def _parts(chain: list[Unit]) -> list[list[Unit]]:
    """Return a chain cut where the layers' names show that it was several nodes: as few stated names as can be."""
    if len(chain) == 1:
        return [chain]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(chain) + 1):
        label = chain[end - 1].result.layer
        stated, choices = 0, []
        for start in range(end - 1, -1, -1):
            if start < end - 1:
                stated += needs_name(chain[start], label)
            choices.append((best[start][0] + _NODE_COST + stated, start))
        best.append(min(choices))
    parts: list[list[Unit]] = []
    end = len(chain)
    while end:
        start = best[end][1]
        parts.append(chain[start:end])
        end = start
    return parts[::-1]


def needs_name(unit: Unit, label: str) -> bool:
    """Return whether the rule that names the layers of a node `label` cannot give the layer of `unit` its name."""
    if NAME not in unit.slots or unit.call is None:
        return False
    derived = f"{label}_{snake_case(unit.call.layer.class_name)}"
    return re.fullmatch(rf"{re.escape(derived)}(_\d+)?", str(unit.slots[NAME])) is None


def as_name(text: str) -> str:
    """Return a name of the language that is as much like `text` as one can be."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", text)[:_MAX_NAME].strip("_-")
    leading = re.match(r"[\d_-]*", name)
    assert leading is not None
    name, number = name[leading.end() :], leading[0].strip("_-")
    return f"{name or 'node'}_{number}" if number else name or "node"


def free_name(stem: str, taken: set[str]) -> str:
    """Return `stem`, or `stem_1`, `stem_2`, ... where it is taken, and take it."""
    name, number = stem, 1
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    taken.add(name)
    return name
