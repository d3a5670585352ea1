"""The work of `graphspec validate`: options → the outcome and the fixed files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.diagnostics.formats.outcome import Outcome
from graphspec.language.document.overlay import key, overlay
from graphspec.validation.apply_ignores import apply_ignores
from graphspec.validation.check import Deep, FileCheck, check_file, check_files
from graphspec.validation.fix import Fixed, fix
from graphspec.validation.selection import Selection
from graphspec.validation.settings import Finder, Settings
from graphspec.validation.spec_files import find_specs


@dataclass(frozen=True, kw_only=True)
class Request:
    """The arguments of one call of `graphspec validate`.

    Attributes:
        select: Selectors of the rules to show; None where the settings of a project decide.
        ignore: Selectors of the rules to leave out; None where the settings of a project decide.
        values: Read whole data files instead of their headers.
        deep: A further check for specs without errors, made in this process.
        keras: The minor version of Keras to check for; None for that of the project, or the installed one.
        held: Contents that replace those of files, by `overlay.key`.
    """

    paths: Sequence[str]
    overrides: Sequence[str] = ()
    select: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    values: bool = False
    deep: Deep | None = None
    keras: str | None = None
    jobs: int | None = None
    fix: bool = False
    unsafe_fixes: bool = False
    held: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The outcome, the fixed files, and the paths of all files that the outcome depends on."""

    outcome: Outcome
    fixed: Fixed
    dependencies: frozenset[str]


def run(request: Request, settings: Finder) -> Result:
    """Check and fix what `request` names. Raises UnknownRuleError for a selector without a rule."""
    selections = Selections(settings, request.select, request.ignore)
    one = partial(check_file, overrides=request.overrides, values=request.values, deep=request.deep)
    in_order = partial(check_files, jobs=1 if request.deep is not None else request.jobs)

    def check(paths: Sequence[str]) -> list[FileCheck]:
        versions = {path: request.keras or settings.of(path).keras for path in paths}
        return [
            checked
            for keras, those in groupby(paths, versions.__getitem__)
            for checked in in_order(list(those), partial(one, keras=keras))
        ]

    fixed = Fixed()
    with overlay(request.held):
        files, faults = _find(request.paths, settings)
        if request.fix:
            checked, fixed = fix(files, check, selections.apply, unsafe=request.unsafe_fixes)
        else:
            checked = check(files)
    outcome = apply_ignores([*checked, *faults], selections.of, fixed.count)
    dependencies = {each for file in checked for each in file.dependencies} | set(map(key, settings.asked()))
    return Result(outcome, fixed, frozenset(dependencies))


def _find(paths: Sequence[str], settings: Finder) -> tuple[list[str], list[FileCheck]]:
    """Return the files to check, and the findings about paths without specs and about settings."""
    faults: list[FileCheck] = []
    files: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        missing = Report()
        for file in find_specs([path], missing, lambda path: settings.of(path).excludes(path)):
            files.setdefault(key(file), file)
            settings.of(file)
        faults += [FileCheck(path, tuple(missing.found))] if len(missing) else []
    return list(files.values()), faults + settings_faults(settings)


def settings_faults(settings: Finder) -> list[FileCheck]:
    """Return the findings about the settings that were read, by their files."""
    return [FileCheck(each.display_path, each.findings) for each in settings.read() if each.findings]


class Selections:
    """The selection of each file: from the command line, or else from the settings of its project.

    Raises:
        UnknownRuleError: A selector of the command line selects no rule.
    """

    def __init__(
        self, settings: Finder, select: Sequence[str] | None = None, ignore: Sequence[str] | None = None
    ) -> None:
        self.settings, self.select, self.ignore = settings, select, ignore
        self.known: dict[Path | None, Selection] = {}
        Selection.of(select, ignore or ())

    def of(self, path: str) -> Selection:
        settings = self.settings.of(path)
        if settings.folder not in self.known:
            self.known[settings.folder] = self._of(settings)
        return self.known[settings.folder].without(settings.ignored_in(path))

    def apply(self, checks: Sequence[FileCheck]) -> Outcome:
        return apply_ignores(checks, self.of)

    def _of(self, settings: Settings) -> Selection:
        if self.select is not None:  # --select shows rules that the project ignores
            return Selection.of(self.select, self.ignore or ())
        return Selection.of(settings.select, settings.ignore if self.ignore is None else self.ignore)
