"""Recurrent layers: `(batch, steps, features)` → the last output or all of them, with the states if they are asked for.

Keras looks at the sizes of a sequence when a layer is first applied; of initial states it looks at nothing.
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import OPEN_DIMENSION, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.language.graph import Layer
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.layers.cells import Cell, read_cell, refuse_open_features
from graphspec.shapes.layers.conv_lstm import NAMES as CONVOLUTIONAL
from graphspec.shapes.tensor import Tensor, Value

_STATES = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}

RECURRENT = ("RNN", *_STATES, *CONVOLUTIONAL)
"""The layers that go through a sequence."""


@layer(*_STATES)
def recurrent(call: Call) -> Value:
    """(batch, steps, features) → (batch, units) or (batch, steps, units); with the states as a list."""
    units, tensor = call["units"], call.tensor()
    if not isinstance(units, int):
        raise Unreadable
    refuse_no_sequence(call, tensor, 3, "batch, steps and features")
    return _run(call, Cell([units] * _STATES[call.name], units), tensor)


@layer("RNN")
def rnn(call: Call) -> Value:
    """The same with any cell, or a list of them on top of each other."""
    cell, tensor = read_cell(call, call["cell"], "cell"), call.tensor()
    if tensor.rank < 2 or (tensor.rank == 2 and tensor.shape[0] is None):
        refuse_no_sequence(call, tensor, 3, "batch, steps and features")
    return _run(call, cell, tensor)


def _run(call: Call, cell: Cell, tensor: Tensor) -> Value:
    batch, steps = tensor.shape[:2]
    if not call.facts:
        # Keras takes the steps out and looks at the last dimension of what is left.
        refuse_open_features(call, tensor, (batch, *tensor.shape[2:])[-1])
        refuse_open_batch(call, tensor)
    if cell.is_deep and call["return_state"]:
        call.refuse(
            UNFIT_ARGUMENT,
            "Keras cannot give the states of cells that are stacked in a stack",
            argument="cell",
            expected="one list of cells",
        )
    call.once(built=True)
    result = call.gives((batch, steps, cell.units) if call["return_sequences"] else (batch, cell.units))
    return [result, *_tensors(call, cell.shapes(batch))] if call["return_state"] else result


def _tensors(call: Call, shapes: Any) -> list[Value]:
    return [_tensors(call, each) if isinstance(each, list) else call.gives(each) for each in shapes]


def refuse_no_sequence(call: Call, tensor: Tensor, rank: int, dimensions: str) -> None:
    """Refuse a tensor of another number of dimensions."""
    if tensor.rank != rank:
        call.refuse(
            WRONG_RANK,
            f"`{call.name}` takes sequences, tensors of {rank} dimensions with the batch, and is given {tensor}",
            expected=f"a tensor of {rank} dimensions: {dimensions}",
            help="a recurrent layer before it needs `return_sequences: true`"
            if tensor.rank == rank - 1
            else "bring it to that form first, with `Reshape`",
        )


def refuse_open_batch(call: Call, tensor: Tensor) -> None:
    """Refuse to keep states from batch to batch where the size of a batch is not known."""
    if call["stateful"] and tensor.shape[0] is None:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` keeps its states from batch to batch, and what comes in is {tensor}",
            argument="stateful",
            expected="an input with a `batch_size`",
            help="write `{shape: [...], batch_size: 32}` under `inputs`, or leave `stateful` out",
        )


@layer("Bidirectional")
def bidirectional(call: Call) -> Value:
    """A recurrent layer forwards and backwards: the two results merged, or both, with the states of both."""
    forward = _held(call, "layer")
    backward = _held(call, "backward_layer") if call["backward_layer"] is not None else None
    _refuse_uneven(call, forward, backward)
    if backward is not None and backward.type_name == "RNN":
        read_cell(call, backward.arguments.get("cell"), "backward_layer")
    inner = call.infer(forward, call.inputs, {})
    first, *states = inner if isinstance(inner, list) else [inner]
    if not isinstance(first, Tensor):
        raise Unreadable
    states = [_cast(call, each) for each in states]
    if call["merge_mode"] == "concat":
        last = first.shape[-1]
        merged: list[Value] = [call.gives((*first.shape[:-1], None if last is None else 2 * last))]
    else:
        merged = [call.gives(first.shape)] * (2 if call["merge_mode"] is None else 1)
    results = [*merged, *states, *states]
    return results if len(results) > 1 else results[0]


def _cast(call: Call, state: Value) -> Value:
    if isinstance(state, list):
        return [_cast(call, each) for each in state]
    return call.gives(state.shape) if isinstance(state, Tensor) else state


def _held(call: Call, argument: str) -> Layer:
    """The recurrent layer in an argument."""
    held = call[argument]
    if not isinstance(held, Layer):
        raise Unreadable
    if ">" in held.class_name:
        raise Unreadable
    if held.class_name not in RECURRENT:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`Bidirectional` goes through sequences, and `{held.type_name}` does not",
            argument=argument,
            expected="a recurrent layer: " + ", ".join(f"`{name}`" for name in RECURRENT),
        )
    return held


def _refuse_uneven(call: Call, forward: Layer, backward: Layer | None) -> None:
    """Refuse two layers of one direction, or of different kinds of results."""
    one = forward.arguments
    other = {**one, "go_backwards": True} if backward is None else backward.arguments
    if bool(one.get("go_backwards")) == bool(other.get("go_backwards")):
        call.refuse(
            UNFIT_ARGUMENT,
            "both layers of `Bidirectional` go through the sequence in the same direction",
            argument="layer" if backward is None else "backward_layer",
            expected="a layer without `go_backwards`" if backward is None else "`go_backwards: true`",
        )
    for argument in ("stateful", "return_sequences", "return_state"):
        if bool(one.get(argument)) != bool(other.get(argument)):
            call.refuse(
                UNFIT_ARGUMENT,
                f"the two layers of `Bidirectional` differ in `{argument}`",
                argument="backward_layer",
                expected=f"`{argument}: {'true' if one.get(argument) else 'false'}`",
            )
    if one.get("stateful") and one.get("return_state"):
        call.refuse(
            UNFIT_ARGUMENT,
            "Keras cannot give the states of a `Bidirectional` that keeps them from batch to batch",
            argument="layer",
            expected="one of `stateful` and `return_state`",
        )
