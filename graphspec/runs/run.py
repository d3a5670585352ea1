"""`Run`: a run directory, read again: its spec, its history, its model, and what the model says of other data."""

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
from graphspec.files import is_file, is_whole_zip
from graphspec.language.traversal import every_plugin
from graphspec.predicting.input_files import Files, table_sources
from graphspec.predicting.labels import labels_of
from graphspec.run_directory.consistency import check_record
from graphspec.run_directory.file_hashes import differing_files, unknown_files, unknown_plugins
from graphspec.run_directory.lock import DATA, FILES, PLUGINS
from graphspec.run_directory.spec_hash import Change, changes, is_comparable, refusal
from graphspec.run_directory.spec_values import EPOCHS, default_paths, values_of
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
    """A run directory. Everything is read when it is asked for, the spec once."""

    path: Path

    @classmethod
    def at(cls, path: Path | str) -> Run:
        """The run at `path`, or the newest run below that folder. Raises SpecError where there is none."""
        return cls(run_directory.newest(Path(path)))

    @property
    def record(self) -> dict[str, Any]:
        """What `run.json` says: status, samples, last metrics, the best epoch."""
        return run_directory.read_record(self.path)

    @property
    def lock(self) -> dict[str, Any]:
        """What `lock.json` says: command, seed, versions, machine, data files."""
        return run_directory.read_lock(self.path)

    @property
    def metrics(self) -> list[run_directory.Row]:
        """What `metrics.jsonl` says, a row an epoch: see `graphspec.run_directory.rows` for its keys.

        Raises SpecError where epochs are missing that the record counts, or where the record says what they do not.
        """
        record: dict[str, Any] = {}
        with suppress(SpecError):  # what is wrong with the record is said by what needs it
            record = self.record  # before the rows, which are written before it
        rows = run_directory.read_rows(self.path)
        check_record(self.path, record, rows)
        return rows

    @property
    def history(self) -> dict[str, list[Any]]:
        """Every metric by epoch, and `epoch` itself.

        A number, a list for a metric of several values, or None where it was not measured or not finite.
        """
        return run_directory.series(self.metrics)

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """The words of each `vocabulary: auto` of the run, by `inputs.name` and `outputs.name`, in order of index.

        Raises SpecError where the run does not hold them all, or not those that it was trained with.
        """
        found = run_directory.read_vocabularies(self.path)
        known: dict[str, Any] = {}
        with suppress(SpecError):  # without a lock nobody can tell
            known = self.lock.get(FILES) or {}
        if run_directory.VOCABULARIES in differing_files(known, self.path):
            raise run_directory.damaged(self.path / run_directory.VOCABULARIES, "it is not what the run was begun with")
        data = self.spec.data
        wanted = auto_sources(data.train) if data is not None and data.train is not None else {}
        if missing := [name for name in wanted if name not in found]:
            raise run_directory.damaged(self.path / run_directory.VOCABULARIES, f"it has no words for `{missing[0]}`")
        return found

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """The words of each output whose targets have a vocabulary, in order of index."""
        found = labels_of(self.spec.graph, self.spec.data, self.vocabularies)
        return {name: each.words for name, each in found.items()}

    def to_resume(self, epochs: int | None = None) -> Spec | None:
        """The spec to resume with, of `epochs` epochs in all; None where the run has come to its end.

        Raises SpecError where the spec was edited, where there are to be fewer epochs than were trained, or where a
        vocabulary or the state of a preprocessing layer was changed.
        """
        record, spec = self.record, self.spec
        run_directory.check_free(self.path)
        if spec.model.training is None or spec.data is None:
            raise run_directory.damaged(self.path / run_directory.SPEC, "it has no `training` and `data`")
        is_edited = self._check_spec(epochs)
        rows = self.metrics
        if epochs is not None and (is_edited or epochs != spec.model.training.epochs):
            if epochs < len(rows):
                raise SpecError.of(BAD_RUN, f"{self.path} has trained {len(rows)} epochs, more than {epochs}")
            spec = load(self.path / run_directory.SPEC, [f"{EPOCHS}={epochs}"])
        # A finished run whose models are lost or damaged is resumed as well: its checkpoints still hold them.
        elif record["status"] == "finished" and self._has_models(record):
            return None
        self._check_files()
        return spec

    def spec_changes(self) -> list[Change] | None:
        """In what the spec differs from that which the run was trained with; None where the run does not tell."""
        lock = self.lock
        if not is_comparable(lock):
            return None
        return changes(lock, values_of(self.spec), default_paths(self.spec), whole=True)

    def changed_plugins(self) -> list[str]:
        """The source files of plugins that are no longer what they were when the run was begun."""
        return differing_files(self.lock.get(PLUGINS, {}), self.path)

    def unknown_plugins(self) -> list[str]:
        """The source files of plugins of which the run has recorded nothing."""
        return unknown_plugins(every_plugin(self.spec.graph), self.lock.get(PLUGINS, {}), self.path)

    def _has_models(self, record: dict[str, Any]) -> bool:
        """Return whether the model, and that of the best epoch where a checkpoint of it is kept, are whole."""
        keeps_best = record.get("best") and is_file(self.path / run_directory.CHECKPOINTS / "best.npz")
        names = [run_directory.MODEL, *([run_directory.BEST] if keeps_best else [])]
        return all(is_whole_zip(self.path / name) for name in names)

    def _check_files(self) -> None:
        known = self.lock.get(FILES)
        for name in differing_files(known or {}, self.path):
            raise run_directory.damaged(self.path / name, "it is not what the run was begun with")
        for name in unknown_files(known, self.path) if known is not None else ():
            raise run_directory.damaged(self.path / run_directory.LOCK, f"it says nothing of {name}")

    def _check_spec(self, epochs: int | None) -> bool:
        """Raise SpecError where the spec is not that which the run was begun with; return whether its epochs are not.

        epochs: those that are asked for, whatever the spec says of them.
        """
        lock = self.lock
        if not is_comparable(lock):
            return False
        every = changes(lock, values_of(self.spec), default_paths(self.spec), whole=False)
        found = [each for each in every if epochs is None or each.path != EPOCHS]
        if not found:
            return bool(every)
        help = "undo the edit, or train the spec as a new run, from the model of this one by `initial_weights`"
        if [each.path for each in found] == [EPOCHS]:
            assert self.spec.model.training is not None
            words = ("--set", f"{EPOCHS}={self.spec.model.training.epochs}")
            help = f"more epochs are given by: {command_line('train', '--resume', path_word(self.path), *words)}"
        raise refusal(self.path, found, self.spec.tree, help)

    @cached_property
    def spec(self) -> Spec:
        """The spec as it was trained."""
        return load(self.path / run_directory.SPEC)

    def model(
        self, spec: Spec | None = None, *, checkpoint: str = "last", compiled_as: Spec | None = None
    ) -> keras.Model:
        """The trained model: built from the spec, with the weights of `model.keras`, compiled as the spec says.

        spec: built from it, and not from that of the run. checkpoint: `best` for that of the best epoch, `best.keras`.
        compiled_as: another spec that says how to compile it. Raises SpecError where the run holds no such model, or
        where its file does not fit the spec.
        """
        require_tensorflow()
        from graphspec.to_keras import build_model
        from graphspec.to_keras.adapted_layers import restore_configs, saved_configs
        from graphspec.to_keras.saved_file import check_saved_weights
        from graphspec.training.compiling import compile_model

        spec = spec or self.spec
        file = self._model_file(checkpoint)
        model = build_model(spec, pretrained=False)
        try:
            if unknown := restore_configs(model, saved_configs(file)):
                raise ValueError(f"it does not tell what `{unknown[0]}` has learnt from data")
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

    def _model_file(self, checkpoint: str) -> Path:
        if checkpoint not in CHECKPOINTS:
            raise ValueError(f"checkpoint is one of {one_of(CHECKPOINTS)}, not {checkpoint!r}")
        file = self.path / CHECKPOINTS[checkpoint]
        if file.is_file():
            return file
        if checkpoint == "best" and (self.path / CHECKPOINTS["last"]).is_file():
            raise SpecError.of(
                BAD_RUN,
                f"{self.path} holds no {file.name}",
                help="one is kept after an epoch with validation, or where `checkpoint: {monitor: loss}` says by what",
            )
        status = run_directory.status_of(self.path, self.record)
        resume = command_line("train", "--resume", path_word(self.path))
        can_go_on = (self.path / run_directory.CHECKPOINTS).is_dir()
        help = f"resume it: {resume}" if can_go_on else "train again"
        if status == "running":
            help = "wait until it ends"
        elif status == "finished" and can_go_on:
            help = f"its last checkpoint still holds it; this writes it again: {resume}"
        raise SpecError.of(BAD_RUN, f"{self.path} holds no model; its status is `{status}`", help=help)

    def predictor(self, checkpoint: str = "last", *, data: Spec | None = None) -> Predictor:
        """The model with the data of the run, to stream predictions from; it is loaded when it is asked for.

        checkpoint: see `model`. data: a spec whose data, losses and metrics stand in the place of the run's own.
        """
        check_tensorflow()
        from graphspec.predicting.with_spec import check_names, predictor_with_spec

        spec = data or self.spec
        self._model_file(checkpoint)
        check_names(spec, self.spec.graph.inputs, self.spec.graph.outputs, str(self.path))
        found = predictor_with_spec(
            str(self.path), lambda: self.model(checkpoint=checkpoint, compiled_as=spec), spec, self.vocabularies
        )
        return replace(found, labels=labels_of(self.spec.graph, self.spec.data, self.vocabularies))

    def evaluate(
        self, data: Files | str = "test", *, batch_size: int | None = None, checkpoint: str = "last"
    ) -> dict[str, Any]:
        """Loss and metrics on one split of the run's own data, `train`, `validation` or `test`, or on files.

        checkpoint: see `model`. Raises SpecError where the data, or its targets, do not fit the model.
        """
        found = self.predictor(checkpoint)
        return found.evaluate(found.samples(data, targets=True), batch_size).metrics

    def changed_data(self, *names: str) -> list[str]:
        """The data files of these splits that are no longer what they were when the run was trained, by their names.

        Those of `test` were not read then, and nothing is known of them.
        """
        from graphspec.datasets.data_files import differing

        paths = self._data_paths(names)
        return differing(self.lock.get(DATA, {}), paths, self.path) if paths else []

    def unknown_data(self, *names: str) -> list[str]:
        """The data files of these splits of which the run has recorded nothing, by their names."""
        from graphspec.datasets.data_files import unknown

        paths = self._data_paths(names)
        return unknown(self.lock.get(DATA, {}), paths, self.path) if paths else []

    def _data_paths(self, names: Iterable[str]) -> dict[str, Path]:
        """The data files of the splits with these `names`, by their names in messages."""
        from graphspec.datasets.data_files import paths_of

        data = self.spec.data
        if data is None:
            return {}
        splits = [data.split(name) or (data.train if data.held_out else None) for name in names]
        return paths_of(each for each in splits if each is not None)

    def rows(self, file: Path | str) -> dict[str, DataSource]:
        """A source for each input that the training took from a table: the columns of the same names in `file`.

        Raises SpecError where `file` is no table, or the training took no input from one.
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
        """The outputs by name, first axis samples, for one split of the run's data or for files by input name.

        rows: only these samples. checkpoint: see `model`. All predictions stand in memory: `predict_batches` gives
        them one batch at a time. Raises SpecError where the inputs are not exactly the model's or do not fit it.
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
        """As `predict`, one batch at a time, in order; none is kept."""
        found = self.predictor(checkpoint)
        given = Files(data) if isinstance(data, Mapping) else data
        samples = found.samples(given, targets=False, rows=rows)
        return (batch.predicted for batch in found.batches(samples, batch_size))
