"""A run's model on its own data, as far as a page needs it: evenly chosen samples of one split, output by output."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.render import render_one
from graphspec.diagnostics.rules import NOTHING_TO_TRAIN
from graphspec.extras import check_tensorflow
from graphspec.runs.report.outcomes import NoPicture, Outcome, outcome_of
from graphspec.runs.run import Run
from graphspec.spec import Spec

MOST_SAMPLES = 4_000


@dataclass(frozen=True)
class Predictions:
    """What the model says of `samples` of the `of` samples of a split; changed names data files that are new since."""

    split: str
    samples: int
    of: int
    outcomes: tuple[Outcome, ...]
    changed: tuple[str, ...]


def predictions_of(run: Run) -> Predictions:
    """The model's predictions on the validation split, else on the test split, else on that it was trained on.

    Raises SpecError where there is no model, no data, or either cannot be read.
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
        read = read_training_data(spec, vocabularies=run.vocabularies)
        found = read.validation if split == "validation" else read.train
        assert found is not None
        samples = found
    step = max(1, -(-samples.count // MOST_SAMPLES))
    shown = np.arange(samples.count)[::step]
    predicted = run.predict(split, rows=slice(None, None, step))
    outcomes = []
    with raise_faults(samples.faults):
        for name, output in spec.graph.outputs.items():
            if name not in samples.outputs:
                outcomes.append(Outcome(name, (NoPicture("the data has no targets for it"),)))
                continue
            target = samples.batch(samples.outputs[name], shown)
            outcomes.append(outcome_of(output, target, np.asarray(predicted[name]), run.labels.get(name, ())))
    changed: list[str] = []
    with suppress(SpecError):  # without a lock nothing is known of how the data was
        changed = run.changed_data(split)
    return Predictions(split, len(shown), samples.count, tuple(outcomes), tuple(changed))


def why_not(error: Exception) -> str:
    """Why there are no predictions, for people."""
    if isinstance(error, SpecError):
        return "\n".join(render_one(each) for each in error.report)
    return f"{type(error).__name__}: {error}"


def _split(spec: Spec) -> str:
    if spec.data is None or spec.data.train is None:
        raise SpecError.of(NOTHING_TO_TRAIN, "the spec names no data to predict on")
    if spec.data.validation is not None or spec.data.held_out:
        return "validation"
    return "test" if spec.data.test is not None else "train"
