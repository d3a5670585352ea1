"""The objects of `training`, resolved: the optimizer, callbacks, frozen layers, and the stages of a training.

Plain settings, such as `batch_size`, stay in the `TrainingModel`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graphspec.diagnostics import Span
from graphspec.language.graph import Object, Weights


@dataclass(frozen=True, slots=True)
class Pattern:
    """A name or a glob of names, as the spec writes it."""

    text: str
    span: Span


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The objects of `training`. stages: one at least; a training without stages is one without a name."""

    optimizer: Object
    callbacks: list[Object]
    stages: list[Stage]
    freeze: list[Pattern] = field(default_factory=list)
    initial_weights: Weights | None = None
    lora: Lora | None = None

    @property
    def is_staged(self) -> bool:
        """Return whether the spec divides the training into stages."""
        return bool(self.stages[0].name)

    @property
    def patterns(self) -> list[Pattern]:
        """Return every name or glob of layers, in the order in which they apply."""
        return [*self.freeze, *(each for stage in self.stages for each in (*stage.freeze, *stage.unfreeze))]
