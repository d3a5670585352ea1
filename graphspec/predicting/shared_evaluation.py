"""Evaluations that several workers share: each evaluates whole batches, and all get the metrics of the sums of all."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from graphspec.distribution.strategy import Distribution
from graphspec.predicting.batch import Array


def own_rows(count: int, batch_size: int, distribution: Distribution) -> tuple[Array, bool]:
    """Return the rows that this worker evaluates, whole batches one after another, and whether they count.

    A worker without batches evaluates the first one, since metrics have no variables before.
    """
    steps, index = -(-count // batch_size), distribution.cluster.index if distribution.cluster is not None else 0
    first, end = (steps * each // distribution.workers * batch_size for each in (index, index + 1))
    rows = np.arange(first, min(end, count))
    return (rows, True) if len(rows) else (np.arange(min(batch_size, count)), False)


def metrics_of_all(model: keras.Model, distribution: Distribution, *, counts: bool) -> dict[str, Any]:
    """Return the metrics of all workers, from the states that their evaluations have left in the metrics of the model.

    A state is added up, as the shares of a batch are in a training. Each worker gets the same values.

    Args:
        model: The model after its evaluation.
        distribution: The workers.
        counts: Whether the evaluation of this worker is part of the whole.
    """
    variables = model.metrics_variables
    states = [each.numpy().astype(np.float64) for each in variables]
    model.reset_metrics()
    starts = [each.numpy().astype(np.float64) for each in variables]
    changes = [state - start if counts else np.zeros_like(start) for state, start in zip(states, starts, strict=True)]
    own = np.concatenate([np.ravel(each) for each in changes] or [np.zeros(0)])
    whole = np.sum([np.frombuffer(each) for each in distribution.gather(own.tobytes())], axis=0)
    ends = np.cumsum([start.size for start in starts])[:-1]
    for variable, start, change in zip(variables, starts, np.split(whole, ends), strict=True):
        variable.assign((start + change.reshape(start.shape)).astype(variable.dtype))
    result: dict[str, Any] = model.get_metrics_result()
    return result
