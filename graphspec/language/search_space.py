"""The `SearchSpace` of a spec: the parameters, sampler and pruner of a study.

It is independent of optuna, whose samplers and pruners are looked up when a study begins.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from graphspec.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from `low` to `high`, both included. step: None for every number between them."""

    kind: Literal["float", "int"]
    low: float
    high: float
    _: KW_ONLY
    log: bool
    step: float | None

    @property
    def edges(self) -> list[Any]:
        """The smallest and the largest value."""
        return [self.low, self.high]


@dataclass(frozen=True, slots=True)
class Choices:
    """The values, each plain data, from which one is chosen."""

    values: tuple[Any, ...]

    @property
    def edges(self) -> list[Any]:
        """Every choice."""
        return list(self.values)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of the spec that is searched for. path: in the syntax of `--set`. span: of its key."""

    path: str
    values: Range | Choices
    span: Span


@dataclass(frozen=True, slots=True)
class OptunaObject:
    """A sampler or pruner of optuna. arguments: plain data. spans: the places of the arguments."""

    name: str
    arguments: dict[str, Any]
    span: Span
    spans: dict[str, Span] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """The parameters and settings of a study.

    monitor: None for `val_loss`, or `loss` without validation. trials, timeout (in seconds): None for no limit.
    sampler, pruner: None for the default. prunes: False for a study without a pruner. span: of `search`.
    """

    parameters: tuple[Parameter, ...]
    monitor: str | None
    monitor_span: Span
    trials: int | None
    timeout: float | None
    sampler: OptunaObject | None
    pruner: OptunaObject | None
    prunes: bool
    span: Span
