"""The bar of a training: on a terminal it shows each step and its loss; elsewhere, and where it is quiet, nothing."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from graphspec.console.reporter import Reporter
from graphspec.training.progress import ProgressReporter


@pytest.mark.parametrize(
    ("terminal", "quiet", "waiting"), [(True, False, 0.4), (True, True, 0.1), (False, False, 0.05)]
)
def test_steps_are_shown_on_a_terminal_alone(terminal: bool, quiet: bool, waiting: float) -> None:
    """The steps that are done and the loss stand in the bar; the line of the epoch tells of long waits."""
    said = StringIO()
    console = Console(file=said, force_terminal=terminal, width=120)
    stats = {"time/seconds": 2.0, "time/samples_per_second": 50.0, "time/data_wait": waiting}
    with ProgressReporter(["y"], Reporter(console, quiet=quiet), lambda: stats, epochs=3, steps=7) as shown:
        shown.on_epoch_begin(1)
        shown.on_train_batch_end(4, {"loss": 0.25})
        shown.bar.refresh()
        shown.on_epoch_end(1, {"loss": 0.125})
    text = said.getvalue()
    assert ("5/7" in text) == ("epoch 2/3" in text and "loss 0.25" in text) == (terminal and not quiet)
    assert ("epoch 2/3  2.0 s  50 samples/s" in text) == (not quiet)
    assert ("40% of it waiting for data" in text) == (terminal and not quiet)
    assert "5% of it" not in text
