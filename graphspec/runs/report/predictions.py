"""The predictions of a run's model on evenly chosen samples of one split of its data."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from graphspec.datasets.faults import raise_faults
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.render import render_one
from graphspec.diagnostics.rules import NOTHING_TO_TRAIN
from graphspec.predicting.predictor import evaluation_splits
from graphspec.runs.report.pictures import NoPicture, OutputPictures, output_pictures
from graphspec.runs.run import Run

MAX_SAMPLES = 4_000


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """The predictions on `samples` of the `of` samples of a split; `changed` names data files changed since."""

    split: str
    samples: int
    of: int
    outputs: tuple[OutputPictures, ...]
    changed: tuple[str, ...]


def predictions_of(run: Run) -> Predictions:
    """Predict on the validation split, else on the test split, else on the training split.

    Raises SpecError if model or data are missing or cannot be read.
    """
    if not (splits := evaluation_splits(run.spec.data)):
        raise SpecError.of(NOTHING_TO_TRAIN, "the spec names no data to predict on")
    predictor = run.predictor()
    samples = predictor.samples(splits[0], targets=True)
    rows = np.arange(samples.count)[:: max(1, -(-samples.count // MAX_SAMPLES))]
    batches = list(predictor.batches(samples.part(rows)))
    pictures = []
    with raise_faults(samples.faults):
        for name, output in run.spec.graph.outputs.items():
            if name not in samples.outputs:
                pictures.append(OutputPictures(name, (NoPicture("the data has no targets for it"),)))
                continue
            target = samples.batch(samples.outputs[name], rows)
            predicted = np.concatenate([batch.predicted[name] for batch in batches])
            words = predictor.labels[name].words if name in predictor.labels else ()
            pictures.append(output_pictures(output, target, predicted, words))
    changed: list[str] = []
    with suppress(SpecError):  # without a lock, changes cannot be detected
        changed = run.changed_data(splits[0])
    return Predictions(
        split=splits[0], samples=len(rows), of=samples.count, outputs=tuple(pictures), changed=tuple(changed)
    )


def failure_text(error: Exception) -> str:
    """Return the reason of a failed prediction."""
    if isinstance(error, SpecError):
        return "\n".join(render_one(each) for each in error.report)
    return f"{type(error).__name__}: {error}"
