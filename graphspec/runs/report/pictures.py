"""Targets and predictions of an output → the pictures of them, by the kind of its loss.

Classes are shown as a confusion matrix, one yes-or-no value as a matrix of two classes, several as counts, a few
numbers as scatter plots, and everything else as a histogram of errors.
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

MAX_CLASSES = 20
"""The maximum size of a confusion matrix; less frequent classes are merged into one."""

MAX_LABELS = 40
MAX_SCATTERS = 6
MAX_POINTS = 1_200
BINS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """A confusion matrix: `counts[i][j]` values of class i were predicted as j; the last merges `folded` classes."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    values: int
    right: int
    folded: int = 0


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """The counts of one yes-or-no value: true, predicted, and both."""

    label: str
    true: int
    predicted: int
    both: int


@dataclass(frozen=True, slots=True)
class MultiLabel:
    """The counts of several yes-or-no values a sample; `folded` more are not shown."""

    labels: tuple[LabelCounts, ...]
    samples: int
    folded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Targets and predictions of one number a sample; `r2` is None if all targets are equal."""

    name: str
    target: tuple[float, ...]
    predicted: tuple[float, ...]
    mean_error: float
    root_mean_square: float
    r2: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorHistogram:
    """A histogram of the errors of predictions."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]
    mean_error: float
    root_mean_square: float


@dataclass(frozen=True, slots=True)
class NoPicture:
    """The reason why there is no picture."""

    reason: str


Picture = Confusion | MultiLabel | Scatter | ErrorHistogram | NoPicture


@dataclass(frozen=True, slots=True)
class OutputPictures:
    """The pictures of one output; `not_finite` predictions are left out."""

    output: str
    pictures: tuple[Picture, ...]
    not_finite: int = 0


def output_pictures(output: Output, target: Array, predicted: Array, words: Sequence[object] = ()) -> OutputPictures:
    """Return the pictures of an output.

    Args:
        output: The output, with its loss.
        target: Targets, first axis samples, of a shape that the loss takes.
        predicted: Predictions, first axis samples.
        words: Names of the classes, by index.
    """
    if target.ndim == predicted.ndim - 1 and predicted.shape[-1] == 1:
        target = target[..., None]
    if not takes_classes(output) and target.shape != predicted.shape:
        reason = f"targets of shape {_shape(target)} are not compared with predictions of shape {_shape(predicted)}"
        return OutputPictures(output.name, (NoPicture(reason),))
    if target.dtype.kind not in "biuf" or predicted.dtype.kind not in "biuf":
        return OutputPictures(output.name, (NoPicture("the values are not numbers"),))
    finite = np.isfinite(predicted).reshape(len(predicted), -1).all(axis=1)
    not_finite = int((~finite).sum())
    target, predicted = target[finite], predicted[finite]
    if not len(predicted):
        return OutputPictures(output.name, (NoPicture("no prediction is a finite number"),), not_finite)
    return OutputPictures(output.name, _pictures(output, target, predicted, [str(word) for word in words]), not_finite)


def _pictures(output: Output, target: Array, predicted: Array, words: list[str]) -> tuple[Picture, ...]:
    loss = output.loss.name if output.loss is not None else ""
    if takes_classes(output):
        return (_confusion(target.reshape(-1), predicted.argmax(-1).reshape(-1), predicted.shape[-1], words),)
    if "categorical" in loss.lower() and predicted.shape[-1] > 1:
        classes = predicted.shape[-1]
        return (_confusion(target.argmax(-1).reshape(-1), predicted.argmax(-1).reshape(-1), classes, words),)
    if loss in BINARY:
        threshold = 0.0 if output.loss is not None and output.loss.arguments.get("from_logits") else 0.5
        true, guess = target > 0.5, predicted > threshold
        if predicted.shape[-1] == 1 or predicted.ndim == 1:
            return (_confusion(true.reshape(-1), guess.reshape(-1), 2, words),)
        if predicted.ndim == 2:
            return (_labels(true, guess, words),)
        return (_confusion(true.reshape(-1), guess.reshape(-1), 2, []),)
    target, predicted = target.reshape(len(target), -1), predicted.reshape(len(predicted), -1)
    if target.shape[1] > MAX_SCATTERS:
        return (_errors(target, predicted),)
    names = [output.name] if target.shape[1] == 1 else [f"{output.name} [{index}]" for index in range(target.shape[1])]
    return tuple(_scatter(name, target[:, index], predicted[:, index]) for index, name in enumerate(names))


def _confusion(truth: Array, guess: Array, classes: int, words: list[str]) -> Confusion:
    truth, guess = truth.astype(np.int64), guess.astype(np.int64)
    classes = max(classes, int(truth.max()) + 1)
    right, values = int((truth == guess).sum()), len(truth)
    names = [words[index] if index < len(words) else str(index) for index in range(classes)]
    folded = 0
    if classes > MAX_CLASSES:
        frequent = np.argsort(-np.bincount(truth, minlength=classes), kind="stable")[: MAX_CLASSES - 1]
        kept = np.sort(frequent)
        folded = classes - len(kept)
        places = np.full(classes, len(kept))
        places[kept] = np.arange(len(kept))
        truth, guess = places[truth], places[guess]
        names = [*(names[index] for index in kept), "others"]
        classes = len(names)
    counts = np.bincount(truth * classes + guess, minlength=classes * classes).reshape(classes, classes)
    return Confusion(
        classes=tuple(names), counts=tuple(map(tuple, counts.tolist())), values=values, right=right, folded=folded
    )


def _labels(true: Array, guess: Array, words: list[str]) -> MultiLabel:
    count = true.shape[1]
    rows = tuple(
        LabelCounts(
            words[index] if index < len(words) else str(index),
            int(true[:, index].sum()),
            int(guess[:, index].sum()),
            int((true[:, index] & guess[:, index]).sum()),
        )
        for index in range(min(count, MAX_LABELS))
    )
    return MultiLabel(rows, len(true), max(0, count - MAX_LABELS))


def _scatter(name: str, target: Array, predicted: Array) -> Scatter:
    error = predicted.astype(np.float64) - target
    spread = float(np.square(target - target.mean(dtype=np.float64)).sum())
    drawn = np.linspace(0, len(target) - 1, min(len(target), MAX_POINTS)).astype(np.int64)
    return Scatter(
        name=name,
        target=tuple(target[drawn].astype(float).tolist()),
        predicted=tuple(predicted[drawn].astype(float).tolist()),
        r2=1 - float(np.square(error).sum()) / spread if spread else None,
        **_sizes(error),
    )


def _errors(target: Array, predicted: Array) -> ErrorHistogram:
    error = (predicted.astype(np.float64) - target).reshape(-1)
    counts, edges = np.histogram(error, bins=BINS)
    return ErrorHistogram(counts=tuple(counts.tolist()), edges=tuple(edges.tolist()), **_sizes(error))


def _sizes(error: Array) -> dict[str, float]:
    return {"mean_error": float(np.abs(error).mean()), "root_mean_square": float(np.sqrt(np.square(error).mean()))}


def _shape(array: Array) -> str:
    return sample_shape(array.shape[1:])
