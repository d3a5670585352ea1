"""Checks of targets against the range of their loss, and of sample weights against zero.

Keras computes with any number. These checks read values, as arrays of NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from graphspec.catalog.losses import BINARY, TargetRange
from graphspec.checks.targets import target_range
from graphspec.diagnostics import Diagnostic, Label
from graphspec.diagnostics.rules import LABEL_RANGE
from graphspec.language.graph import Output
from graphspec.sources import Column, DataSource
from graphspec.sources.origin import place_of_sample
from graphspec.sources.scan import Scan, first_where

_ROUNDING = 1e-4
"""Tolerance around a range of targets: scaled and smoothed numbers are rounded."""

_WHITE = 255


def check_range(output: Output, source: DataSource, column: Column, stats: Scan) -> Iterator[Diagnostic]:
    """Report the first target that the loss does not take.

    Args:
        output: the output that the targets train.
        source: where the spec names the targets.
        column: the targets.
        stats: statistics of their values.
    """
    allowed = target_range(output)
    if allowed is None or output.loss is None or stats.lowest is None or stats.highest is None:
        return
    is_wrong = _wrong(allowed, stats.lowest, stats.highest, stats.fractional)
    first = first_where(column, is_wrong) if is_wrong is not None else None
    if first is None:
        return
    sample, value = first
    taken = _in_words(allowed)
    yield Diagnostic(
        LABEL_RANGE,
        f"{place_of_sample(source, column, sample)} of {source.text} has the target {value:g}, but the loss "
        f"`{output.loss.name}` of `{output.name}` takes {taken}",
        source.place,
        expected=taken,
        help=_help(output.loss.name, allowed, source, stats),
        labels=(Label(output.span, "the output"),),
    )


def check_weights(name: str, source: DataSource, column: Column, stats: Scan) -> Iterator[Diagnostic]:
    """Report the first negative sample weight, which would increase the loss of its sample.

    Args:
        name: the output that the weights serve.
        source: where the spec names the weights.
        column: the weights.
        stats: statistics of their values.
    """
    if stats.lowest is None or stats.lowest >= 0:
        return
    first = first_where(column, lambda weights: weights < 0)
    if first is not None:
        sample, value = first
        yield Diagnostic(
            LABEL_RANGE,
            f"{place_of_sample(source, column, sample)} of {source.text} has the weight {value:g}, so training for "
            f"`{name}` would move away from its target",
            source.place,
            expected="sample weights of 0 or more",
            help="write 0 to leave a sample out of the training",
        )


def _wrong(allowed: TargetRange, lowest: float, highest: float, fractional: bool) -> Callable[[Any], Any] | None:
    """Return a function that marks wrong numbers; None if there are none."""
    low = allowed.low if allowed.low is not None else float("-inf")
    high = allowed.high if allowed.high is not None else float("inf")
    if not (low - _ROUNDING <= lowest and highest <= high + _ROUNDING):
        return lambda numbers: (numbers < low - _ROUNDING) | (numbers > high + _ROUNDING)
    if not allowed.values or (not fractional and lowest >= 0):
        return None
    group = allowed.values[0] if lowest >= 0 else allowed.values[-1]

    def lies_between(numbers: Any) -> Any:
        one, other = (abs(numbers - each) <= _ROUNDING for each in group)
        return (abs(numbers) < float("inf")) & ~(one | other)

    return lies_between


def _in_words(allowed: TargetRange) -> str:
    if allowed.values:
        return " alone, or ".join(" and ".join(f"{each:g}" for each in group) for group in allowed.values) + " alone"
    return f"numbers from {allowed.low:g} {'up' if allowed.high is None else f'to {allowed.high:g}'}"


def _help(loss: str, allowed: TargetRange, source: DataSource, stats: Scan) -> str:
    lowest, highest = stats.lowest or 0, stats.highest or 0
    if allowed.high is None:
        return "use a loss for any numbers, such as `mse`, or fix the file"
    if lowest >= 0 and highest == _WHITE and source.transforms.scale is None:
        return f"`scale: {1 / _WHITE}` (1/255) on the source maps pixels to numbers from 0 to 1"
    if loss in BINARY and lowest == -1 and highest == 1 and not stats.fractional:
        return "write 0 instead of -1, or use `hinge`, which takes -1 and 1"
    if loss in BINARY and lowest >= 0 and not stats.fractional and highest < _WHITE:
        return (
            "for class indices use `sparse_categorical_crossentropy` and one unit per class; for other numbers "
            "use `scale` on the source"
        )
    if allowed.values and stats.fractional:
        return "use `mse`, or another loss that takes any numbers"
    return "fix the file, or scale the numbers with `scale` on the source"
