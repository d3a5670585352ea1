"""Which tests run which lines: measured by coverage.py with the test as context, kept, and measured again where needed.

A measurement is a folder with coverage's data, the seconds of each test, and the texts of the modules at the time, so
that lines can still be found after the modules have changed. A test file that changes is measured again alone.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path

from . import measuring
from .server import environment

_UNKNOWN_SECONDS = 1.0
_PHASE = re.compile(r" \((setup|call|teardown)\)$")


class Measurement:
    """One run of test files under coverage."""

    def __init__(self, folder: Path) -> None:
        import coverage

        self.sources: dict[str, str] = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
        self.test_files: dict[str, str] = json.loads((folder / "test_files.json").read_text(encoding="utf-8"))
        self.seconds: dict[str, float] = json.loads((folder / "seconds.json").read_text(encoding="utf-8"))
        self._data = coverage.CoverageData(str(folder / "coverage"))
        self._data.read()
        self._lines: dict[str, dict[int, list[str]]] = {}

    def contexts(self, path: str) -> dict[int, list[str]]:
        """Return the contexts of each line of a module, as the module was."""
        if path not in self._lines:
            self._lines[path] = self._data.contexts_by_lineno(path)
        return self._lines[path]

    @cached_property
    def breadth(self) -> dict[str, int]:
        """How many lines of all modules each test runs."""
        counts: dict[str, int] = defaultdict(int)
        for path in self.sources:
            for contexts in self.contexts(path).values():
                for test in {_test(context) for context in contexts}:
                    counts[test] += 1
        return counts

    def lines_then(self, path: str, source: str, lines: Iterable[int]) -> set[int]:
        """Return what numbers lines of a module had when it was measured."""
        old = self.sources.get(path, "")
        if old == source:
            return set(lines)
        wanted = set(lines)
        blocks = SequenceMatcher(a=source.splitlines(), b=old.splitlines(), autojunk=False).get_matching_blocks()
        return {b + n + 1 for a, b, size in blocks for n in range(size) if a + n + 1 in wanted}


class CoverageMap:
    """All measurements; of each test file the newest counts."""

    def __init__(self, folder: Path) -> None:
        found = [each for each in sorted(folder.glob("[0-9]*")) if (each / "coverage").is_file()]
        self._measurements = [Measurement(each) for each in reversed(found)]

    def stale(self, root: Path) -> list[str]:
        """Return the test files that were never measured as they are now."""
        newest: dict[str, str] = {}
        for measurement in self._measurements:
            newest = {**measurement.test_files, **newest}
        return [path for path, digest in test_files(root).items() if newest.get(path) != digest]

    def covering(self, path: str, source: str, line: int) -> tuple[list[str], dict[str, float]]:
        """Find the tests that run a line.

        Args:
            path: The module, relative to the root.
            source: Its text now.
            line: Number of the line now.

        Returns:
            The tests, those first that run little else; and the seconds that each takes.
        """
        candidates = statement_lines(source, line)
        ranks: dict[str, tuple[int, float]] = {}
        seconds: dict[str, float] = {}
        seen: set[str] = set()
        for measurement in self._measurements:
            by_line = measurement.contexts(path)
            contexts: set[str] = set()
            for number, wanted in enumerate(candidates):
                found = {each for at in measurement.lines_then(path, source, wanted) for each in by_line.get(at, [])}
                if found - {""} or (number == 0 and found):
                    contexts = found
                    break
            tests = {_test(each) for each in contexts if each}
            later = _sharing(contexts, measurement.seconds) - tests
            if contexts and not tests:  # the line runs when the module is imported: whoever uses the module, then
                tests = {_test(each) for of_line in by_line.values() for each in of_line if each}
            share = defaultdict(int, dict.fromkeys(tests, 0))
            for of_line in by_line.values():
                for test in {_test(each) for each in of_line} & tests:
                    share[test] += 1
            for test in tests | later:
                if _file(test) in seen or _file(test) not in measurement.test_files:
                    continue
                seconds[test] = measurement.seconds.get(test, _UNKNOWN_SECONDS)
                of_module = share[test] / max(1, measurement.breadth[test]) if test in tests else 0.0
                ranks[test] = (-round(20 * of_module), seconds[test])
            seen.update(measurement.test_files)
        return sorted(ranks, key=lambda test: ranks[test]), seconds


def measure(root: Path, folder: Path, paths: Iterable[str], tree: Path) -> None:
    """Run test files under coverage and keep what was found in a new folder below `folder`.

    Args:
        root: The repository.
        folder: Where measurements are kept.
        paths: Test files, relative to root.
        tree: A copy of the repository, in which the tests run.
    """
    paths = list(paths)
    target = folder / f"{1 + max((int(each.name) for each in folder.glob('[0-9]*')), default=0):04d}"
    target.mkdir(parents=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    command += ["-p", measuring.__name__, *paths]
    environ = {**environment(tree), measuring.FOLDER: str(target.resolve())}
    subprocess.run(command, cwd=tree, env=environ, check=False)
    sources = {each: (root / each).read_text(encoding="utf-8") for each in _modules(root)}
    digests = {path: digest for path, digest in test_files(root).items() if path in paths}
    (target / "sources.json").write_text(json.dumps(sources), encoding="utf-8")
    (target / "test_files.json").write_text(json.dumps(digests), encoding="utf-8")


def test_files(root: Path) -> dict[str, str]:
    """Return the test files below root, each with a digest of its text and of the cases in the folder of its name."""
    found = sorted((root / "tests").rglob("test_*.py"))
    return {path.relative_to(root).as_posix(): _digest(path) for path in found}


def statement_lines(source: str, line: int) -> list[set[int]]:
    """Find the statement that holds a line, and the functions around it.

    Args:
        source: The text of a module.
        line: Number of the line.

    Returns:
        The lines of the smallest statement; of one with a body, those of its head. Then the lines of the head of each
        function around it, the innermost first: coverage.py does not see what TensorFlow calls from its own threads,
        and whoever makes such a function may call it.
    """
    around: list[tuple[int, int, bool]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt | ast.ExceptHandler) and node.lineno <= line <= (node.end_lineno or node.lineno):
            body = getattr(node, "body", None)
            begin = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
            end = max(begin, body[0].lineno - 1) if isinstance(body, list) else node.end_lineno or node.lineno
            around.append((begin, end, isinstance(node, ast.FunctionDef)))
    holding = [(begin, end) for begin, end, _ in around if begin <= line <= end] or [(line, line)]
    begin, end = min(holding, key=lambda each: each[1] - each[0])
    heads = [set(range(first, last + 1)) for first, last, is_function in reversed(around) if is_function]
    return [set(range(begin, end + 1)), *heads]


def _modules(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in (root / "graphspec").rglob("*.py"))


def _digest(path: Path) -> str:
    cases = path.with_name(path.stem.removeprefix("test_"))
    read = [path, *sorted(each for each in cases.rglob("*") if each.is_file() and each.suffix != ".py")]
    return hashlib.sha256(b"".join(each.read_bytes() for each in read if "__pycache__" not in each.parts)).hexdigest()


def _test(context: str) -> str:
    """Return the test of a context, which is `file::test (phase)` as in PYTEST_CURRENT_TEST."""
    return _PHASE.sub("", context)


def _file(test: str) -> str:
    return test.partition("::")[0]


def _sharing(contexts: Iterable[str], tests: Iterable[str]) -> set[str]:
    """Return the tests that may share a fixture in whose setup the line ran: those of the same file."""
    files = {_file(each) for each in contexts if each.endswith(" (setup)")}
    return {test for test in tests if _file(test) in files} if files else set()
