"""The last lines of a report: how much was found, what of it can be mended, and where more is said."""

from __future__ import annotations

from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.diagnostics.render import count, counted


def summary(outcome: Outcome, done: str = "fixed") -> str:
    """What a run has come to, in a line or two; done says what was done to the findings that were mended."""
    report, fixable = outcome.report, len(outcome.fixable)
    mended = f"{counted(outcome.fixed, 'finding')} {done}" if outcome.fixed else ""
    ignored = f"{counted(outcome.ignored, 'finding')} ignored" if outcome.ignored else ""
    if not len(report):
        files = len(outcome.files)
        valid = f"{counted(files, 'spec')} {'is' if files == 1 else 'are'} valid"
        if ignored:  # then it is not known to be valid
            valid = f"nothing else found in {counted(files, 'spec')}"
        return _sentence(mended, valid, ignored)
    unsafe = sum(1 for each in report if each.fix is not None) - fixable
    hints = [f"{fixable} fixable with `--fix`"] if fixable else []
    hints += [f"{unsafe} {'more' if fixable else 'fixable'} with `--fix --unsafe-fixes`"] if unsafe else []
    first = next(iter(report)).rule.code
    found = f"{count(report)} left" if mended else f"found {count(report)}"
    return f"{_sentence(mended, found, ignored, *hints)}\n`graphspec explain {first}` tells more."


def _sentence(*parts: str) -> str:
    said = ", ".join(part for part in parts if part)
    return f"{said[0].upper()}{said[1:]}."
