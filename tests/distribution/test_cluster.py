"""The cluster of a worker is read from TF_CONFIG as cluster managers set it; a wrong one is an error that says why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphspec import SpecError
from graphspec.distribution.cluster import Cluster

WORKERS = ["10.0.0.1:2222", "10.0.0.2:2222"]


def _read(cluster: Any, task: Any) -> Cluster:
    return Cluster.from_environment({"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})


def test_worker_knows_the_others_and_its_place() -> None:
    """The first worker is the chief; an index may be written as text, and a `chief` of its own comes first."""
    assert _read({"worker": WORKERS}, {"type": "worker", "index": 0}).is_chief
    second = _read({"worker": WORKERS}, {"type": "worker", "index": "1"})
    assert (second.index, second.is_chief, second.workers) == (1, False, tuple(WORKERS))
    with_chief = _read({"chief": ["a:1"], "worker": ["b:2", "[::1]:3"]}, {"type": "worker", "index": 1})
    assert (with_chief.index, with_chief.workers) == (2, ("a:1", "b:2", "[::1]:3"))
    assert _read({"chief": ["a:1"], "worker": ["b:2"]}, {"type": "chief", "index": 0}).is_chief


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not set"),
        ("  ", "is not set"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "it is []"),
        ("{}", "no `cluster`"),
        ('{"cluster": 1}', "`cluster` is 1"),
        ('{"cluster": {"worker": ["a:1"]}}', "no `task`"),
    ],
)
def test_text_that_is_no_configuration_is_refused(text: str, said: str) -> None:
    """A missing variable, broken JSON and missing parts are named."""
    with pytest.raises(SpecError, match="GS912") as raised:
        Cluster.from_environment({"TF_CONFIG": text})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("cluster", "task", "said"),
    [
        ({"worker": []}, {"type": "worker", "index": 0}, "no workers"),
        ({"worker": "a:1"}, {"type": "worker", "index": 0}, '`cluster.worker` is "a:1"'),
        ({"worker": ["a"]}, {"type": "worker", "index": 0}, 'the address "a"'),
        ({"worker": ["a:0"]}, {"type": "worker", "index": 0}, 'the address "a:0"'),
        ({"worker": ["a:65536"]}, {"type": "worker", "index": 0}, "a port from 1 to 65535"),
        ({"worker": ["grpc://a:1"]}, {"type": "worker", "index": 0}, "without a scheme"),
        ({"worker": ["a:1\n"]}, {"type": "worker", "index": 0}, r'"a:1\n"'),
        ({"worker": ["a:1", "a:1"]}, {"type": "worker", "index": 0}, "twice"),
        ({"worker": WORKERS}, {"type": "worker", "index": 2}, "from 0 to 1"),
        ({"worker": WORKERS}, {"type": "worker", "index": -1}, "`task.index` is -1"),
        ({"worker": WORKERS}, {"type": "worker", "index": True}, "`task.index` is true"),
        ({"worker": WORKERS}, {"type": "worker"}, "`task.index` is null"),
        ({"worker": WORKERS}, {"type": "ps", "index": 0}, "parameter servers"),
        ({"worker": WORKERS, "ps": ["c:1"]}, {"type": "worker", "index": 0}, "parameter servers"),
        ({"worker": WORKERS, "evaluator": ["c:1"]}, {"type": "worker", "index": 0}, "graphspec evaluate"),
        ({"chief": ["a:1", "b:1"], "worker": []}, {"type": "chief", "index": 0}, "2 addresses"),
        ({"worker": ["x" * 10_000]}, {"type": "worker", "index": 0}, "..."),
    ],
)
def test_wrong_configuration_is_refused(cluster: Any, task: Any, said: str) -> None:
    """Each wrong part is shown, with what was expected, and parameter servers are refused with the reason."""
    with pytest.raises(SpecError, match="GS912") as raised:
        _read(cluster, task)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 1_000
