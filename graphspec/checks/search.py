"""The values that a search would try, put into the spec: each must lead somewhere, and leave the spec valid.

Paths are those of `--set`, and `--set` is how values are put in. To look at a whole spec once for each edge of a range
takes its time, so that is left to who asks for it, with a bound on how many are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graphspec.diagnostics import Diagnostic, Label, Report
from graphspec.diagnostics.rules import BAD_SEARCH
from graphspec.diagnostics.suggest import shown
from graphspec.language.document.tree import Mapping
from graphspec.language.document.write_value import write_value
from graphspec.language.overrides import apply_override, is_path
from graphspec.language.search_space import Parameter, SearchSpace

MOST_EDGES = 64
"""So many specs are looked at for one search, ..."""

MOST_VALUES = 60_000
"""... and no more than hold so many values, nodes and steps together: of a large spec the first ones alone."""

_WHOLE = ("graphspec", "include", "name", "search")
"""Keys of a spec that say which spec it is, and are not searched for."""

Inspect = Callable[[Mapping], Report]


def check_paths(tree: Mapping, space: SearchSpace) -> Iterator[Diagnostic]:
    """Every parameter of `space` whose path leads to no value of the spec `tree`, or into that of another parameter."""
    for number, parameter in enumerate(space.parameters):
        if not is_path(parameter.path) or _first_key(parameter.path) in _WHOLE:
            yield Diagnostic(
                BAD_SEARCH,
                f"`{parameter.path}` is not the path of a value that can be searched",
                parameter.span,
                "a path such as `vars.width` or `graph.deep.apply[0].Dense.units`",
                "write the path as for `--set`",
            )
            continue
        outer = [each for each in space.parameters[:number] if _is_within(parameter.path, each.path)]
        outer += [each for each in space.parameters[number + 1 :] if _is_within(parameter.path, each.path)]
        if outer:
            yield Diagnostic(
                BAD_SEARCH,
                f"`{parameter.path}` is part of `{outer[0].path}`, which is searched as well",
                parameter.span,
                "a value that is searched once",
                "search one of the two; a choice can be a whole object: `[{Adam: 0.01}, {SGD: 0.1}]`",
                (Label(outer[0].span, "this is the other"),),
            )
            continue
        report = Report()
        apply_override(_copy(tree), _override(parameter, parameter.values.edges[0]), report)
        for finding in report.errors:
            yield Diagnostic(BAD_SEARCH, finding.message, parameter.span, finding.expected, finding.help)


def check_edges(tree: Mapping, space: SearchSpace, size: int, inspect: Inspect) -> Iterator[Diagnostic]:
    """Every parameter that one value of makes the spec `tree` invalid: the ends of its range, or a choice.

    All else stands as it is written. size is how much the spec holds; inspect gives what is found in one.
    """
    tried = 0
    for parameter in space.parameters:
        for value in parameter.values.edges:
            tried += 1
            if tried > MOST_EDGES or tried * size > MOST_VALUES:
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
        f"the spec is not valid with {shown(value)} for `{parameter.path}`: {first.message}",
        parameter.span,
        "values with which the spec is valid",
        first.help or first.expected,
        (Label(place, "found here"),) if known and place is not None else (),
    )


def _override(parameter: Parameter, value: object) -> str:
    return f"{parameter.path}={write_value(value)}"


def _first_key(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _is_within(path: str, other: str) -> bool:
    return path.startswith((f"{other}.", f"{other}["))


def _copy(tree: Mapping) -> Mapping:
    """The spec without its search, to be changed."""
    copy = Mapping(tree.span)
    for key, item in tree.entries():
        if key.value != "search":
            copy.put(key.value, item.value, key.span, item.span)
    return copy
