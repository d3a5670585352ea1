"""`lock.json` of a run: what it takes to repeat it beside the spec."""

from __future__ import annotations

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
