"""What was found → what is shown: comments and selections are applied, and the comments themselves looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.formats.outcome import Checked, Outcome, locate
from graphspec.diagnostics.rules import (
    DROPPED_MASK,
    INDEX_RANGE,
    LABEL_RANGE,
    LOSS_NOT_FINITE,
    NOT_FINITE,
    NOTHING_TO_TRAIN,
    PLUGIN_FAILED,
    REFUSED_ARGUMENTS,
    REFUSED_CALL,
    REFUSED_TRAINING,
    RULES,
    WEIGHTS_MISMATCH,
)
from graphspec.validation.check import Raw
from graphspec.validation.ignores import Ignore, Named
from graphspec.validation.selection import Selection, is_fixed

_FOUND_ELSEWHERE = (
    DROPPED_MASK,
    INDEX_RANGE,
    LABEL_RANGE,
    LOSS_NOT_FINITE,
    NOT_FINITE,
    NOTHING_TO_TRAIN,
    PLUGIN_FAILED,
    REFUSED_ARGUMENTS,
    REFUSED_CALL,
    REFUSED_TRAINING,
    WEIGHTS_MISMATCH,
)
"""Rules that are found where data is read whole, or where a model is built: that nothing of them is found here means
nothing."""

_MOST = 100
"""So many findings are made about the comments of one file."""

_LOOKED_FOR = {
    reached: frozenset(
        rule.code for rule in RULES.values() if int(rule.code[2]) < reached and rule not in _FOUND_ELSEWHERE
    )
    for reached in range(11)
}


def settle(found: Sequence[Raw], selection_of: Callable[[str], Selection], fixed: int = 0) -> Outcome:
    """What is shown of `found`; selection_of gives what is selected for the file at a path.

    A comment hides what is found at its place whatever is selected, so that it is used or unused under every selection.
    A finding that several files lead to, in a part that they include, is shown with the first of them.
    """
    comments = _Comments(found)
    owners: dict[Diagnostic, str] = {}
    for raw in found:
        for finding in raw.findings:
            owners.setdefault(finding, raw.path)
    left = {finding: path for finding, path in owners.items() if not comments.hide(finding, path)}
    for raw in found:
        left |= dict.fromkeys(comments.findings(raw), raw.path)
    shown: dict[str, list[Diagnostic]] = {raw.path: [] for raw in found}
    for finding, path in left.items():
        if selection_of(locate(finding, path).file).shows(finding.rule):
            shown[path].append(finding)
    count = sum(map(len, shown.values()))
    files = tuple(Checked(path, tuple(findings)) for path, findings in shown.items())
    return Outcome(files, len(owners) - len(left.keys() & owners.keys()) + len(left) - count, fixed)


class _Comments:
    """The comments of all files, by the file and the line that they speak of, and what of them has hidden something."""

    def __init__(self, found: Sequence[Raw]) -> None:
        self.used: dict[Ignore, set[Named]] = {ignore: set() for raw in found for ignore in raw.ignores}
        self.by_line: dict[tuple[str, int | None], list[Ignore]] = {}
        for ignore in self.used:
            self.by_line.setdefault((ignore.file, ignore.line), []).append(ignore)

    def hide(self, finding: Diagnostic, path: str) -> bool:
        """Whether a comment hides `finding`; those that do are marked as used."""
        place = locate(finding, path)
        if is_fixed(finding.rule) or place.span is None:
            return False
        hidden = False
        for line in (place.span.line, None):
            for ignore in self.by_line.get((place.file, line), ()):
                speaking = ignore.names(finding.rule)
                self.used[ignore].update(speaking)
                hidden = hidden or bool(speaking)
        return hidden

    def findings(self, raw: Raw) -> list[Diagnostic]:
        """What is found about the comments in the file of `raw` itself, once all findings have been seen."""
        found: list[Diagnostic] = []
        for ignore in raw.ignores:
            if ignore.file == raw.path and len(found) < _MOST:
                unused = ignore.unused(self.used[ignore], _LOOKED_FOR[raw.reached])
                found += [each for each in (ignore.finding, unused) if each is not None]
        return found
