"""`include`: other spec files whose `vars`, `layers`, `models` and `blocks` become visible.

Each file is expanded with its own variables and those of the files that it includes, never with those of the file that
includes it, so that what it declares means the same wherever it is included.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from graphspec.diagnostics import Label, Report, Span, SpecError
from graphspec.diagnostics.rules import BAD_INCLUDE, WRONG_TYPE
from graphspec.diagnostics.suggest import kind_of
from graphspec.language.document import DECLARING, read
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.expand.substitute import Substitution
from graphspec.language.expand.variables import Variables
from graphspec.language.expand.work import Work

MAX_FILES = 100


@dataclass
class Library:
    """A spec file with its expressions resolved: what it declares, its variables, and the files that it includes.

    written is the file as it was read; work is what is left to the expressions of the spec that it belongs to.
    """

    path: Path
    written: Mapping
    tree: Mapping
    variables: Variables
    work: Work
    includes: list[Library] = field(default_factory=list)

    def all_includes(self) -> list[Library]:
        """The files that this one includes, and those that they include, the nearest first and each once.

        A file may be reached in more ways than can be counted, so no one follows them all.
        """
        found: dict[int, Library] = {}
        waiting = self.includes[::-1]
        while waiting:
            library = waiting.pop()
            if id(library) not in found:
                found[id(library)] = library
                waiting += library.includes[::-1]
        return list(found.values())

    def declared(self) -> dict[str, Span]:
        """The layers, models and blocks that become visible to a file that includes this one."""
        found: dict[str, Span] = {}
        for library in (*self.all_includes()[::-1], self):
            for part in ("layers", "models", "blocks"):
                own = library.tree.get(part)
                found |= own.key_spans if isinstance(own, Mapping) else {}
        return found


@dataclass
class _Reading:
    """What one expansion keeps: where findings go, the files it is inside of, and those it has read."""

    report: Report
    work: Work
    inside: list[Path] = field(default_factory=list)
    libraries: dict[Path, Library] = field(default_factory=dict)


def expand(tree: Mapping, path: Path, report: Report, work: Work | None = None) -> Library:
    """`tree`, read from `path`, with its includes read and every expression outside blocks resolved.

    work is shared with the spec that names this one as a model. Raises SpecError where there is not enough of it.
    """
    if work is not None:
        work.spend_on_file(tree, tree.span)
    return _expand(tree, path, _Reading(report, work or Work(), [Path(os.path.realpath(path))]))


def _expand(tree: Mapping, path: Path, reading: _Reading) -> Library:
    includes = []
    for written in _paths(tree, reading.report):
        library = _include(path.parent / written.value, written, reading)
        if library is not None:
            includes.append(library)
    _refuse_clashes(tree, includes, reading.report)
    written_vars = tree.get("vars")
    if written_vars is not None and not isinstance(written_vars, Mapping):
        reading.report.add(
            WRONG_TYPE,
            f"`vars` is {kind_of(written_vars)}, not a mapping of names",
            tree.located("vars").span,
            expected="a mapping of names",
        )
        written_vars = None
    reachable = [each for library in includes for each in (library, *library.all_includes())]
    outer = list({id(each): each.variables for each in reachable}.values())
    variables = Variables(written_vars, outer, reading.report, reading.work)
    variables.check()
    rest = Mapping(tree.span)
    for key, item in tree.entries():
        if key.value not in ("vars", "include"):
            rest.put(key.value, item.value, key.span, item.span)
    resolved = Substitution(variables, reading.report, work=reading.work).body(rest, tree.span)
    return Library(path, tree, resolved, variables, reading.work, includes)


def _paths(tree: Mapping, report: Report) -> list[Located]:
    found = []
    for written in tree.located("include").as_list():
        if isinstance(written.value, str) and written.value:
            found.append(written)
        else:
            report.add(
                WRONG_TYPE, f"an include is {kind_of(written.value)}", written.span,
                expected="the path of a spec file, relative to this one",
            )  # fmt: skip
    return found


def _include(path: Path, written: Located, reading: _Reading) -> Library | None:
    resolved = Path(os.path.realpath(path))  # of a circle of links too, on which `Path.resolve` ends in an error
    if resolved in reading.inside:
        circle = [*reading.inside[reading.inside.index(resolved) :], resolved]
        reading.report.add(
            BAD_INCLUDE,
            f"files include each other in a cycle: {' → '.join(each.name for each in circle)}",
            written.span,
            expected="a file that does not include this one",
            help="move the shared parts into a third file",
        )
        return None
    if resolved in reading.libraries:
        return reading.libraries[resolved]
    if len(reading.libraries) >= MAX_FILES:
        reading.report.add(
            BAD_INCLUDE, f"more than {MAX_FILES} files are included", written.span, expected="fewer files"
        )
        return None
    try:
        tree = read(path, reading.report)
    except SpecError as error:
        for found in error.report.found:
            span = found.span if found.span is not None else written.span
            reading.report.add(found.rule, found.message, span, expected=found.expected, help=found.help)
        return None
    reading.work.spend_on_file(tree, written.span)
    reading.inside.append(resolved)
    library = _expand(tree, path, reading)
    reading.inside.pop()
    reading.libraries[resolved] = library
    return library


def _refuse_clashes(tree: Mapping, includes: list[Library], report: Report) -> None:
    """A name that a file and its includes, or two of them, declare would mean one thing here and another there."""
    seen: dict[str, Span] = {}
    for library in includes:
        for name, span in library.declared().items():
            if seen.setdefault(name, span) != span:
                _clash(name, tree.located("include").span, seen[name], "in two included files", report)
    for part in DECLARING:
        own = tree.get(part)
        for name, span in own.key_spans.items() if isinstance(own, Mapping) else ():
            if part == "vars" and any(name in library.variables for library in includes):
                _clash(name, span, None, "here and in an included file", report)
            elif part != "vars" and name in seen:
                _clash(name, span, seen[name], "here and in an included file", report)


def _clash(name: str, span: Span, other: Span | None, where: str, report: Report) -> None:
    report.add(
        BAD_INCLUDE,
        f"`{name}` is declared {where}",
        span,
        expected="a unique name",
        help="rename one of them",
        labels=[Label(other, "the other one")] if other is not None else [],
    )
