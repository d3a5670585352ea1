"""Calls of `keras.ops` operations on symbolic tensors, and the names of their nodes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import tree

from graphspec import catalog
from graphspec.diagnostics import Span
from graphspec.language.arrays import array_dtype
from graphspec.language.graph import Operation
from graphspec.language.objects import Object
from graphspec.language.slices import KEY, read_key
from graphspec.shapes.ops.operands import ARRAY_OPERATIONS
from graphspec.to_keras import random_operations
from graphspec.to_keras.constants import as_arrays, is_constant, read_array, tensors_in
from graphspec.to_keras.installed import find_installed
from graphspec.to_keras.keras_internals import calls_of, mask_of, operation_behind

RANDOM = {
    "ops.random.categorical": random_operations.random_categorical,
    "ops.random.dropout": random_operations.random_dropout,
    "ops.random.normal": random_operations.random_normal,
    "ops.random.randint": random_operations.random_randint,
    "ops.random.shuffle": random_operations.random_shuffle,
    "ops.random.truncated_normal": random_operations.random_truncated_normal,
    "ops.random.uniform": random_operations.random_uniform,
}
"""The functions of the operations that draw random numbers."""


def operation_function(operation: Operation, span: Span) -> Any:
    """Return the function behind an operation. Raises SpecError if the installed Keras has none."""
    return RANDOM.get(operation.class_name) or find_installed("ops", operation.class_name, span)


def operate(function: Any, operation: Operation, value: Any, call: dict[str, Any], *, listed: bool) -> Any:
    """Return the result of an operation, whose Keras operations are named after it: an array if it takes no tensor.

    Keras would number them by the calls of the whole process.

    Args:
        function: the function of Keras.
        operation: the operation in the graph.
        value: its operands: a tensor or an array, a list of these, or a dict by keyword.
        call: further tensors and values by keyword.
        listed: `from` lists the operands; another list is the results of one step.

    Raises:
        ValueError: the operands do not fit, or the result is not symbolic.
    """
    entry = catalog.find("ops", operation.class_name)
    assert entry is not None
    operands, keywords = _operands(entry, value, listed=listed)
    if isinstance(operation.arguments.get("x"), Object):
        return read_array(operation.arguments["x"], operation.arguments.get("dtype"))
    keywords |= {name: _constant(entry, name, each) for name, each in operation.arguments.items()} | call
    if entry.arguments.get("data_format", "") is None:
        # Some operations of Keras fill in this default in eager calls only, and fail in a graph.
        keywords.setdefault("data_format", keras.config.image_data_format())
    leading: list[Any] = []
    if operands:
        leading = [keywords.pop(name) for name in list(entry.arguments)[: list(entry.arguments).index(_each(entry))]]
    result = function(*leading, *operands, **keywords)
    if all(is_constant(each) for each in tensors_in([value, call])):
        return as_arrays(result)
    if not any(isinstance(each, keras.KerasTensor) for each in tree.flatten(result)):
        raise ValueError("its result is no tensor that a graph computes")
    _name(operation.name, result, [value, call])
    return result


def is_masked(operands: Any) -> bool:
    """Return whether an operand has a mask, which Keras silently drops in operations."""
    return any(mask_of(each) is not None for each in tree.flatten(operands))


def _constant(entry: catalog.Entry, name: str, value: Any) -> Any:
    """Return a constant with lists of sizes and axes as tuples, which some operations require."""
    if (entry.name, name) == KEY and isinstance(value, str):
        return read_key(value)
    if isinstance(value, list) and name in entry.tensors and entry.name in ARRAY_OPERATIONS:
        return np.array(value, array_dtype(value))
    if isinstance(value, list) and name not in entry.tensors:
        return tuple(_constant(entry, name, each) for each in value)
    return value


def _each(entry: catalog.Entry) -> str:
    """Return the variadic argument, which takes any number of tensors."""
    return next(argument for argument, kind in entry.tensors.items() if kind == "each")


def _operands(entry: catalog.Entry, value: Any, *, listed: bool) -> tuple[list[Any], dict[str, Any]]:
    """Return the tensors by position, for a variadic operation, and those by keyword."""
    if isinstance(value, dict):
        return [], dict(value)
    several = list(value) if isinstance(value, list | tuple) else [value]
    if not several:
        return [], {}
    fed = catalog.fed(entry, len(several))
    kind = entry.tensors[fed[0]]
    if kind == "each":
        return several, {}
    if kind == "list":
        return [], {fed[0]: several}
    if len(several) > 1 and not listed:
        raise ValueError(f"it takes one tensor, and the step before gives {len(several)}: pick one, as `node[0]`")
    return [], dict(zip(fed, several, strict=True))


def _name(name: str, result: Any, operands: Any) -> None:
    """Name the operation behind `result`, and number further ones between it and the operands."""
    known = {id(each) for each in tree.flatten(operands)}
    waiting = [each for each in tree.flatten(result) if isinstance(each, keras.KerasTensor)]
    named: list[Any] = []
    while waiting:
        tensor = waiting.pop(0)
        operation = operation_behind(tensor)
        if id(tensor) not in known and not any(operation is other for other in named):
            operation.name = f"{name}.{len(named)}" if named else name
            named.append(operation)
            waiting += calls_of(operation)[0].input_tensors
