"""`lock.json` of a run: what it takes to repeat it beside the spec."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from graphspec.version import __version__

PACKAGES = ("graphspec", "keras", "tensorflow", "numpy", "python")
"""Whose versions decide what a training comes to."""

PLUGINS, FILES, DATA = "plugins", "files", "data"
"""The sections of a lock with the size and the SHA-256 of files: code, what was learnt from data, and data."""


def lock_of(seed: int, loaded: dict[str, str], devices: list[str]) -> dict[str, Any]:
    """The lock of a run by this process. loaded: the versions of packages, by name; devices: what computes."""
    return {
        "command": command(),
        "seed": seed,
        "versions": {"graphspec": __version__, **loaded, "python": platform.python_version()},
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "devices": devices,
        },
        "installed": dict(_installed()),
        "data": {},
    }


def command() -> list[str]:
    """What this process was started with; the first word without its folder."""
    program, *arguments = sys.argv or [""]
    name = Path(program).name
    return ["graphspec" if name == "__main__.py" else name, *arguments]


def section_hashes(lock: dict[str, Any]) -> dict[str, str]:
    """Return the hash of each section of a lock that names files; `data` has none before they are recorded."""
    found = {name: lock[name] for name in (PLUGINS, FILES, DATA) if name in lock and (lock[name] or name != DATA)}
    return {name: hashlib.sha256(json.dumps(each, sort_keys=True).encode()).hexdigest() for name, each in found.items()}


def nothing_recorded(what: str) -> str:
    """Return the warning that a run did not record how `what` was."""
    return f"the run has recorded nothing of {what}: whether it has changed cannot be told"


def unknown_versions(lock: dict[str, Any]) -> list[str]:
    """Return the packages whose versions decide what a training comes to, and that `lock` says nothing of."""
    return [name for name in PACKAGES if name not in lock.get("versions", {})]


def differing_versions(lock: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The packages of two locks that are of different versions, as `keras 3.15.1 (was 3.14.0)`."""
    was, is_now = lock.get("versions", {}), now["versions"]
    return [
        f"{name} {is_now[name]} (was {was[name]})" for name in PACKAGES if name in was and was[name] != is_now[name]
    ]


@cache
def _installed() -> dict[str, str]:
    """The version of every installed package, read once a process: a study makes many runs."""
    found = ((each.metadata["Name"], each.metadata["Version"]) for each in distributions())
    named = [each for each in found if all(isinstance(part, str) for part in each)]  # of a broken package they are None
    return dict(sorted(named, key=lambda each: each[0].lower()))
