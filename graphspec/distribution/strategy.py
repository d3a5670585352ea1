"""The strategy of TensorFlow that a spec names, and exchanges between its workers."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from graphspec.datasets.order import Part
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_CLUSTER, LOST_WORKER, UNFIT_KERAS
from graphspec.distribution.cluster import MIRRORED, Cluster, split_address
from graphspec.distribution.lobby import meet
from graphspec.spec import Spec
from graphspec.to_keras.keras_internals import bounded_connection, distribution_faults
from graphspec.to_keras.private_parts import tested_versions

START_SECONDS = 600.0
"""Seconds within which all workers must have started."""
CONNECT_SECONDS = 60.0
"""Seconds that TensorFlow may take to connect workers that have all started."""
_PROBE_SECONDS = 1.0
_WORD = 4
_TIME = "%Y-%m-%dT%H:%M:%S%z"


@dataclass(frozen=True)
class Distribution:
    """The replicas among which steps are divided.

    Attributes:
        strategy: The strategy of TensorFlow.
        cluster: The workers; None for the devices of this process alone.
    """

    strategy: Any
    cluster: Cluster | None

    @property
    def replicas(self) -> int:
        """Return the number of replicas of all workers."""
        return int(self.strategy.num_replicas_in_sync)

    @cached_property
    def local(self) -> int:
        """Return the number of replicas of this process."""
        return len(self.strategy.extended.worker_devices)

    @property
    def first(self) -> int:
        """Return the number of the first replica of this process."""
        return self.cluster.index * self.local if self.cluster is not None else 0

    @property
    def is_chief(self) -> bool:
        """Return whether this process writes the run."""
        return self.cluster is None or self.cluster.is_chief

    @property
    def workers(self) -> int:
        """Return the number of processes."""
        return len(self.cluster.workers) if self.cluster is not None else 1

    @property
    def part(self) -> Part:
        """Return the part of each batch that this process reads."""
        return Part(first=self.first, count=self.local, of=self.replicas)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers of workers and replicas, for the record of a run."""
        return {"workers": self.workers, "replicas": self.replicas}

    def gather(self, value: bytes) -> list[bytes]:
        """Return the `value` of each worker, in their order, once all workers have them."""
        if self.cluster is None or self.workers == 1:
            return [value]
        padded = value + bytes(-len(value) % _WORD)  # collectives know no bytes
        try:
            sizes = self._gathered(np.array([len(value)], np.int64)).tolist()
            joined = self._gathered(np.frombuffer(padded, np.int32)).tobytes()
        except tf.errors.OpError as error:
            raise lost_worker(self.cluster) from error
        with suppress(tf.errors.OpError):  # the others read from this worker, which may end once it returns
            self._gathered(np.zeros(1, np.int32))
        begins = accumulate((size + -size % _WORD for size in sizes), initial=0)
        return [joined[begin : begin + size] for begin, size in zip(begins, sizes, strict=False)]

    def gather_json(self, value: Any) -> list[Any]:
        """Return the `value` of each worker, in their order."""
        return [json.loads(each) for each in self.gather(json.dumps(value).encode())]

    def from_chief(self, make: Callable[[], bytes]) -> bytes:
        """Return what `make` returns on the chief; on the other workers it is not called."""
        return self.gather(make() if self.is_chief else b"")[0]

    def _gathered(self, array: Any) -> Any:
        """Return the arrays of all workers, joined along their only axis."""
        tf.get_logger().addFilter(_is_no_advice)
        values = tf.constant(array)
        per_replica = self.strategy.experimental_distribute_values_from_function(
            lambda context: values if _is_first(context, self.local) else values[:0]
        )
        return self.strategy.gather(per_replica, axis=0).numpy()


def _is_no_advice(record: logging.LogRecord) -> bool:
    """Return whether a message of TensorFlow is another one than advice on its own functions."""
    return "triggered tf.function retracing" not in str(record.msg)


def _is_first(context: Any, local: int) -> bool:
    return int(context.replica_id_in_sync_group) % local == 0


def make_distribution(spec: Spec, report: Callable[[str], None]) -> Distribution | None:
    """Make the strategy that `training.distribute` of `spec` names; wait for the other workers.

    Args:
        spec: A spec with `training`.
        report: Receives what is waited for.

    Raises:
        SpecError: `TF_CONFIG` is wrong, the address is taken, workers do not start, or are too many for a batch; or
            the installed Keras does not do what a step of several devices needs.
    """
    assert spec.model.training is not None
    settings = spec.model.training
    if settings.distribute is None:
        return None
    if settings.distribute == MIRRORED:
        distribution = Distribution(_mirrored(), None)
    else:
        distribution = join(Cluster.from_environment(), report)
    check_keras()
    if distribution.replicas > settings.batch_size:
        raise SpecError.of(
            BAD_CLUSTER,
            f"a batch of {settings.batch_size} rows cannot be shared by {distribution.replicas} devices",
            settings.span,
            expected="at least one row for each",
            help="raise `training.batch_size`, which counts the rows of all devices together, or use fewer of them",
        )
    return distribution


@cache
def _mirrored() -> tf.distribute.Strategy:
    """Return the strategy of the devices of this process.

    There is one: each strategy numbers its collective operations from the same number on, and TensorFlow takes those of
    a second one on the same devices for those of the first, with other shapes.
    """
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([each.name for each in devices])


_made: dict[Cluster, Distribution] = {}
"""The strategy of this process: TensorFlow makes one that spans processes only once."""


def check_keras() -> None:
    """Raise SpecError unless the installed Keras does what a training on several devices needs; tries it in 0.3 s."""
    if faults := distribution_faults():
        raise SpecError.of(
            UNFIT_KERAS,
            f"with Keras {keras.__version__} this does not hold, which a training on several devices needs: "
            f"{'; '.join(faults)}",
            expected=f"a Keras that it was tested with: {tested_versions()}",
            help="install one of these, or train on one device: --set training.distribute=null",
        )


def join(cluster: Cluster, report: Callable[[str], None]) -> Distribution:
    """Wait for the other workers of `cluster`, and connect to them, before TensorFlow computes anything.

    Raises:
        SpecError: The address is taken, a worker does not start, or ends before all are connected.
    """
    if cluster not in _made:
        if _made:
            raise SpecError.of(
                BAD_CLUSTER, "this process already belongs to another cluster", help="train in a new process"
            )
        if not cluster.is_chief:
            name, count = cluster.name_of(cluster.index), len(cluster.workers)
            report(f"{name} of {count} started at {time.strftime(_TIME)}, as process {os.getpid()}")
        meet(cluster, report, START_SECONDS)
        try:
            with bounded_connection(CONNECT_SECONDS):
                strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except tf.errors.OpError as error:
            raise lost_worker(cluster) from error
        _made[cluster] = Distribution(strategy, cluster)
    return _made[cluster]


def lost_worker(cluster: Cluster) -> SpecError:
    """Return the error that a worker was lost, with those that cannot be reached."""
    time.sleep(_PROBE_SECONDS)  # a worker that ends with an error still listens for a moment
    lost = [index for index in range(len(cluster.workers)) if not _answers(cluster, index)]
    names = ", ".join(cluster.name_of(index) for index in lost)
    return SpecError.of(
        LOST_WORKER,
        f"{names} was lost" if lost else "the connection to another worker was lost",
        help="look at the output of that worker, and start all again; a training resumes, with any number of workers",
    )


def _answers(cluster: Cluster, index: int) -> bool:
    try:
        socket.create_connection(split_address(cluster.workers[index]), _PROBE_SECONDS).close()
    except OSError:
        return index == cluster.index
    return True
