"""`lock.json` of a run: what reproducing it needs beside the spec."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from graphspec.version import __version__

PACKAGES = ("graphspec", "keras", "tensorflow", "numpy", "python")
"""The packages whose versions influence the results of a training."""

PLUGINS, FILES, DATA = "plugins", "files", "data"
"""The sections of a lock with size and SHA-256 of files: code, files derived from data, and data."""


def lock_of(seed: int, loaded: dict[str, str], devices: list[str]) -> dict[str, Any]:
    """Return the lock of a new run.

    Args:
        seed: The seed of the training.
        loaded: Versions of the packages that compute, by name.
        devices: Names of the devices.
    """
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
    """Return the command line of this process; the program without its folder, URLs without their passwords."""
    program, *arguments = sys.argv or [""]
    name = Path(program).name
    return ["graphspec" if name == "__main__.py" else name, *map(without_passwords, arguments)]


_PASSWORD = re.compile(r"([A-Za-z][\w+.-]*://[^\s:/@]*:)\S*@")  # up to the last `@`, since some write one in a password
_SECRET = re.compile(r"([?&][^\s=&]*(?:passw|secret|token)[^\s=&]*=)[^\s&]*", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """Return `text` with `***` for the passwords in the URLs that it holds."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1***@", text))


def section_hashes(lock: dict[str, Any]) -> dict[str, str]:
    """Return the hash of each section of a lock that names files."""
    # `data` is empty until its hashes are computed
    names = [name for name in (PLUGINS, FILES, DATA) if name in lock and (lock[name] or name != DATA)]
    return {name: hashlib.sha256(json.dumps(lock[name], sort_keys=True).encode()).hexdigest() for name in names}


def unrecorded_warning(name: str) -> str:
    """Return the warning that a run did not record the state of `name`."""
    return f"the run recorded nothing of {name}: changes of it are not detected"


def unknown_versions(lock: dict[str, Any]) -> list[str]:
    """Return the packages of PACKAGES whose versions `lock` does not hold."""
    return [name for name in PACKAGES if name not in lock.get("versions", {})]


def differing_versions(lock: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the packages with different versions in two locks, as `keras 3.15.1 (was 3.14.0)`."""
    old, new = lock.get("versions", {}), now["versions"]
    return [f"{name} {new[name]} (was {old[name]})" for name in PACKAGES if name in old and old[name] != new[name]]


@cache
def _installed() -> dict[str, str]:
    """Return the version of every installed package, cached because a study makes many runs."""
    packages = ((each.metadata["Name"], each.metadata["Version"]) for each in distributions())
    named = [each for each in packages if all(isinstance(part, str) for part in each)]  # None in a broken package
    return dict(sorted(named, key=lambda each: each[0].lower()))
