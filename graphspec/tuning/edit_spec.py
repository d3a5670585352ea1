"""The text of a spec and what it is to say instead → a text that says so, with the comments and layout of the first.

Values are changed where they stand, by their places in the tree. The text that comes out is read again: where it does
not say what it should, as when two places share one value by an alias, all of it is written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics import Edit, Fix, Report, SourceText, Span, SpecError
from graphspec.diagnostics.edits import edited
from graphspec.language.document import read_text
from graphspec.language.document.tree import Mapping, Sequence, plain
from graphspec.language.document.write_yaml import write_value, write_yaml
from graphspec.language.schema.desugar import desugar


def rewritten(source: SourceText, wanted: dict[str, Any]) -> str:
    """The text of `source`, changed so that it says `wanted`, a spec whose short forms are written out."""
    try:
        tree = _tree(source)
        fixes = [Fix("", (edit,)) for edit in _edits(tree, tree.span, wanted)]
        text = edited(source.text.encode("utf-8"), source, fixes)[0].decode("utf-8")
        if plain(_tree(SourceText(source.name, text))) == wanted:
            return text
    except (SpecError, LookupError):
        pass
    return write_yaml(wanted)


def _tree(source: SourceText) -> Mapping:
    report = Report()
    tree = read_text(source, report)
    report.raise_if_errors()
    desugar(tree)
    return tree


def _edits(value: Any, span: Span, wanted: Any) -> Iterator[Edit]:
    """What makes of `value`, which stands at `span`, what is `wanted`."""
    if isinstance(value, Mapping) and value and isinstance(wanted, dict) and set(value) <= set(wanted):
        for key, item in value.entries():
            yield from _edits(item.value, item.span, wanted[key.value])
        missing = {key: item for key, item in wanted.items() if key not in value}
        if missing:
            yield _replaced(span, wanted) if _is_short(value) else _inserted(value, missing)
    elif isinstance(value, Sequence) and isinstance(wanted, list) and len(value) == len(wanted):
        for item, other in zip(value.entries(), wanted, strict=True):
            yield from _edits(item.value, item.span, other)
    elif type(value) is not type(wanted) or value != wanted:
        yield _replaced(span, wanted)


def _is_short(mapping: Mapping) -> bool:
    """Whether the mapping is what a short form stands for, so that none of its keys is written."""
    return mapping.span in mapping.key_spans.values()


def _replaced(span: Span, wanted: Any) -> Edit:
    written = span.text
    if not written:  # nothing after the colon
        return Edit(span, f" {write_value(wanted)}")
    trailing = len(written) - len(written.rstrip())
    return Edit(span, write_value(wanted) + written[len(written) - trailing :])


def _inserted(mapping: Mapping, missing: dict[str, Any]) -> Edit:
    """New keys: in brackets before the first; else below the first one whose value ends on its line.

    Raises IndexError where there is none.
    """
    entries = [f"{write_value(key)}: {write_value(item)}" for key, item in missing.items()]
    if mapping.span.text.startswith("{"):
        first = next(iter(mapping.key_spans.values()))
        return Edit(_at(first.source, first.line, first.column), "".join(f"{each}, " for each in entries))
    ends_there = [
        key
        for key, span in mapping.value_spans.items()
        if span.line == span.end_line == mapping.key_spans[key].line and mapping.key_spans[key].column < span.column
    ]
    key = ends_there[0]
    span, indent = mapping.value_spans[key], mapping.key_spans[key].column - 1
    end = len(span.source.line(span.line).rstrip("\r\n")) + 1
    return Edit(_at(span.source, span.line, end), "".join(f"\n{' ' * indent}{each}" for each in entries))


def _at(source: SourceText, line: int, column: int) -> Span:
    return Span(source, line, column, line, column)
