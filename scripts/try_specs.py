"""Validate, build and train every shipped spec for a step, with the Keras that is installed.

    python scripts/try_specs.py
    python scripts/try_specs.py vae "zoo/*transformer"

Specs of the zoo are built at the small sizes of the tests. A spec is trained for a step on its shipped data, or else on
two random samples. Prints what fails; exits with 1 where anything does.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import keras  # noqa: E402
import numpy as np  # noqa: E402

import graphspec  # noqa: E402
from tests.zoo.hand_written import SMALL  # noqa: E402
from tests.zoo.small_trainings import small, write_samples  # noqa: E402

SPECS = ROOT / "specs"
LENGTH = 200
"""Of open dimensions."""
VALIDATION = ["data.validation={split: 0.5}"]
"""For callbacks that monitor it."""
ONE_STEP = ["training.epochs=1", "training.steps_per_epoch=1", "training.jit_compile=false"]


def overrides_of(path: Path) -> list[str]:
    """Return the overrides that make a spec small."""
    return small(path.stem) if path.stem in SMALL else []


def validate(path: Path) -> None:
    for overrides in ([], overrides_of(path)):
        found = graphspec.validate(path, overrides)
        assert not len(found), str(found)


def build(path: Path) -> None:
    graphspec.build(graphspec.load(path), weightless=True)


def train(path: Path) -> None:
    """Train a spec for a step; one without `training` is built alone."""
    overrides = overrides_of(path)
    spec = graphspec.load(path, overrides)
    model = graphspec.build(spec)
    if spec.training is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        if spec.data is not None:
            data = ONE_STEP
        elif path.stem in SMALL:
            data = write_samples(spec, Path(folder), model)
        else:
            data = write_samples(spec, Path(folder), model, LENGTH) + VALIDATION
        run = graphspec.train(path, overrides=[*overrides, *data], run_dir=Path(folder) / "run")
    assert all(np.isfinite(values).all() for values in run.history.values()), run.history


STEPS: tuple[Callable[[Path], None], ...] = (validate, build, train)


def failed_step(path: Path) -> str:
    """Return the name of the first step that fails, after its error is printed; empty if none does."""
    for step in STEPS:
        try:
            step(path)
        except Exception:
            print(f"\n{path.relative_to(SPECS)} does not {step.__name__}:\n{traceback.format_exc()}", flush=True)
            return step.__name__
        finally:
            keras.utils.clear_session()
    return ""


def main() -> int:
    wanted = sys.argv[1:] or ["*"]
    paths = [
        path
        for path in sorted(SPECS.rglob("*.yaml"))
        if any(fnmatch(name, each) for name in (path.stem, str(path.relative_to(SPECS))) for each in wanted)
    ]
    failed = {path.stem: step for path in paths if (step := failed_step(path))}
    said = ", ".join(f"{name} ({step})" for name, step in failed.items()) or "all pass"
    print(f"Keras {keras.__version__}: {len(paths)} specs validate, build and train a step: {said}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
