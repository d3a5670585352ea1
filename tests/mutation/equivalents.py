"""Mutants that change no behaviour, named by a file beside the script with the reason for each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .mutants import Mutant


@dataclass(frozen=True)
class Equivalent:
    """A mutant known to change nothing: where it is by the text of its code, and the reason.

    Attributes:
        path: The module, relative to the root.
        function: Dotted name of the function or class around the line.
        before: The line as it is, without indentation.
        after: The line as it is changed.
        reason: Why nobody can tell them apart.
    """

    path: str
    function: str
    before: str
    after: str
    reason: str

    def is_of(self, mutant: Mutant) -> bool:
        """Return whether this is the mutant."""
        same_place = (self.path, self.function, self.before) == (mutant.path, mutant.function, mutant.before)
        return same_place and _spaced(self.after) == _spaced(mutant.after)

    def stands_in(self, source: str) -> bool:
        """Return whether the module still has the code."""
        return any(line.strip() == self.before for line in source.splitlines())


def read_equivalents(path: Path) -> list[Equivalent]:
    """Read the list; a file that is missing is an empty one."""
    if not path.is_file():
        return []
    return [Equivalent(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])]


def find_equivalent(mutant: Mutant, equivalents: Iterable[Equivalent]) -> Equivalent | None:
    """Return what is written about a mutant."""
    return next((each for each in equivalents if each.is_of(mutant)), None)


def _spaced(code: str) -> str:
    """Return code with single spaces: cosmic-ray leaves some behind."""
    return " ".join(code.split())
