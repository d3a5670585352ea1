"""The share that a replica has of each batch, and losses that are shares of the loss of the whole batch.

A batch is divided into rows for each replica, without padding; in a batch of fewer rows than replicas, a replica
without rows computes one that counts for nothing. What the replicas compute is added up, so that a loss, a gradient or
the state of a metric is that of the whole batch, as one process would compute it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from graphspec.to_keras.keras_internals import mask_of

_local = threading.local()
"""TensorFlow traces each replica in a thread of its own."""


@dataclass(frozen=True)
class Share:
    """The share of one replica in a batch.

    Attributes:
        rows: The number of its rows, a float32 scalar; 0 if its only row does not count.
        size: The number of rows of the whole batch.
        replica: The number of the replica.
        replicas: The number of replicas.
    """

    rows: Any
    size: Any
    replica: int
    replicas: int

    def correction(self, mean: Any) -> Any:
        """Return what a mean over the rows of this share lacks to be its part of the mean over the whole batch.

        Keras divides what layers add to the loss by the number of replicas, however many rows each has.
        """
        return mean * tf.cast(self.rows / self.size - 1.0 / self.replicas, mean.dtype)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Compute losses and random numbers as those of this share."""
        _local.share = self
        try:
            yield
        finally:
            _local.share = None


def current_share() -> Share | None:
    """Return the share that this thread computes; None where training is not distributed."""
    return getattr(_local, "share", None)


def rows_and_size(batch: Any) -> tuple[Any, Any]:
    """Return the number of rows that count in a batch, and that of the whole batch, as float32 scalars."""
    share = current_share()
    if share is not None:
        return share.rows, share.size
    rows = keras.ops.cast(keras.ops.shape(batch)[0], "float32")
    return rows, rows


class SharedLoss(keras.losses.Loss):
    """A loss whose values on all replicas add up to that of the whole batch.

    Args:
        loss: A loss whose reduction is a mean or a sum over rows.
    """

    def __init__(self, loss: keras.losses.Loss) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction, dtype=loss.dtype)
        self.loss = loss

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of this share, scaled to its part of the batch."""
        value = self.loss(y_true, y_pred, sample_weight)
        share = current_share()
        if share is None or self.loss.reduction == "sum":
            return value
        own, total = share.rows, share.size
        mask = self._mask(y_true, y_pred)
        if mask is not None:  # Keras divides by the number of unmasked steps
            counts = tf.cast(share.rows > 0, tf.float32)
            own = tf.reduce_sum(tf.cast(mask, tf.float32)) * counts
            total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)
        scale = tf.math.divide_no_nan(own * float(share.replicas), total)  # Keras divides by the number of replicas
        return value * tf.cast(scale, value.dtype)

    def _mask(self, y_true: Any, y_pred: Any) -> Any:
        """Return which values of the loss count, by the mask of the predictions and `ignore_class`; None if all do.

        TensorFlow computes the values once: of this call, only the mask is used.
        """
        true, predicted = (keras.tree.map_structure(self._converted, each) for each in (y_true, y_pred))
        masks = [each for each in (mask_of(y_pred), mask_of(self.loss.call(true, predicted))) if each is not None]
        return tf.reduce_all(tf.stack(masks), axis=0) if masks else None

    def _converted(self, tensor: Any) -> Any:
        """Return a tensor in the dtype in which the loss is computed."""
        return keras.ops.convert_to_tensor(tensor, dtype=self.loss.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row."""
        return self.loss.call(y_true, y_pred)
