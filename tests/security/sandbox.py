"""Commands of graphspec, run one after the other in a process under the audit hook, each within its limits.

A command that does not answer is ended with its process, and the next one gets a new process.
"""

from __future__ import annotations

import json
import os
import re
import select
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from .audit import Limits

ROOT = Path(__file__).resolve().parent.parent.parent
WALL, SECONDS, MEGABYTES = 60.0, 2.0, 500
"""Seconds by the clock and of processor time, and memory, that a command may take."""

_START = 60.0
_BROKEN = re.compile(r"Traceback \(most recent|error\[GS902\]")


@dataclass(frozen=True)
class Result:
    """How a command ended. faults: what it did beyond its limits."""

    status: int
    output: str
    seconds: float
    megabytes: float
    faults: tuple[str, ...]

    def wrong(self) -> list[str]:
        """Return the faults, and how the command ended where that is no end for a user's mistake."""
        if "hangs" in str(self.faults) or (self.status in (0, 1, 2) and not _BROKEN.search(self.output)):
            return list(self.faults)
        return [*self.faults, f"ended with {self.status}: {self.output[-1500:]}"]


class Sandbox:
    """Runs commands under the audit hook. tensorflow: they may load it, so neither time nor memory is measured."""

    def __init__(self, home: Path, *, tensorflow: bool = False, wall: float = WALL, **environment: str) -> None:
        self.home, self.tensorflow, self.wall = home, tensorflow, wall
        (home / ".keras").mkdir(parents=True, exist_ok=True)
        (home / ".keras" / "keras.json").write_text("{}")  # Keras writes this file where there is none
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def run(
        self,
        case: Path,
        arguments: list[str],
        limits: Limits,
        text: str = "",
        *,
        seconds: float = SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        """Run `graphspec` with `arguments` in `case/project`, and compare all that lies in `case` afterwards.

        Raises AssertionError where the sandbox itself cannot be started.
        """
        if self.tensorflow:  # its import tries out the folder for temporary files, and Keras reads its settings
            reads, writes = (*limits.reads, str(self.home / ".keras")), (*limits.writes, str(case / "tmp"))
            limits = replace(limits, reads=reads, writes=writes)
        fresh = self.process is None
        if fresh:
            self._start()
            if self.tensorflow:
                self._import(case, limits)
        before = snapshot([case, self.home], limits.writes)
        result = self._answer(case, arguments, limits, text, wall=max(self.wall, 2 * seconds), environment=environment)
        faults = list(result.faults)
        after = snapshot([case, self.home], limits.writes)
        faults += [f"changed: {path}" for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
        left = [path.name for path in (case / "tmp").iterdir()]
        faults += [f"left in the temporary folder: {left}"] if left else []
        if result.seconds > seconds and not self.tensorflow and not fresh:
            faults.append(f"took {result.seconds:.1f} s")
        if result.megabytes > MEGABYTES and not self.tensorflow:
            faults.append(f"took {result.megabytes:.0f} MB")
        return Result(result.status, result.output, result.seconds, result.megabytes, tuple(faults))

    def _answer(
        self,
        case: Path,
        arguments: list[str],
        limits: Limits,
        text: str = "",
        *,
        wall: float,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        assert self.process is not None
        assert self.process.stdin is not None
        job = {
            "folder": str(case / "project"),
            "arguments": arguments,
            "input": text,
            "limits": asdict(limits),
            "environment": {"TMPDIR": str(case / "tmp"), "GRAPHSPEC_CACHE": str(case / "cache"), **(environment or {})},
        }
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
            answer = self._line(time.monotonic() + wall)
        except (BrokenPipeError, EOFError):
            self._end()
            return Result(-1, "", 0, 0, ("ended the process",))
        if answer is None:
            self._end()
            return Result(-1, "", 0, 0, (f"hangs: no answer in {wall:.0f} s",))
        return Result(**{**answer, "faults": tuple(answer["faults"])})

    def _line(self, until: float) -> dict[str, Any] | None:
        """The next line of the process; None where none comes in time. Raises EOFError where it has ended."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                return None
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                raise EOFError
            line += part
        found: dict[str, Any] = json.loads(line)
        return found

    def _start(self) -> None:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "GRAPHSPEC_"))},
            "HOME": str(self.home),
            "KERAS_HOME": str(self.home / ".keras"),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            **self.environment,
        }
        if not self.tensorflow:
            environment["SANDBOX_ADDRESSES_MB"] = "4096"
        with open(self.home / "stderr.txt", "ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.security.child"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
            )
        ready = self._line(time.monotonic() + _START)
        assert ready == {"ready": True}, (self.home / "stderr.txt").read_text(errors="replace")[-2000:]

    def _import(self, case: Path, limits: Limits) -> None:
        """Import TensorFlow, which takes its time and is watched too, by a command on a plain spec."""
        plain = self.home / "plain.yaml"
        plain.write_text("graphspec: 1\ninputs: {x: [4]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n")
        limits = replace(limits, reads=(*limits.reads, str(plain)))
        result = self._answer(case, ["summary", str(plain)], limits, wall=_START)
        assert result.wrong() == []

    def _end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def snapshot(folders: list[Path], leaving: tuple[str, ...] = ()) -> dict[str, tuple[Any, ...]]:
    """Everything below `folders` with its kind, size and times, but for what lies in `leaving`; nothing is opened."""
    found: dict[str, tuple[Any, ...]] = {}
    for folder in folders:
        for parent, names, files in os.walk(folder):
            names[:] = [name for name in names if os.path.join(parent, name) not in leaving]
            for path in [os.path.join(parent, name) for name in [*names, *files]]:
                if path not in leaving and not path.endswith("stderr.txt"):
                    told = os.lstat(path)
                    is_folder = stat.S_ISDIR(told.st_mode)  # its times change with what is allowed in it
                    found[path] = (told.st_mode, 0 if is_folder else told.st_size, 0 if is_folder else told.st_ctime_ns)
    return found
