"""The last lines of a report: numbers of findings, and the command that explains one."""

from __future__ import annotations

from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.diagnostics.render import count, counted


def summary(outcome: Outcome, done: str = "fixed") -> str:
    """Return the summary of a run in one or two lines; `done` is the word for fixed findings."""
    report, fixable = outcome.report, len(outcome.fixable)
    fixed = f"{counted(outcome.fixed, 'finding')} {done}" if outcome.fixed else ""
    ignored = f"{counted(outcome.ignored, 'finding')} ignored" if outcome.ignored else ""
    if not len(report):
        files = len(outcome.files)
        valid = f"{counted(files, 'spec')} {'is' if files == 1 else 'are'} valid"
        if ignored:  # a spec with ignored findings may be invalid
            valid = f"nothing else found in {counted(files, 'spec')}"
        return _sentence(fixed, valid, ignored)
    unsafe = sum(1 for each in report if each.fix is not None) - fixable
    hints = [f"{fixable} fixable with `--fix`"] if fixable else []
    hints += [f"{unsafe} {'more' if fixable else 'fixable'} with `--fix --unsafe-fixes`"] if unsafe else []
    first = next(iter(report)).rule.code
    found = f"{count(report)} left" if fixed else f"found {count(report)}"
    return f"{_sentence(fixed, found, ignored, *hints)}\nFor details run `graphspec explain {first}`."


def _sentence(*parts: str) -> str:
    text = ", ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}."
