"""`Study`: the folder of a study, read again: its trials, the best of them, and the spec with its values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.extras import require
from graphspec.run_directory import damaged, read_study
from graphspec.run_directory.spec_hash import changes, is_comparable, refusal
from graphspec.run_directory.spec_values import default_paths, study_values_of
from graphspec.runs.run import Run
from graphspec.spec import Spec, load
from graphspec.tuning.folder import BEST, DATABASE, RECORD, SPEC, TRIALS, newest
from graphspec.tuning.trial import Trial, best_of


@dataclass(frozen=True)
class Study:
    """The folder of a study. Everything is read when it is asked for, trials from optuna's own database."""

    path: Path

    @classmethod
    def at(cls, path: Path | str) -> Study:
        """The study at `path`, or the newest below that folder. Raises SpecError where there is none."""
        return cls(newest(Path(path)))

    @property
    def record(self) -> dict[str, Any]:
        """What `study.json` says: name, monitor, direction, status."""
        return read_study(self.path, RECORD)

    @property
    def monitor(self) -> str:
        """The metric that trials are compared by."""
        return str(self.record["monitor"])

    @property
    def spec(self) -> Spec:
        """The spec of the study, with the values that it was given with."""
        return load(self.path / SPEC)

    def check(self) -> None:
        """Raise SpecError where the study cannot be resumed: its spec was edited, or its database is gone.

        The budget of its search may be another: more trials change nothing of those before.
        """
        record, spec = self.record, self.spec
        if spec.search is None:
            raise damaged(self.path / SPEC, "it has no `search`")
        if is_comparable(record):
            found = changes(record, study_values_of(spec), default_paths(spec), whole=True)
            if found:
                help = "undo the edit, or begin a new study; `--trials` and `--timeout` give this one a larger budget"
                raise refusal(self.path, found, spec.tree, help)
        if (self.path / TRIALS).is_dir() and not os.path.lexists(self.path / DATABASE):
            raise damaged(self.path / DATABASE, "it is gone, and trials were begun")

    @property
    def trials(self) -> list[Trial]:
        """Every trial, in order. Needs optuna. Raises SpecError where the study cannot be read."""
        require_optuna()
        from graphspec.tuning.trials import trials_of

        return trials_of(self.path, self.record["name"], self.spec)

    @property
    def best(self) -> Trial:
        """The complete trial with the best value, the first of several. Raises SpecError where none is complete."""
        found = best_of(self.trials, self.record["direction"])
        if found is None:
            raise SpecError.of(BAD_RUN, f"{self.path} has no trial that is complete")
        return found

    @property
    def best_run(self) -> Run:
        """The run of the best trial."""
        return Run(self.best.run)

    @property
    def best_spec(self) -> Path:
        """The file of the spec with the values of the best trial."""
        return self.path / BEST


def require_optuna() -> None:
    """Raise SpecError with the line to run where optuna is not installed."""
    require("optuna", "optuna", "a search needs optuna", "graphspec[sweep]")
