"""`Run`: a run directory, with its spec, history and model, and predictions on data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec import run_directory
from graphspec.console.shell import command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN
from graphspec.diagnostics.suggest import one_of
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.files import is_file, is_folder, is_whole_zip
from graphspec.language.schema import TrainingModel
from graphspec.language.traversal import every_plugin
from graphspec.predicting.input_files import Files, table_sources
from graphspec.predicting.labels import labels_of
from graphspec.run_directory.file_hashes import differing_files, unknown_files, unknown_plugins
from graphspec.run_directory.lock import DATA, FILES, PLUGINS
from graphspec.run_directory.rows import check_record
from graphspec.run_directory.spec_hash import SpecChange, changes, is_comparable, refusal
from graphspec.run_directory.spec_values import EPOCHS, default_paths, epochs_path, values_of
from graphspec.sources import DataSource
from graphspec.sources.vocabularies import auto_sources
from graphspec.spec import Spec, load

if TYPE_CHECKING:
    import keras

    from graphspec.datasets.samples import Array
    from graphspec.predicting.predictor import Predictor

CHECKPOINTS = {"last": run_directory.MODEL, "best": run_directory.BEST}
"""The model of each checkpoint that a run keeps as a whole model."""


@dataclass(frozen=True)
class Run:
    """A run directory, read lazily; the spec is read once."""

    path: Path

    @classmethod
    def at(cls, path: Path | str) -> Run:
        """Return the run at `path`, or the newest below it. Raises SpecError if there is none."""
        return cls(run_directory.newest(Path(path)))

    @property
    def record(self) -> dict[str, Any]:
        """Read `run.json`: status, samples, last metrics, the best epoch."""
        return run_directory.read_record(self.path)

    @property
    def lock(self) -> dict[str, Any]:
        """Read `lock.json`: command, seed, versions, machine, data files."""
        return run_directory.read_lock(self.path)

    @property
    def metrics(self) -> list[run_directory.Row]:
        """Read `metrics.jsonl`, a row an epoch: see `graphspec.run_directory.rows` for its keys.

        Raises SpecError if epochs are missing, or if record and rows contradict each other.
        """
        record: dict[str, Any] = {}
        with suppress(SpecError):  # a damaged record is reported where it is needed
            record = self.record  # before the rows, which are written before it
        rows = run_directory.read_rows(self.path)
        check_record(self.path, record, rows)
        return rows

    @property
    def history(self) -> dict[str, list[Any]]:
        """Return every metric by epoch, and `epoch` itself.

        A value is a number, a list for a metric of several values, or None if missing or not finite.
        """
        return run_directory.series(self.metrics)

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Return the words of each `vocabulary: auto`, by `inputs.name` or `outputs.name`, in order of index.

        Raises SpecError if some are missing, or differ from those of the training.
        """
        vocabularies = run_directory.read_vocabularies(self.path)
        known: dict[str, Any] = {}
        with suppress(SpecError):  # without a lock, changes cannot be detected
            known = self.lock.get(FILES) or {}
        if run_directory.VOCABULARIES in differing_files(known, self.path):
            raise run_directory.damaged(self.path / run_directory.VOCABULARIES, "it has changed since the run began")
        data = self.spec.data
        automatic = auto_sources(data.train) if data is not None and data.train is not None else {}
        if missing := [name for name in automatic if name not in vocabularies]:
            raise run_directory.damaged(self.path / run_directory.VOCABULARIES, f"it has no words for `{missing[0]}`")
        return vocabularies

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Return the words of each output whose targets have a vocabulary, in order of index."""
        labels = labels_of(self.spec.graph, self.spec.data, self.vocabularies)
        return {name: each.words for name, each in labels.items()}

    def to_resume(self, epochs: int | None = None, *, check_free: bool = True) -> Spec | None:
        """Return the spec to resume with; None if the run has finished.

        Args:
            epochs: Number of epochs in all, by default the spec's.
            check_free: Refuse a run that another process trains.

        Raises:
            SpecError: The spec, a vocabulary or the state of a preprocessing layer was changed, or more epochs than
                `epochs` were trained.
        """
        record, spec = self.record, self.spec
        if check_free:
            run_directory.check_free(self.path)
        if spec.model.training is None or spec.data is None:
            raise run_directory.damaged(self.path / run_directory.SPEC, "it has no `training` and `data`")
        is_edited = self._check_spec(epochs)
        rows = self.metrics
        training = spec.model.training
        if epochs is not None and (is_edited or epochs != training.all_epochs):
            if epochs < len(rows):
                raise SpecError.of(BAD_RUN, f"{self.path} has trained {len(rows)} epochs, more than {epochs}")
            spec = load(self.path / run_directory.SPEC, [self._override(training, epochs)])
        # A finished run whose models are lost or damaged is resumed as well: its checkpoints still hold them.
        elif record["status"] == "finished" and self._has_models(record):
            return None
        self._check_files()
        return spec

    def _override(self, training: TrainingModel, epochs: int) -> str:
        """Return the override for so many epochs in all; the last stage of several becomes longer or shorter."""
        path = epochs_path(values_of(self.spec))
        if training.stages:
            earlier = training.all_epochs - training.stages[-1].epochs
            if epochs <= earlier:
                raise SpecError.of(
                    BAD_RUN,
                    f"the stages of {self.path} before the last one have {earlier} epochs, and all together were to "
                    f"have {epochs}",
                    help=f"write {earlier + 1} epochs or more, which change the last stage",
                )
            epochs -= earlier
        return f"{path}={epochs}"

    def spec_changes(self) -> list[SpecChange] | None:
        """Return the changes of the spec since the training; None if they cannot be detected."""
        lock = self.lock
        if not is_comparable(lock):
            return None
        return changes(lock, values_of(self.spec), default_paths(self.spec), whole=True)

    def changed_plugins(self) -> list[str]:
        """Return the source files of plugins that changed since the run began."""
        return differing_files(self.lock.get(PLUGINS, {}), self.path)

    def unknown_plugins(self) -> list[str]:
        """Return the source files of plugins that the run has no record of."""
        return unknown_plugins(every_plugin(self.spec.graph), self.lock.get(PLUGINS, {}), self.path)

    def _has_models(self, record: dict[str, Any]) -> bool:
        """Return whether the last model, and the best if there is a checkpoint of it, are undamaged."""
        keeps_best = record.get("best") and is_file(self.path / run_directory.CHECKPOINTS / "best.npz")
        names = [run_directory.MODEL, *([run_directory.BEST] if keeps_best else [])]
        return all(is_whole_zip(self.path / name) for name in names)

    def _check_files(self) -> None:
        known = self.lock.get(FILES)
        for name in differing_files(known or {}, self.path):
            raise run_directory.damaged(self.path / name, "it has changed since the run began")
        for name in unknown_files(known, self.path) if known is not None else ():
            raise run_directory.damaged(self.path / run_directory.LOCK, f"it has no entry for {name}")

    def _check_spec(self, epochs: int | None) -> bool:
        """Return whether the spec's number of epochs was edited. Raises SpecError after any other edit.

        An edit of the epochs is an error too if `epochs`, the number to resume with, is None.
        """
        lock = self.lock
        if not is_comparable(lock):
            return False
        every = changes(lock, values_of(self.spec), default_paths(self.spec), whole=False)
        path = epochs_path(values_of(self.spec))
        refused = [each for each in every if epochs is None or each.path != path]
        if not refused:
            return bool(every)
        help = "undo the edit, or train the spec as a new run, from the model of this one by `initial_weights`"
        if [each.path for each in refused] == [path]:
            assert self.spec.model.training is not None
            words = ("--set", f"{EPOCHS}={self.spec.model.training.all_epochs}")
            help = f"to train more epochs, run: {command_line('train', '--resume', path_word(self.path), *words)}"
        raise refusal(self.path, refused, self.spec.tree, help)

    @cached_property
    def spec(self) -> Spec:
        """Load the spec of the run."""
        return load(self.path / run_directory.SPEC)

    def model(
        self, spec: Spec | None = None, *, checkpoint: str = "last", compiled_as: Spec | None = None
    ) -> keras.Model:
        """Build the trained model from its spec, with its weights, and compile it.

        Args:
            spec: The spec to build from, by default the run's.
            checkpoint: `last`, or `best` for the model of the best epoch.
            compiled_as: The spec to compile with, by default `spec`.

        Raises:
            SpecError: The run has no such model, or its file does not fit the spec.
        """
        require_tensorflow()
        from graphspec.to_keras import build_model
        from graphspec.to_keras.adapted_layers import restore_configs, saved_configs
        from graphspec.to_keras.saved_file import check_saved_weights
        from graphspec.training.compiling import compile_model

        spec = spec or self.spec
        file = self.model_file(checkpoint)
        model = build_model(spec, pretrained=False, adapted=False)
        try:
            if unknown := restore_configs(model, saved_configs(file)):
                raise ValueError(f"it does not hold the adapted state of `{unknown[0]}`")
            check_saved_weights(file)
            model.load_weights(file)
        except Exception as error:
            raise SpecError.of(
                BAD_RUN,
                f"{file} cannot be read: {error}",
                help="the file is damaged, or spec.yaml beside it was changed",
            ) from error
        compiling = compiled_as or spec
        if compiling.training is not None:
            compile_model(compiling, model)
        return model

    def model_file(self, checkpoint: str = "last") -> Path:
        """Return the file of the model after the last epoch, or after the `best`. Raises SpecError if there is none."""
        if checkpoint not in CHECKPOINTS:
            raise ValueError(f"checkpoint is one of {one_of(CHECKPOINTS)}, not {checkpoint!r}")
        file = self.path / CHECKPOINTS[checkpoint]
        if file.is_file():
            return file
        if checkpoint == "best" and (self.path / CHECKPOINTS["last"]).is_file():
            raise SpecError.of(
                BAD_RUN,
                f"{self.path} holds no {file.name}",
                help="one is kept after an epoch with validation, or with `checkpoint: {monitor: loss}`",
            )
        status = run_directory.status_of(self.path, self.record)
        resume = command_line("train", "--resume", path_word(self.path))
        can_resume = (self.path / run_directory.CHECKPOINTS).is_dir()
        help = f"resume it: {resume}" if can_resume else "train again"
        if status == "running":
            help = "wait until it ends"
        elif status == "finished" and can_resume:
            help = f"its last checkpoint still holds it; this writes it again: {resume}"
        raise SpecError.of(BAD_RUN, f"{self.path} holds no model; its status is `{status}`", help=help)

    def predictor(self, checkpoint: str = "last", *, data: Spec | None = None) -> Predictor:
        """Return a predictor of the model, loaded lazily, with the data of the run.

        Args:
            checkpoint: See `model`.
            data: A spec whose data, losses and metrics replace the run's.
        """
        check_tensorflow()
        from graphspec.predicting.spec_predictor import check_names, predictor_with_spec

        spec = data or self.spec
        self.model_file(checkpoint)
        check_names(spec, self.spec.graph.inputs, self.spec.graph.outputs, str(self.path))
        predictor = predictor_with_spec(
            str(self.path), lambda: self.model(checkpoint=checkpoint, compiled_as=spec), spec, self.vocabularies
        )
        return replace(predictor, labels=labels_of(self.spec.graph, self.spec.data, self.vocabularies))

    def evaluate(
        self, data: Files | str = "test", *, batch_size: int | None = None, checkpoint: str = "last"
    ) -> dict[str, Any]:
        """Return loss and metrics on a split of the run's data, or on files.

        Args:
            data: `train`, `validation`, `test`, or files.
            batch_size: By default that of the training.
            checkpoint: See `model`.

        Raises:
            SpecError: Inputs or targets do not fit the model.
        """
        predictor = self.predictor(checkpoint)
        return predictor.evaluate(predictor.samples(data, targets=True), batch_size).metrics

    def changed_data(self, *names: str) -> list[str]:
        """Return the data files of the splits `names` that changed since the training.

        Files of `test` are not read by the training, so their changes are unknown.
        """
        from graphspec.datasets.data_files import differing

        paths = self._data_paths(names)
        return differing(self.lock.get(DATA, {}), paths, self.path) if paths else []

    def unknown_data(self, *names: str) -> list[str]:
        """Return the data files of the splits `names` that the run has no record of."""
        from graphspec.datasets.data_files import unknown

        paths = self._data_paths(names)
        return unknown(self.lock.get(DATA, {}), paths, self.path) if paths else []

    def _data_paths(self, names: Iterable[str]) -> dict[str, Path]:
        """Return the data files of the splits `names`, by their names in messages."""
        from graphspec.datasets.data_files import paths_of

        data = self.spec.data
        if data is None:
            return {}
        splits = [data.split(name) or (data.train if data.held_out else None) for name in names]
        return paths_of(each for each in splits if each is not None)

    def rows(self, file: Path | str) -> dict[str, DataSource]:
        """Return a source in the table `file` for each input that the training read from a table.

        Raises SpecError if `file` is no table, or the training read no input from one.
        """
        return table_sources(self.spec.data.train if self.spec.data is not None else None, file)

    def predict(
        self,
        data: Files | Mapping[str, DataSource] | str,
        *,
        rows: slice | None = None,
        batch_size: int | None = None,
        checkpoint: str = "last",
    ) -> dict[str, Array]:
        """Return the predictions for a split of the run's data, or for files, all in memory.

        Args:
            data: Name of a split, or files by input.
            rows: The samples to predict; all by default.
            batch_size: By default that of the training.
            checkpoint: See `model`.

        Returns:
            Outputs by name, first axis samples.

        Raises:
            SpecError: The inputs do not fit the model.
        """
        batches = list(self.predict_batches(data, rows=rows, batch_size=batch_size, checkpoint=checkpoint))
        import numpy as np

        return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}

    def predict_batches(
        self,
        data: Files | Mapping[str, DataSource] | str,
        *,
        rows: slice | None = None,
        batch_size: int | None = None,
        checkpoint: str = "last",
    ) -> Iterator[dict[str, Array]]:
        """Yield the predictions batch by batch, in order. Arguments and errors as for `predict`."""
        predictor = self.predictor(checkpoint)
        files = Files(data) if isinstance(data, Mapping) else data
        samples = predictor.samples(files, targets=False, rows=rows)
        return (batch.predicted for batch in predictor.batches(samples, batch_size))


def run_or_file(path: Path | str) -> Run | Path:
    """Return the run at `path` or the newest below it, or the path itself if it is a model file.

    Raises SpecError if there is neither.
    """
    path = Path(path)
    is_model = path.suffix.lower() == ".keras" or is_file(path)
    return path if is_model and not is_folder(path) else Run.at(path)
