"""A model in a file → what decompiling makes of it, under an audit hook. Nothing here imports Keras."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.render import render
from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file
from graphspec.spec import Spec
from tests.from_keras.fuzzing.cases import Models
from tests.from_keras.fuzzing.configs import Case
from tests.fuzzing.watched import Tried, watch
from tests.security.audit import MARKER, Limits, Recorder

MEGABYTES, SECONDS = 3_000, 5.0
_MAX_REPORT = 200_000


@dataclass
class Outcome:
    """The outcome of a case.

    Attributes:
        kind: What became of it, such as "equal" or "finding, Keras loads it".
        detail: The rule and the message of a finding, or the reason of Keras.
        faults: What is wrong.
    """

    kind: str = ""
    detail: str = ""
    faults: list[str] = field(default_factory=list)


class Trial:
    """Decompiles cases in a folder. recorder: hears what is done meanwhile, where there is one."""

    def __init__(self, folder: Path, recorder: Recorder | None = None) -> None:
        self.folder = folder
        self.recorder = recorder

    def file(self, case: Case) -> Path:
        """Write a case to a file, and remove what others have left."""
        for each in self.folder.glob("spec.*"):
            each.unlink()
        path = self.folder / f"case{case.suffix}"
        path.write_bytes(case.data)
        return path

    def options(self, case: Case) -> DecompileOptions:
        """Return options under which an archive and each other configuration is written to files."""
        is_archive = case.suffix == ".keras"
        writes = is_archive or len(case.data) % 2
        return DecompileOptions(path=self.folder / "spec.yaml" if writes else None, weights=is_archive)

    def decompile(self, case: Case, outcome: Outcome) -> Spec | None:
        """Return the spec of a case; None after a finding."""
        path, options = self.file(case), self.options(case)
        if self.recorder is not None:
            self.recorder.faults = []
            self.recorder.limits = Limits((str(self.folder),), (str(self.folder),))
        try:
            found = decompile_file(read_model_file(path), options)
            render(found.warnings)
            found.text.encode()
            return found.spec
        except SpecError as error:
            outcome.kind, outcome.detail = "finding", first(error)
            text = render(error.report)
            if len(text) > _MAX_REPORT:
                outcome.faults.append(f"the report has {len(text):,} characters")
            return None
        finally:
            if self.recorder is not None:
                self.recorder.limits = None
                outcome.faults += [f"decompiling {each}" for each in self.recorder.faults]
            if any((each / MARKER).exists() for each in (Path(), self.folder)):
                outcome.faults.append("code of the model was executed")


def first(error: SpecError) -> str:
    """Return the rule and the message of the first error."""
    found = error.report.errors[0]
    return f"{found.rule.code} {found.message[:300]}"


@cache
def recorder() -> Recorder:
    """Return the audit hook of this process, installed."""
    made = Recorder()
    made.install()
    return made


def try_decompiling(models: Path, archives: bool, seed: int, number: int, folder: Path) -> Tried:
    """Decompile case `number` of those of `seed`, without Keras."""
    sys.dont_write_bytecode = True  # which Python writes of a module that is imported first here
    made = Models.at(models)
    case = made.archive(seed, number) if archives else made.config(seed, number)

    def work() -> tuple[bool, list[str]]:
        outcome = Outcome()
        spec = Trial(folder, recorder()).decompile(case, outcome)
        return spec is not None, outcome.faults

    return watch(work, MEGABYTES, SECONDS)
