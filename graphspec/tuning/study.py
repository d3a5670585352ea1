"""`Study`: the folder of a study, with its trials, the best of them, and the spec with the best values."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN, BAD_STORAGE
from graphspec.extras import require
from graphspec.run_directory import damaged, read_study
from graphspec.run_directory.lock import without_passwords
from graphspec.run_directory.spec_hash import changes, is_comparable, refusal
from graphspec.run_directory.spec_values import default_paths, study_values_of
from graphspec.runs.run import Run
from graphspec.spec import Spec, load
from graphspec.tuning.folder import BEST, RECORD, SPEC, TRIALS, newest
from graphspec.tuning.trial import Trial, best_of

if TYPE_CHECKING:
    from graphspec.tuning.storage import Storage


@dataclass(frozen=True)
class Study:
    """The folder of a study, read lazily; trials are read from optuna's storage.

    Attributes:
        path: The folder.
        address: The storage with a password that is not recorded, or one that has moved; empty for the recorded one.
    """

    path: Path
    address: str = field(default="", repr=False)

    @classmethod
    def at(cls, path: Path | str, storage: str = "") -> Study:
        """Return the study at `path`, or the newest below it.

        Args:
            path: The folder of a study, or of several.
            storage: Its storage, where that needs a password or has moved; see `tune`.

        Raises:
            SpecError: There is none.
        """
        return cls(newest(Path(path)), storage)

    @property
    def record(self) -> dict[str, Any]:
        """Read `study.json`: name, monitor, direction, status."""
        return read_study(self.path, RECORD)

    @property
    def monitor(self) -> str:
        """Return the metric that trials are compared by."""
        return str(self.record["monitor"])

    @property
    def spec(self) -> Spec:
        """Load the spec of the study, with its original values."""
        return load(self.path / SPEC)

    @property
    def storage(self) -> Storage:
        """Return the storage of the study. Needs optuna.

        One outside of the folder must be named, since a folder from somebody else would name a server or a file of
        theirs.

        Raises:
            SpecError: It is not named, or the study is kept in its folder and another one is named.
        """
        require_optuna()
        from graphspec.tuning.storage import Storage

        recorded = str(self.record.get("storage", ""))
        is_inside = recorded in ("", "journal")
        if is_inside == bool(self.address) and self.address != recorded:
            where = without_passwords(recorded)
            resume = command_line(
                "tune", "--resume", path_word(self.path), *(() if is_inside else ("--storage", where))
            )
            raise SpecError.of(
                BAD_STORAGE,
                f"the study {self.path} is kept in {'its own folder' if is_inside else where}",
                help=f"{'leave --storage out' if is_inside else 'name that, if you trust it'}: {resume}",
            )
        return Storage.of(self.path, self.address or recorded)

    def check(self) -> None:
        """Raise SpecError if the study cannot be resumed: its spec was edited, or its database is missing.

        The budget of its search may differ: more trials do not affect earlier ones.
        """
        record, spec = self.record, self.spec
        if spec.search is None:
            raise damaged(self.path / SPEC, "it has no `search`")
        if is_comparable(record):
            edits = changes(record, study_values_of(spec), default_paths(spec), whole=True)
            if edits:
                help = "undo the edit, or begin a new study; `--trials` and `--timeout` increase the budget of this one"
                raise refusal(self.path, edits, spec.tree, help)
        storage = self.storage
        has_begun = (self.path / TRIALS).is_dir() or storage.is_journal
        if storage.path is not None and has_begun and not os.path.lexists(storage.path):
            reason = "it is missing, although trials have begun"
            raise damaged(storage.path, reason) if storage.is_sqlite else storage.failed(reason)

    @property
    def trials(self) -> list[Trial]:
        """Read every trial, in order. Needs optuna. Raises SpecError if the study cannot be read."""
        storage = self.storage
        from graphspec.tuning.trials import load_trials

        return load_trials(storage, self.record, self.spec)

    @property
    def best(self) -> Trial:
        """Return the complete trial with the best value, the first of several. Raises SpecError if none is."""
        trial = best_of(self.trials, self.record["direction"])
        if trial is None:
            raise SpecError.of(BAD_RUN, f"{self.path} has no complete trial")
        return trial

    @property
    def best_run(self) -> Run:
        """Return the run of the best trial. Raises SpecError if it lies on another machine."""
        best = self.best
        if not best.is_here:
            raise SpecError.of(
                BAD_RUN, f"the run of the best trial, {best.number}, is on {best.host} in {best.run}",
                help=f"copy it from there, or train {self.best_spec}, which comes to the same numbers",
            )  # fmt: skip
        return Run(best.run)

    @property
    def best_spec(self) -> Path:
        """Return the path of the spec with the values of the best trial."""
        return self.path / BEST


def require_optuna() -> None:
    """Raise SpecError with the line to run if optuna is not installed."""
    require("optuna", "optuna", "a search needs optuna")
