"""`Predictor`: a model, the names and shapes of what it takes and gives, and what it says of samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from graphspec.datasets.samples import Samples, read_splits, read_training_data
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import DATA_NAMES, NOTHING_TO_TRAIN, REFUSED_CALL
from graphspec.extras import require_tensorflow
from graphspec.language.graph import Graph
from graphspec.predicting.batch import Array, Batch
from graphspec.predicting.input_files import Files
from graphspec.predicting.labels import Labels
from graphspec.sources import Progress, Split
from graphspec.sources.vocabularies import Vocabularies
from graphspec.spec import Spec

if TYPE_CHECKING:
    import keras

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Evaluation:
    """Loss and metrics as Keras names them, and the part of each output in the loss where there are several.

    A metric is a number, a list for one of several values, None where it is not finite; so is a share.
    """

    metrics: dict[str, Any]
    shares: dict[str, float | None]
    samples: int
    seconds: float


@dataclass
class Predictor:
    """A model that says something of data.

    name is what people call it. make gives the model: dicts by name in and out, compiled where it is to be evaluated.
    graph holds the names of its inputs and outputs; its nodes may be unknown. spec names data, where there is one;
    vocabularies and labels are those of its inputs and outputs.
    """

    name: str
    graph: Graph
    make: Callable[[], keras.Model]
    spec: Spec | None = None
    vocabularies: Vocabularies = field(default_factory=dict)
    labels: Mapping[str, Labels] = field(default_factory=dict)

    @cached_property
    def model(self) -> keras.Model:
        """The model itself; to load it imports TensorFlow. Raises SpecError where it cannot be had."""
        require_tensorflow()
        return self.make()

    def load(self) -> None:
        """Load the model now, which takes seconds, and not when it is first needed."""
        self.model  # noqa: B018

    @property
    def batch_size(self) -> int:
        """As many samples at a time as in training, for a model's last bits depend on it."""
        training = self.spec.model.training if self.spec is not None else None
        return training.batch_size if training is not None else 32

    def split(self, data: Files | str, *, targets: bool) -> Split | None:
        """The sources that `data` stands for: files, or the split of that name; None for a share of another split.

        targets: whether they are wanted beside the inputs. Raises SpecError where the spec has no such split, or where
        files are of no known format.
        """
        known = self.spec.data if self.spec is not None else None
        if isinstance(data, Files):
            return data.split(self.graph, known.train if known is not None else None, targets=targets)
        if data not in SPLITS:
            raise SpecError.of(DATA_NAMES, f"there is no split `{data}`", help=f"the splits are {', '.join(SPLITS)}")
        if known is not None and known.held_out and data != "test":
            return None
        found = known.split(data) if known is not None else None
        if found is None:
            has = [each for each in SPLITS if known is not None and known.split(each) is not None]
            raise SpecError.of(
                DATA_NAMES,
                f"the data of {self.name} has no `{data}` split" if has else f"{self.name} names no data",
                help=f"it has {', '.join(has)}" if has else "name files with --input, or a spec with --spec",
            )
        return found if targets else replace(found, outputs={}, sample_weights={})

    def sources(self, data: Files | str) -> Split:
        """Every source that is read for `data`, its targets too. Raises SpecError as `split` does."""
        split = self.split(data, targets=True)
        if split is None:
            assert self.spec is not None
            assert self.spec.data is not None
            assert self.spec.data.train is not None
            return self.spec.data.train
        return split

    def samples(
        self, data: Files | str, *, targets: bool, rows: slice | None = None, progress: Progress | None = None
    ) -> Samples:
        """The samples of `data`, checked against the graph; see `split`. Raises SpecError with all that is wrong.

        rows: only these of them. progress is told of files that take long to read.
        """
        if targets:
            self._check_evaluates()
        split = self.split(data, targets=targets)
        if split is None:
            assert self.spec is not None
            read = read_training_data(self.spec, progress, self.vocabularies)
            found = read.validation if data == "validation" else read.train
            assert found is not None
        else:
            graph = self.graph if targets else replace(self.graph, outputs={})
            found = read_splits(graph, [split], self.vocabularies, progress, to_predict=not targets)[split.name]
        if rows is not None:
            found = found.part(np.arange(found.count)[rows])
        if not found.count:
            raise SpecError.of(NOTHING_TO_TRAIN, "there are no samples to predict from")
        return found

    def batches(self, samples: Samples, batch_size: int | None = None) -> Iterator[Batch]:
        """What the model gives for `samples`, in order, a batch at a time: none is kept.

        Raises SpecError where a file cannot be read, or where the model cannot take what is read.
        """
        model = self.model
        from graphspec.datasets.batches import input_batches
        from graphspec.datasets.faults import raise_faults
        from graphspec.to_keras.keras_messages import keras_errors_as

        start = 0
        with keras_errors_as(self._refused), raise_faults(samples.faults):
            for inputs in input_batches(self.graph, samples, batch_size or self.batch_size):
                predicted = model.predict_on_batch(inputs)
                found = {name: _as_numpy(predicted[name]) for name in self.graph.outputs}
                at = np.arange(start, start + len(next(iter(found.values()))))
                start += len(at)
                yield Batch(at if samples.rows is None else samples.rows[at], found)

    def evaluate(
        self,
        samples: Samples,
        batch_size: int | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> Evaluation:
        """Loss and metrics on `samples`: those by output are true means, whatever the size of the last batch.

        advance is told how many samples are done more. Raises SpecError where targets do not fit, where a file cannot
        be read, or where the model cannot take what is read.
        """
        model = self.model
        import keras

        from graphspec.datasets.batches import evaluation_batches
        from graphspec.datasets.faults import raise_faults
        from graphspec.datasets.targets import fit_targets
        from graphspec.to_keras.keras_messages import keras_errors_as
        from graphspec.training.metrics import metric_value, replace_losses

        size = batch_size or self.batch_size
        batches = evaluation_batches(self.graph, fit_targets(self.graph, model, samples), size)
        tell = advance or (lambda done: None)
        counting = keras.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: tell(size))
        began = time.monotonic()
        with keras_errors_as(self._refused), raise_faults(samples.faults):
            logs = model.evaluate(batches, verbose=0, return_dict=True, callbacks=[counting])
        seconds = time.monotonic() - began
        replace_losses(logs)
        metrics = {name: metric_value(value) for name, value in logs.items()}
        return Evaluation(metrics, self._shares(metrics), samples.count, seconds)

    def _check_evaluates(self) -> None:
        if self.spec is not None and self.spec.training is None:
            raise SpecError.of(
                NOTHING_TO_TRAIN,
                f"{self.spec.path} has no `training`, so nothing tells how to measure {self.name}",
                help="add `training: {optimizer: ...}` to it",
            )
        if all(output.loss is None for output in self.graph.outputs.values()):
            raise SpecError.of(
                NOTHING_TO_TRAIN,
                f"{self.name} has no loss to measure",
                help="name the spec that it was trained with: --spec SPEC",
            )

    def _shares(self, metrics: Mapping[str, Any]) -> dict[str, float | None]:
        """The weighted loss of each output by the total, which holds regularisation too."""
        trained = [name for name, output in self.graph.outputs.items() if output.loss is not None]
        if len(trained) < 2:
            return {}
        from graphspec.training.metrics import share

        weights = {name: self.graph.outputs[name].loss_weight for name in trained}
        return {name: share(weight, metrics[f"{name}_loss"], metrics["loss"]) for name, weight in weights.items()}

    def _refused(self, why: str) -> SpecError:
        """That the model cannot compute what it is given: an index that an `Embedding` does not have, ..."""
        return SpecError.of(
            REFUSED_CALL,
            f"{self.name} cannot compute this: {why}",
            help="check the data with `graphspec data`, or `graphspec validate --data`",
        )


def _as_numpy(values: Any) -> Array:
    """Predictions as NumPy has them; it has no bfloat16."""
    found = np.asarray(values)
    return found.astype(np.float32) if found.dtype.name == "bfloat16" else found
