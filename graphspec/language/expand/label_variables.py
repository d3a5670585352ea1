"""Add to diagnostics about `${...}` the places where the variables are set.

A value that is wrong because of a variable has two places: that of its use and that of the variable.
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
_MAX_LENGTH = 40


def label_variables(report: Report, library: Library) -> None:
    """Label each diagnostic at a place with variables with the places where these are set."""
    files = {each.written.span.source: each for each in (library, *library.all_includes())}
    report.amend(lambda each: _labelled(each, files.get(each.span.source)) if each.span else each)


def _labelled(diagnostic: Diagnostic, library: Library | None) -> Diagnostic:
    span = diagnostic.span
    if span is None or library is None or span.line != span.end_line:
        return diagnostic
    text = span.source.line(span.line)[span.column - 1 : span.end_column - 1]
    names = dict.fromkeys(name for inside in _EXPRESSION.findall(text) for name in _NAME.findall(inside))
    labels = [label for name in names for label in _set(name, span, library) if label.span != span]
    return replace(diagnostic, labels=(*diagnostic.labels, *labels)) if labels else diagnostic


def _set(name: str, span: Span, library: Library) -> Iterator[Label]:
    """Return a label at the variable, or at the parameter of the block around `span`."""
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
    """Return the parameters of the block around `span`; an empty mapping outside of blocks."""
    blocks = library.written.get("blocks")
    for _, block in blocks.entries() if isinstance(blocks, Mapping) else ():
        if isinstance(block.value, Mapping) and block.span.overlaps(span):
            params = block.value.get("params")
            return params if isinstance(params, Mapping) else Mapping(span)
    return Mapping(span)


def _short(value: object) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else _begin(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def _begin(value: object) -> str:
    """Return `value` as text, cut soon after _MAX_LENGTH, because a list may be long."""
    if not isinstance(value, list):
        return value[: _MAX_LENGTH + 1] if isinstance(value, str) else str(value)
    text = "["
    for number, item in enumerate(value):
        text += ", " if number else ""
        text += _begin(item) if isinstance(item, list) else repr(item[:_MAX_LENGTH] if isinstance(item, str) else item)
        if len(text) > _MAX_LENGTH:
            return text
    return f"{text}]"
