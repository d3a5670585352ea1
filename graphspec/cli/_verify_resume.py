"""A test that a killed and resumed training gives the same result as an uninterrupted one.

A spec is trained once without interruption. Then processes that train it again are killed (SIGKILL) at random moments,
other processes resume their runs, and the results are compared bit by bit: variables, state of callbacks, metrics.
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
class KilledTraining:
    """A training that was killed and resumed.

    Attributes:
        seconds: The time from its first checkpoint to the kill.
        while_writing: It was killed while a file was being written.
        step: The step of the checkpoint that it was resumed from.
        differing: The names of what differs from the uninterrupted training.
    """

    seconds: float
    while_writing: bool
    step: int
    differing: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Return whether nothing differs."""
        return not self.differing


def shortened(spec: Path | str, overrides: Iterable[str], *, epochs: int, steps: int) -> list[str]:
    """Return overrides that shorten a training, with several checkpoints per epoch.

    Args:
        spec: The spec.
        overrides: Its overrides so far.
        epochs: The maximum number of epochs; each stage has one at least.
        steps: The maximum number of steps per epoch.

    Raises:
        SpecError: There is nothing to train, or the data does not fit the spec.
    """
    check_tensorflow()
    from graphspec.datasets.samples import read_training_data
    from graphspec.spec import load

    loaded = load(spec, overrides)
    samples = read_training_data(loaded).train.count
    training = loaded.model.training
    assert training is not None
    whole, rest = divmod(samples, training.batch_size)
    all_steps = training.steps_per_epoch or whole + (rest > 0 and not training.drop_remainder)
    steps = min(steps, all_steps)
    changed = [f"training.epochs={min(epochs, training.epochs)}"]
    if training.stages:
        most = max(1, epochs // len(training.stages))
        changed = [
            f"training.stages[{number}].epochs={min(most, stage.epochs)}"
            for number, stage in enumerate(training.stages)
        ]
    if steps < all_steps:
        changed.append(f"training.steps_per_epoch={steps}")
    return [*overrides, *changed, f"training.checkpoint.every={max(1, steps // 3)} steps"]


def verify(
    spec: Path, overrides: Iterable[str], folder: Path, *, kills: int, seed: int, on_stage: Callable[[str], None]
) -> Iterator[KilledTraining]:
    """Train a spec once without interruption, then kill and resume it several times.

    Every other kill waits until a file is being written.

    Args:
        spec: The spec.
        overrides: Its overrides.
        folder: The folder of the runs.
        kills: The number of trainings to kill.
        seed: The seed of the moments of the kills.
        on_stage: Called with a description of each stage of the work.

    Raises:
        SpecError: The spec cannot be trained.
    """
    require_tensorflow()
    rng = random.Random(seed)
    whole = folder / "whole"
    _finish(_start(_train, str(spec), tuple(overrides), str(whole), log=folder / "whole.log"), folder / "whole.log")
    record = Run(whole).record
    on_stage(f"trained without interruption: {record['epochs']} epochs in {record['seconds']:.1f} s")
    for number in range(kills):
        run, log = folder / f"killed_{number:03}", folder / f"killed_{number:03}.log"
        process = _start(_train, str(spec), tuple(overrides), str(run), log=log)
        seconds = rng.uniform(0, record["seconds"])
        while_writing = number % 2 == 1
        _kill(process, run, seconds, log, while_writing=while_writing)
        held = max(_steps(run), default=0)
        _finish(_start(_resume, str(run), log=log), log)
        yield KilledTraining(seconds, while_writing, held, tuple(differences(whole, run)))


def differences(first: Path, second: Path) -> Iterator[str]:
    """Yield the names of what differs between the results of two runs, to the bit."""
    from graphspec.training.checkpoint_file import read_checkpoint
    from graphspec.training.state import CALLBACK_STATES

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
        # Names of variables are numbered per process; times and paths differ between runs.
        compared = one.state.keys() - {CALLBACK_STATES, "paths", "lock", "rows"}
        yield from (f"{name}: {key}" for key in sorted(compared) if one.state[key] != other.state[key])
        for kind, known, known_after in zip(
            one.state["callbacks"], one.state[CALLBACK_STATES], other.state[CALLBACK_STATES], strict=True
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
    """Kill `process` at `seconds` after its first checkpoint, or at the next write after that."""
    deadline = time.monotonic() + _LIMIT
    while not (run / run_directory.CHECKPOINTS / FIRST).exists() and not _steps(run):
        if not process.is_alive():
            _finish(process, log)
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{run} has not started")
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
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _start(work: Callable[..., None], *arguments: Any, log: Path) -> Any:
    """Start a process with its output in `log`, forked from a server that has imported TensorFlow."""
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
        output = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:] if log.exists() else ""
        raise SpecError.of(
            REFUSED_TRAINING,
            f"a training failed with status {process.exitcode}",
            help=output and f"its last output:\n{output}",
        )


def _train(spec: str, overrides: tuple[str, ...], run: str, log: str) -> None:
    from graphspec.api import train

    _redirect(log)
    _exit_on_failure(lambda: train(spec, overrides=overrides, run_dir=run, progress=True))


def _resume(run: str, log: str) -> None:
    from graphspec.api import resume

    _redirect(log)
    _exit_on_failure(lambda: resume(run, progress=True))


def _exit_on_failure(work: Callable[[], object]) -> None:
    try:
        work()
    except SpecError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _redirect(log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
