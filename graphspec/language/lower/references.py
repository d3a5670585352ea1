"""Lower tensor references: `name`, `name[1]` or `name.output`; alone, in a list, or by keyword."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Names

from graphspec import catalog
from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_REFERENCE
from graphspec.diagnostics.suggest import closest, kind_of
from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.feed import Feed, Reference

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_REFERENCE = re.compile(rf"({_NAME})(?:\[([0-9]{{1,6}})\]|\.({_NAME}))?")
_FORMS = "`name`, `name[0]` or `name.output`"


def read_reference(text: Located, report: Report) -> Reference | None:
    """Return the reference in `text`; None, after a diagnostic, where it is none."""
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
    name, index, output = match.groups()
    return Reference(name, text.span, int(index) if index is not None else None, output)


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


def read_feed(source: Located, report: Report) -> Feed | None:
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
    references = [read_reference(each, report) for each in operands]
    tensors = tuple(each for each in references if each is not None)
    is_list = isinstance(source.value, Sequence)
    return Feed(tensors, keywords=keywords, is_list=is_list) if len(tensors) == len(references) else None


def label_nearest(name: str, places: Names[str, Span]) -> list[Label]:
    """Return a label at the declaration most similar to `name`, if one is similar."""
    near = closest(name, places)
    return [Label(places[near], f"`{near}` is declared here")] if near is not None else []


def operand_labels(feed: Feed | None) -> Iterator[Label]:
    """Return a label at each operand of a node."""
    for reference in feed.tensors if feed is not None else ():
        yield Label(reference.span, f"its input is `{reference}`")
