"""All diagnostics → those that are shown: ignore comments and selections are applied, and the comments checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphspec.diagnostics import Diagnostic
from graphspec.diagnostics.formats.outcome import Checked, Outcome, locate
from graphspec.diagnostics.rules import RULES
from graphspec.validation.check import FileCheck
from graphspec.validation.ignores import Ignore, Selector
from graphspec.validation.selection import Selection, is_fixed

_MAX_FINDINGS = 100
"""The maximum number of diagnostics about the comments of one file."""


def apply_ignores(checks: Sequence[FileCheck], selection_of: Callable[[str], Selection], fixed: int = 0) -> Outcome:
    """Return what is shown of `checks`.

    A comment hides a finding under every selection, so whether it is unused does not depend on the selection. A finding
    in a part that several files include is shown with the first of them.

    Args:
        checks: All findings and comments, by file.
        selection_of: Returns the selection for the file at a path.
        fixed: The number of findings that were fixed.
    """
    comments = _Comments(checks)
    owners: dict[Diagnostic, str] = {}
    for check in checks:
        for finding in check.findings:
            owners.setdefault(finding, check.path)
    left = {finding: path for finding, path in owners.items() if not comments.hide(finding, path)}
    for check in checks:
        left |= dict.fromkeys(comments.findings(check), check.path)
    by_path: dict[str, list[Diagnostic]] = {check.path: [] for check in checks}
    for finding, path in left.items():
        if selection_of(locate(finding, path).file).shows(finding.rule):
            by_path[path].append(finding)
    count = sum(map(len, by_path.values()))
    files = tuple(Checked(path, tuple(findings)) for path, findings in by_path.items())
    return Outcome(files, len(owners) - len(left.keys() & owners.keys()) + len(left) - count, fixed)


class _Comments:
    """The ignore comments of all files by file and line, with the selectors that have hidden a finding."""

    def __init__(self, checks: Sequence[FileCheck]) -> None:
        self.used: dict[Ignore, set[Selector]] = {ignore: set() for check in checks for ignore in check.ignores}
        self.by_line: dict[tuple[str, int | None], list[Ignore]] = {}
        for ignore in self.used:
            self.by_line.setdefault((ignore.file, ignore.line), []).append(ignore)

    def hide(self, finding: Diagnostic, path: str) -> bool:
        """Return whether a comment hides `finding`, and mark the comments that do as used."""
        place = locate(finding, path)
        if is_fixed(finding.rule) or place.span is None:
            return False
        hidden = False
        for line in (place.span.line, None):
            for ignore in self.by_line.get((place.file, line), ()):
                matching = ignore.names(finding.rule)
                self.used[ignore].update(matching)
                hidden = hidden or bool(matching)
        return hidden

    def findings(self, check: FileCheck) -> list[Diagnostic]:
        """Return the findings about the comments in one file; call it after `hide` has seen every finding."""
        judged = frozenset(rule.code for rule in RULES.values() if rule.static and rule.stage in check.complete)
        found: list[Diagnostic] = []
        for ignore in check.ignores:
            if ignore.file == check.path and len(found) < _MAX_FINDINGS:
                unused = ignore.unused(self.used[ignore], judged)
                found += [each for each in (ignore.finding, unused) if each is not None]
        return found
