"""Class weights as weights of samples: those that a spec states, and those that balance the classes of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from graphspec.checks.targets import ignored_class
from graphspec.datasets.faults import Fault
from graphspec.datasets.samples import Array, Samples
from graphspec.language.graph import Graph, Output
from graphspec.sources import DataError
from graphspec.sources.column import rows_together


def class_weights(graph: Graph, samples: Samples) -> dict[str, dict[int, float]]:
    """Return the weights of the classes of each output that has any, by its name.

    Args:
        graph: The graph.
        samples: The samples that are trained on, which balanced weights are counted from.

    Raises:
        SpecError: The targets cannot be read.
    """
    stated = {name: output.class_weight for name, output in graph.outputs.items() if output.class_weight}
    balanced = {
        name: _balanced(output, samples)
        for name, output in graph.outputs.items()
        if output.is_balanced and name in samples.outputs
    }
    return stated | balanced


def _balanced(output: Output, samples: Samples) -> dict[int, float]:
    """Return the weights with which each class of the samples counts as much as any other.

    The weight of a class is samples / (classes * samples of the class), so that the mean weight of a sample is 1.
    """
    target, ignored = samples.outputs[output.name], ignored_class(output)
    rows = rows_together(target)
    counts: Counter[int] = Counter()
    try:
        for start in range(0, samples.count, rows):
            batch = samples.batch(target, np.arange(start, min(start + rows, samples.count)))
            found, numbers = np.unique(classes_of(batch), return_counts=True)
            counts.update(dict(zip(map(int, found), map(int, numbers), strict=True)))
    except (DataError, OSError) as error:
        raise Fault(samples.source("outputs", output.name), error).as_spec_error() from error
    if ignored is not None:
        counts.pop(ignored, None)
    total = counts.total()
    return {index: total / (len(counts) * count) for index, count in sorted(counts.items())}


def classes_of(targets: Array) -> Array:
    """Return the class of each sample: the target itself, or the index of the greatest of several numbers."""
    numbers = targets.reshape(len(targets), -1)
    return numbers.argmax(axis=1) if numbers.shape[1] > 1 else numbers[:, 0]


class ClassWeights:
    """The weights of classes, looked up for many samples at once."""

    def __init__(self, weights: Mapping[int, float]) -> None:
        self._classes = np.array(sorted(weights))
        self._weights = np.array([weights[index] for index in sorted(weights)], np.float32)

    def of(self, targets: Array) -> Array:
        """Return the weight of each sample, 1 for a class without one: float32, shape (samples,)."""
        classes = classes_of(targets)
        at = np.searchsorted(self._classes, classes).clip(max=len(self._classes) - 1)
        return np.where(self._classes[at] == classes, self._weights[at], np.float32(1))
