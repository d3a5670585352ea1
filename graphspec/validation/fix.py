"""`--fix`: what is found is mended, looked at again, and mended again, until nothing is left that can be.

All is done on texts held in memory; `Fixed` tells which files would change, and whoever asks writes them. Only files
that were asked to be looked at change, not those that they include.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphspec.diagnostics import Fix, Report, SpecError
from graphspec.diagnostics.edits import edited
from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.language.document import read
from graphspec.language.document.overlay import key, overlay, read_bytes
from graphspec.validation.check import Raw

_PASSES = 10


@dataclass
class Fixed:
    """The texts before and after, by the path of each file that changes, and how many fixes were made."""

    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    count: int = 0

    def held(self) -> dict[str, bytes]:
        """The texts that stand for files from now on."""
        return {key(path): data for path, data in self.after.items()}


def fix(
    paths: Sequence[str],
    check: Callable[[Sequence[str]], list[Raw]],
    settle: Callable[[list[Raw]], Outcome],
    *,
    unsafe: bool,
) -> tuple[list[Raw], Fixed]:
    """Mend what is shown of the specs at `paths`, and give what is found in them after that.

    check finds, and settle says what of it is shown. A file is looked at again where it, or one that it reads, has
    changed. unsafe: make also the fixes that are not safe.
    """
    done = Fixed()
    found = {raw.path: raw for raw in check(paths)}
    names = {key(path): path for path in paths}
    for _ in range(_PASSES):
        changed = set()
        for path, fixes in _by_file(settle(list(found.values())), names, unsafe).items():
            data = done.after[path] if path in done.after else read_bytes(path)
            new, count = _mended(path, data, fixes)
            if new != data:
                done.before.setdefault(path, data)
                done.after[path] = new
                done.count += count
                changed.add(key(path))
        if not changed:
            break
        again = [path for path in paths if changed & {key(path), *found[_name(path)].asked}]
        with overlay(done.held()):
            found |= {raw.path: raw for raw in check(again)}
    return list(found.values()), done


def _name(path: str) -> str:
    return "<stdin>" if path == "-" else path


def _by_file(outcome: Outcome, names: dict[str, str], unsafe: bool) -> dict[str, list[Fix]]:
    """The fixes to make, by the path of the file that they change."""
    found: dict[str, list[Fix]] = {}
    for finding in outcome.report:
        fix = finding.fix
        if fix is None or not (fix.is_safe or unsafe):
            continue
        files = {edit.span.source.name for edit in fix.edits}
        name = files.pop()
        path = names.get("-" if name == "<stdin>" else key(name))
        if not files and path is not None:
            found.setdefault(path, []).append(fix)
    return found


def _mended(path: str, data: bytes, fixes: list[Fix]) -> tuple[bytes, int]:
    """`data` with `fixes` made; those that would leave a text that reads worse are not."""
    source = fixes[0].edits[0].span.source
    if data.decode("utf-8-sig") != source.text:  # it has changed since it was read
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
    """How many findings reading the document alone gives; a text of which there is no tree is the worst."""
    report = Report()
    with overlay({key(path): data}):
        try:
            read(path, report)
        except SpecError as error:
            return 1_000_000 + len(error.report)
    return len(report)
