"""A training as a job for a cluster manager: its name, what each worker runs, and what it needs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphspec.console.shell import path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_LAUNCH
from graphspec.run_paths import CHECKPOINTS, RECORD

_MAX_NAME = 52
"""Characters of a name: with the number of a worker, it has to be a label of DNS."""


@dataclass(frozen=True, kw_only=True)
class ClusterJob:
    """A training by several workers on the machines of a cluster.

    Attributes:
        spec_name: The name of the spec.
        run: The run directory, on a file system of all machines.
        workers: The number of workers, each on a machine of its own.
        first: The arguments of `graphspec train` for the first start.
        resumed: Those for a restart, once there is a checkpoint.
        restarts: How often the job is restarted after a worker has failed.
        file: The file that the job is written to; None for standard output.
        cpus: CPUs of each worker.
        gpus: GPUs of each worker.
        memory: Memory of each worker, such as `16G`.
    """

    spec_name: str
    run: Path
    workers: int
    first: Sequence[str]
    resumed: Sequence[str]
    restarts: int
    file: Path | None = None
    cpus: int | None = None
    gpus: int | None = None
    memory: str | None = None

    def __post_init__(self) -> None:
        """Raise SpecError for what no script or manifest can hold."""
        for word in (str(self.run), *self.first, *self.resumed, str(self.file or "")):
            if not word.isprintable():
                raise SpecError.of(
                    BAD_LAUNCH,
                    f"{word} holds a control character, which a job cannot hold",
                    help="rename the file, or change the value",
                )
        if self.memory is not None and re.fullmatch("[1-9][0-9]{0,8}[MG]", self.memory) is None:
            raise SpecError.of(
                BAD_LAUNCH, f"{self.memory} is no size of memory", help="write mebibytes as 512M, gibibytes as 16G"
            )

    @property
    def name(self) -> str:
        """The name of the job: lower-case letters, digits and dashes, of the spec and its run."""
        text = re.sub("[^a-z0-9]+", "-", f"{self.spec_name}-{self.run.name}".lower())
        if not text[:1].isalpha():
            text = f"job-{text}"
        return text[:_MAX_NAME].strip("-")

    @property
    def first_command(self) -> str:
        """The command of a worker before there is a checkpoint, for a shell."""
        return shell_line("graphspec", "train", *self.first)

    @property
    def resume_command(self) -> str:
        """The command of a worker once there is a checkpoint, for a shell."""
        return shell_line("graphspec", "train", *self.resumed)

    @property
    def run_word(self) -> str:
        """The run directory, for a shell."""
        return shlex.quote(path_word(self.run))

    @property
    def has_checkpoint(self) -> str:
        """A command that succeeds once there is a checkpoint, for a shell."""
        return f"ls {self.run_word}/{CHECKPOINTS}/step_*.npz >/dev/null 2>&1"

    @property
    def record_word(self) -> str:
        """The record of the run, for a shell."""
        return f"{self.run_word}/{RECORD}"


def shell_line(*words: str) -> str:
    """Return a command line for any shell."""
    return " ".join(shlex.quote(word) for word in words)
