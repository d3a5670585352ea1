"""Lower tensor references: `name`, `name[1]` or `name.output`; alone, in a list, or by keyword.

The name of a node with `each` stands for the list of all its nodes, and `name[1]` for one of them. `name[1][0]` and
`name[1].output` pick a tensor of that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Names
from itertools import chain

from graphspec import catalog
from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_REFERENCE, BAD_SELECTION
from graphspec.diagnostics.suggest import closest, kind_of
from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.feed import Feed, Reference
from graphspec.language.lower.groups import Groups, pick

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_INDEX = r"\[([0-9]{1,6})\]"
_REFERENCE = re.compile(rf"({_NAME})(?:{_INDEX})?(?:{_INDEX}|\.({_NAME}))?")
_FORMS = "`name`, `name[0]` or `name.output`"


def read_reference(text: Located, report: Report, groups: Groups) -> Reference | None:
    """Return the reference to one tensor in `text`; None, after a diagnostic, where it is none."""
    found = read_references(text, report, groups)
    if found is None or len(found) == 1:
        return found[0] if found is not None else None
    report.add(
        BAD_SELECTION,
        f"`{text.value}` is a list of {len(found)} tensors, made by `each`",
        text.span,
        expected="one tensor",
        help=f"pick one, as `{text.value}[0]`",
    )
    return None


def read_references(text: Located, report: Report, groups: Groups) -> list[Reference] | None:
    """Return the references in `text`, several for a node with `each`; None, after a diagnostic, where it is none."""
    match = _REFERENCE.fullmatch(text.value) if isinstance(text.value, str) else None
    if match is None:
        found = f"`{text.value}`" if isinstance(text.value, str) else kind_of(text.value)
        report.add(
            BAD_REFERENCE,
            f"{found} is not a reference to a tensor",
            text.span,
            expected=f"the name of an input or node: {_FORMS}",
            help=_help(text.value),
        )
        return None
    name, first, second, output = match.groups()
    numbers = [int(each) for each in (first, second) if each is not None]
    if name in groups:
        if not groups[name]:
            return None  # its `each` has a diagnostic
        return pick(text, groups[name], numbers, output, report=report)
    if len(numbers) + (output is not None) > 1:
        report.add(
            BAD_REFERENCE,
            f"`{text.value}` picks twice, but `{name}` is no node with `each`",
            text.span,
            expected=f"the name of an input or node: {_FORMS}",
            help="give the inner tensor a node of its own, and pick from that",
        )
        return None
    return [Reference(name, text.span, numbers[0] if numbers else None, output)]


def _help(written: object) -> str:
    if isinstance(written, dict):
        return "layers go under `apply`"
    if not isinstance(written, str):
        return ""
    names = re.findall(_NAME, written)
    if re.fullmatch(rf"{_NAME}(\s*,\s*{_NAME})+", written):
        return f"write several tensors as a list: `[{', '.join(names)}]`"
    if re.search(r"\[-\d+\]", written):
        return "indices start at 0"
    if re.search(r"\s[-+*/]\s", written):
        return "to compute with tensors, name them in a list and `merge` them (sum, sub, mul, ...)"
    return ""


def read_feed(source: Located, report: Report, groups: Groups) -> Feed | None:
    """Return the tensors of `from`; None, after diagnostics, where one of them is faulty."""
    if isinstance(source.value, Mapping):
        for key, _ in source.value.entries():
            if catalog.find("layers", key.value) is not None:
                report.add(
                    BAD_REFERENCE,
                    f"`{key.value}` is a layer, but `from` names tensors",
                    key.span,
                    expected=f"one or more tensors: {_FORMS}",
                    help=f"layers go under `apply`: `apply: {{{key.value}: ...}}`",
                )
                return None
        keywords, operands = tuple(source.value), [value for _, value in source.value.entries()]
    else:
        keywords, operands = (), list(source.value.entries()) if isinstance(source.value, Sequence) else [source]
    if not operands:
        report.add(BAD_REFERENCE, "`from` is empty", source.span, expected=f"one or more tensors: {_FORMS}")
        return None
    if keywords:
        tensors = [tensor for each in operands if (tensor := read_reference(each, report, groups)) is not None]
        return Feed(tuple(tensors), keywords=keywords) if len(tensors) == len(operands) else None
    several = [found for each in operands if (found := read_references(each, report, groups)) is not None]
    is_list = isinstance(source.value, Sequence) or (isinstance(source.value, str) and source.value in groups)
    return Feed(tuple(chain(*several)), is_list=is_list) if len(several) == len(operands) else None


def label_nearest(name: str, places: Names[str, Span]) -> list[Label]:
    """Return a label at the declaration most similar to `name`, if one is similar."""
    near = closest(name, places)
    return [Label(places[near], f"`{near}` is declared here")] if near is not None else []


def operand_labels(feed: Feed | None) -> Iterator[Label]:
    """Return a label at each operand of a node."""
    for reference in feed.tensors if feed is not None else ():
        yield Label(reference.span, f"its input is `{reference}`")
