"""`Run`: a run directory, read again: its spec, its history, its model, and what the model says of other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec import run_directory
from graphspec.diagnostics import Source as Text
from graphspec.diagnostics import Span, SpecError
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.rules import BAD_RUN, DATA_NAMES, NOTHING_TO_TRAIN, UNKNOWN_FORMAT
from graphspec.sources import AUTO, Source, Split, endings, format_of
from graphspec.sources.vocabularies import Vocabularies, with_vocabularies
from graphspec.spec import Spec, load
from graphspec.suggest import one_of

if TYPE_CHECKING:
    import keras

    from graphspec.datasets.samples import Array, Samples

SPLITS = ("train", "validation", "test")


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
        """What `run.json` says: status, versions, samples, last metrics."""
        return run_directory.read_json(self.path / run_directory.RECORD)

    @property
    def history(self) -> dict[str, list[Any]]:
        """Every metric by epoch, and `epoch` itself.

        A number, a list for a metric of several values, or None where it was not measured or not finite.
        """
        return run_directory.read_json(self.path / run_directory.HISTORY)

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """The words of each `vocabulary: auto` of the run, by `inputs.name` and `outputs.name`, in order of index."""
        file = self.path / run_directory.VOCABULARIES
        return {name: tuple(words) for name, words in run_directory.read_json(file).items()} if file.exists() else {}

    @property
    def labels(self) -> dict[str, tuple[str | int, ...]]:
        """The words of each output whose targets have a vocabulary, in order of index."""
        train = self.spec.data.train if self.spec.data is not None else None
        if train is None:
            return {}
        known = with_vocabularies(train, self.vocabularies).outputs
        written = {name: source.transforms.vocabulary for name, source in known.items()}
        return {name: words for name, words in written.items() if words is not None and words != AUTO}

    @cached_property
    def spec(self) -> Spec:
        """The spec as it was trained."""
        return load(self.path / run_directory.SPEC)

    def model(self, spec: Spec | None = None) -> keras.Model:
        """The trained model, compiled as the spec says: built from the spec, with the weights of `model.keras`."""
        require_tensorflow()
        from graphspec.to_keras import build_model
        from graphspec.to_keras.adapted import restore
        from graphspec.training.compiling import compile_model

        spec = spec or self.spec
        file = self.path / run_directory.MODEL
        if not file.is_file():
            status = self.record.get("status", "unknown")
            raise SpecError.of(BAD_RUN, f"{self.path} holds no model; its status is `{status}`", help="train again")
        model = build_model(spec, pretrained=False)
        try:
            if unknown := restore(model, file):
                raise ValueError(f"it does not tell what `{unknown[0]}` has learnt from data")
            model.load_weights(file)
        except Exception as error:
            raise SpecError.of(
                BAD_RUN,
                f"{file} cannot be read: {error}",
                help="the file is damaged, or spec.yaml beside it was changed",
            ) from error
        compile_model(spec, model)
        return model

    def evaluate(self, split: str = "test", *, batch_size: int | None = None) -> dict[str, Any]:
        """Loss and metrics on one split of the run's own data: `train`, `validation` or `test`."""
        check_tensorflow()
        from graphspec.datasets.faults import told

        spec = self.spec
        samples = _split_samples(spec, split, self.vocabularies)
        model = self.model(spec)
        from graphspec.datasets.batches import evaluation_batches
        from graphspec.datasets.targets import fit_targets
        from graphspec.training.metrics import measured, with_true_losses

        assert spec.model.training is not None
        batches = evaluation_batches(
            spec.graph, fit_targets(spec, model, samples), batch_size or spec.model.training.batch_size
        )
        with told(samples.faults):
            logs = model.evaluate(batches, verbose=0, return_dict=True)
        with_true_losses(logs)
        return {name: measured(value) for name, value in logs.items()}

    def changed_data(self, split: str) -> list[str]:
        """The data files of a split that are no longer what they were when the run was trained, by their names.

        Those of `test` were not read then, and nothing is known of them.
        """
        from graphspec.datasets.data_files import differing, paths_of

        spec = self.spec
        found = spec.data.split(split) if spec.data is not None else None
        if found is None and spec.data is not None and spec.data.held_out:
            found = spec.data.train
        return differing(self.record.get("data", {}), paths_of([found]), self.path) if found is not None else []

    def rows(self, file: Path | str) -> dict[str, Source]:
        """A source for each input that the training took from a table: the columns of the same names in `file`.

        Raises SpecError where `file` is no table, or the training took no input from one.
        """
        path = Path(file)
        span = Span(Text("--rows", str(file)), 1, 1, 1, 1 + len(str(file)))
        format = format_of(path.suffix.lower())
        tables = [ending for ending in endings() if (each := format_of(ending)) is not None and "columns" in each.keys]
        if format is None or "columns" not in format.keys:
            raise SpecError.of(UNKNOWN_FORMAT, f"`{file}` is no table", span, expected=f"a file in {one_of(tables)}")
        train = self.spec.data.train if self.spec.data is not None else None
        found = {
            name: replace(source, path=path, text=str(file), span=span, spans={})
            for name, source in (train.inputs if train is not None else {}).items()
            if source.column is not None or source.columns is not None
        }
        if not found:
            raise SpecError.of(
                DATA_NAMES,
                "the run took no input from a table, so nothing tells which columns its inputs are",
                span,
                help="give each input with --input NAME=FILE",
            )
        return found

    def predict(
        self, inputs: Mapping[str, Source] | str, *, rows: slice | None = None, batch_size: int | None = None
    ) -> dict[str, Array]:
        """The outputs by name, first axis samples, for sources by input name or for one split of the run's data.

        rows: only these samples. Raises SpecError where the inputs are not exactly the model's or do not fit it.
        """
        check_tensorflow()
        import numpy as np

        spec = self.spec
        known = self.vocabularies
        samples = _split_samples(spec, inputs, known) if isinstance(inputs, str) else _of_sources(spec, inputs, known)
        if rows is not None:
            samples = samples.part(np.arange(samples.count)[rows])
        if not samples.count:
            raise SpecError.of(NOTHING_TO_TRAIN, "there are no samples to predict from")
        model = self.model(spec)
        from graphspec.datasets.batches import input_batches
        from graphspec.datasets.faults import told

        size = batch_size or (spec.model.training.batch_size if spec.model.training is not None else 32)
        with told(samples.faults):
            predicted: dict[str, Array] = model.predict(input_batches(spec.graph, samples, size), verbose=0)
        return predicted


