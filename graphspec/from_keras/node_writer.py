"""Units → the nodes of a body or of a block: `from`, `merge`, `apply`."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from graphspec.from_keras.beginnings import beginning
from graphspec.from_keras.nodes import NodeRecord, as_name, fold, free_name, needs_name
from graphspec.from_keras.objects import form
from graphspec.from_keras.operations import operation_form
from graphspec.from_keras.records import Tensor
from graphspec.from_keras.units import NAME, Unit
from graphspec.from_keras.values import values_of
from graphspec.language.lower.merges import MERGES

_MIN_REPEATS = 2


@dataclass
class NodeWriter:
    """Writes units as nodes of a body or of a block.

    Attributes:
        names: The name of the node of each tensor; filled as nodes are written.
        reference: Returns the text by which a spec names a tensor.
        reserved: Names that no node may bear.
        implied: Names of layers that need not be stated.
        several: Layers and calls that give several tensors.
        candidates: Receives those that may be implied; None for a block, whose layers state names with parameters.
        anchored: The output that takes in the losses of the graph: its last layer is named like those before it.
    """

    names: dict[Tensor, str]
    reference: Callable[[Tensor, dict[Tensor, str]], str]
    reserved: Iterable[str] = ()
    implied: Container[str] = ()
    candidates: set[str] | None = None
    several: Container[tuple[str, int]] = ()
    anchored: str = ""

    def nodes(self, units: list[Unit], outputs: list[Tensor], by_tensor: dict[Tensor, str]) -> dict[str, Any]:
        """Return nodes by name. by_tensor: the names that tensors must have, those of outputs."""
        nodes = fold(units, outputs, self.several)
        taken = {*self.names.values(), *by_tensor.values(), *self.reserved, *(node.name for node in nodes)}
        for node in nodes:
            wanted = by_tensor.get(node.result)
            node.name = wanted or node.name or _free_node_name(node, taken)
            taken |= _names_of_uses(node, node.name)
            self.names[node.result] = node.name
        return {node.name: self.node(node) for node in nodes}

    def node(self, node: NodeRecord) -> dict[str, Any]:
        """Return one node."""
        first = node.units[0]
        written: dict[str, Any] = {"from": self.operands(first)} if first.inputs else beginning(first)
        steps = []
        layers = [unit for unit in node.units if unit.kind[0] == "layer"]
        for unit in node.units[1:] if written and not first.inputs else node.units:
            slots = dict(unit.slots)
            if unit.kind[0] == "layer" and not self.states_name(
                unit, node, is_last=bool(layers) and layers[-1] is unit
            ):
                slots.pop(NAME, None)
            word = _merge(unit, slots) if unit is first else None
            if word is not None:
                written["merge"] = word
            else:
                steps.append(self.step(unit, slots, is_first=unit is first))
        steps = _repeated(steps)
        if steps:
            written["apply"] = steps[0] if len(steps) == 1 else steps
        return written

    def states_name(self, unit: Unit, node: NodeRecord, *, is_last: bool) -> bool:
        """Return whether a step has to state the name of its layer."""
        name = unit.slots.get(NAME)
        if self.candidates is None or not isinstance(name, str):
            return True
        if is_last and node.name != self.anchored:
            return name != node.name
        if not needs_name(unit, node.name):
            self.candidates.add(name)
        return name not in self.implied

    def operands(self, unit: Unit) -> Any:
        """Return `from` of the node that begins with a unit."""
        if unit.args:
            return self.value(unit.args[0] if len(unit.args) == 1 else unit.args)
        return {key: self.value(unit.kwargs[key]) for key in _in_from(unit)}

    def value(self, value: Any) -> Any:
        """Return arguments of a call with references in the place of tensors."""
        return values_of(value, lambda tensor: self.reference(tensor, self.names))

    def step(self, unit: Unit, slots: dict[str, Any], *, is_first: bool) -> Any:
        """Return a step: a layer, an operation, a model or a block with its arguments."""
        what, name = unit.kind
        if what == "block":
            step: Any = _use(unit, slots)
        elif what in ("model", "shared"):
            step = name
        elif what == "ops":
            step = operation_form(name, slots, unit)
        else:
            step = form("layers", name, slots)
        in_from = _in_from(unit) if is_first and not unit.args else []
        keywords = {key: self.value(value) for key, value in unit.kwargs.items() if key not in in_from}
        if not keywords:
            return step
        return {**(step if isinstance(step, dict) else {step: None}), "call": keywords}


def _free_node_name(node: NodeRecord, taken: set[str]) -> str:
    """Return a name for a node that neither it nor the uses of blocks in it share with another, and take it."""
    stem = as_name(_stem(node))
    name = free_name(stem, taken)
    while taken & _names_of_uses(node, name):
        name = free_name(stem, taken)
    return name


def _names_of_uses(node: NodeRecord, name: str) -> set[str]:
    """Return the names that the language gives to the uses of blocks in a node, but for the first: `name_1`, ..."""
    uses = sum(unit.block is not None for unit in node.units)
    return {f"{name}_{number}" for number in range(1, uses)}


def _repeated(steps: list[Any]) -> list[Any]:
    """Return steps with equal ones in a row as one that is repeated.

    Layers with names of their own differ by them; those of a call for more than one tensor stay as they are.
    """
    found: list[Any] = []
    for _, group in groupby(steps):
        equal = list(group)
        step = equal[0]
        if len(equal) < _MIN_REPEATS or (isinstance(step, dict) and "call" in step):
            found += equal
        else:
            found.append({**(step if isinstance(step, dict) else {step: None}), "repeat": len(equal)})
    return found


def _in_from(unit: Unit) -> list[str]:
    """Return the keywords that `from` of a node names, where it has no operand by position: not masks and states."""
    return [
        key
        for key, value in unit.kwargs.items()
        if isinstance(value, Tensor) and (unit.kind[0] != "layer" or not key.endswith(("mask", "state")))
    ]


def _stem(node: NodeRecord) -> str:
    last = node.units[-1]
    text = str(last.slots.get(NAME, last.result.layer))
    text = text.rpartition("}")[2] if "${" in text else text
    return re.sub("__+", "_", text)  # two are between the names of a node and of the block's node that it uses


def _use(unit: Unit, slots: dict[str, Any]) -> Any:
    assert unit.block is not None
    if not slots:
        return unit.block.name
    parameters = unit.block.ordered_parameters()
    first = next(iter(parameters))
    return {
        unit.block.name: slots[first]
        if list(slots) == [first]
        else {key: slots[key] for key in parameters if key in slots}
    }


def _merge(unit: Unit, slots: dict[str, Any]) -> Any:
    """Return the word of the merge layer that is called on a list, with its arguments; None where it is none."""
    is_list = len(unit.args) == 1 and isinstance(unit.args[0], list) and len(unit.feed) > 1 and not unit.kwargs
    if not is_list or unit.kind[0] != "layer":
        return None
    for word, (name, own) in reversed(MERGES.items()):
        if name == unit.kind[1] and all(slots.get(key) == value for key, value in own.items()):
            rest = {key: value for key, value in slots.items() if key not in own}
            return {word: rest} if rest else word
    return None
