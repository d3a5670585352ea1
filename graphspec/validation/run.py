"""All that `graphspec validate` does with the paths and options it is given, but for showing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.language.document.overlay import key, overlay
from graphspec.validation.apply_ignores import settle
from graphspec.validation.check import Deep, Raw, check_file, check_files
from graphspec.validation.find import find_specs
from graphspec.validation.fix import Fixed, fix
from graphspec.validation.selection import Selection
from graphspec.validation.settings import Finder, Settings


@dataclass(frozen=True)
class Request:
    """What is asked for. select and ignore are None where only the settings of a project say what is shown.

    values: look at all that data files hold; deep finds more in a spec without errors, in this process alone.
    held are texts that stand for files, by `open_texts.key`; fixes are made where `fix` is set, on texts alone.
    """

    paths: Sequence[str]
    overrides: Sequence[str] = ()
    select: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    values: bool = False
    deep: Deep | None = None
    jobs: int | None = None
    fix: bool = False
    unsafe_fixes: bool = False
    held: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What is shown, what the fixes have changed, and every file that any of it depends on."""

    outcome: Outcome
    fixed: Fixed
    asked: frozenset[str]


def run(request: Request, settings: Finder) -> Result:
    """Look at everything that is asked for. Raises UnknownRuleError for a selector that means no rule."""
    selections = _Selections(request, settings)
    one = partial(check_file, overrides=request.overrides, values=request.values, deep=request.deep)
    check = partial(check_files, check=one, jobs=1 if request.deep is not None else request.jobs)
    fixed = Fixed()
    with overlay(request.held):
        files, found = _find(request.paths, settings)
        if request.fix:
            checked, fixed = fix(files, check, selections.settled, unsafe=request.unsafe_fixes)
        else:
            checked = check(files)
    outcome = settle([*checked, *found], selections.of, fixed.count)
    asked = {each for raw in checked for each in raw.asked} | {key(path) for path in settings.asked()}
    return Result(outcome, fixed, frozenset(asked))


def _find(paths: Sequence[str], settings: Finder) -> tuple[list[str], list[Raw]]:
    """The files to look at, and what is found about paths that stand for none and about settings."""
    found: list[Raw] = []
    files: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        missing = Report()
        for file in find_specs([path], missing, lambda path: settings.of(path).excludes(path)):
            files.setdefault(key(file), file)
            settings.of(file)
        found += [Raw(path, tuple(missing.found))] if len(missing) else []
    found += [Raw(each.shown, each.findings) for each in settings.read() if each.findings]
    return list(files.values()), found


class _Selections:
    """What is shown of each file: as the command line says, and where it says nothing as the file's settings do."""

    def __init__(self, request: Request, settings: Finder) -> None:
        self.request, self.settings = request, settings
        self.known: dict[Path | None, Selection] = {}
        Selection.of(request.select, request.ignore or ())

    def of(self, path: str) -> Selection:
        settings = self.settings.of(path)
        if settings.folder not in self.known:
            self.known[settings.folder] = self._of(settings)
        return self.known[settings.folder].without(settings.ignored_in(path))

    def settled(self, found: Sequence[Raw]) -> Outcome:
        return settle(found, self.of)

    def _of(self, settings: Settings) -> Selection:
        select, ignore = self.request.select, self.request.ignore
        if select is not None:  # who asks for a rule by name is not told by a project that it is ignored
            return Selection.of(select, ignore or ())
        return Selection.of(settings.select, settings.ignore if ignore is None else ignore)
