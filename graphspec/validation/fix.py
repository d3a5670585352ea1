"""`--fix`: fixes are made and their files checked again until none is left.

The texts are changed in memory; the caller writes the files in `Fixed`. Only files that were named change, not those
that they include.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphspec.diagnostics import Fix, Report, SpecError
from graphspec.diagnostics.edits import edited
from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.language.document import read
from graphspec.language.document.overlay import key, overlay, read_bytes
from graphspec.validation.check import FileCheck

_MAX_PASSES = 10


@dataclass
class Fixed:
    """The contents of each changed file before and after, by path, and the number of fixes."""

    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    count: int = 0

    def held(self) -> dict[str, bytes]:
        """Return the new contents by key, for `overlay.reading`."""
        return {key(path): data for path, data in self.after.items()}


def fix(
    paths: Sequence[str],
    check: Callable[[Sequence[str]], list[FileCheck]],
    select: Callable[[list[FileCheck]], Outcome],
    *,
    unsafe: bool,
) -> tuple[list[FileCheck], Fixed]:
    """Fix the shown findings of the specs at `paths`, and return what is found afterwards.

    Args:
        paths: The files to fix.
        check: Checks files; called again for those that changed or read a changed file.
        select: Applies ignores and selections: only the findings that are left are fixed.
        unsafe: Make also fixes that are not safe.
    """
    done = Fixed()
    checked = {each.path: each for each in check(paths)}
    names = {key(path): path for path in paths}
    for _ in range(_MAX_PASSES):
        changed = set()
        for path, fixes in _by_file(select(list(checked.values())), names, unsafe).items():
            data = done.after[path] if path in done.after else read_bytes(path)
            new, count = _fixed(path, data, fixes)
            if new != data:
                done.before.setdefault(path, data)
                done.after[path] = new
                done.count += count
                changed.add(key(path))
        if not changed:
            break
        again = [path for path in paths if changed & {key(path), *checked[_name(path)].dependencies}]
        with overlay(done.held()):
            checked |= {each.path: each for each in check(again)}
    return list(checked.values()), done


def _name(path: str) -> str:
    return "<stdin>" if path == "-" else path


def _by_file(outcome: Outcome, names: dict[str, str], unsafe: bool) -> dict[str, list[Fix]]:
    """Return the fixes to make by the path of their file."""
    by_path: dict[str, list[Fix]] = {}
    for finding in outcome.report:
        fix = finding.fix
        if fix is None or not (fix.is_safe or unsafe):
            continue
        files = {edit.span.source.name for edit in fix.edits}
        name = files.pop()
        path = names.get("-" if name == "<stdin>" else key(name))
        if not files and path is not None:
            by_path.setdefault(path, []).append(fix)
    return by_path


def _fixed(path: str, data: bytes, fixes: list[Fix]) -> tuple[bytes, int]:
    """Return `data` with `fixes` made and their number, leaving out those after which the text has more faults."""
    source = fixes[0].edits[0].span.source
    if data.decode("utf-8-sig") != source.text:  # changed since it was read
        return data, 0
    new, made = edited(data, source, fixes)
    if _reads_no_worse(path, data, new):
        return new, len(made)
    for fix in made:
        alone, _ = edited(data, source, [fix])
        if _reads_no_worse(path, data, alone):
            return alone, 1
    return data, 0


def _reads_no_worse(path: str, old: bytes, new: bytes) -> bool:
    return _faults(path, new) <= _faults(path, old)


def _faults(path: str, data: bytes) -> int:
    """Count the findings of reading the document alone; a text that gives no tree counts a million."""
    report = Report()
    with overlay({key(path): data}):
        try:
            read(path, report)
        except SpecError as error:
            return 1_000_000 + len(error.report)
    return len(report)
