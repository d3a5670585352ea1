"""Tensor references: `name`, `name[1]`, `name.output`, alone, in a list, or by keyword."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Names

from graphspec import catalog
from graphspec.diagnostics import Label, Report, Span
from graphspec.diagnostics.rules import BAD_REFERENCE
from graphspec.diagnostics.suggest import closest, kind_of
from graphspec.language.document.tree import Located, Mapping, Sequence
from graphspec.language.graph import Feed, Reference

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_REFERENCE = re.compile(rf"({_NAME})(?:\[([0-9]{{1,6}})\]|\.({_NAME}))?")
_FORMS = "`name`, `name[0]` or `name.output`"


def read_reference(text: Located, report: Report) -> Reference | None:
    """The reference that `text` writes; None, with a finding, where it writes none."""
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
    """What `from` names; None, with findings, where some of it cannot be read."""
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
        keywords = {key.value: read_reference(value, report) for key, value in source.value.entries()}
        named = {key: reference for key, reference in keywords.items() if reference is not None}
        return named if len(named) == len(keywords) and _some(source, report) else None
    if isinstance(source.value, Sequence):
        listed = [read_reference(item, report) for item in source.value.entries()]
        several = tuple(reference for reference in listed if reference is not None)
        return several if len(several) == len(listed) and _some(source, report) else None
    return read_reference(source, report)


def _some(source: Located, report: Report) -> bool:
    if not source.value:
        report.add(BAD_REFERENCE, "`from` is empty", source.span, expected=f"one or more tensors: {_FORMS}")
    return bool(source.value)


def declared_near(name: str, places: Names[str, Span]) -> list[Label]:
    """Where the name nearest to `name` is declared; nothing where none is near."""
    near = closest(name, places)
    return [Label(places[near], f"`{near}` is declared here")] if near is not None else []


def fed(feed: Feed | None) -> Iterator[Label]:
    """The tensors that come in, at the places that name them."""
    if isinstance(feed, Reference):
        yield Label(feed.span, f"its input is `{feed}`")
    elif feed:
        for reference in feed.values() if isinstance(feed, dict) else feed:
            yield Label(reference.span, f"its input is `{reference}`")