def _of_sources(spec: Spec, inputs: Mapping[str, Source], known: Vocabularies) -> Samples:
    """The samples of sources by input name, read as those of the training split are."""
    from graphspec.datasets.samples import read_splits

    written = spec.data.train.inputs if spec.data is not None and spec.data.train is not None else {}
    alike = {
        name: replace(
            source,
            transforms=written[name].transforms if name in written else source.transforms,
            as_text=written[name].as_text if name in written else _takes_text(spec, name),
        )
        for name, source in inputs.items()
    }
    split = Split("--input", alike, {}, {}, spec.graph.span)
    return read_splits(replace(spec.graph, outputs={}), [split], known)[split.name]


def _takes_text(spec: Spec, name: str) -> bool:
    return name in spec.graph.inputs and spec.graph.inputs[name].dtype == "string"


def _split_samples(spec: Spec, name: str, known: Vocabularies) -> Samples:
    """The samples of one split; `validation` may be a share of the training split."""
    from graphspec.datasets.samples import read_splits, read_training_data

    if name not in SPLITS:
        raise SpecError.of(DATA_NAMES, f"there is no split `{name}`", help=f"the splits are {', '.join(SPLITS)}")
    if name != "test" and spec.data is not None and spec.data.held_out:
        read = read_training_data(spec, vocabularies=known)
        found = read.validation if name == "validation" else read.train
        assert found is not None
        return found
    split = spec.data.split(name) if spec.data is not None else None
    if split is None:
        has = [each for each in SPLITS if spec.data is not None and spec.data.split(each) is not None]
        raise SpecError.of(
            DATA_NAMES,
            f"the run's data has no `{name}` split",
            help=f"it has {', '.join(has)}" if has else "it has no data",
        )
    return read_splits(spec.graph, [split], known)[name]
