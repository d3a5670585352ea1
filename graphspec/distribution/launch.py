"""Local jobs of a training: several processes of `graphspec train`, restarted from the last checkpoint."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphspec.console.shell import RESUME_COMMAND, command_line, path_word
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_LAUNCH, FAILED_WORKER
from graphspec.distribution.job import JobEnd, run_job
from graphspec.distribution.local_cluster import visible_gpus, worker_environments
from graphspec.files import cannot_write, reason_of
from graphspec.run_directory import CHECKPOINTS, make_folder
from graphspec.run_directory.links import check_kept, check_no_links
from graphspec.run_paths import RECORD, WORKERS
from graphspec.spec import Spec

DISTRIBUTE, MULTI_WORKER = "training.distribute", "multi_worker"
MAX_WORKERS = 1_024

_USAGE = 2


@dataclass(frozen=True, kw_only=True)
class Launch:
    """A training by several local workers.

    Attributes:
        name: The name of the spec.
        run: The run directory.
        workers: The number of workers.
        first: The arguments of `graphspec train` for the first start.
        resumed: Those for a restart, once there is a checkpoint.
        program: The program that the arguments are passed to.
    """

    name: str
    run: Path
    workers: int
    first: Sequence[str]
    resumed: Sequence[str]
    program: Sequence[str] = (sys.executable, "-P", "-m", "graphspec", "train")

    @property
    def resume_command(self) -> str:
        """The command line that resumes the job."""
        return command_line("launch", "--resume", path_word(self.run), "--workers", self.workers)


def check_workers(spec: Spec, workers: int) -> None:
    """Raise SpecError if `spec` cannot be trained by that many workers."""
    training = spec.model.training
    if training is None:
        return  # `train` says that it is missing
    if workers > training.batch_size:
        raise SpecError.of(
            BAD_LAUNCH,
            f"{workers} workers cannot share a batch of {training.batch_size} samples",
            training.located("batch_size").span,
            expected=f"a `batch_size` of at least {workers}: it counts the samples of all workers together",
            help=f"start at most {training.batch_size} workers, or set training.batch_size",
        )


def distributed(spec: Spec) -> list[str]:
    """Return the overrides that let several workers train `spec`: none if it says so itself.

    Raises:
        SpecError: It says that it is trained in another way.
    """
    training = spec.model.training
    stated = training.distribute if training is not None else None
    if training is None or stated is None:
        return [f"{DISTRIBUTE}={MULTI_WORKER}"]
    if stated != MULTI_WORKER:
        raise SpecError.of(
            BAD_LAUNCH,
            f"the spec says `distribute: {stated}`, which is for one process",
            training.located("distribute").span,
            expected=f"`distribute: {MULTI_WORKER}`, or none",
            help=f"pass --set {DISTRIBUTE}={MULTI_WORKER}: each worker then uses its own GPUs",
        )
    return []


def launch(job: Launch, say: Callable[[str], None], *, restarts: int = 0) -> JobEnd:
    """Run a training by several workers until it has finished, was stopped, or has failed too often.

    Args:
        job: The training. Its run directory is missing or empty, or holds the run to resume.
        say: Called with each line of progress.
        restarts: How often the workers are started again after one has failed.

    Returns:
        The end of the last start of the workers.

    Raises:
        SpecError: A worker failed more often than the job may be restarted, or the workers cannot be started.
    """
    _make_logs(job.run)
    _say_gpus(job.workers, say)
    say(f"{job.workers} workers train on this machine; the logs of all but the chief are in {job.run / WORKERS}")
    start = 0
    while True:
        end = _start(job, job.resumed if start and has_checkpoint(job.run) else job.first)
        for index in end.killed if not end.failed else ():
            say(f"warning: worker {index} did not end by itself and was killed")
        if not end.failed:
            return end
        if start == restarts or end.status == _USAGE:
            raise _failure(job, end, start)
        start += 1
        for worker in end.failed:
            say(f"worker {worker.index} of {job.workers} {worker}; restart {start} of {restarts}")
        if (job.run / RECORD).exists() and not has_checkpoint(job.run):
            say(f"it ended before the first checkpoint; what it has written is in {_put_aside(job.run)}")


def _start(job: Launch, arguments: Sequence[str]) -> JobEnd:
    """Start the workers once, and wait for their end."""
    package = str(Path(__file__).resolve().parent.parent.parent)
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, RESUME_COMMAND: job.resume_command}
    try:
        environments = worker_environments(job.workers, environment)
        return run_job([*job.program, *arguments], environments, job.run / WORKERS)
    except OSError as error:
        raise SpecError.of(
            BAD_LAUNCH,
            f"the workers cannot be started: {reason_of(error)}",
            help="start fewer workers, or free ports, processes or memory",
        ) from None


def has_checkpoint(run: Path) -> bool:
    """Return whether the run can be resumed."""
    return any((run / CHECKPOINTS).glob("step_*.npz"))


def _make_logs(run: Path) -> None:
    """Make the folder of the logs in `run`. Raises SpecError if it cannot be made, or leads out of the run."""
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(run, error) from None
    check_kept(run, (WORKERS,))
    make_folder(run / WORKERS)
    check_no_links(run, WORKERS)


def _put_aside(run: Path) -> Path:
    """Rename a run that cannot be resumed, so that another one can begin in its place; return the new path."""
    aside = run.with_name(f"{run.name}.ended-at-{time.time_ns() // 1_000_000}")
    try:
        run.rename(aside)
    except OSError as error:
        raise cannot_write(aside, error) from None
    _make_logs(run)
    return aside


def _failure(job: Launch, end: JobEnd, restarts: int) -> SpecError:
    """Return the error that names the workers that failed first, with their last lines."""
    which = "; ".join(f"worker {each.index} of {job.workers} {each}" for each in end.failed)
    after = f" after {restarts} restart{'' if restarts == 1 else 's'}" if restarts else ""
    help = []
    if has_checkpoint(job.run):
        help.append(f"resume with: {job.resume_command}")
    for each in end.failed:
        if each.log is None:
            help.append("worker 0 is the chief, whose output is above")
        elif each.lines:
            help += [f"the last lines of {each.log}:", *(f"| {line}" for line in each.lines)]
        else:
            help.append(f"{each.log} is empty")
    stopped = f"; worker{'' if len(end.killed) == 1 else 's'} {', '.join(map(str, end.killed))} had to be killed too"
    return SpecError.of(
        FAILED_WORKER,
        f"{which}{after}, {end.seconds:.0f} s after the start; the others were stopped{stopped if end.killed else ''}",
        help="\n".join(help),
    )


def _say_gpus(workers: int, say: Callable[[str], None]) -> None:
    gpus = len(visible_gpus())
    if 0 < gpus < workers:
        say(f"{workers} workers cannot share {gpus} GPU{'' if gpus == 1 else 's'}, so they train on the CPU")
