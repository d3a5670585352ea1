"""Calls of layers, models and operations on tensors."""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.language.feed import Feed, Reference
from graphspec.language.graph import KerasLayer, Layer, ModelLayer, Operation
from graphspec.to_python.literals import literal
from graphspec.to_python.random_operations import function_name
from graphspec.to_python.source import Call, Expression, Items, Pairs, Text

Operand = Expression | list[Expression] | dict[str, Expression]
"""The input of a step: a tensor, a list of tensors, or tensors by keyword."""


def operand_of(feed: Feed, tensors: list[Expression]) -> Operand:
    """Return the input of the first step of a node."""
    if feed.keywords:
        return dict(zip(feed.keywords, tensors, strict=True))
    return tensors if feed.is_list or not tensors else tensors[0]


def as_expression(value: Operand) -> Expression:
    """Return an input as one expression."""
    if isinstance(value, dict):
        return Pairs(tuple((literal(key), each) for key, each in value.items()))
    return Items(tuple(value)) if isinstance(value, list) else value


def call_layer(
    layer: Expression,
    applied: Layer,
    value: Operand,
    call: dict[str, Expression],
    *,
    inputs: list[str] | None = None,
) -> Expression:
    """Return the call of a layer or a model.

    Args:
        layer: The expression for it.
        applied: The layer.
        value: Its input.
        call: Further arguments.
        inputs: The names of a model's inputs, if they are known.
    """
    if inputs is not None:
        return Call(layer, (model_input(inputs, value),), tuple(call.items()))
    if isinstance(value, dict) and not isinstance(applied, ModelLayer) and takes_keywords(applied, value):
        return Call(layer, (), tuple((value | call).items()))
    return Call(layer, (as_expression(value),), tuple(call.items()))


def takes_keywords(layer: Any, value: dict[str, Expression]) -> bool:
    """Return whether a layer takes tensors by keyword, and not a dict of them, as image layers with labels do."""
    entry = catalog.find("layers", layer.class_name) if isinstance(layer, KerasLayer) else None
    return entry is None or entry.call_is_open or any(name in entry.call for name in value)


def model_input(names: list[str], value: Operand) -> Expression:
    """Return the input of a model with these inputs: the bare tensor for one, a dict for several."""
    listed = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    if len(names) == 1:
        return listed[0]
    by_name = value if isinstance(value, dict) else dict(zip(names, listed, strict=True))
    return Pairs(tuple((literal(name), by_name[name]) for name in names))


def call_operation(
    operation: Operation, value: Operand, constants: dict[str, Expression], call: dict[str, Expression]
) -> Call:
    """Return the call of a function of `keras.ops`, or of one that draws random numbers.

    Args:
        operation: The operation.
        value: Its operands.
        constants: Its arguments that are no tensors.
        call: Further tensors and values.
    """
    entry = catalog.find("ops", operation.class_name)
    assert entry is not None
    keywords = constants | call
    order = list(entry.arguments)
    if entry.arguments.get("data_format", "") is None and "data_format" not in keywords:
        keywords["data_format"] = Text("keras.config.image_data_format()")
    positional: list[Expression] = []
    if isinstance(value, dict):
        keywords = value | keywords
    else:
        several = value if isinstance(value, list) else [value]
        fed = catalog.fed(entry, len(several))
        kind = entry.tensors[fed[0]] if fed else "one"
        if kind == "each":
            positional = [keywords.pop(name) for name in order[: order.index(fed[0])]]
            return Call(Text(operation.class_name), (*positional, *several), tuple(keywords.items()))
        operands: list[Expression] = [as_expression(value)] if kind == "list" else several
        keywords = dict(zip(fed, operands, strict=kind != "list")) | keywords
    if not entry.tensors and order and order[0] in keywords:
        positional.append(keywords.pop(order.pop(0)))
    while order and order[0] in keywords and order[0] in entry.tensors:
        positional.append(keywords.pop(order.pop(0)))
    name = function_name(operation.class_name) if operation.is_random else operation.class_name
    return Call(Text(name), tuple(positional), tuple(keywords.items()))


def references_in(value: Any) -> list[Reference]:
    """Return the references in a call argument."""
    if isinstance(value, list):
        return [each for item in value for each in references_in(item)]
    return [value] if isinstance(value, Reference) else []
