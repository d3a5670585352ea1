"""The machine, the versions, and the folders that graphspec writes to."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphspec.files import reason_of
from graphspec.installation.child_process import SECONDS, python_command
from graphspec.installation.extra_status import requirements, version_of
from graphspec.installation.home import without_home
from graphspec.sources.cache_folder import BOUND, FOLDER, bound, cache_folder, entries
from graphspec.sources.source import DataError
from graphspec.version import __version__

_PREFIXES = ("GRAPHSPEC_", "KERAS_", "TF_", "XLA_", "CUDA_", "NVIDIA_", "OMP_", "LD_LIBRARY_PATH", "PYTHONPATH")
_PROBE = ".graphspec-probe-"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder and whether files can be written to it.

    Attributes:
        path: The folder, with the home as `~`; for a bug report, empty where its name may be private.
        problem: Why no file can be written; empty if one can.
    """

    path: str
    problem: str


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache of converted data files.

    Attributes:
        folder: Its folder.
        files: The number of converted files.
        bytes: Their size.
        limit: The maximum size in bytes; None if GRAPHSPEC_CACHE_GB is no number.
    """

    folder: Folder
    files: int
    bytes: int
    limit: int | None

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": self.folder.path,
            "writable": not self.folder.problem,
            "problem": self.folder.problem or None,
            "files": self.files,
            "bytes": self.bytes,
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about a machine for a bug report, without its extras.

    Attributes:
        graphspec: The version of graphspec.
        start_seconds: The seconds that `graphspec --version` takes.
        python: Version and implementation of Python.
        system: Operating system, C library and processor.
        cpus: The number of processors that this process may use.
        is_isolated: Whether Python runs in a virtual environment.
        core: The packages that graphspec always needs, with their versions.
        cache: The cache of converted data files.
        folder: The working folder.
        variables: The names of environment variables that matter to Keras, TensorFlow and graphspec; no values.
    """

    graphspec: str
    start_seconds: float
    python: str
    system: str
    cpus: int
    is_isolated: bool
    core: dict[str, str]
    cache: Cache
    folder: Folder
    variables: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the facts for `--json`."""
        return {
            "graphspec": {"version": self.graphspec, "start_seconds": round(self.start_seconds, 2)},
            "python": {"version": self.python, "virtual_environment": self.is_isolated},
            "system": {"platform": self.system, "cpus": self.cpus},
            "core": self.core,
            "cache": self.cache.as_json(),
            "working_folder": {"writable": not self.folder.problem, "problem": self.folder.problem or None},
            "variables": list(self.variables),
        }


def inspect_system() -> Facts:
    """Return the facts about this machine; the only files written are probes in two folders, which are removed."""
    libc = " ".join(filter(None, platform.libc_ver()))
    return Facts(
        graphspec=__version__,
        start_seconds=_start_seconds(),
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        system=", ".join(filter(None, (platform.system(), platform.release(), platform.machine(), libc))),
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        is_isolated=sys.prefix != sys.base_prefix,
        core={name: version_of(name) for name in sorted(requirements().get("", ()))},
        cache=_cache(),
        folder=Folder("", _write_problem(Path())),
        variables=tuple(sorted(name for name in os.environ if name.startswith(_PREFIXES))),
    )


def _start_seconds() -> float:
    """Return the seconds that a new process takes to import the command line."""
    started = time.perf_counter()
    subprocess.run(python_command("import graphspec.cli"), capture_output=True, timeout=SECONDS, check=False)
    return time.perf_counter() - started


def _cache() -> Cache:
    folder, files = cache_folder(), entries()
    try:
        limit = bound()
        problem = ""
    except DataError:
        limit, problem = None, f"{BOUND} is not a number of gigabytes"
    path = f"the folder that {FOLDER} names" if os.environ.get(FOLDER) else without_home(folder)
    return Cache(Folder(path, problem or _write_problem(folder)), len(files), sum(file.size for file in files), limit)


def _write_problem(folder: Path) -> str:
    """Return why no file can be written to `folder`, or why it cannot be made; empty if it can.

    A file without content is written to the folder, or to the nearest that exists, and removed.
    """
    try:
        folder = folder.absolute()
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        with tempfile.NamedTemporaryFile(prefix=_PROBE, dir=folder):
            return ""
    except OSError as error:
        return reason_of(error)
