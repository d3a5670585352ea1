"""Targets and predictions of one output → what is drawn of them, by what its loss takes.

Class indices and one-hot classes give a confusion matrix, yes-or-no values one of two classes, several yes-or-no values
a count each, numbers a point a sample, and what has no such picture a histogram of errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphspec.catalog.losses import BINARY
from graphspec.checks.targets import takes_classes
from graphspec.diagnostics.shape_text import sample_shape
from graphspec.language.graph import Output

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]

MOST_CLASSES = 20
"""Of a confusion matrix with more classes, the most frequent are shown and the others are one."""

MOST_LABELS = 40
MOST_SCATTERS = 6
MOST_POINTS = 1_200
BINS = 40


@dataclass(frozen=True, slots=True)
class Confusion:
    """counts[i][j]: how many values of class i were predicted as class j. folded: so many classes are the last one."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    values: int
    right: int
    folded: int = 0


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """One yes-or-no value of several: how often it held, was predicted, and both."""

    label: str
    held: int
    predicted: int
    both: int


@dataclass(frozen=True, slots=True)
class Labels:
    """Several yes-or-no values a sample. folded: so many are not shown."""

    labels: tuple[LabelCounts, ...]
    samples: int
    folded: int = 0


@dataclass(frozen=True, slots=True)
class Scatter:
    """Numbers: target and prediction of each value of a sample; r2 is None where the targets are all equal."""

    name: str
    target: tuple[float, ...]
    predicted: tuple[float, ...]
    mean_error: float
    root_mean_square: float
    r2: float | None


@dataclass(frozen=True, slots=True)
class Errors:
    """How often predictions miss their targets by how much: counts between edges."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]
    mean_error: float
    root_mean_square: float


@dataclass(frozen=True, slots=True)
class NoPicture:
    """Why there is nothing to draw."""

    why: str


Picture = Confusion | Labels | Scatter | Errors | NoPicture


@dataclass(frozen=True, slots=True)
class Outcome:
    """The pictures of one output. lost: so many predictions are not finite, and not among them."""

    output: str
    pictures: tuple[Picture, ...]
    lost: int = 0


def outcome_of(output: Output, target: Array, predicted: Array, words: Sequence[object] = ()) -> Outcome:
    """What is drawn of `predicted` against `target`, both with samples first. words: of class indices, in their order.

    Float arrays of any shape that the output's loss takes.
    """
    if target.ndim == predicted.ndim - 1 and predicted.shape[-1] == 1:
        target = target[..., None]
    if not takes_classes(output) and target.shape != predicted.shape:
        why = f"targets of shape {_shape(target)} are not compared with predictions of shape {_shape(predicted)}"
        return Outcome(output.name, (NoPicture(why),))
    if target.dtype.kind not in "biuf" or predicted.dtype.kind not in "biuf":
        return Outcome(output.name, (NoPicture("the values are no numbers"),))
    finite = np.isfinite(predicted).reshape(len(predicted), -1).all(axis=1)
    lost = int((~finite).sum())
    target, predicted = target[finite], predicted[finite]
    if not len(predicted):
        return Outcome(output.name, (NoPicture("no prediction is a finite number"),), lost)
    return Outcome(output.name, _pictures(output, target, predicted, [str(word) for word in words]), lost)


def _pictures(output: Output, target: Array, predicted: Array, words: list[str]) -> tuple[Picture, ...]:
    loss = output.loss.name if output.loss is not None else ""
    if takes_classes(output):
        return (_confusion(target.reshape(-1), predicted.argmax(-1).reshape(-1), predicted.shape[-1], words),)
    if "categorical" in loss.lower() and predicted.shape[-1] > 1:
        classes = predicted.shape[-1]
        return (_confusion(target.argmax(-1).reshape(-1), predicted.argmax(-1).reshape(-1), classes, words),)
    if loss in BINARY:
        threshold = 0.0 if output.loss is not None and output.loss.arguments.get("from_logits") else 0.5
        held, said = target > 0.5, predicted > threshold
        if predicted.shape[-1] == 1 or predicted.ndim == 1:
            return (_confusion(held.reshape(-1), said.reshape(-1), 2, words),)
        if predicted.ndim == 2:
            return (_labels(held, said, words),)
        return (_confusion(held.reshape(-1), said.reshape(-1), 2, []),)
    flat, guessed = target.reshape(len(target), -1), predicted.reshape(len(predicted), -1)
    if flat.shape[1] > MOST_SCATTERS:
        return (_errors(flat, guessed),)
    names = [output.name] if flat.shape[1] == 1 else [f"{output.name} [{index}]" for index in range(flat.shape[1])]
    return tuple(_scatter(name, flat[:, index], guessed[:, index]) for index, name in enumerate(names))


def _confusion(truth: Array, guess: Array, classes: int, words: list[str]) -> Confusion:
    truth, guess = truth.astype(np.int64), guess.astype(np.int64)
    classes = max(classes, int(truth.max()) + 1)
    right, values = int((truth == guess).sum()), len(truth)
    names = [words[index] if index < len(words) else str(index) for index in range(classes)]
    folded = 0
    if classes > MOST_CLASSES:
        frequent = np.argsort(-np.bincount(truth, minlength=classes), kind="stable")[: MOST_CLASSES - 1]
        kept = np.sort(frequent)
        folded = classes - len(kept)
        places = np.full(classes, len(kept))
        places[kept] = np.arange(len(kept))
        truth, guess = places[truth], places[guess]
        names = [*(names[index] for index in kept), "others"]
        classes = len(names)
    counts = np.bincount(truth * classes + guess, minlength=classes * classes).reshape(classes, classes)
    return Confusion(tuple(names), tuple(map(tuple, counts.tolist())), values, right, folded)


def _labels(held: Array, said: Array, words: list[str]) -> Labels:
    count = held.shape[1]
    rows = tuple(
        LabelCounts(
            words[index] if index < len(words) else str(index),
            int(held[:, index].sum()),
            int(said[:, index].sum()),
            int((held[:, index] & said[:, index]).sum()),
        )
        for index in range(min(count, MOST_LABELS))
    )
    return Labels(rows, len(held), max(0, count - MOST_LABELS))


def _scatter(name: str, target: Array, predicted: Array) -> Scatter:
    error = predicted.astype(np.float64) - target
    spread = float(np.square(target - target.mean(dtype=np.float64)).sum())
    shown = np.linspace(0, len(target) - 1, min(len(target), MOST_POINTS)).astype(np.int64)
    return Scatter(
        name,
        tuple(target[shown].astype(float).tolist()),
        tuple(predicted[shown].astype(float).tolist()),
        float(np.abs(error).mean()),
        float(np.sqrt(np.square(error).mean())),
        1 - float(np.square(error).sum()) / spread if spread else None,
    )


def _errors(target: Array, predicted: Array) -> Errors:
    error = (predicted.astype(np.float64) - target).reshape(-1)
    counts, edges = np.histogram(error, bins=BINS)
    return Errors(
        tuple(counts.tolist()),
        tuple(edges.tolist()),
        float(np.abs(error).mean()),
        float(np.sqrt(np.square(error).mean())),
    )


def _shape(array: Array) -> str:
    return sample_shape(array.shape[1:])
