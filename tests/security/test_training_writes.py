"""A training writes into its run directory and nowhere else, whatever a spec's callbacks name."""

from __future__ import annotations

from pathlib import Path

from .cases import CASES
from .cases.case import Case, each
from .sandbox import Sandbox

_TRAINED = [case for case in CASES if case.trains]
_OWN = ("spec.yaml", "lock.json", "run.json", "metrics.jsonl", "provenance.json")


@each(_TRAINED)
def test_training_of_hostile_case_stays_in_its_run(case: Case, place: Path, building: Sandbox) -> None:
    """A hostile training is refused, or ends with the run's own files whole and all else as it was."""
    case.lay_out(place)
    command = ["train", "--quiet", "--run-dir", "run", *case.options, "spec.yaml"]
    result = building.run(place, command, case.limits(place, "run", "../cache", "../tmp"))
    assert result.wrong() == []
    run = place / "project" / "run"
    if result.status == 0:
        assert all((run / name).read_bytes().strip() for name in _OWN)
        assert (run / "spec.yaml").read_text().startswith(("#", "graphspec"))
