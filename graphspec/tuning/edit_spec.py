"""Edit the values of a spec in its text, and keep comments and layout.

Values are replaced at their spans. The result is parsed again: if it does not have the new values, as when two keys
share one value by an alias, the whole text is rewritten.
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


def edit_spec(source: SourceText, new: dict[str, Any]) -> str:
    """Return the text of a spec, edited to have the values of another.

    Args:
        source: Text of the spec.
        new: Tree of the other spec, without short forms.
    """
    try:
        tree = _tree(source)
        fixes = [Fix("", (edit,)) for edit in _edits(tree, tree.span, new)]
        text = edited(source.text.encode("utf-8"), source, fixes)[0].decode("utf-8")
        if plain(_tree(SourceText(source.name, text))) == new:
            return text
    except (SpecError, LookupError):
        pass
    return write_yaml(new)


def _tree(source: SourceText) -> Mapping:
    report = Report()
    tree = read_text(source, report)
    report.raise_if_errors()
    desugar(tree)
    return tree


def _edits(value: Any, span: Span, new: Any) -> Iterator[Edit]:
    """Yield the edits that change `value`, at `span`, to `new`."""
    if isinstance(value, Mapping) and value and isinstance(new, dict) and set(value) <= set(new):
        for key, item in value.entries():
            yield from _edits(item.value, item.span, new[key.value])
        missing = {key: item for key, item in new.items() if key not in value}
        if missing:
            yield _replace(span, new) if _is_short(value) else _insert(value, missing)
    elif isinstance(value, Sequence) and isinstance(new, list) and len(value) == len(new):
        for item, other in zip(value.entries(), new, strict=True):
            yield from _edits(item.value, item.span, other)
    elif type(value) is not type(new) or value != new:
        yield _replace(span, new)


def _is_short(mapping: Mapping) -> bool:
    """Return whether the mapping comes from a short form, so that its keys are not in the text."""
    return mapping.span in mapping.key_spans.values()


def _replace(span: Span, new: Any) -> Edit:
    text = span.text
    if not text:  # nothing after the colon
        return Edit(span, f" {write_value(new)}")
    return Edit(span, write_value(new) + text[len(text.rstrip()) :])


def _insert(mapping: Mapping, missing: dict[str, Any]) -> Edit:
    """Return the edit that adds keys: in braces before the first; else below the first one-line value.

    Raises IndexError if there is none.
    """
    entries = [f"{write_value(key)}: {write_value(item)}" for key, item in missing.items()]
    if mapping.span.text.startswith("{"):
        first = next(iter(mapping.key_spans.values()))
        return Edit(_at(first.source, first.line, first.column), "".join(f"{each}, " for each in entries))
    one_line = [
        key
        for key, span in mapping.value_spans.items()
        if span.line == span.end_line == mapping.key_spans[key].line and mapping.key_spans[key].column < span.column
    ]
    key = one_line[0]
    span, indent = mapping.value_spans[key], mapping.key_spans[key].column - 1
    end = len(span.source.line(span.line).rstrip("\r\n")) + 1
    return Edit(_at(span.source, span.line, end), "".join(f"\n{' ' * indent}{each}" for each in entries))


def _at(source: SourceText, line: int, column: int) -> Span:
    return Span(source, line, column, line, column)
