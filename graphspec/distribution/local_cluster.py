"""The environment of each worker of a cluster on this machine: its `TF_CONFIG` and its GPUs."""

from __future__ import annotations

import json
import os
import random
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

HOST = "127.0.0.1"

_PORTS = range(20_000, 32_768)
"""Ports below those that systems give to outgoing connections, such as the connections of another worker."""
_DEVICES = Path("/dev")


def tf_config(addresses: Sequence[str], index: int | str) -> str:
    """Return the `TF_CONFIG` of a worker, as JSON on one line.

    Args:
        addresses: `host:port` of each worker, the chief first.
        index: The number of this worker, or a text that stands for it.
    """
    text = json.dumps({"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": -1}})
    return text.replace('"index": -1', f'"index": {index}')


def free_addresses(count: int) -> list[str]:
    """Return `count` addresses of this machine whose ports are free at present. Raises OSError if there are too few."""
    ports = random.SystemRandom().sample(_PORTS, len(_PORTS))
    addresses: list[str] = []
    with ExitStack() as stack:  # all stay open until the last is found, so that no port is found twice
        while len(addresses) < count:
            listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            while ports:
                with suppress(OSError):
                    port = ports.pop()
                    listener.bind((HOST, port))
                    addresses.append(f"{HOST}:{port}")
                    break
            else:
                raise OSError(f"fewer than {count} ports of {HOST} are free")
    return addresses


def worker_environments(count: int, environment: Mapping[str, str] = os.environ) -> list[dict[str, str]]:
    """Return the environment of each of `count` workers: that of this process, with addresses that are free now.

    The GPUs are shared out evenly, each to one worker; where there are fewer GPUs than workers, none uses one.

    Raises:
        OSError: There are too few free ports.
    """
    addresses, gpus = free_addresses(count), visible_gpus(environment)
    each = len(gpus) // count
    environments = []
    for index in range(count):
        own = {**environment, "TF_CONFIG": tf_config(addresses, index)}
        if gpus:
            own["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[index * each : (index + 1) * each]) or "-1"
        environments.append(own)
    return environments


def visible_gpus(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the NVIDIA GPUs that a process with `environment` may use, by number or name."""
    stated = environment.get("CUDA_VISIBLE_DEVICES")
    if stated is not None:
        names = [name.strip() for name in stated.split(",")]
        end = next((at for at, name in enumerate(names) if name in ("", "-1")), len(names))
        return names[:end]
    with suppress(OSError):
        count = sum(re.fullmatch(r"nvidia[0-9]+", each.name) is not None for each in _DEVICES.iterdir())
        return [str(number) for number in range(count)]
    return []
