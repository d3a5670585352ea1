"""The objects of `training`, resolved: the optimizer, callbacks, frozen layers, and the stages of a training.

Plain settings, such as `batch_size`, stay in the `TrainingModel`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from graphspec import catalog
from graphspec.diagnostics import Span
from graphspec.language.objects import Object, Pattern, Weights

LEARNING_RATE = "learning_rate"


def has_learning_rate(optimizer: Object) -> bool:
    """Return whether an optimizer has a learning rate of its own; those of plugins may have one."""
    entry = catalog.find("optimizers", optimizer.name)
    return entry is None or LEARNING_RATE in entry.arguments


def with_learning_rate(optimizer: Object, value: Any, span: Span) -> Object:
    """Return an optimizer with another learning rate, a number or a schedule, that stands at `span`."""
    entry = catalog.find("optimizers", optimizer.name)
    return replace(
        optimizer,
        name=entry.name if entry is not None else optimizer.name,
        is_identifier=False,
        arguments={**optimizer.arguments, LEARNING_RATE: value},
        spans={**optimizer.spans, LEARNING_RATE: span},
    )


@dataclass(frozen=True, slots=True)
class Lora:
    """Low-rank adapters for the layers that match. alpha: None for Keras' own, the rank."""

    rank: int
    alpha: float | None
    layers: list[Pattern]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a training, with what differs from the part before.

    optimizer: that of the training, with the learning rate of the stage. freeze, unfreeze: layers that it no longer
    trains, and, after those, layers that it trains from now on.
    """

    name: str
    epochs: int
    optimizer: Object
    span: Span
    freeze: list[Pattern] = field(default_factory=list)
    unfreeze: list[Pattern] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Layers, and the factor that their learning rate has; of several that match a layer, the last one counts."""

    layers: Pattern
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The objects of `training`. stages: one at least; a training without stages is one without a name."""

    optimizer: Object
    callbacks: list[Object]
    stages: list[Stage]
    freeze: list[Pattern] = field(default_factory=list)
    initial_weights: Weights | None = None
    multipliers: list[Multiplier] = field(default_factory=list)
    lora: Lora | None = None

    @property
    def is_staged(self) -> bool:
        """Return whether the spec divides the training into stages."""
        return bool(self.stages[0].name)

    @property
    def patterns(self) -> list[Pattern]:
        """Return every name or glob of layers."""
        in_stages = [each for stage in self.stages for each in (*stage.freeze, *stage.unfreeze)]
        return [*self.freeze, *in_stages, *(each.layers for each in self.multipliers)]
