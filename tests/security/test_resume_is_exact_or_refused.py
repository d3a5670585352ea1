"""`train --resume` goes on with the very training that was begun, or says what differs and refuses.

That it is exact to the bit is shown at depth by `tests/training/test_resuming.py` and `scripts/kill_and_resume.py`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .cases import contents
from .cases.case import BASE, Case
from .sandbox import Sandbox

_SPEC = BASE.replace("epochs: 1", "epochs: 2, seed: 3")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, building: Sandbox) -> Path:
    """A case with two finished runs of different seeds, `run` and `other`."""
    root = tmp_path_factory.mktemp("trained") / "case"
    case = Case("trained", _SPEC)
    case.lay_out(root)
    limits = case.limits(root, "run", "other", "../cache", "../tmp")
    for run, seed in (("run", "3"), ("other", "4")):
        command = ["train", "--quiet", "--run-dir", run, "--set", f"training.seed={seed}", "spec.yaml"]
        result = building.run(root, command, limits)
        assert (result.wrong(), result.status) == ([], 0), result.output
    return root


def _edited(old: str, new: str) -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        spec = project / "run" / "spec.yaml"
        text = spec.read_text()
        assert old in text
        spec.write_text(text.replace(old, new))

    return edit


def _swapped(project: Path) -> None:
    shutil.rmtree(project / "run" / "checkpoints")
    shutil.copytree(project / "other" / "checkpoints", project / "run" / "checkpoints")


def _fewer_samples(project: Path) -> None:
    contents.npy(6, 4)(project / "x.npy")
    contents.npy(6, 1)(project / "y.npy")


def _without_a_lock(project: Path) -> None:
    (project / "run" / "lock.json").unlink()


def _with_the_lock_of_another(project: Path) -> None:
    shutil.copy(project / "other" / "lock.json", project / "run" / "lock.json")


_CHANGES: dict[str, Callable[[Path], None]] = {
    "another optimizer": _edited("optimizer: sgd", "optimizer: adam"),
    "another seed": _edited("seed: 3", "seed: 5"),
    "another batch size": _edited("batch_size: 4", "batch_size: 2"),
    "another loss": _edited("loss: mse", "loss: mae"),
    "another layer": _edited("Dense: 1", "Dense: {units: 1, use_bias: false}"),
    "checkpoints of another run": _swapped,
    "fewer samples": _fewer_samples,
    "no lock": _without_a_lock,
    "the lock of another run": _with_the_lock_of_another,
}


_EVERY_DAY = ("another optimizer", "another seed", "fewer samples", "checkpoints of another run", "no lock")


@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[] if what in _EVERY_DAY else [pytest.mark.slow]) for what in _CHANGES]
)
def test_changed_run_is_refused(what: str, trained: Path, place: Path, building: Sandbox) -> None:
    """A run whose spec, checkpoints, lock or data are others than those it began with is not gone on with."""
    root = place / "case"
    shutil.copytree(trained, root, symlinks=True)
    _CHANGES[what](root / "project")
    before = sorted((root / "project" / "run").rglob("*"))
    command = ["train", "--quiet", "--resume", "run", "--set", "training.epochs=3"]
    result = building.run(root, command, Case("").limits(root, "run", "../cache", "../tmp"))
    assert result.wrong() == []
    assert result.status == 1, result.output
    assert "error[" in result.output
    assert sorted((root / "project" / "run").rglob("*")) == before


def test_unchanged_run_goes_on(trained: Path, place: Path, building: Sandbox) -> None:
    """A run that nobody has touched is resumed, with more epochs."""
    root = place / "case"
    shutil.copytree(trained, root, symlinks=True)
    command = ["train", "--quiet", "--resume", "run", "--set", "training.epochs=3"]
    result = building.run(root, command, Case("").limits(root, "run", "../cache", "../tmp"))
    assert (result.wrong(), result.status) == ([], 0), result.output
    rows = (root / "project" / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["epoch"] for row in rows] == [0, 1, 2]
