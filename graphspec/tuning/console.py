"""The console output of a study: a line a trial, a progress bar, and a table of the best trials."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.progress import TaskID, TextColumn
from rich.table import Table

from graphspec.console.cells import cell, column
from graphspec.console.metrics import number
from graphspec.console.progress_bar import progress_bar
from graphspec.console.reporter import Reporter
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.suggest import cut
from graphspec.language.document.write_yaml import write_value
from graphspec.tuning.trial import COMPLETE, FAILED, PRUNED, Trial, best_first

MAX_BEST_TRIALS = 5
_MAX_LENGTH = 24


class TrialProgress:
    """A progress display of trials.

    Args:
        reporter: Where lines are written.
        monitor: The metric that trials are compared by.
        paths: Paths of the parameters.
        trials: Number of trials in all, None if only time is limited.
    """

    def __init__(self, reporter: Reporter, monitor: str, paths: list[str], trials: int | None) -> None:
        self.reporter = reporter
        self.monitor = monitor
        self.names = short_names(paths)
        self.trials = trials
        reached = TextColumn("{task.fields[reached]}", markup=False)
        self.bars = progress_bar(reporter.progress_console, "{task.description}", "epochs", reached)
        self.task: TaskID | None = None

    def __enter__(self) -> TrialProgress:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def begin(self, trial: int, epochs: int) -> None:
        """Show that a trial of `epochs` epochs has begun."""
        if self.task is not None:
            self.bars.remove_task(self.task)
        self.task = self.bars.add_task(f"{self._count(trial)}, epochs", total=epochs, reached="")

    def epoch(self, epoch: int, value: Any) -> None:
        """Show the monitored `value` at the end of `epoch`, counted from 0."""
        if self.task is not None:
            self.bars.update(self.task, completed=epoch + 1, reached=escaped(f"{self.monitor} {number(value)}"))

    def end(self, trial: Trial) -> None:
        """Write the line of a trial that has ended."""
        values = ", ".join(f"{self.names[path]} {value_text(value)}" for path, value in trial.values.items())
        self.reporter.info(f"{self._count(trial.number)}: {self._outcome(trial)}; {values}")

    def finish(self, trials: list[Trial], direction: str, importances: dict[str, float]) -> None:
        """Write the best trials of the study, and the importance of each parameter."""
        if self.reporter.quiet:
            return
        titles = map(column, ["trial", self.monitor, "epoch", *self.names.values()])
        table = Table(*titles, box=None, pad_edge=False)
        for trial in best_first(trials, direction)[:MAX_BEST_TRIALS]:
            values = (value_text(trial.values[path]) if path in trial.values else "" for path in self.names)
            row = (str(trial.number), number(trial.value), str((trial.epoch or 0) + 1), *values)
            table.add_row(*map(cell, row))
        self.reporter.console.print(table, soft_wrap=True)
        counts = [f"{sum(each.state == state for each in trials)} {state}" for state in (COMPLETE, PRUNED, FAILED)]
        self.reporter.info(f"{len(trials)} trials: {', '.join(counts)}")
        if importances:
            shares = ", ".join(f"{self.names[path]} {share:.0%}" for path, share in importances.items())
            self.reporter.info(f"importance for {self.monitor}: {shares}")

    def _outcome(self, trial: Trial) -> str:
        if trial.state == FAILED:
            return f"failed: {trial.reason}"
        best = f"{self.monitor} {number(trial.value)} at epoch {(trial.epoch or 0) + 1}"
        end = f"pruned after epoch {trial.epochs}" if trial.state == PRUNED else f"{trial.epochs} epochs"
        return f"{best}, {end}, {trial.seconds:.1f} s"

    def _count(self, trial: int) -> str:
        """Return the number of a trial, from 0 as its run's, and its count, from 1."""
        return f"trial {trial}" if self.trials is None else f"trial {trial} ({trial + 1} of {self.trials})"


def short_names(paths: list[str]) -> dict[str, str]:
    """Return a short name of each path: its shortest unique suffix of keys."""
    names = {}
    for path in paths:
        keys = path.split(".")
        endings = (".".join(keys[start:]) for start in range(len(keys) - 1, -1, -1))
        names[path] = next(
            ending for ending in endings if sum(f".{other}".endswith(f".{ending}") for other in paths) == 1
        )
    return names


def value_text(value: Any) -> str:
    """Return a value of a parameter as short text."""
    return cut(number(value) if isinstance(value, float) else write_value(value), _MAX_LENGTH)
