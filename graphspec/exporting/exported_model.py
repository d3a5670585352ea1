"""The model to export, of a run or of a `.keras` file, with its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graphspec import run_directory
from graphspec.extras import require_tensorflow
from graphspec.predicting.predictor import Predictor
from graphspec.predicting.spec_predictor import predictor_of_file, predictor_with_spec
from graphspec.runs.run import CHECKPOINTS, Run, run_or_file
from graphspec.spec import load

_FLOAT32 = "training.precision=float32"


@dataclass(kw_only=True)
class ExportedModel:
    """A model to export.

    Attributes:
        name: File name of its exports, without extension.
        folder: The run directory, or the folder of `file`.
        file: File of the model.
        make: Loads the model with its data.
        precision: Precision of the training if the model is built with another, else empty.
    """

    name: str
    folder: Path
    file: Path
    make: Callable[[], Predictor]
    precision: str = ""

    @cached_property
    def predictor(self) -> Predictor:
        """Load the model with its data. Raises SpecError if it cannot be read."""
        return self.make()


def exported_model(run: Run | Path | str, checkpoint: str, *, in_float32: bool) -> ExportedModel:
    """Return the model of a run or in a file.

    Args:
        run: A run, its directory, a folder of runs (the newest is taken), or a `.keras` file.
        checkpoint: `last`, or `best` for the model of the best epoch of a run.
        in_float32: Build the model of a run trained in mixed precision in float32, as its weights are.

    Raises:
        SpecError: There is no run.
    """
    run = run if isinstance(run, Run) else run_or_file(run)
    if isinstance(run, Path):
        file = run
        return ExportedModel(name=file.stem, folder=file.parent, file=file, make=lambda: _load_file(file))
    spec = run.spec
    precision = spec.model.precision
    is_changed = in_float32 and precision != "float32"
    model_spec = load(run.path / run_directory.SPEC, [_FLOAT32]) if is_changed else spec
    return ExportedModel(
        name=spec.name,
        folder=run.path,
        file=run.path / CHECKPOINTS[checkpoint],
        make=lambda: predictor_with_spec(
            str(run.path), lambda: run.model(model_spec, checkpoint=checkpoint), spec, run.vocabularies
        ),
        precision=precision if is_changed else "",
    )


def _load_file(path: Path) -> Predictor:
    """Load the model in a file; in a run directory, with the data of the run."""
    require_tensorflow()
    spec = path.parent / run_directory.SPEC
    if (path.parent / run_directory.RECORD).is_file() and spec.is_file():
        return predictor_of_file(path, load(spec))
    from graphspec.predicting.model_file import predictor_of

    return predictor_of(path)
