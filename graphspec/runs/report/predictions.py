"""The predictions of a run's model on evenly chosen samples of one split of its data."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.render import render_one
from graphspec.diagnostics.rules import NOTHING_TO_TRAIN
from graphspec.extras import check_tensorflow
from graphspec.runs.report.pictures import NoPicture, OutputPictures, output_pictures
from graphspec.runs.run import Run
from graphspec.spec import Spec

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
    check_tensorflow()
    import numpy as np

    from graphspec.datasets.faults import raise_faults
    from graphspec.datasets.samples import read_splits, read_training_data

    spec = run.spec
    split = _split(spec)
    if split == "test":
        assert spec.data is not None
        assert spec.data.test is not None
        samples = read_splits(spec.graph, [spec.data.test], run.vocabularies)["test"]
    else:
        training_data = read_training_data(spec, vocabularies=run.vocabularies)
        part = training_data.validation if split == "validation" else training_data.train
        assert part is not None
        samples = part
    step = max(1, -(-samples.count // MAX_SAMPLES))
    rows = np.arange(samples.count)[::step]
    predicted = run.predict(split, rows=slice(None, None, step))
    pictures = []
    with raise_faults(samples.faults):
        for name, output in spec.graph.outputs.items():
            if name not in samples.outputs:
                pictures.append(OutputPictures(name, (NoPicture("the data has no targets for it"),)))
                continue
            target = samples.batch(samples.outputs[name], rows)
            pictures.append(output_pictures(output, target, np.asarray(predicted[name]), run.labels.get(name, ())))
    changed: list[str] = []
    with suppress(SpecError):  # without a lock, changes cannot be detected
        changed = run.changed_data(split)
    return Predictions(
        split=split, samples=len(rows), of=samples.count, outputs=tuple(pictures), changed=tuple(changed)
    )


def failure_text(error: Exception) -> str:
    """Return the reason of a failed prediction."""
    if isinstance(error, SpecError):
        return "\n".join(render_one(each) for each in error.report)
    return f"{type(error).__name__}: {error}"


def _split(spec: Spec) -> str:
    if spec.data is None or spec.data.train is None:
        raise SpecError.of(NOTHING_TO_TRAIN, "the spec names no data to predict on")
    if spec.data.validation is not None or spec.data.held_out:
        return "validation"
    return "test" if spec.data.test is not None else "train"
