"""Losses by output that are true means over samples.

Keras gives each batch the same weight in `<output>_loss`, so a partial last batch counts as much as a full one and the
outputs do not add up to the total (keras/src/trainers/compile_utils.py, CompileLoss.call: the weight of a batch is
its static size, which is None). `OutputLoss` weights by size, as Keras' own total does, so that

    loss = sum over outputs of loss_weight * <output>_loss + sum over losses of weight * <loss>_loss  (+ regularisation)

`GraphLossMean` does the same for the losses that the graph computes, which Keras adds up without telling them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from graphspec.distribution.share import current_share, rows_and_size
from graphspec.run_directory.records import MAX_NUMBER
from graphspec.to_keras.keras_internals import loss_of, own_metrics

_OF_SEVERAL, _ONLY = "true_loss", "only_loss"
"""Names of the metric; the loss of the only trained output is the total, and is not reported twice."""


class LossMean(keras.metrics.Metric):
    """The mean over samples of a loss, before its weight.

    Attributes:
        finite: The number of batches before the first whose loss is not finite.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.samples = self.add_variable(shape=(), initializer="zeros", name="samples")
        self.finite = self.add_variable(shape=(), initializer="zeros", name="finite")

    def add(self, value: Any, size: Any, rows: Any) -> None:
        """Add the loss of one batch, weighted by its number of samples.

        Args:
            value: The loss.
            size: The number of samples that it is the mean over.
            rows: The number of samples that are added; other replicas add the others.
        """
        self.total.assign_add(keras.ops.cast(value, self.dtype) * keras.ops.cast(size, self.dtype))
        self.samples.assign_add(keras.ops.cast(rows, self.dtype))
        if current_share() is None:
            self.count_finite()

    def count_finite(self) -> None:
        """Count the batch if no loss has been infinite or NaN; where batches are shared, once all shares are added."""
        self.finite.assign_add(keras.ops.cast(keras.ops.isfinite(self.total), self.dtype))

    def result(self) -> Any:
        return keras.ops.divide_no_nan(self.total, self.samples)


class OutputLoss(LossMean):
    """The mean over samples of one output's loss, before its loss weight.

    Args:
        loss: A `keras.losses.Loss`, or an identifier such as `mse`.
        others: The number of other losses: of outputs, and of the graph.
        output: The name of the output, where it is the only one, so that Keras does not name it.
    """

    def __init__(self, loss: Any, others: int, output: str | None = None) -> None:
        prefix = f"{output}_" if output is not None and others else ""
        super().__init__(prefix + (_OF_SEVERAL if others else _ONLY))
        self.loss = loss_of(loss)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the loss of one batch."""
        # Not the size of `y_pred`: where TensorFlow takes the loss from logits, the softmax is not computed at all.
        rows, size = rows_and_size(y_true)
        self.add(self.loss(y_true, y_pred, sample_weight), size, rows)


class GraphLossMean(LossMean):
    """The mean over samples of a loss that the graph computes, before its weight."""

    def update_state(self, value: Any, batch: Any) -> None:
        """Add the loss of one batch, or of a share of it.

        Args:
            value: The loss.
            batch: A tensor of the batch, of which the first axis counts the samples.
        """
        rows, _ = rows_and_size(batch)
        self.add(value, rows, rows)


def track_graph_losses(model: keras.Model, losses: Mapping[str, tuple[str, float]]) -> dict[str, LossMean]:
    """Let a compiled model add and report the losses that it computes, and return their metrics by name.

    Neither the metrics nor the sign of a loss become part of a file of the model: plain Keras loads it.

    Args:
        model: The model.
        losses: The name of the layer that adds each loss, and its weight.
    """
    means = {name: GraphLossMean(f"{name}_loss") for name in losses}
    compute = type(model).compute_metrics
    for layer, _ in losses.values():
        _keep_sign(model.get_layer(layer))

    def compute_metrics(x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        batch = next(each for each in keras.tree.flatten(x) if each is not None)
        for name, (layer, weight) in losses.items():
            for value in model.get_layer(layer).losses:
                means[name].update_state(value / weight, batch)
        return compute(model, x, y, y_pred, sample_weight)

    own_metrics(model)[:] = means.values()
    model.compute_metrics = compute_metrics
    return dict(means)


def _keep_sign(layer: keras.Layer) -> None:
    """Let a layer add its activity to the loss as it is; it is saved as it was made."""
    if layer.activity_regularizer is not keras.ops.sum:
        config = layer.get_config()
        layer.activity_regularizer = keras.ops.sum
        layer.get_config = lambda: config


def replace_losses(logs: dict[str, Any]) -> None:
    """Replace Keras' `<output>_loss` in `logs` by the true means."""
    for key in [key for key in logs if key == _ONLY or key.endswith("_" + _ONLY)]:
        del logs[key]
    for key in [key for key in logs if key.endswith("_" + _OF_SEVERAL)]:
        logs[key[: -len(_OF_SEVERAL)] + "loss"] = logs.pop(key)


MetricValue = float | list[Any] | None
"""A metric as a run records it: a number, a list for a metric of several values, None if it is not finite."""


def metric_value(value: Any) -> MetricValue:
    """Return the value of a Keras metric as a run records it."""
    if np.ndim(value):
        return [metric_value(each) for each in np.asarray(value)]
    number = float(value)
    return number if abs(number) <= MAX_NUMBER else None


def share(weight: float, loss: float | None, total: float | None) -> float | None:
    """Return the share of a weighted loss in the total, or None if not finite."""
    if not total or loss is None:
        return None
    value = weight * loss / total
    return value if abs(value) <= MAX_NUMBER else None


class TrueLosses(keras.callbacks.Callback):
    """The first of all callbacks, which puts the true means into the logs."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        replace_losses(logs or {})
