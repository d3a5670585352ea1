"""The learning rates of single layers: `learning_rate_multipliers` → the factor of each variable."""

from __future__ import annotations

from typing import Any

from graphspec.language.training import Multiplier
from graphspec.to_keras.freezing import matched_layers
from graphspec.to_keras.model import Built


def learning_rate_factors(built: Built, multipliers: list[Multiplier]) -> list[tuple[Any, float]]:
    """Return the variables of the layers that match, and of all layers in them, with their factors.

    Raises:
        SpecError: A name or glob matches no layer.
    """
    factors: dict[int, tuple[Any, float]] = {}
    for each in multipliers:
        for layer in matched_layers(built, [each.layers]).values():
            factors |= {id(variable): (variable, each.factor) for variable in layer.weights}
    return list(factors.values())
