"""Verdicts on mutants: kept in a file between two calls, and summed up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from .equivalents import Equivalent, find_equivalent
from .mutants import Mutant
from .trial import Verdict

Verdicts = Mapping[str, Verdict]
"""The verdict on each mutant, by the mutant as text."""


def read_verdicts(path: Path) -> dict[str, Verdict]:
    """Return what was kept; nothing where there is no file."""
    if not path.is_file():
        return {}
    return {name: Verdict(**entry) for name, entry in json.loads(path.read_text(encoding="utf-8")).items()}


def write_verdicts(path: Path, verdicts: Verdicts) -> None:
    """Keep verdicts for the next call."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: asdict(each) for name, each in verdicts.items()}, indent=1), encoding="utf-8")


def summarise(mutants: Sequence[Mutant], verdicts: Verdicts, equivalents: Iterable[Equivalent]) -> tuple[str, float]:
    """Sum up the verdicts.

    Args:
        mutants: The mutants that were tried.
        verdicts: The verdict on each of them.
        equivalents: What is known to change no behaviour.

    Returns:
        The text for people, which lists what no test noticed; and the share, from 0 to 1, that was noticed of those
        that change behaviour.
    """
    equivalents = list(equivalents)
    unnoticed = [mutant for mutant in mutants if not verdicts[str(mutant)].noticed]
    others = [mutant for mutant in unnoticed if find_equivalent(mutant, equivalents) is None]
    noticed, same = len(mutants) - len(unnoticed), len(unnoticed) - len(others)
    share = noticed / max(1, noticed + len(others))
    lines = [_line(mutant, verdicts[str(mutant)]) for mutant in others]
    lines.append(f"{len(mutants)} mutants: {noticed} noticed, {len(others)} not noticed, {same} equivalent")
    lines.append(f"{share:.1%} of those that change behaviour are noticed")
    return "\n".join(lines), share


def _line(mutant: Mutant, verdict: Verdict) -> str:
    tests = f"{verdict.ran} of {verdict.covering} tests that run this line" if verdict.covering else "no test runs it"
    return f"not noticed ({tests}): {mutant}"
