"""The order of samples: a batch is a function of (seed, epoch, step), in constant memory.

Each pass is a permutation of all samples that is never stored: `tf.random.experimental.index_shuffle` computes every
position by itself, by a cipher over the numbers below `count` (Simon, with cycle walking). So a run can start anywhere,
and several workers share a pass by position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import tensorflow as tf


@dataclass(frozen=True)
class Part:
    """The part of each batch that one process reads, for replicas that share batches.

    Attributes:
        first: Number of its first replica.
        count: Number of its replicas.
        of: Number of all replicas.
    """

    first: int
    count: int
    of: int


@dataclass(frozen=True)
class Order:
    """The batches of all passes over `count` samples.

    The last batch of a pass holds the rest, or is left out. A batch is divided into a run of positions for each worker,
    as equal as possible: of a last batch with fewer samples than workers, some workers get none.

    Attributes:
        count: Samples of a pass.
        batch_size: Samples of a batch, of all workers together.
        seed: Seed of the permutations.
        shuffled: False for the order of the files.
        worker: Number of this worker, or replica, from 0.
        workers: Number of workers.
        drop_remainder: Leave out a last batch that is not whole; of which samples depends on the pass.
    """

    count: int
    batch_size: int
    seed: int = 0
    shuffled: bool = True
    worker: int = 0
    workers: int = 1
    drop_remainder: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.worker < self.workers <= self.batch_size:
            raise ValueError(f"{self.workers} workers cannot share batches of {self.batch_size} samples")

    @property
    def steps(self) -> int:
        """Return the number of batches of one pass."""
        return self.count // self.batch_size if self.drop_remainder else -(-self.count // self.batch_size)

    @property
    def samples(self) -> int:
        """Return the number of samples in the batches of one pass, those of all workers."""
        return min(self.count, self.steps * self.batch_size)

    @property
    def own_size(self) -> int:
        """Return the number of samples of this worker in a full batch."""
        return self.batch_size * (self.worker + 1) // self.workers - self.batch_size * self.worker // self.workers

    def size(self, batch: int) -> int:
        """Return the number of samples of a batch, those of all workers."""
        return min(self.batch_size, self.count - batch * self.batch_size)

    def of_part(self, part: Part) -> list[Order]:
        """Return the order of each replica of `part`."""
        return [replace(self, worker=part.first + each, workers=part.of) for each in range(part.count)]

    def first_index(self, number: int, batch: int) -> npt.NDArray[np.int64]:
        """Return the index of the first sample of a batch, of all workers: int64, shape (1,)."""
        return replace(self, worker=0, workers=1).indices(number, batch, batch + 1)[:1]

    def indices(self, number: int, first: int, last: int) -> npt.NDArray[np.int64]:
        """Return the indices of the samples of this worker in some batches of a pass: int64, shape (n,).

        Args:
            number: The pass, from 0.
            first: The first batch.
            last: The last batch, exclusive.
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
