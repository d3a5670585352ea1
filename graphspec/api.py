"""The functions of the Python API that need TensorFlow, which they import when they are called."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from graphspec.catalog.versions import version_of
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import TWO_STARTS
from graphspec.distribution.cluster import is_follower
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.run_directory import RECORD, Row, check_can_create, check_destination
from graphspec.runs.run import Run
from graphspec.spec import Spec, load

if TYPE_CHECKING:
    import keras

    from graphspec.console.reporter import Reporter
    from graphspec.datasets.samples import TrainingData
    from graphspec.distribution.strategy import Distribution
    from graphspec.run_directory.starting_model import StartingModel
    from graphspec.sources.vocabularies import Vocabularies
    from graphspec.to_keras.summary import Summary


_TRAINING_SPLITS = ("train", "validation")
"""The splits that a training reads."""


def build(spec: Spec | Path | str, *, weightless: bool = False) -> keras.Model:
    """Return the Keras model of a spec, with a dict of inputs and a dict of outputs, not compiled.

    Args:
        spec: A spec or its path.
        weightless: Compute shapes, dtypes, names and numbers of parameters without allocating weights; such a model
            cannot be called on data.

    Raises:
        SpecError: Keras refuses a layer or a call; the error names the node, the line and the input shapes.
    """
    require_tensorflow()
    from graphspec.to_keras import build_model

    return build_model(_loaded(spec), weightless=weightless)


def decompile(
    model: keras.Model,
    path: Path | str | None = None,
    *,
    weights: bool = False,
    plugins: Iterable[str] = (),
    force: bool = False,
) -> Spec:
    """Return the spec of a functional or Sequential Keras model, as a person would have written it.

    Args:
        model: The model; one of a subclass is taken as the functional model that it is.
        path: The file to write the spec to, with vocabularies and weights beside it; by default nothing is written,
            and the spec holds its vocabularies itself.
        weights: Write the weights too, and name them in the spec; needs a path.
        plugins: The modules that register its custom layers; by default those that define them.
        force: Replace files that are there.

    Raises:
        SpecError: No spec can hold the model; it names each layer that is the reason, and what to do.
        ValueError: `weights` without a path.
    """
    require_tensorflow()
    from graphspec.from_keras import DecompileOptions, decompile_file, read_model_file
    from graphspec.to_keras.serialized import ModelState, functional, plugin_modules, save

    if weights and path is None:
        raise ValueError("weights are written beside the spec: name its path")
    options = DecompileOptions(
        path=Path(path) if path is not None else None,
        weights=weights,
        plugins=tuple(plugins) or tuple(plugin_modules(model)),
        force=force,
    )
    model = functional(model)
    with tempfile.TemporaryDirectory() as folder:
        file = read_model_file(save(model, Path(folder)))
        file.state = ModelState(model, file.state)
        return decompile_file(file, options).spec


def validate(
    path: Path | str,
    overrides: Iterable[str] = (),
    *,
    values: bool = False,
    deep: bool = False,
    keras: str | None = None,
) -> Report:
    """Check the spec at `path`, or every spec below the folder `path`, without TensorFlow.

    Comments that ignore findings apply; settings in a pyproject.toml do not, they belong to the command line.

    Args:
        path: A spec or a folder.
        overrides: `key=value` texts, as for `--set`.
        values: Read whole data files, which needs NumPy; by default only their headers.
        deep: Let Keras build and compile specs without errors, without weights; this imports TensorFlow and the
            plugins of the specs.
        keras: Check for this version of Keras, such as `3.12`; by default for the one that is installed.

    Raises:
        ValueError: graphspec does not know this version of Keras.
    """
    from graphspec.validation import validate as validate_static

    minor = version_of(keras) if keras is not None else None
    if not deep:
        return validate_static(path, overrides, values=values, keras=minor)
    require_tensorflow()
    from graphspec.training.dry_run import DryRun

    return validate_static(path, overrides, values=values, deep=DryRun(), keras=minor)


def summarize(spec: Spec | Path | str) -> Summary:
    """Return the content of `graphspec summary`: every node with its inputs, shape, parameters and sharing."""
    require_tensorflow()
    from graphspec.to_keras.summary import summarize as summarize_graph

    return summarize_graph(_loaded(spec))


def train(
    spec: Spec | Path | str,
    *,
    overrides: Iterable[str] = (),
    run_dir: Path | str | None = None,
    from_run: Run | Path | str | None = None,
    checkpoint: str = "last",
    progress: bool = False,
    on_epoch: Callable[[Row], bool] | None = None,
    find_learning_rate: bool = False,
) -> Run:
    """Train the model of a spec on its data and write a run directory.

    Args:
        spec: A spec or its path.
        overrides: `key=value` texts, as for `--set`.
        run_dir: A new or empty folder; by default `runs/<name>/<time>-<id>`.
        from_run: A run, its directory, or a folder of runs, of which the newest is used. The training starts from the
            weights of its model that carry over, as `graphspec diff` says; the state of the optimizer does not.
        checkpoint: With `from_run`, its `last` model, or the `best`.
        progress: Show progress on standard error.
        on_epoch: Called with each row of `Run.metrics`; if it returns False, the training ends.
        find_learning_rate: Test learning rates before the training, which stays as it is. The curve is kept in
            `learning_rates.json` of the run and shown in its report.

    Raises:
        SpecError: The spec, its data or the training has an error.
        KeyboardInterrupt: SIGINT stopped the training between two steps; `resume` continues it.
        SystemExit: SIGTERM or SIGHUP did.
    """
    check_tensorflow()
    loaded = _loaded(spec, overrides)
    folder = Path(run_dir) if run_dir is not None else None
    if not is_follower(loaded):
        check_can_create(loaded, folder)
    start = _starting_model(loaded, from_run, checkpoint) if from_run is not None else None
    reporter = _reporter(progress)
    distribution = _distribution(loaded, reporter)
    samples = _training_data(loaded, reporter)
    if start is not None:
        _warn_of_other_words(Run(start.run), samples.vocabularies, reporter)
    require_tensorflow()
    from graphspec.training.signals import StoppedError
    from graphspec.training.trainer import train as train_model

    try:
        run = train_model(
            loaded,
            samples,
            folder,
            start,
            distribution=distribution,
            reporter=reporter,
            on_epoch=on_epoch,
            tests_learning_rates=find_learning_rate,
        )
        return Run(run)
    except StoppedError as error:
        raise error.as_exit() from None


def resume(
    run: Run | Path | str,
    *,
    epochs: int | None = None,
    progress: bool = False,
    on_epoch: Callable[[Row], bool] | None = None,
) -> Run:
    """Resume a training that was stopped or killed, to the same result as without the interruption.

    A run that is complete is returned unchanged.

    Args:
        run: A run, its directory, or a folder of runs, of which the newest is used.
        epochs: The total number of epochs; by default that of the spec.
        progress: Show progress on standard error.
        on_epoch: Called with each new row of `Run.metrics`; if it returns False, the training ends.

    Raises:
        SpecError: As for `train`, as well as KeyboardInterrupt and SystemExit.
    """
    check_tensorflow()
    stopped = run if isinstance(run, Run) else Run.at(run)
    follows = is_follower(stopped.spec)
    spec = stopped.to_resume(epochs, check_free=not follows)
    if spec is None:
        return stopped
    if not follows:
        check_destination(stopped.path / RECORD)
    reporter = _reporter(progress)
    distribution = _distribution(spec, reporter)
    samples = _training_data(spec, reporter, stopped.vocabularies)
    require_tensorflow()
    from graphspec.training.begin_or_resume import DataChanges
    from graphspec.training.signals import StoppedError
    from graphspec.training.trainer import resume as resume_training

    try:
        changes = DataChanges(stopped.changed_data(*_TRAINING_SPLITS), stopped.unknown_data(*_TRAINING_SPLITS))
        return Run(
            resume_training(
                spec,
                samples,
                stopped.path,
                changes,
                distribution=distribution,
                reporter=reporter,
                on_epoch=on_epoch,
            )
        )
    except StoppedError as error:
        raise error.as_exit() from None


def _distribution(spec: Spec, reporter: Reporter) -> Distribution | None:
    """Return the replicas that train `spec`, before its data is read: a worker that fails then is missed at once."""
    if spec.model.training is None or spec.model.training.distribute is None:
        return None
    require_tensorflow()
    from graphspec.training.trainer import distribution_of

    return distribution_of(spec, reporter)


def _starting_model(spec: Spec, run: Run | Path | str, checkpoint: str) -> StartingModel:
    """Return the model of `run` as the start of a training of `spec`. Raises SpecError if there is none."""
    from graphspec.differences import origins_of_layers
    from graphspec.run_directory.starting_model import StartingModel

    if spec.training is not None and spec.training.initial_weights is not None:
        span = spec.training.initial_weights.span
        raise SpecError.of(
            TWO_STARTS,
            "the spec starts from `initial_weights`, and the training from the weights of a run",
            span,
            expected="one of the two",
            help="remove `initial_weights`, or override it: `--set training.initial_weights=null`",
        )
    found = run if isinstance(run, Run) else Run.at(run)
    file = found.model_file(checkpoint)
    return StartingModel(found.path, checkpoint, file, *origins_of_layers(found.spec, spec))


def _warn_of_other_words(run: Run, vocabularies: Vocabularies, reporter: Reporter) -> None:
    """Warn of each `vocabulary: auto` that is not that of the run, whose weights are of its words."""
    known = run.vocabularies
    for name, words in vocabularies.items():
        if name in known and words != known[name]:
            same = sum(1 for one, other in zip(words, known[name], strict=False) if one == other)
            reporter.warn(
                f"the vocabulary of {name} is not that of {run.path}: {same:,} of {len(words):,} words have the same "
                "index, and what the run has learnt of the others is now of other words"
            )


def _reporter(progress: bool) -> Reporter:
    from graphspec.console.reporter import Reporter

    return Reporter.on_stderr(quiet=not progress)


def _training_data(spec: Spec, reporter: Reporter, known: Vocabularies | None = None) -> TrainingData:
    """Read the samples of `spec`, with the `known` vocabularies of an earlier run."""
    from graphspec.datasets.samples import read_training_data

    if reporter.quiet:
        return read_training_data(spec, vocabularies=known)
    from graphspec.console.reading import showing

    with showing(reporter.console) as progress:
        return read_training_data(spec, progress, known)


def _loaded(spec: Spec | Path | str, overrides: Iterable[str] = ()) -> Spec:
    if isinstance(spec, Spec):
        if list(overrides):
            raise ValueError("overrides are applied when a spec is loaded: graphspec.load(path, overrides)")
        return spec
    return load(spec, overrides)
