"""Read included spec files, whose `vars`, `layers`, `models` and `blocks` become visible.

Each file is expanded with its own variables and those of the files that it includes, never with those of the file that
includes it, so that its declarations have the same meaning everywhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from graphspec.diagnostics import Label, Report, Span, SpecError
from graphspec.diagnostics.rules import BAD_INCLUDE, WRONG_TYPE
from graphspec.diagnostics.suggest import kind_of
from graphspec.language.document import DECLARATION_KEYS, read
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.expand.substitute import Substitution
from graphspec.language.expand.variables import Variables
from graphspec.language.expand.work import Work

MAX_FILES = 100


@dataclass(kw_only=True)
class Library:
    """A spec file with its expressions resolved, and the files that it includes.

    written: the tree before expansion. work: shared by all files of a spec.
    """

    path: Path
    written: Mapping
    tree: Mapping
    variables: Variables
    work: Work
    includes: list[Library] = field(default_factory=list)

    def all_includes(self) -> list[Library]:
        """Return the files included at any depth, the nearest first and each once.

        The number of paths to a file may be exponential, so each file is visited once.
        """
        libraries: dict[int, Library] = {}
        waiting = self.includes[::-1]
        while waiting:
            library = waiting.pop()
            if id(library) not in libraries:
                libraries[id(library)] = library
                waiting += library.includes[::-1]
        return list(libraries.values())

    def declared(self) -> dict[str, Span]:
        """Return the places of all layers, models and blocks, including those of included files."""
        places: dict[str, Span] = {}
        for library in (*self.all_includes()[::-1], self):
            for part in ("layers", "models", "blocks"):
                own = library.tree.get(part)
                places |= own.key_spans if isinstance(own, Mapping) else {}
        return places


@dataclass
class _Expansion:
    """The state of one expansion. inside: the files around the current one. libraries: the files that are done."""

    report: Report
    work: Work
    inside: list[Path] = field(default_factory=list)
    libraries: dict[Path, Library] = field(default_factory=dict)


def expand(tree: Mapping, path: Path, report: Report, work: Work | None = None) -> Library:
    """Read the includes of a spec and resolve every expression outside of blocks.

    Args:
        tree: The spec.
        path: Its file.
        report: Receives the diagnostics.
        work: Shared with the spec that uses this one as a model, if one does.

    Returns:
        The expanded spec.

    Raises:
        SpecError: The expansion takes too much work.
    """
    if work is not None:
        work.spend_on_file(tree, tree.span)
    return _expand(tree, path, _Expansion(report, work or Work(), [Path(os.path.realpath(path))]))


def _expand(tree: Mapping, path: Path, state: _Expansion) -> Library:
    includes = []
    for written in _paths(tree, state.report):
        library = _include(path.parent / written.value, written, state)
        if library is not None:
            includes.append(library)
    _refuse_clashes(tree, includes, state.report)
    written_vars = tree.get("vars")
    if written_vars is not None and not isinstance(written_vars, Mapping):
        state.report.add(
            WRONG_TYPE,
            f"`vars` is {kind_of(written_vars)}, not a mapping of names",
            tree.located("vars").span,
            expected="a mapping of names",
        )
        written_vars = None
    reachable = [each for library in includes for each in (library, *library.all_includes())]
    outer = list({id(each): each.variables for each in reachable}.values())
    variables = Variables(written_vars, outer, state.report, state.work)
    variables.check()
    rest = tree.filtered(lambda key: key not in ("vars", "include"))
    resolved = Substitution(variables, state.report, work=state.work).body(rest, tree.span)
    return Library(path=path, written=tree, tree=resolved, variables=variables, work=state.work, includes=includes)


def _paths(tree: Mapping, report: Report) -> list[Located]:
    paths = []
    for written in tree.located("include").as_list():
        if isinstance(written.value, str) and written.value:
            paths.append(written)
        else:
            report.add(
                WRONG_TYPE, f"an include is {kind_of(written.value)}", written.span,
                expected="the path of a spec file, relative to this one",
            )  # fmt: skip
    return paths


def _include(path: Path, written: Located, state: _Expansion) -> Library | None:
    resolved = Path(os.path.realpath(path))  # `Path.resolve` fails for a cycle of links
    if resolved in state.inside:
        circle = [*state.inside[state.inside.index(resolved) :], resolved]
        state.report.add(
            BAD_INCLUDE,
            f"files include each other in a cycle: {' → '.join(each.name for each in circle)}",
            written.span,
            expected="a file that does not include this one",
            help="move the shared parts into a third file",
        )
        return None
    if resolved in state.libraries:
        return state.libraries[resolved]
    if len(state.libraries) >= MAX_FILES:
        state.report.add(BAD_INCLUDE, f"more than {MAX_FILES} files are included", written.span, expected="fewer files")
        return None
    try:
        tree = read(path, state.report)
    except SpecError as error:
        for diagnostic in error.report.found:
            span = diagnostic.span if diagnostic.span is not None else written.span
            state.report.add(
                diagnostic.rule, diagnostic.message, span, expected=diagnostic.expected, help=diagnostic.help
            )
        return None
    state.work.spend_on_file(tree, written.span)
    state.inside.append(resolved)
    library = _expand(tree, path, state)
    state.inside.pop()
    state.libraries[resolved] = library
    return library


def _refuse_clashes(tree: Mapping, includes: list[Library], report: Report) -> None:
    """Report names that a file and its includes, or two of these, declare."""
    seen: dict[str, Span] = {}
    for library in includes:
        for name, span in library.declared().items():
            if seen.setdefault(name, span) != span:
                _report_clash(Located(name, tree.located("include").span), seen[name], "in two included files", report)
    for part in DECLARATION_KEYS:
        own = tree.get(part)
        for name, span in own.key_spans.items() if isinstance(own, Mapping) else ():
            if part == "vars" and any(name in library.variables for library in includes):
                _report_clash(Located(name, span), None, "here and in an included file", report)
            elif part != "vars" and name in seen:
                _report_clash(Located(name, span), seen[name], "here and in an included file", report)


def _report_clash(name: Located, other: Span | None, where: str, report: Report) -> None:
    report.add(
        BAD_INCLUDE,
        f"`{name.value}` is declared {where}",
        name.span,
        expected="a unique name",
        help="rename one of them",
        labels=[Label(other, "the other one")] if other is not None else [],
    )
