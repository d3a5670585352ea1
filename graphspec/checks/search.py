"""Checks of `search`: paths lead to values, and edge values leave the spec valid.

Paths are those of `--set`, which also sets the values. Validating the spec once for each edge takes long, so
`check_edges` runs on demand and has limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from graphspec.diagnostics import Diagnostic, Label, Report
from graphspec.diagnostics.rules import BAD_SEARCH
from graphspec.diagnostics.suggest import quoted
from graphspec.language.document.tree import Mapping
from graphspec.language.document.write_yaml import write_value
from graphspec.language.overrides import apply_override, is_path
from graphspec.language.search_space import Parameter, SearchSpace

MAX_EDGES = 64
"""Specs to validate for one search."""

MAX_VALUES = 60_000
"""Values, nodes and steps in those specs together; a large spec is tried with its first edges only."""

_WHOLE = ("graphspec", "include", "name", "search")
"""Keys of a spec that no search may change."""

Inspect = Callable[[Mapping], Report]


def check_paths(tree: Mapping, space: SearchSpace) -> Iterator[Diagnostic]:
    """Report every parameter whose path leads to no value, or into another parameter's value."""
    for number, parameter in enumerate(space.parameters):
        if not is_path(parameter.path) or _first_key(parameter.path) in _WHOLE:
            yield Diagnostic(
                BAD_SEARCH,
                f"`{parameter.path}` is not the path of a value that can be searched",
                parameter.span,
                expected="a path such as `vars.width` or `graph.deep.apply[0].Dense.units`",
                help="write the path as for `--set`",
            )
            continue
        outer = [each for each in space.parameters[:number] if _is_within(parameter.path, each.path)]
        outer += [each for each in space.parameters[number + 1 :] if _is_within(parameter.path, each.path)]
        if outer:
            yield Diagnostic(
                BAD_SEARCH,
                f"`{parameter.path}` is part of `{outer[0].path}`, which is searched as well",
                parameter.span,
                expected="a value that is searched once",
                help="search one of the two; a choice can be a whole object: `[{Adam: 0.01}, {SGD: 0.1}]`",
                labels=(Label(outer[0].span, "this is the other"),),
            )
            continue
        report = Report()
        apply_override(_copy(tree), _override(parameter, parameter.values.edges[0]), report)
        for finding in report.errors:
            yield replace(finding, rule=BAD_SEARCH, span=parameter.span, labels=(), fix=None)


def check_edges(tree: Mapping, space: SearchSpace, size: int, inspect: Inspect) -> Iterator[Diagnostic]:
    """Report every parameter with an edge value that makes the spec invalid.

    Args:
        tree: the spec.
        space: its parameters.
        size: values, nodes and steps in the spec.
        inspect: returns the diagnostics of a changed spec.
    """
    tried = 0
    for parameter in space.parameters:
        for value in parameter.values.edges:
            tried += 1
            if tried > MAX_EDGES or tried * size > MAX_VALUES:
                return
            changed = _copy(tree)
            report = Report()
            apply_override(changed, _override(parameter, value), report)
            report.extend(inspect(changed).errors)
            if report.errors:
                yield _unfit(parameter, value, report.errors[0])
                break


def _unfit(parameter: Parameter, value: object, first: Diagnostic) -> Diagnostic:
    place = first.span
    known = place is not None and place.source == parameter.span.source
    return Diagnostic(
        BAD_SEARCH,
        f"the spec is not valid with {quoted(value)} for `{parameter.path}`: {first.message}",
        parameter.span,
        expected="values with which the spec is valid",
        help=first.help or first.expected,
        labels=(Label(place, "found here"),) if known and place is not None else (),
    )


def _override(parameter: Parameter, value: object) -> str:
    return f"{parameter.path}={write_value(value)}"


def _first_key(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _is_within(path: str, other: str) -> bool:
    return path.startswith((f"{other}.", f"{other}["))


def _copy(tree: Mapping) -> Mapping:
    """Return a copy of the spec without its search."""
    copy = Mapping(tree.span)
    for key, item in tree.entries():
        if key.value != "search":
            copy.put(key.value, item.value, key.span, item.span)
    return copy
