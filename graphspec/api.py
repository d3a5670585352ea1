"""The doors of the Python API to what needs TensorFlow: each imports its heavy half when it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from graphspec.diagnostics import Report
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.run_directory import RECORD, Row, check_can_create, check_destination
from graphspec.runs.run import Run
from graphspec.spec import Spec, load

if TYPE_CHECKING:
    import keras

    from graphspec.datasets.samples import TrainingData
    from graphspec.sources.vocabularies import Vocabularies
    from graphspec.to_keras.summary import Summary


_TRAINED = ("train", "validation")
"""The splits that a training reads."""


def build(spec: Spec | Path | str, *, weightless: bool = False) -> keras.Model:
    """The Keras model of `spec` (or of the spec at that path): dict inputs, dict outputs, not compiled.

    weightless: trace shapes, dtypes, names and parameter counts without allocating one weight; such a model cannot
    be called on data. Raises SpecError where Keras refuses a layer or a call, naming node, line and incoming shapes.
    """
    require_tensorflow()
    from graphspec.to_keras import build_model

    return build_model(_loaded(spec), weightless=weightless)


def validate(path: Path | str, overrides: Iterable[str] = (), *, values: bool = False, deep: bool = False) -> Report:
    """Everything found in the spec at `path`, or in every spec below the folder `path`; without TensorFlow.

    values: read the data files that specs name whole, for which NumPy is needed; else their headers alone. deep: let
    Keras build and compile what has no error so far, without weights: this imports TensorFlow, and the specs' plugins.
    Comments of a spec that ignore findings hold. Settings in a pyproject.toml do not: they are the command line's.
    """
    from graphspec.validation import validate as validate_static

    if not deep:
        return validate_static(path, overrides, values=values)
    require_tensorflow()
    from graphspec.training.dry_run import DryRun

    return validate_static(path, overrides, values=values, deep=DryRun())


def summarize(spec: Spec | Path | str) -> Summary:
    """What `graphspec summary` shows, as data: every node with its inputs, shape, parameters and sharing."""
    require_tensorflow()
    from graphspec.to_keras.summary import summarize as summarize_graph

    return summarize_graph(_loaded(spec))


def train(
    spec: Spec | Path | str,
    *,
    overrides: Iterable[str] = (),
    run_dir: Path | str | None = None,
    progress: bool = False,
    on_epoch: Callable[[Row], bool] | None = None,
) -> Run:
    """Train the model of `spec` on its data and write a run directory.

    run_dir: where to write; by default `runs/<name>/<time>-<id>`. It must not exist yet, or be empty. progress: tell of
    it on standard error. on_epoch: is given each row of `Run.metrics`; where it gives False, the training ends there.
    Raises SpecError where spec, data or training are at fault. SIGINT and SIGTERM end a training between two steps, as
    KeyboardInterrupt and SystemExit; `resume` goes on from there.
    """
    check_tensorflow()
    loaded = _loaded(spec, overrides)
    folder = Path(run_dir) if run_dir is not None else None
    check_can_create(loaded, folder)
    samples = _training_data(loaded, progress=progress)
    require_tensorflow()
    from graphspec.training.signals import StoppedError
    from graphspec.training.trainer import train as train_model

    try:
        return Run(train_model(loaded, samples, folder, progress=progress, on_epoch=on_epoch))
    except StoppedError as error:
        raise error.as_exit() from None


def resume(
    run: Run | Path | str,
    *,
    epochs: int | None = None,
    progress: bool = False,
    on_epoch: Callable[[Row], bool] | None = None,
) -> Run:
    """Go on with a training that was stopped or killed, to the very same end that it would have come to.

    run: a run, its directory, or a folder of runs, which stands for the newest in it. epochs: how many it is to have
    in all; by default as many as its spec says. A run that has them all is left as it is. on_epoch: as for `train`, and
    given the rows that are still to come. Raises as `train` does.
    """
    check_tensorflow()
    found = run if isinstance(run, Run) else Run.at(run)
    spec = found.to_resume(epochs)
    if spec is None:
        return found
    check_destination(found.path / RECORD)
    samples = _training_data(spec, found.vocabularies, progress=progress)
    require_tensorflow()
    from graphspec.training.begin_or_resume import DataChanges
    from graphspec.training.signals import StoppedError
    from graphspec.training.trainer import resume as resume_training

    try:
        changes = DataChanges(found.changed_data(*_TRAINED), found.unknown_data(*_TRAINED))
        return Run(resume_training(spec, samples, found.path, changes, progress=progress, on_epoch=on_epoch))
    except StoppedError as error:
        raise error.as_exit() from None


def _training_data(spec: Spec, known: Vocabularies | None = None, *, progress: bool) -> TrainingData:
    """The samples of `spec`, with the vocabularies of an earlier run, if any."""
    from graphspec.datasets.samples import read_training_data

    if not progress:
        return read_training_data(spec, vocabularies=known)
    from rich.console import Console

    from graphspec.console.reading import showing

    with showing(Console(stderr=True)) as progress_shown:
        return read_training_data(spec, progress_shown, known)


def _loaded(spec: Spec | Path | str, overrides: Iterable[str] = ()) -> Spec:
    if isinstance(spec, Spec):
        if list(overrides):
            raise ValueError("overrides are applied when a spec is loaded: graphspec.load(path, overrides)")
        return spec
    return load(spec, overrides)
