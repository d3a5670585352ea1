"""How long whoever reads a data set waits for it, measured where it happens: inside `tf.data`, at each element."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf


class Waiting:
    """Counts the seconds in which the one reader of a `measured` data set has waited for its elements."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._asked = 0.0

    def measured(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """`dataset`, each element of which is asked for by its reader and handed to it directly.

        It costs about a tenth of a millisecond an element, so it is for elements that are worth it. (TensorFlow's own
        clock is refused where operations are to be deterministic.)
        """
        unconverted = tf.autograph.experimental.do_not_convert  # there is nothing to convert, and looking takes long
        asked = tf.data.Dataset.range(sys.maxsize).map(unconverted(self._ask))  # zip asks for this one first
        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False  # what nobody has asked for yet is not waited for
        options.experimental_optimization.map_parallelization = False
        return tf.data.Dataset.zip((asked, dataset)).map(unconverted(self._hand_over)).with_options(options)

    def _ask(self, number: tf.Tensor) -> tf.Tensor:
        def note(number: Any) -> Any:
            self._asked = time.monotonic()
            return number

        return tf.numpy_function(note, [number], tf.int64)

    def _hand_over(self, number: tf.Tensor, element: Any) -> Any:
        def note(number: Any) -> Any:
            self.seconds += time.monotonic() - self._asked
            return np.int64(number)

        with tf.control_dependencies([tf.numpy_function(note, [number], tf.int64)]):
            return tf.nest.map_structure(tf.identity, element)
