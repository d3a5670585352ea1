"""`Trial`: what one trial was given and what it has come to, and which of several is the best. Needs no optuna."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPLETE, PRUNED, FAILED, RUNNING = "complete", "pruned", "failed", "running"


@dataclass(frozen=True)
class Trial:
    """One trial. state: `complete`, `pruned`, `failed`, or `running` where it is still to be ended.

    values: those that it was given, by path. value: the best that its run reached of what is monitored, after `epoch`,
    counted from 0, of `epochs`; None where it failed, for a `reason`. run: where its run lies.
    """

    number: int
    state: str
    values: Mapping[str, Any]
    value: float | None
    epoch: int | None
    epochs: int
    seconds: float
    run: Path
    reason: str = ""


def best_first(trials: list[Trial], direction: str) -> list[Trial]:
    """The complete trials, that with the best value first, the first of several before others."""
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [
        (sign * each.value, each.number, each) for each in trials if each.state == COMPLETE and each.value is not None
    ]
    return [each for _, _, each in sorted(complete, key=lambda item: item[:2])]


def best_of(trials: list[Trial], direction: str) -> Trial | None:
    """The complete trial with the best value, the first of several; None where none is complete."""
    return next(iter(best_first(trials, direction)), None)
