"""A range test of learning rates: a short training whose rate grows with each step, of which only the curve stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count, islice
from typing import Any

from graphspec.datasets.faults import raise_faults
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import NOT_DISTRIBUTABLE, REFUSED_TRAINING
from graphspec.language.training import has_learning_rate, with_learning_rate
from graphspec.run_directory.records import MAX_NUMBER
from graphspec.training.metrics import LossMean
from graphspec.training.setup import TrainingSetup, compile_setup
from graphspec.training.stages import enter_stage
from graphspec.training.state import Position, TrainingState

LOWEST, HIGHEST, STEPS = 1e-7, 10.0, 121
"""The learning rates of the first and of the last step, and the number of steps: 15 for each power of ten."""

_MEMORY = 0.95
"""The share of earlier steps in the average of the loss."""
_DIVERGED = 4.0
"""The test ends where the average is so many times its lowest value, after the first steps."""
_FIRST_STEPS = 15
_WINDOW = 15
"""Steps over which a fall of the loss is measured: batches differ, so a few steps say nothing."""
_MIN_FALL = 0.02
"""The least share by which the average must fall for a suggestion."""


@dataclass(frozen=True)
class RangeTest:
    """The result of a range test.

    Attributes:
        rates: The learning rate of each step.
        losses: Its loss, averaged over the steps before; None where it is not finite.
        suggestion: The rate at the steepest fall of the loss, with two digits; None where it falls nowhere.
    """

    rates: list[float]
    losses: list[float | None]
    suggestion: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the content of `learning_rates.json`."""
        return asdict(self)

    def __str__(self) -> str:
        tested = f"{len(self.rates)} steps from {self.rates[0]:g} to {self.rates[-1]:.2g}"
        if self.suggestion is None:
            return f"learning rate: no suggestion, the loss falls nowhere in {tested}"
        return f"learning rate: {self.suggestion:g} is suggested, where the loss falls steepest in {tested}"


def find_learning_rate(setup: TrainingSetup, is_stopped: Callable[[], bool]) -> tuple[RangeTest, dict[str, LossMean]]:
    """Test learning rates on the training samples, and put model, optimizer and random generators back.

    Args:
        setup: The training, compiled for its first stage.
        is_stopped: Returns whether a signal has asked for the end.

    Returns:
        The result, and the loss metric of each trained output, since the model is compiled again.

    Raises:
        SpecError: The optimizer has no learning rate, devices share batches, or data cannot be read.
    """
    settings, stage = setup.settings, setup.stages[0]
    if setup.distribution is not None:
        raise SpecError.of(
            NOT_DISTRIBUTABLE,
            "learning rates are tested on one device, and devices share the batches of this training",
            settings.located("distribute").span,
            expected="a training on one device",
            help="test with `--set training.distribute=null`",
        )
    if not has_learning_rate(stage.optimizer):
        raise SpecError.of(
            REFUSED_TRAINING,
            f"`{stage.optimizer.name}` has no learning rate of its own to test",
            stage.optimizer.span,
            expected="an optimizer with a `learning_rate`",
        )
    state, steps = TrainingState(setup.model, []), int(setup.model.steps_per_execution)
    before = state.take(Position(0, 0))
    compile_setup(setup, 1, optimizer=with_learning_rate(stage.optimizer, LOWEST, stage.optimizer.span))
    with raise_faults(setup.samples.faults):
        result = _test(setup, is_stopped)
    losses = enter_stage(setup, 0, steps)
    state.restore(before)
    return result, losses


def _test(setup: TrainingSetup, is_stopped: Callable[[], bool]) -> RangeTest:
    model, growth = setup.model, (HIGHEST / LOWEST) ** (1 / (STEPS - 1))
    rates: list[float] = []
    losses: list[float | None] = []
    average = 0.0
    for number, batch in enumerate(islice(_batches(setup), STEPS)):
        model.optimizer.learning_rate = LOWEST * growth**number
        model.reset_metrics()
        loss = float(model.train_on_batch(*batch, return_dict=True)["loss"])
        average = _MEMORY * average + (1 - _MEMORY) * loss
        rates.append(float(f"{LOWEST * growth**number:.6g}"))
        unbiased = average / (1 - _MEMORY ** (number + 1))
        losses.append(unbiased if abs(unbiased) <= MAX_NUMBER else None)
        known = [each for each in losses if each is not None]
        if losses[-1] is None or is_stopped() or (number >= _FIRST_STEPS and losses[-1] > _DIVERGED * min(known)):
            break
    return RangeTest(rates, losses, suggestion(rates, losses))


def _batches(setup: TrainingSetup) -> Iterator[Any]:
    """Yield the batches of the training, epoch after epoch."""
    for epoch in count():
        setup.batches.start(epoch)
        yield from setup.batches.dataset


def suggestion(rates: list[float], losses: list[float | None]) -> float | None:
    """Return the rate at the steepest fall of the losses before they are lowest, with two digits; None without one.

    Args:
        rates: The learning rates, in rising order.
        losses: The loss of each, averaged over the steps before; None where it is not finite.
    """
    points = [(rate, loss) for rate, loss in zip(rates, losses, strict=True) if loss is not None]
    if len(points) <= _FIRST_STEPS:
        return None
    lowest = min(range(len(points)), key=lambda number: points[number][1])
    before = max(loss for _, loss in points[: lowest + 1])
    if before - points[lowest][1] <= _MIN_FALL * abs(before):
        return None
    half, falls = _WINDOW // 2, {}
    for number in range(min(_FIRST_STEPS, lowest), lowest + 1):  # the first averages are of a few batches
        falls[number] = points[min(number + half, lowest)][1] - points[max(number - half, 0)][1]
    return float(f"{points[min(falls, key=falls.__getitem__)][0]:.2g}")
