"""`Predictor`: a model that predicts and is evaluated on the data of its spec, or on files."""

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
from graphspec.sources import Data, Progress, Split
from graphspec.sources.vocabularies import Vocabularies
from graphspec.spec import Spec

if TYPE_CHECKING:
    import keras

    from graphspec.distribution.strategy import Distribution

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Evaluation:
    """The loss and metrics of a model on some data.

    Attributes:
        metrics: Values by Keras' name: a number, a list for a metric of several values, None if not finite.
        shares: Part of each output in the loss if there are several, None if not finite.
        samples: Number of samples.
        seconds: Duration of the evaluation.
    """

    metrics: dict[str, Any]
    shares: dict[str, float | None]
    samples: int
    seconds: float


@dataclass(kw_only=True)
class Predictor:
    """A model with the data that it can be applied to.

    Attributes:
        name: Name of the model in messages.
        graph: Its inputs and outputs; the nodes may be missing.
        make: Returns the model, with dicts by name as inputs and outputs, compiled if it can be evaluated.
        spec: Its spec, if there is one.
        vocabularies: Words of its inputs and outputs.
        labels: Words of its outputs, for people.
    """

    name: str
    graph: Graph
    make: Callable[[], keras.Model]
    spec: Spec | None = None
    vocabularies: Vocabularies = field(default_factory=dict)
    labels: Mapping[str, Labels] = field(default_factory=dict)

    @cached_property
    def model(self) -> keras.Model:
        """Load the model; imports TensorFlow. Raises SpecError if it cannot be loaded."""
        require_tensorflow()
        return self.make()

    def load(self) -> None:
        """Load the model now, which takes seconds, rather than at its first use."""
        self.model  # noqa: B018

    @property
    def batch_size(self) -> int:
        """Return the batch size of the training, since the last bits of predictions depend on it."""
        training = self.spec.model.training if self.spec is not None else None
        return training.batch_size if training is not None else 32

    def split(self, data: Files | str, *, targets: bool) -> Split | None:
        """Return the sources of `data`; None for a share of another split.

        Args:
            data: Files, or the name of a split.
            targets: Include targets and sample weights.

        Raises:
            SpecError: The spec has no such split, or a file has an unknown format.
        """
        known = self.spec.data if self.spec is not None else None
        if isinstance(data, Files):
            return data.split(self.graph, known.train if known is not None else None, targets=targets)
        if data not in SPLITS:
            raise SpecError.of(DATA_NAMES, f"there is no split `{data}`", help=f"the splits are {', '.join(SPLITS)}")
        if known is not None and known.held_out and data != "test":
            return None
        split = known.split(data) if known is not None else None
        if split is None:
            splits = [each for each in SPLITS if known is not None and known.split(each) is not None]
            raise SpecError.of(
                DATA_NAMES,
                f"the data of {self.name} has no `{data}` split" if splits else f"{self.name} names no data",
                help=f"it has {', '.join(splits)}" if splits else "name files with --input, or a spec with --spec",
            )
        return split if targets else replace(split, outputs={}, sample_weights={})

    def sources(self, data: Files | str) -> Split:
        """Return every source of `data`, targets included. Raises SpecError as `split` does."""
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
        """Return the samples of `data`, checked against the graph.

        Args:
            data: Files, or the name of a split.
            targets: Include targets and sample weights.
            rows: The samples to return; all by default.
            progress: Reports the reading of large files.

        Raises:
            SpecError: With every diagnostic of the data.
        """
        if targets:
            self._check_evaluates()
        split = self.split(data, targets=targets)
        if split is None:
            assert self.spec is not None
            training_data = read_training_data(self.spec, progress, self.vocabularies)
            samples = training_data.validation if data == "validation" else training_data.train
            assert samples is not None
        else:
            graph = self.graph if targets else replace(self.graph, outputs={})
            samples = read_splits(graph, [split], self.vocabularies, progress, to_predict=not targets)[split.name]
        if rows is not None:
            samples = samples.part(np.arange(samples.count)[rows])
        if not samples.count:
            raise SpecError.of(NOTHING_TO_TRAIN, "there are no samples to predict from")
        return samples

    def batches(self, samples: Samples, batch_size: int | None = None) -> Iterator[Batch]:
        """Yield the predictions of `samples` in order, batch by batch. Raises SpecError as `pieces` does."""
        size = batch_size or self.batch_size
        for piece in self.pieces(samples, size):
            for start in range(0, len(piece.at), size):
                part = slice(start, start + size)
                yield Batch(piece.at[part], {name: values[part] for name, values in piece.predicted.items()})

    def pieces(self, samples: Samples, batch_size: int | None = None) -> Iterator[Batch]:
        """Yield the predictions of `samples` in order, those of several batches at once where they are small.

        The next piece is computed while the caller uses one.

        Raises:
            SpecError: A file cannot be read, or the model cannot compute its values.
        """
        model = self.model
        from graphspec.datasets.batches import input_chunks
        from graphspec.datasets.faults import raise_faults
        from graphspec.predicting.several_batches import ahead, batches_at_once, prediction_of
        from graphspec.to_keras.keras_messages import keras_errors_as

        start, size = 0, batch_size or self.batch_size
        with keras_errors_as(self._refused), raise_faults(samples.faults):
            chunks = input_chunks(self.graph, samples, size, batches_at_once(model, size))
            predict = prediction_of(model, chunks.element_spec)
            for predicted in ahead(predict(chunk) for chunk in chunks):
                outputs = {name: _as_numpy(predicted[name]) for name in self.graph.outputs}
                at = np.arange(start, start + len(next(iter(outputs.values()))))
                start += len(at)
                yield Batch(at if samples.rows is None else samples.rows[at], outputs)

    def evaluate(
        self,
        samples: Samples,
        batch_size: int | None = None,
        advance: Callable[[int], None] | None = None,
        distribution: Distribution | None = None,
    ) -> Evaluation:
        """Return loss and metrics on `samples`; losses by output are means over samples, not over batches.

        Args:
            samples: Inputs and targets.
            batch_size: That of the training by default.
            advance: Is called with the number of samples evaluated since its last call, or more at the end.
            distribution: The workers that share the samples; each gets the result of all.

        Raises:
            SpecError: Targets do not fit, a file cannot be read, or the model cannot compute its values.
        """
        model = self.model
        import keras

        from graphspec.datasets.batches import evaluation_batches
        from graphspec.datasets.faults import raise_faults
        from graphspec.datasets.targets import fit_targets
        from graphspec.distribution.agreement import check_same_model
        from graphspec.predicting.several_batches import evaluated_at_once
        from graphspec.predicting.shared_evaluation import metrics_of_all, own_rows
        from graphspec.to_keras.keras_messages import keras_errors_as
        from graphspec.training.metrics import metric_value, replace_losses
        from graphspec.training.steps_per_execution import steps_at_once

        size = batch_size or self.batch_size
        fitted, counts = fit_targets(self.graph, model, samples), True
        if distribution is not None:
            check_same_model(distribution, model, samples, size)
            rows, counts = own_rows(samples.count, size, distribution)
            fitted = fitted.part(rows)
        batches = evaluation_batches(self.graph, fitted, size)
        steps = steps_at_once(model, size)
        callbacks = []
        if advance is not None:
            ends = keras.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: advance(size * steps))
            callbacks.append(ends)
        began = time.monotonic()
        with keras_errors_as(self._refused), raise_faults(samples.faults), evaluated_at_once(model, steps):
            logs = model.evaluate(batches, verbose=0, return_dict=True, callbacks=callbacks)
        if distribution is not None:
            logs = metrics_of_all(model, distribution, counts=counts)
        seconds = time.monotonic() - began
        replace_losses(logs)
        metrics = {name: metric_value(value) for name, value in logs.items()}
        return Evaluation(metrics, self._shares(metrics), samples.count, seconds)

    def _check_evaluates(self) -> None:
        if self.spec is not None and self.spec.training is None:
            raise SpecError.of(
                NOTHING_TO_TRAIN,
                f"{self.spec.path} has no `training`, so {self.name} has no loss to measure",
                help="add `training: {optimizer: ...}` to it",
            )
        if not self.graph.loss_weights:
            raise SpecError.of(
                NOTHING_TO_TRAIN,
                f"{self.name} has no loss to measure",
                help="name the spec that it was trained with: --spec SPEC",
            )

    def _shares(self, metrics: Mapping[str, Any]) -> dict[str, float | None]:
        """Return the weighted loss of each output divided by the total, which includes regularization."""
        weights = self.graph.loss_weights
        if len(weights) < 2:
            return {}
        from graphspec.training.metrics import share

        return {name: share(weight, metrics[f"{name}_loss"], metrics["loss"]) for name, weight in weights.items()}

    def _refused(self, reason: str) -> SpecError:
        """Return the error of a call that Keras refused, such as an index out of an `Embedding`'s range."""
        return SpecError.of(
            REFUSED_CALL,
            f"{self.name} cannot compute these samples: {reason}",
            help="check the data with `graphspec data`, or `graphspec validate --data`",
        )


def evaluation_splits(data: Data | None) -> list[str]:
    """Return the names of the splits of `data`, those that were not trained on first."""
    if data is None:
        return []
    splits = [name for name in ("validation", "test", "train") if data.split(name) is not None]
    return ["validation", *splits] if data.held_out else splits


def _as_numpy(values: Any) -> Array:
    """Return the predictions of a chunk as one array, bfloat16 as float32: files and tables have no bfloat16."""
    array = np.asarray(values)
    array = array.reshape(-1, *array.shape[2:])
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
