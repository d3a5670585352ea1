"""The nodes that `each` makes: one group for each node that writes it."""

from __future__ import annotations

from collections.abc import Mapping as Names
from typing import Any

from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_SELECTION
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.feed import Reference
from graphspec.language.lower.scope import Scope
from graphspec.language.schema.model import BlockBody, Body

Groups = Names[str, Names[str, bool]]
"""For the name of each node with `each`, the nodes that it stands for, with whether each of them exists. It is
empty where `each` is faulty."""


def body_groups(body: BlockBody | Body) -> Groups:
    """Return the nodes that `each` makes in a body, with whether each of them exists."""
    parts = [body.located(part).value for part in ("graph", "outputs") if body.states(part)]
    return {
        name: {member: member in part for member in members} for part in parts for name, members in part.each.items()
    }


def absent_nodes(body: Body) -> dict[str, Span]:
    """Return the places of the nodes and outputs that their `when` leaves out."""
    parts = [body.located(part).value for part in ("graph", "outputs") if body.states(part)]
    return {name: span for part in parts for name, span in part.absent.items()}


def names_of_groups(part: Mapping | None) -> list[str]:
    """Return the names of the nodes with `each` in a part of a body, without faulty ones."""
    return [name for name, members in part.each.items() if members] if part is not None else []


def place_of_group(part: Mapping, name: str) -> Span:
    """Return the place of the name of a node with `each` in a part of a body."""
    member = next(iter(part.each[name]))
    return part.key_spans.get(member) or part.absent[member]


def count_groups(body: Body, scope: Scope) -> None:
    """Count the nodes that `each` makes, as those of blocks and repeats. Raises SpecError where they are too many."""
    for part in ("graph", "outputs"):
        written = body.located(part).value
        for name in names_of_groups(written):
            scope.count(len(written.each[name]), place_of_group(written, name))


def values_of_each(body: BlockBody | Body) -> dict[str, dict[str, Any]]:
    """Return the values of each node that `each` makes."""
    parts = [body.located(part).value for part in ("graph", "outputs") if body.states(part)]
    return {name: values for part in parts for members in part.each.values() for name, values in members.items()}


def pick(
    text: Located, members: Names[str, bool], numbers: list[int], output: str | None, *, report: Report
) -> list[Reference] | None:
    """Return the tensors that a reference picks from the nodes made by `each`."""
    names = list(members)
    if not numbers and output is None:
        return [Reference(name, text.span) for name in names if members[name]] or [Reference(names[0], text.span)]
    if not numbers or numbers[0] >= len(names):
        name = text.value.partition("[")[0].partition(".")[0]
        report.add(
            BAD_SELECTION,
            f"`{name}` is {len(names)} node{'s' if len(names) > 1 else ''}, made by `each`"
            + (f", so there is no `{name}[{numbers[0]}]`" if numbers else ""),
            text.span,
            expected=f"an index from [0] to [{len(names) - 1}]" if len(names) > 1 else f"`{name}[0]`",
            help="" if numbers else f"write `{name}[0].{output}`",
        )
        return None
    return [Reference(names[numbers[0]], text.span, numbers[1] if len(numbers) > 1 else None, output)]
