"""`SearchSpace`: what `search` says, once it is read: the values that a study tries, and how it chooses among them.

It knows neither the language nor optuna, whose names of samplers and pruners are looked up when a study begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from graphspec.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both among them. step: None for every number between."""

    kind: Literal["float", "int"]
    low: float
    high: float
    log: bool
    step: float | None

    @property
    def edges(self) -> list[Any]:
        """The least and the greatest value."""
        return [self.low, self.high]


@dataclass(frozen=True, slots=True)
class Choices:
    """Values, plain data each, of which one is chosen."""

    values: tuple[Any, ...]

    @property
    def edges(self) -> list[Any]:
        """Every choice."""
        return list(self.values)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of the spec that is searched for. path: where it stands, as `--set` takes it. span: that of its key."""

    path: str
    values: Range | Choices
    span: Span


@dataclass(frozen=True, slots=True)
class Chosen:
    """A sampler or a pruner of optuna: a name and arguments, which are plain data. spans are those of the arguments."""

    name: str
    arguments: dict[str, Any]
    span: Span
    spans: dict[str, Span] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """What a study tries. monitor: None for `val_loss`, or `loss` without validation; trials, timeout: None for no end.

    sampler, pruner: None for the usual one; prunes tells that there is to be one at all. span: that of `search`.
    """

    parameters: tuple[Parameter, ...]
    monitor: str | None
    monitor_span: Span
    trials: int | None
    timeout: float | None
    sampler: Chosen | None
    pruner: Chosen | None
    prunes: bool
    span: Span
