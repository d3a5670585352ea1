"""Proof by trial that a training which is killed and gone on with ends as if it had never been killed.

A spec is trained once to its end. Then, again and again, a process that trains it anew is killed (SIGKILL) at a random
moment, another goes on with its run, and the two ends are compared bit by bit: every variable, what callbacks know,
every metric of every epoch.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphspec import run_directory
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import REFUSED_TRAINING
from graphspec.extras import check_tensorflow, require_tensorflow
from graphspec.run_directory.rows import TIMED
from graphspec.run_paths import UNFINISHED
from graphspec.runs.run import Run

FIRST = "step_000000000.npz"
_PRELOADED = ["graphspec.training.preloaded"]
_LIMIT = 3600.0


@dataclass(frozen=True)
class Trial:
    """One training that was killed: after so many seconds, how many steps its run then held, and what differed."""

    seconds: float
    while_writing: bool
    step: int
    differing: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether it ended as if it had never been killed."""
        return not self.differing


def shortened(spec: Path | str, overrides: Iterable[str], *, epochs: int, steps: int) -> list[str]:
    """`overrides`, and those that make a training of `spec` no longer than that, with several checkpoints an epoch.

    Raises SpecError where there is nothing to train, or data and spec do not fit.
    """
    check_tensorflow()
    from graphspec.datasets.samples import read_training_data
    from graphspec.spec import load

    found = load(spec, overrides)
    samples = read_training_data(found).train.count
    training = found.model.training
    assert training is not None
    all_steps = training.steps_per_epoch or -(-samples // training.batch_size)
    steps = min(steps, all_steps)
    changed = [f"training.epochs={min(epochs, training.epochs)}"]
    if steps < all_steps:
        changed.append(f"training.steps_per_epoch={steps}")
    return [*overrides, *changed, f"training.checkpoint.every={max(1, steps // 3)} steps"]


def verify(
    spec: Path, overrides: Iterable[str], folder: Path, *, kills: int, seed: int, tell: Callable[[str], None]
) -> Iterator[Trial]:
    """Train `spec` with `overrides` to its end once, and then kill it `kills` times; runs are written below `folder`.

    Every other kill waits until a file is being written. Raises SpecError where the spec cannot be trained at all.
    """
    require_tensorflow()
    chance = random.Random(seed)
    whole = folder / "whole"
    _finish(_start(_train, str(spec), tuple(overrides), str(whole), log=folder / "whole.log"), folder / "whole.log")
    record = Run(whole).record
    tell(f"trained to the end: {record['epochs']} epochs in {record['seconds']:.1f} s")
    for number in range(kills):
        run, log = folder / f"killed_{number:03}", folder / f"killed_{number:03}.log"
        process = _start(_train, str(spec), tuple(overrides), str(run), log=log)
        seconds = chance.uniform(0, record["seconds"])
        while_writing = number % 2 == 1
        _kill(process, run, seconds, log, while_writing=while_writing)
        held = max(_steps(run), default=0)
        _finish(_start(_resume, str(run), log=log), log)
        yield Trial(seconds, while_writing, held, tuple(differences(whole, run)))


def differences(first: Path, second: Path) -> Iterator[str]:
    """What differs between the ends of two runs, by name; nothing where they are the same to the bit."""
    from graphspec.training.checkpoint_file import read_checkpoint

    statuses = [Run(run).record["status"] for run in (first, second)]
    if statuses[0] != statuses[1]:
        yield f"status: {statuses[0]}, {statuses[1]}"
    if _metrics(first) != _metrics(second):
        yield run_directory.METRICS
    ends = [_steps(run)[-1:] for run in (first, second)]
    if ends[0] != ends[1]:
        yield f"last checkpoint: step {ends[0]}, {ends[1]}"
        return
    for name in (f"step_{ends[0][0]:09}.npz", "best.npz"):
        paths = [run / run_directory.CHECKPOINTS / name for run in (first, second)]
        if not any(path.exists() for path in paths):
            continue
        one, other = (read_checkpoint(path) for path in paths)
        called = one.state["paths"]
        for each in sorted(one.arrays.keys() | other.arrays.keys()):
            if each not in one.arrays or each not in other.arrays or not _same(one.arrays[each], other.arrays[each]):
                yield f"{name}: {called.get(each, each)}"
        # Names of variables are numbered by process; times, and where files lie, differ from run to run.
        compared = one.state.keys() - {"told", "paths", "lock", "rows"}
        yield from (f"{name}: {key}" for key in sorted(compared) if one.state[key] != other.state[key])
        for kind, known, known_after in zip(
            one.state["callbacks"], one.state["told"], other.state["told"], strict=True
        ):
            if known != known_after:
                yield f"{name}: {kind}"


def _same(one: Any, other: Any) -> bool:
    return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())


def _metrics(run: Path) -> list[dict[str, Any]]:
    return [
        {key: repr(value) for key, value in row.items() if not key.startswith(TIMED)}
        for row in run_directory.read_rows(run)
    ]


def _steps(run: Path) -> list[int]:
    from graphspec.training.checkpoints import checkpoint_steps

    return checkpoint_steps(run / run_directory.CHECKPOINTS)


def _kill(process: Any, run: Path, seconds: float, log: Path, *, while_writing: bool) -> None:
    """Kill `process` so many seconds after its first checkpoint, or at the next write after that."""
    deadline = time.monotonic() + _LIMIT
    while not (run / run_directory.CHECKPOINTS / FIRST).exists() and not _steps(run):
        if not process.is_alive():
            _finish(process, log)
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{run} has not begun")
        time.sleep(0.002)
    process.join(seconds)
    while while_writing and process.is_alive() and not _is_writing(run):
        time.sleep(0.0002)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def _is_writing(run: Path) -> bool:
    return any(
        each.name.startswith(UNFINISHED) for each in (*_entries(run), *_entries(run / run_directory.CHECKPOINTS))
    )


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _start(work: Callable[..., None], *arguments: Any, log: Path) -> Any:
    """A process that works, its output in `log`. All are forked from a server that has imported TensorFlow."""
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=work, args=(*arguments, str(log)))
    process.start()
    return process


def _finish(process: Any, log: Path) -> None:
    process.join()
    if process.exitcode:
        said = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:] if log.exists() else ""
        raise SpecError.of(
            REFUSED_TRAINING,
            f"a training ended with status {process.exitcode}",
            help=said and f"this is the end of what it wrote:\n{said}",
        )


def _train(spec: str, overrides: tuple[str, ...], run: str, log: str) -> None:
    from graphspec.api import train

    _redirect(log)
    _tell_failure(lambda: train(spec, overrides=overrides, run_dir=run, progress=True))


def _resume(run: str, log: str) -> None:
    from graphspec.api import resume

    _redirect(log)
    _tell_failure(lambda: resume(run, progress=True))


def _tell_failure(work: Callable[[], object]) -> None:
    try:
        work()
    except SpecError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _redirect(log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
