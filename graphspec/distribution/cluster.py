"""The cluster of a worker, read from `TF_CONFIG` as cluster managers set it, without TensorFlow."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_CLUSTER
from graphspec.diagnostics.suggest import one_of
from graphspec.spec import Spec

VARIABLE = "TF_CONFIG"
MIRRORED, MULTI_WORKER = "mirrored", "multi_worker"

_EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
_CHIEF, _WORKER = "chief", "worker"
_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%\w]+\]|[^\s:/\[\]]+):(?P<port>[0-9]{1,5})")
_MAX_PORT = 2**16 - 1
_MAX_SHOWN = 60


@dataclass(frozen=True)
class Cluster:
    """The workers of a training, and the place of this process among them.

    Attributes:
        workers: `host:port` of each worker; the first is the chief, which alone writes.
        index: The number of this worker.
    """

    workers: tuple[str, ...]
    index: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Cluster:
        """Read the cluster from `TF_CONFIG`. Raises SpecError if it is missing or wrong."""
        text = environment.get(VARIABLE, "")
        if not text.strip():
            raise SpecError.of(
                BAD_CLUSTER,
                f"the environment variable {VARIABLE} is not set, and `multi_worker` reads its workers from it",
                expected=_EXAMPLE,
                help="start all workers of this machine with `graphspec launch`, or let the cluster manager set it",
            )
        return cls._of(_parsed(text))

    @classmethod
    def to_share(cls, environment: Mapping[str, str] = os.environ) -> Cluster | None:
        """Read the workers that share predictions or an evaluation; None for one process by itself.

        That is one whose `TF_CONFIG` is missing or empty, the only worker, or an evaluator beside the workers.

        Raises:
            SpecError: `TF_CONFIG` is wrong.
        """
        text = environment.get(VARIABLE, "")
        if not text.strip():
            return None
        config = _parsed(text)
        task = config.get("task")
        if not config or (isinstance(task, dict) and task.get("type") == "evaluator"):
            return None
        cluster = cls._of(config)
        return cluster if len(cluster.workers) > 1 else None

    @classmethod
    def _of(cls, config: Mapping[str, Any]) -> Cluster:
        cluster, task = _mapping(config, "cluster"), _mapping(config, "task")
        for kind in cluster:
            if kind not in (_CHIEF, _WORKER):
                raise _wrong(
                    f"`cluster` has the kind {_shown(kind)}", f"`{_WORKER}`, and at most one `{_CHIEF}`", _why(kind)
                )
        chief, workers = _addresses(cluster, _CHIEF), _addresses(cluster, _WORKER)
        if len(chief) > 1:
            raise _wrong(f"`cluster.{_CHIEF}` has {len(chief)} addresses", "one chief")
        every = (*chief, *workers)
        if not every:
            raise _wrong("`cluster` has no workers", f"the `host:port` of each worker in `cluster.{_WORKER}`")
        if twice := sorted({each for each in every if every.count(each) > 1}):
            raise _wrong(f"`cluster` has the address {_shown(twice[0])} twice", "an address of its own for each worker")
        role = task.get("type")
        if role not in (_CHIEF, _WORKER):
            raise _wrong(f"`task.type` is {_shown(role)}", one_of([_WORKER, _CHIEF]), _why(role))
        count = len(chief if role == _CHIEF else workers)
        index = _number(task.get("index"))
        if index is None or index >= count:
            expected = f"a number from 0 to {count - 1}" if count else f"an address in `cluster.{role}`"
            raise _wrong(f"`task.index` is {_shown(task.get('index'))}", f"{expected}: `cluster.{role}` has {count}")
        return cls(every, index if role == _CHIEF else len(chief) + index)

    @property
    def is_chief(self) -> bool:
        """Return whether this worker writes the run."""
        return self.index == 0

    @property
    def address(self) -> str:
        """Return the `host:port` of this worker."""
        return self.workers[self.index]

    def name_of(self, index: int) -> str:
        """Return a name of a worker for messages."""
        return f"worker {index} ({self.workers[index]})"


def is_follower(spec: Spec) -> bool:
    """Return whether this process is a worker of a training of `spec` that is not the chief, so that it writes nothing.

    Raises:
        SpecError: `TF_CONFIG` is missing or wrong.
    """
    training = spec.model.training
    if training is None or training.distribute != MULTI_WORKER:
        return False
    return not Cluster.from_environment().is_chief


def split_address(address: str) -> tuple[str, int]:
    """Return the host, without the brackets of IPv6, and the port of a checked address."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("it is not JSON", _EXAMPLE) from None
    if not isinstance(config, dict):
        raise _wrong(f"it is {_shown(config)}", _EXAMPLE)
    return config


def _mapping(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    if not isinstance(value, dict):
        problem = f"`{key}` is {_shown(value)}" if key in config else f"it has no `{key}`"
        raise _wrong(problem, _EXAMPLE)
    return value


def _addresses(cluster: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    value = cluster.get(kind, [])
    if not isinstance(value, list):
        raise _wrong(f"`cluster.{kind}` is {_shown(value)}", "a list of `host:port`")
    for each in value:
        match = _ADDRESS.fullmatch(each) if isinstance(each, str) else None
        if match is None or not 0 < int(match["port"]) <= _MAX_PORT:
            raise _wrong(
                f"`cluster.{kind}` has the address {_shown(each)}",
                f"`host:port` with a port from 1 to {_MAX_PORT}, without a scheme",
            )
    return tuple(value)


def _number(value: Any) -> int | None:
    """Return a number, which some cluster managers write as text; None if it is none."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _why(kind: Any) -> str:
    if kind == "ps":
        return "Keras 3 does not support training with parameter servers; make each of them a worker"
    if kind == "evaluator":
        return "each worker takes part in the validation; evaluate the run with `graphspec evaluate`"
    return f"see docs/scale.md for what `{VARIABLE}` holds"


def _wrong(problem: str, expected: str, help: str = "") -> SpecError:
    return SpecError.of(
        BAD_CLUSTER,
        f"the environment variable {VARIABLE} is wrong: {problem}",
        expected=expected,
        help=help or _why(None),
    )


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
