"""Cells of recurrent layers: their states, their output, and one step by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphspec.diagnostics.rules import BAD_OPERANDS, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.language.graph import ObjectLayer
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.sizes import broadcast
from graphspec.shapes.tensor import UNKNOWN, Size, Tensor, Value

STATES = {"LSTMCell": 2, "GRUCell": 1, "SimpleRNNCell": 1}
"""Cell of Keras → the number of its states."""

Nested = int | list["Nested"]
"""Sizes of states, in the structure in which Keras returns them."""


@dataclass(frozen=True)
class Cell:
    """A cell: the size of each state, by itself or in lists, and the size of its output."""

    states: Nested
    units: int

    @property
    def is_deep(self) -> bool:
        """Return whether states are in lists of lists, which Keras cannot return."""
        listed = self.states if isinstance(self.states, list) else []
        return any(isinstance(state, list) for each in listed if isinstance(each, list) for state in each)

    def shapes(self, batch: Size) -> list[Any]:
        """Return the shapes of the states."""
        return _shapes(self.states, batch) if isinstance(self.states, list) else [(batch, self.states)]


def _shapes(states: Nested, batch: Size) -> Any:
    return [_shapes(each, batch) for each in states] if isinstance(states, list) else (batch, states)


def read_cell(call: Call, held: Any, argument: str) -> Cell:
    """Return the cell, or the stack of cells, in an argument. Refuses layers that are no cells."""
    if isinstance(held, list):
        cells = [read_cell(call, each, argument) for each in held]
        if not cells:
            raise Unreadable
        return Cell([each.states for each in cells], cells[-1].units)
    if not isinstance(held, ObjectLayer):
        raise Unreadable
    if held.class_name == "StackedRNNCells":
        return read_cell(call, held.arguments.get("cells", []), argument)
    if held.class_name not in STATES:
        if ">" in held.class_name:
            raise Unreadable
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` expects a cell, but received `{held.class_name}`",
            argument=argument,
            expected="`LSTMCell`, `GRUCell` or `SimpleRNNCell`",
            help=f"`{held.class_name}Cell` is its cell"
            if f"{held.class_name}Cell" in STATES
            else "a cell computes one step",
        )
    units = held.arguments.get("units")
    if not isinstance(units, int):
        raise Unreadable
    return Cell([units] * 2 if STATES[held.class_name] == 2 else units, units)


def expect_features(call: Call, tensor: Tensor, last: Size) -> None:
    """Refuse an unknown number of features, which the weights need."""
    call.expect_known(
        last,
        "a known number of features in the last dimension",
        tensor,
        help="give the input its number of features; the number of steps may stay unknown",
    )


@layer(*STATES)
def cell(call: Call) -> Value:
    """Infer (batch, features) and the states → the output, and the new states."""
    tensor, units = call.tensor(), call["units"]
    operand = call.keywords.get("states")
    if not isinstance(units, int) or tensor.rank != 2 or (call.name == "LSTMCell" and not isinstance(operand, list)):
        return UNKNOWN
    states = [each for each in (operand if isinstance(operand, list) else [operand]) if isinstance(each, Tensor)]
    if not states or any(each.rank != 2 for each in states):
        return UNKNOWN
    if not call.is_built:
        expect_features(call, tensor, tensor.shape[-1])
    call.build()
    if len(states) < STATES[call.name]:
        call.refuse(
            BAD_OPERANDS,
            f"`{call.name}` expects {STATES[call.name]} states, but received {len(states)}",
            expected="`states: [h, c]`",
        )
    states = states[: STATES[call.name]]
    # The first state meets a matrix; that of an LSTM which is carried is only multiplied, and so is that of a GRU.
    carried = [] if call.name == "SimpleRNNCell" else [states[-1].shape]
    sizes = broadcast((units,), *((shape[-1],) for shape in carried))
    if states[0].shape[-1] not in (None, units) or sizes is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` of {units} units received states of {', '.join(map(str, states))}",
            argument="units",
            expected=f"states of {units} units",
        )
    shape = broadcast((tensor.shape[0], *sizes), *((each.shape[0], 1) for each in states))
    if shape is None:
        call.refuse(
            SHAPE_MISMATCH, f"`{call.name}` received tensors of different batch sizes", expected="one batch size"
        )
    result = call.output(shape)
    if call.name == "LSTMCell":
        return [result, [result, result]]
    return [result, [result] if isinstance(operand, list) else result]
