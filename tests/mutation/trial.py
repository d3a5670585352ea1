"""One mutant tried: put into a copy of the repository, the tests that run its line started, and the verdict."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .mutants import Mutant
from .server import Outcome, Server

MIN_SECONDS = 45.0
"""Seconds that tests are given beyond a multiple of what they took before."""


@dataclass(frozen=True)
class _Stage:
    """How much is run at once: files, each of which takes time to be imported; seconds for the cases of one test."""

    files: int
    seconds_of_one: float
    seconds: float


_STAGES = (_Stage(3, 1, 3), _Stage(8, 4, 15))
"""Most mutants are noticed by few tests; what is left after these stages is run in one."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        noticed: Whether a test fails with the mutant, and passes without it.
        test: The test.
        message: Why it fails, in one line.
        ran: How many tests were run.
        covering: How many tests run the line.
        seconds: How long it took.
    """

    noticed: bool
    test: str
    message: str
    ran: int
    covering: int
    seconds: float


class Tree:
    """A copy of the repository, in which mutants are tried. The repository itself is never changed."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        for name in _files(root):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, folder / name, follow_symlinks=False)
        self._changes = 0

    def write(self, path: str, text: str) -> None:
        """Write a module, with a time of its own, so that nothing compiled before is taken for it."""
        self._changes += 1
        (self.folder / path).write_text(text, encoding="utf-8")
        os.utime(self.folder / path, (self._changes, self._changes))


def _files(root: Path) -> list[str]:
    """Return the files of the repository; of a folder that is none, all but what begins with a dot or is compiled."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (root / ".git").exists():
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
        return [name for name in listed.split("\0") if name]
    found = (path.relative_to(root) for path in root.rglob("*"))
    return [str(path) for path in found if not any(part.startswith(("__pycache__", ".")) for part in path.parts)]


class Trials:
    """Mutants tried one after the other."""

    def __init__(self, tree: Tree, server: Server) -> None:
        self.tree, self.server = tree, server
        self._sound: set[str] = set()
        self._noticing: dict[str, Counter[str]] = defaultdict(Counter)
        """How often each test file has noticed a mutant of each module: it is likely to notice the next."""

    def try_mutant(
        self, mutant: Mutant, tests: Sequence[str], seconds: Mapping[str, float], budget: float = float("inf")
    ) -> Verdict:
        """Run tests on a mutant until one fails: those that are most about its line first, then all.

        A test that fails counts when it passes without the mutant.

        Args:
            mutant: The mutant.
            tests: The tests that run its line, those that are most about it first.
            seconds: How long each takes.
            budget: Seconds of tests after which no more are begun.

        Returns:
            The verdict.
        """
        original = (self.tree.folder / mutant.path).read_text(encoding="utf-8")
        ran, took = 0, 0.0
        noticing = self._noticing[mutant.path]
        tests = sorted(tests, key=lambda test: -noticing[test.partition("::")[0]])
        left = _stages(tests, seconds, budget)
        while left:
            part = left.pop(0)
            self.tree.write(mutant.path, mutant.text)
            try:
                outcome = self.server.run(part, _limit(part, seconds))
            finally:
                self.tree.write(mutant.path, original)
            ran += outcome.ran
            took += outcome.seconds
            if outcome.status != "passed":
                failed = [outcome.test] if outcome.test else part
                if self._pass_without(failed, seconds):
                    message = outcome.message or outcome.status
                    noticing[outcome.test.partition("::")[0]] += 1
                    return Verdict(True, outcome.test or outcome.status, message, ran, len(tests), took)
                left.insert(0, [test for test in part if test not in failed])
                left = [each for each in left if each]
        return Verdict(False, "", "", ran, len(tests), took)

    def _pass_without(self, tests: Sequence[str], seconds: Mapping[str, float]) -> bool:
        wanted = [test for test in tests if test not in self._sound]
        if wanted:
            outcome: Outcome = self.server.run(wanted, _limit(wanted, seconds))
            if outcome.status != "passed":
                return False
            self._sound.update(wanted)
        return True


def _stages(tests: Sequence[str], seconds: Mapping[str, float], budget: float) -> list[list[str]]:
    """Divide tests into parts that are run one after the other, as long as none fails."""
    parts = []
    left = list(tests)
    for stage in (*_STAGES, _Stage(len(left), budget, budget)):
        part = _take(left, stage, seconds)
        begun = set(part)
        left = [test for test in left if test not in begun]
        parts.append(_by_file(part))
    return [part for part in parts if part]


def _take(tests: Sequence[str], stage: _Stage, seconds: Mapping[str, float]) -> list[str]:
    chosen: list[str] = []
    files: set[str] = set()
    spent: dict[str, float] = defaultdict(float)
    left = stage.seconds
    for test in tests:
        file, function = test.partition("::")[0], test.partition("[")[0]
        if file not in files and len(files) >= stage.files:
            continue
        if (spent[function] + seconds[test] <= stage.seconds_of_one and seconds[test] <= left) or not chosen:
            chosen.append(test)
            files.add(file)
            spent[function] += seconds[test]
            left -= seconds[test]
    return chosen


def _by_file(tests: Sequence[str]) -> list[str]:
    """Return tests with those of a file together, so that what they share is made once."""
    files = {file: rank for rank, file in enumerate(dict.fromkeys(test.partition("::")[0] for test in tests))}
    return sorted(tests, key=lambda test: files[test.partition("::")[0]])


def _limit(tests: Sequence[str], seconds: Mapping[str, float]) -> float:
    return MIN_SECONDS + 5 * sum(seconds[test] for test in tests)
