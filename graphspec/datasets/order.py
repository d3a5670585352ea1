"""The order of samples: a batch follows from (seed, epoch, step) alone, in constant memory.

Each pass is a permutation of all samples that is never stored: every position is computed by itself, by a cipher over
the numbers below `count` (Simon, with cycle walking; `tf.random.experimental.index_shuffle`). So a run can start
anywhere, and several workers share a pass by position.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf


@dataclass(frozen=True)
class Order:
    """The batches of all passes over `count` samples.

    batch_size counts the samples of all workers together. The last batch of a pass holds what is left. A batch is
    divided into runs of positions, one a worker, as equal as can be: where the last one has fewer samples than there
    are workers, some of them get none of it.
    """

    count: int
    batch_size: int
    seed: int = 0
    shuffled: bool = True
    worker: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.worker < self.workers <= self.batch_size:
            raise ValueError(f"{self.workers} workers cannot share batches of {self.batch_size} samples")

    @property
    def steps(self) -> int:
        """Return the number of batches of one pass."""
        return -(-self.count // self.batch_size)

    @property
    def own_size(self) -> int:
        """Return the number of samples of this worker in a whole batch."""
        return self.batch_size * (self.worker + 1) // self.workers - self.batch_size * self.worker // self.workers

    def indices(self, number: int, first: int, last: int) -> npt.NDArray[np.int64]:
        """Return the samples of this worker in some batches of a pass: int64, shape (n,).

        Args:
            number: The pass.
            first: The first batch.
            last: The batch after the last.
        """
        positions = np.arange(first * self.batch_size, min(last * self.batch_size, self.count), dtype=np.int64)
        if self.workers > 1:
            batch, offset = np.divmod(positions, self.batch_size)
            size = np.minimum(self.batch_size, self.count - batch * self.batch_size)
            positions = positions[((offset + 1) * self.workers - 1) // size == self.worker]
        if not self.shuffled or not positions.size:
            return positions
        seed = np.array([self.seed, number], np.int64)
        with tf.device("CPU"):
            shuffled = tf.random.experimental.index_shuffle(positions, seed, np.int64(self.count - 1))
        return np.asarray(shuffled)
