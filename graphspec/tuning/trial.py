"""`Trial`: the values and the result of a trial, and the order of trials. Needs no optuna."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPLETE, PRUNED, FAILED, RUNNING = "complete", "pruned", "failed", "running"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial of a study.

    Attributes:
        number: Its number, from 0.
        state: `complete`, `pruned`, `failed`, or `running` until it has ended.
        values: Values of the parameters, by path.
        value: Best value of the monitored metric; None if the trial failed.
        epoch: Epoch of `value`, from 0.
        epochs: Number of epochs of the run.
        seconds: Duration of the training.
        run: Its run directory.
        reason: Why it failed, else empty.
        host: The machine with its run directory, where that is in another folder of the study; else empty.
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
    host: str = ""

    @property
    def is_here(self) -> bool:
        """Return whether its run lies in this folder of the study."""
        return not self.host


def best_first(trials: list[Trial], direction: str) -> list[Trial]:
    """Return the complete trials, best value first, ties by number; `direction` is that of the study."""
    sign = -1.0 if direction == "maximize" else 1.0
    complete = [
        (sign * each.value, each.number, each) for each in trials if each.state == COMPLETE and each.value is not None
    ]
    return [each for _, _, each in sorted(complete, key=lambda item: item[:2])]


def best_of(trials: list[Trial], direction: str) -> Trial | None:
    """Return the complete trial with the best value, the first of several; None if none is complete."""
    return next(iter(best_first(trials, direction)), None)
