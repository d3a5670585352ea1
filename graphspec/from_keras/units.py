"""What a body computes, step by step: a call of a layer, or a use of a block that stands for several.

A unit knows which tensors it takes in, what it gives, and its slots: what a spec writes of it, its arguments and its
name, each of which may become a parameter where units repeat.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from graphspec.from_keras.records import Call, Tensor, tensors_in
from graphspec.language.document.write_yaml import write_value

NAME = "name"
CONSTANT, WEIGHT = "constant", "weight"
"""Kinds of units that take nothing; that of a weight has its name."""

_MAX_LINE = 90
"""Characters of arguments that fit into a line with what is around them."""


def lines_of(slots: dict[str, Any]) -> int:
    """Return how many lines a step takes: one, or one for each argument if they do not fit into it."""
    return 1 if len(write_value(slots)) <= _MAX_LINE else 1 + len(slots)


@dataclass(eq=False, slots=True)
class Unit:
    """One step of a body. args and kwargs are those of its call, with tensors in them.

    kind tells units apart that no parameter can make equal: the class, the operation, the model or the block.
    slots are the arguments that are no defaults, and the name where there is one. operands: the tensors of an operation
    by its arguments.
    """

    kind: tuple[str, str]
    args: list[Any]
    kwargs: dict[str, Any]
    result: Tensor
    slots: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    call: Call | None = None
    block: Block | None = None
    operands: dict[str, Any] = field(default_factory=dict)
    known_lines: int = 0

    @property
    def inputs(self) -> list[Tensor]:
        """Every tensor that comes in, in order."""
        return list(tensors_in([self.args, self.kwargs]))

    @property
    def feed(self) -> list[Tensor]:
        """The tensors that come in by position: one, or the items of a list."""
        listed = self.args[0] if len(self.args) == 1 and isinstance(self.args[0], list) else self.args
        return [each for each in listed if isinstance(each, Tensor)]

    @property
    def takes_one(self) -> bool:
        """Return whether the unit takes one tensor by position, and no list."""
        return len(self.args) == 1 and isinstance(self.args[0], Tensor)

    @property
    def lines(self) -> int:
        """The lines that the step takes; see `lines_of`."""
        if not self.known_lines:
            self.known_lines = lines_of(self.slots)
        return self.known_lines

    def slot(self, key: str) -> Any:
        """Return the value of a slot; its default where the unit does not state it."""
        return self.slots.get(key, self.defaults.get(key))


@dataclass(eq=False, slots=True)
class Block:
    """A template: units, of which `template[i].slots` may hold `Expression`s of the parameters.

    inputs are the tensors of the template that come from outside, in the order of their names.
    """

    name: str
    parameters: dict[str, Any]
    inputs: dict[str, Tensor]
    template: list[Unit]

    def ordered_parameters(self) -> dict[str, Any]:
        """Return the parameters as they are written: the name first, then those without a default."""
        return dict(sorted(self.parameters.items(), key=lambda item: (item[0] != NAME, item[1] is not None)))

    @property
    def output(self) -> Tensor:
        """The tensor of the template that the block gives."""
        return self.template[-1].result


def users_of(units: list[Unit], outputs: list[Tensor]) -> Counter[Tensor]:
    """Return how often each tensor is taken in, outputs of the body included."""
    return Counter([*(tensor for unit in units for tensor in unit.inputs), *outputs])


def without_unused(units: list[Unit], outputs: list[Tensor]) -> list[Unit]:
    """Return units without operations that nothing takes, such as those that compute a mask which is left out."""
    taken = {(tensor.layer, tensor.call) for tensor in outputs}
    kept = []
    for unit in reversed(units):
        if unit.kind[0] != "ops" or (unit.result.layer, unit.result.call) in taken:
            kept.append(unit)
            taken |= {(tensor.layer, tensor.call) for tensor in unit.inputs}
    return kept[::-1]
