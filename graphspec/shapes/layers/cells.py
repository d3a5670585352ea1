"""Cells of recurrent layers: the states that they keep and what they give, and one step of them by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphspec.diagnostics.rules import BAD_OPERANDS, OPEN_DIMENSION, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.language.graph import ObjectLayer
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.sizes import broadcast
from graphspec.shapes.tensor import UNKNOWN, Size, Tensor, Value

STATES = {"LSTMCell": 2, "GRUCell": 1, "SimpleRNNCell": 1}
"""The cells of Keras, and how many states each keeps."""

Nested = int | list["Nested"]
"""The sizes of states, in the structure in which Keras hands them out."""


@dataclass(frozen=True)
class Cell:
    """states: the size of each state, by itself or in lists; units: the size of what the cell gives."""

    states: Nested
    units: int

    @property
    def is_deep(self) -> bool:
        """Whether states lie in lists of lists, which Keras cannot give."""
        listed = self.states if isinstance(self.states, list) else []
        return any(isinstance(state, list) for each in listed if isinstance(each, list) for state in each)

    def shapes(self, batch: Size) -> list[Any]:
        """The shapes of the states."""
        return _shapes(self.states, batch) if isinstance(self.states, list) else [(batch, self.states)]


def _shapes(states: Nested, batch: Size) -> Any:
    return [_shapes(each, batch) for each in states] if isinstance(states, list) else (batch, states)


def read_cell(call: Call, held: Any, argument: str) -> Cell:
    """The cell, or cells on top of each other, in an argument. Refuses layers that are no cells."""
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
            f"`{call.name}` holds cells, and `{held.class_name}` is none",
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


def refuse_open_features(call: Call, tensor: Tensor, last: Size) -> None:
    """Refuse where the size of the matrix over the features is not known."""
    if last is None:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` needs to know the number of features, the last dimension, and what comes in is {tensor}",
            expected="a last dimension of known size",
            help="give the input its number of features; the number of steps may stay open",
        )


@layer(*STATES)
def cell(call: Call) -> Value:
    """(batch, features) and the states → what the cell gives, and the new states."""
    tensor, units = call.tensor(), call["units"]
    given = call.keywords.get("states")
    if not isinstance(units, int) or tensor.rank != 2 or (call.name == "LSTMCell" and not isinstance(given, list)):
        return UNKNOWN
    states = [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, Tensor)]
    if not states or any(each.rank != 2 for each in states):
        return UNKNOWN
    if not call.facts:
        refuse_open_features(call, tensor, tensor.shape[-1])
    call.once(built=True)
    if len(states) < STATES[call.name]:
        call.refuse(
            BAD_OPERANDS,
            f"`{call.name}` keeps {STATES[call.name]} states and is given {len(states)}",
            expected="`states: [h, c]`",
        )
    states = states[: STATES[call.name]]
    # The first state meets a matrix; that of an LSTM which is carried is only multiplied, and so is that of a GRU.
    carried = [] if call.name == "SimpleRNNCell" else [states[-1].shape]
    sizes = broadcast((units,), *((shape[-1],) for shape in carried))
    if states[0].shape[-1] not in (None, units) or sizes is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` has {units} units and is given states of {', '.join(map(str, states))}",
            argument="units",
            expected=f"states of {units} units",
        )
    shape = broadcast((tensor.shape[0], *sizes), *((each.shape[0], 1) for each in states))
    if shape is None:
        call.refuse(SHAPE_MISMATCH, f"`{call.name}` is given tensors of different batch sizes", expected="one batch")
    result = call.gives(shape)
    if call.name == "LSTMCell":
        return [result, [result, result]]
    return [result, [result] if isinstance(given, list) else result]
