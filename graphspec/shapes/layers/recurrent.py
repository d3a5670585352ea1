"""Recurrent layers: (batch, steps, features) → the last output or all of them, and on demand the states.

Keras checks the sizes of a sequence in the first call of a layer; those of initial states it never checks.
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import UNFIT_ARGUMENT
from graphspec.language.graph import Layer
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.layers.cells import Cell, expect_features, read_cell
from graphspec.shapes.layers.convolution import CONV_LSTM, refuse_unknown_batch
from graphspec.shapes.tensor import Tensor, Value

_STATES = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}

RECURRENT = ("RNN", *_STATES, *CONV_LSTM)
"""The layers that process a sequence step by step."""


@layer(*_STATES)
def recurrent(call: Call) -> Value:
    """Infer (batch, steps, features) → (batch, units) or (batch, steps, units); with states as a list."""
    units, tensor = call["units"], call.tensor()
    if not isinstance(units, int):
        raise Unreadable
    expect_sequence(call, tensor)
    return _run(call, Cell([units] * _STATES[call.name], units), tensor)


@layer("RNN")
def rnn(call: Call) -> Value:
    """Infer the output of `RNN`, with any cell or a stack of them."""
    cell, tensor = read_cell(call, call["cell"], "cell"), call.tensor()
    if tensor.rank < 2 or (tensor.rank == 2 and tensor.shape[0] is None):
        expect_sequence(call, tensor)
    return _run(call, cell, tensor)


def _run(call: Call, cell: Cell, tensor: Tensor) -> Value:
    """Return the output of a cell that runs over a sequence."""
    batch, steps = tensor.shape[:2]
    if not call.is_built:
        # Keras takes the steps out and looks at the last dimension of what is left.
        expect_features(call, tensor, (batch, *tensor.shape[2:])[-1])
        refuse_unknown_batch(call, tensor)
    if cell.is_deep and call["return_state"]:
        call.refuse(
            UNFIT_ARGUMENT,
            "Keras cannot return the states of a stack of cells inside of a stack",
            argument="cell",
            expected="one list of cells",
        )
    call.build()
    result = call.output((batch, steps, cell.units) if call["return_sequences"] else (batch, cell.units))
    return [result, *_tensors(call, cell.shapes(batch))] if call["return_state"] else result


def _tensors(call: Call, shapes: Any) -> list[Value]:
    return [_tensors(call, each) if isinstance(each, list) else call.output(each) for each in shapes]


def expect_sequence(call: Call, tensor: Tensor) -> None:
    """Refuse a tensor that is not (batch, steps, features)."""
    call.expect_rank(
        tensor,
        3,
        axes="(batch, steps, features)",
        help="a recurrent layer before it needs `return_sequences: true`"
        if tensor.rank == 2
        else "reshape it first, with `Reshape`",
    )


@layer("Bidirectional")
def bidirectional(call: Call) -> Value:
    """Infer the output of `Bidirectional`: both directions merged, or as a list; with the states of both."""
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
        merged: list[Value] = [call.output((*first.shape[:-1], None if last is None else 2 * last))]
    else:
        merged = [call.output(first.shape)] * (2 if call["merge_mode"] is None else 1)
    results = [*merged, *states, *states]
    return results if len(results) > 1 else results[0]


def _cast(call: Call, state: Value) -> Value:
    if isinstance(state, list):
        return [_cast(call, each) for each in state]
    return call.output(state.shape) if isinstance(state, Tensor) else state


def _held(call: Call, argument: str) -> Layer:
    """Return the recurrent layer in an argument. Refuses another layer."""
    held = call[argument]
    if not isinstance(held, Layer):
        raise Unreadable
    if ">" in held.class_name:
        raise Unreadable
    if held.class_name not in RECURRENT:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`Bidirectional` expects a recurrent layer, but received `{held.type_name}`",
            argument=argument,
            expected="one of " + ", ".join(f"`{name}`" for name in RECURRENT),
        )
    return held


def _refuse_uneven(call: Call, forward: Layer, backward: Layer | None) -> None:
    """Refuse two layers of one direction, or with different outputs."""
    one = forward.arguments
    other = {**one, "go_backwards": True} if backward is None else backward.arguments
    if bool(one.get("go_backwards")) == bool(other.get("go_backwards")):
        call.refuse(
            UNFIT_ARGUMENT,
            "both layers of `Bidirectional` have the same direction",
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
            "Keras cannot return the states of a stateful `Bidirectional`",
            argument="layer",
            expected="one of `stateful` and `return_state`",
        )
