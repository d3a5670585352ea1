"""How long whoever reads a data set waits for it, measured where it happens: inside `tf.data`, at each element."""

from __future__ import annotations

import sys
from typing import Any

import tensorflow as tf


class Waiting:
    """Counts the seconds in which a reader of `measured` data sets has waited for their elements."""

    def __init__(self) -> None:
        self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)

    @property
    def seconds(self) -> float:
        """All of them so far."""
        return float(self._seconds)

    def measured(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """`dataset`, each element of which is asked for by its reader and handed to it directly.

        It costs some tens of microseconds an element, so it is for elements that are worth it.
        """
        asked = tf.data.Dataset.range(sys.maxsize).map(lambda _: tf.timestamp())  # zip asks for this one first
        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False  # what nobody has asked for yet is not waited for
        options.experimental_optimization.map_parallelization = False
        return tf.data.Dataset.zip((asked, dataset)).map(self._count).with_options(options)

    def _count(self, asked: tf.Tensor, element: Any) -> Any:
        with tf.control_dependencies([self._seconds.assign_add(tf.timestamp() - asked)]):
            return tf.nest.map_structure(tf.identity, element)
