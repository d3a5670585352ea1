"""Findings about `${...}` → the same, each with where its variables get their values.

A value that is wrong because a variable is wrong stands in two places: where it is used and where it is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from graphspec.diagnostics import Diagnostic, Label, Report, Span
from graphspec.language.document.tree import Mapping
from graphspec.language.expand.expressions import FaultyVariableError
from graphspec.language.expand.library import Library

_EXPRESSION = re.compile(r"\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_]\w*")
_MOST_SHOWN = 40


def label_variables(report: Report, library: Library) -> None:
    """Add to each finding whose place is written with variables where those are set."""
    files = {each.written.span.source: each for each in (library, *library.all_includes())}
    report.amend(lambda finding: _labelled(finding, files.get(finding.span.source)) if finding.span else finding)


def _labelled(finding: Diagnostic, library: Library | None) -> Diagnostic:
    span = finding.span
    if span is None or library is None or span.line != span.end_line:
        return finding
    text = span.source.line(span.line)[span.column - 1 : span.end_column - 1]
    names = dict.fromkeys(name for inside in _EXPRESSION.findall(text) for name in _NAME.findall(inside))
    labels = [label for name in names for label in _set(name, span, library) if label.span != span]
    return replace(finding, labels=(*finding.labels, *labels)) if labels else finding


def _set(name: str, span: Span, library: Library) -> Iterator[Label]:
    """Where the variable, or the parameter of the block that `span` lies in, is set."""
    params = _parameters(library, span)
    if name in params:
        default = params[name]
        unless = f", {_short(default)} by default" if default is not None else ""
        yield Label(params.key_spans[name], f"`{name}` is a parameter{unless}")
        return
    written = library.written.get("vars")
    if isinstance(written, Mapping) and name in written:
        try:
            yield Label(written.key_spans[name], f"`{name}` is {_short(library.variables[name])}")
        except FaultyVariableError:
            return


def _parameters(library: Library, span: Span) -> Mapping:
    """The parameters of the block that `span` lies in; none where it lies in no block."""
    blocks = library.written.get("blocks")
    for _, block in blocks.entries() if isinstance(blocks, Mapping) else ():
        if isinstance(block.value, Mapping) and block.span.overlaps(span):
            params = block.value.get("params")
            return params if isinstance(params, Mapping) else Mapping(span)
    return Mapping(span)


def _short(value: object) -> str:
    shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else _begin(value)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."


def _begin(value: object) -> str:
    """Return `value` as text, or so much of its beginning that it has to be cut: a list may be long."""
    if not isinstance(value, list):
        return value[: _MOST_SHOWN + 1] if isinstance(value, str) else str(value)
    shown = "["
    for number, item in enumerate(value):
        shown += ", " if number else ""
        shown += _begin(item) if isinstance(item, list) else repr(item[:_MOST_SHOWN] if isinstance(item, str) else item)
        if len(shown) > _MOST_SHOWN:
            return shown
    return f"{shown}]"
