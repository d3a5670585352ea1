"""Weights whose initializers scale by their shape, which the table that holds them does not tell."""

from __future__ import annotations

from graphspec import catalog
from graphspec.language.graph import KerasLayer, Layer
from graphspec.language.objects import Object
from graphspec.to_python.frame import DifferentError
from graphspec.to_python.source import Call, Expression, Text

_TABLE_RANK = 2
_SPREAD = ("minval", "stddev", "gain")
"""Arguments that set the spread of a random initializer, whatever the shape of the weight."""


def in_shape(made: Expression, layers: list[Layer]) -> Expression:
    """Return the layer of a weight, which starts with the numbers that its initializer gives for the weight's shape.

    Args:
        made: The call that makes the layer.
        layers: The layer of each instance.

    Raises:
        DifferentError: The instances have weights of other shapes.
    """
    shapes = {layer.weight for layer in layers if isinstance(layer, KerasLayer) and _scales(layer)}
    if not shapes:
        return made
    if len(shapes) > 1:
        raise DifferentError
    return Call(Text("in_shape"), (made, Text(repr(shapes.pop()))), ())


def _scales(layer: KerasLayer) -> bool:
    """Return whether a layer is a weight of other than two dimensions whose initializer scales by them."""
    initializer = layer.arguments.get("embeddings_initializer")
    if layer.weight is None or len(layer.weight) == _TABLE_RANK or not isinstance(initializer, Object):
        return False
    entry = catalog.find("initializers", initializer.name)
    return entry is None or ("seed" in entry.arguments and not any(each in entry.arguments for each in _SPREAD))
