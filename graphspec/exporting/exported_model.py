"""What is exported: the model of a run, or of a `.keras` file, with what is known of its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graphspec import run_directory
from graphspec.extras import require_tensorflow
from graphspec.predicting.predictor import Predictor
from graphspec.predicting.with_spec import predictor_of_file, predictor_with_spec
from graphspec.runs.run import CHECKPOINTS, Run
from graphspec.spec import load

_FLOAT32 = "training.precision=float32"


@dataclass
class Subject:
    """The model in `file`, of the run in `folder` or alone in that folder. name is what its exports are called.

    make opens it. precision is that of the training where the model is built to compute in another, else empty.
    """

    name: str
    folder: Path
    file: Path
    make: Callable[[], Predictor]
    precision: str = ""

    @cached_property
    def predictor(self) -> Predictor:
        """The model with its data. Raises SpecError where it cannot be read."""
        return self.make()


def subject_of(path: Path, checkpoint: str, *, in_float32: bool) -> Subject:
    """The run at `path`, the newest in that folder, or the model in that file. Raises SpecError where there is no run.

    checkpoint: `last`, or `best` for the model of the best epoch of a run. in_float32: a run that was trained in mixed
    precision gives a model that computes in float32; its weights are that.
    """
    if path.suffix.lower() == ".keras" and not path.is_dir():
        return Subject(path.stem, path.parent, path, lambda: _of_file(path))
    run = Run.at(path)
    spec = run.spec
    precision = spec.model.precision
    changed = in_float32 and precision != "float32"
    built = load(run.path / run_directory.SPEC, [_FLOAT32]) if changed else spec
    return Subject(
        spec.name,
        run.path,
        run.path / CHECKPOINTS[checkpoint],
        lambda: predictor_with_spec(
            str(run.path), lambda: run.model(built, checkpoint=checkpoint), spec, run.vocabularies
        ),
        precision if changed else "",
    )


def _of_file(path: Path) -> Predictor:
    """The model in a file; in a run directory, with the data of the run."""
    require_tensorflow()
    beside = path.parent / run_directory.SPEC
    if (path.parent / run_directory.RECORD).is_file() and beside.is_file():
        return predictor_of_file(path, load(beside))
    from graphspec.predicting.model_file import predictor_of

    return predictor_of(path)
