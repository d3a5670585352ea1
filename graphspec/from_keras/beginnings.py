"""Units that take no tensor, each the beginning of a node: a constant, what an operation makes of a size, or a weight.

A weight of a spec is an `Embedding` of all its rows, which numbers in a row look up, and a reshape unless it has two
dimensions. It becomes one unit, whose node bears the name of the `Embedding`.
"""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Any

from graphspec.from_keras.nodes import as_name
from graphspec.from_keras.records import Call, Tensor
from graphspec.from_keras.units import CONSTANT, NAME, WEIGHT, Unit, users_of
from graphspec.language.arrays import array_dtype, items_of, nested_shape

_SETTINGS = {
    "embeddings_initializer": "initializer",
    "embeddings_regularizer": "regularizer",
    "embeddings_constraint": "constraint",
    "dtype": "dtype",
    "trainable": "trainable",
}
"""Arguments of an `Embedding` that a weight has, with its keys for them."""

_INITIALIZER = "GlorotUniform"
"""That of a weight which states none."""

_DTYPES = (None, "float32", "float16", "bfloat16", "float64")
_MATRIX = 2


def constant_unit(call: Call) -> Unit:
    """Return the unit of a call that takes nothing, and gives an array."""
    value, dtype = call.layer.config["x"], call.layer.config["dtype"]
    if isinstance(value, list) and len(value) > 1 and _are_in_a_row(value, dtype):
        return Unit(("ops", "ops.arange"), [], {}, call.result, {"start": len(value)}, call=call)
    if dtype == "float32" and _is_unit_matrix(value):
        return Unit(("ops", "ops.eye"), [], {}, call.result, {"N": len(value)}, call=call)
    stated = {} if dtype == array_dtype(value) else {"dtype": dtype}
    return Unit((CONSTANT, ""), [], {}, call.result, {"constant": value, **stated}, call=call)


def _is_unit_matrix(value: Any) -> bool:
    if len(sizes := nested_shape(value)) != _MATRIX or sizes[0] != sizes[1] or sizes[0] == 1:
        return False
    return all(item == (at % sizes[0] == at // sizes[0]) for at, item in enumerate(items_of(value)))


def _are_in_a_row(value: Any, dtype: str) -> bool:
    """Return whether an array is 0, 1, 2, ... of the dtype of `ops.arange`."""
    return dtype == "int32" and isinstance(value, list) and value == list(range(len(value)))


def join_weights(units: list[Unit], outputs: list[Tensor], taken: Container[str]) -> list[Unit]:
    """Return units with one for each weight, in the place of those of which the language makes it.

    Args:
        units: The units of a body.
        outputs: The tensors that it gives.
        taken: Names that no node may bear.
    """
    used = users_of(units, outputs)
    makers = {unit.result: unit for unit in units}
    followers = {unit.feed[0]: unit for unit in units if unit.takes_one}
    joined: dict[Tensor, Unit] = {}
    parts: set[Unit] = set()
    for unit in units:
        rows = makers.get(unit.feed[0]) if unit.takes_one else None
        if rows is None or unit.result in outputs:
            continue
        written = _settings(unit, rows)
        name = str(unit.slots.get(NAME))
        if written is None or as_name(name) != name or name in taken:
            continue
        last, shape = unit, [unit.slots["input_dim"], unit.slots["output_dim"]]
        follower = followers.get(unit.result)
        is_alone = follower is not None and used[unit.result] == 1 and follower.result not in outputs
        if follower is not None and is_alone and (sizes := _sizes(follower, shape)) is not None:
            last, shape = follower, sizes
        joined[last.result] = Unit((WEIGHT, name), [], {}, last.result, {"shape": shape, **written}, call=last.call)
        parts |= {unit, last}
        used[rows.result] -= 1
    kept = [unit for unit in units if unit.result in joined or unit not in parts]
    return [joined.get(unit.result, unit) for unit in kept if unit.inputs or used[unit.result]]


def _settings(unit: Unit, rows: Unit) -> dict[str, Any] | None:
    """Return the keys of a weight but its shape, of an `Embedding` that looks up these rows; None for any other."""
    count = unit.slots.get("input_dim")
    is_table = unit.kind == ("layer", "Embedding") and not unit.kwargs and type(unit.slots.get("output_dim")) is int
    is_plain = unit.slots.keys() <= {"input_dim", "output_dim", NAME, *_SETTINGS}
    numbers = rows.call.layer.config.get("x") if rows.call is not None and not rows.inputs else None
    is_whole = type(count) is int and isinstance(numbers, list) and len(numbers) == count
    if not is_table or not is_plain or not is_whole or unit.slots.get("dtype") not in _DTYPES:
        return None
    if not _are_in_a_row(numbers, "int32") or rows.kind not in (("ops", "ops.arange"), (CONSTANT, "")):
        return None
    written = {key: unit.slots[argument] for argument, key in _SETTINGS.items() if argument in unit.slots}
    written.setdefault("initializer", unit.defaults["embeddings_initializer"])
    if written["initializer"] == _INITIALIZER:
        del written["initializer"]
    return {key: written[key] for key in _SETTINGS.values() if key in written}


def _sizes(unit: Unit, table: list[int]) -> list[int] | None:
    """Return the shape of a weight that is reshaped from its table; None if the language makes another table of it."""
    sizes = unit.slots.get("newshape")
    if unit.kind != ("ops", "ops.reshape") or unit.slots.keys() != {"newshape"} or not isinstance(sizes, list):
        return None
    if any(type(each) is not int or each < 1 for each in sizes) or len(sizes) == _MATRIX:
        return None
    return sizes if [math.prod(sizes[:-1]), (sizes or [1])[-1]] == table else None


def with_beginnings(beginnings: list[Unit], units: list[Unit]) -> list[Unit]:
    """Return units with each beginning before the unit that first takes it."""
    waiting = {unit.result: unit for unit in beginnings}
    placed: list[Unit] = []
    for unit in units:
        placed += [waiting.pop(each) for each in dict.fromkeys(unit.inputs) if each in waiting]
        placed.append(unit)
    return [*waiting.values(), *placed]


def beginning(unit: Unit) -> dict[str, Any]:
    """Return the keys of a node that begins with a unit that takes nothing."""
    what = unit.kind[0]
    if what == CONSTANT:
        return unit.slots
    return {WEIGHT: unit.slots} if what == WEIGHT else {}
