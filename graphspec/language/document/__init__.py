"""Parse a spec file or standard input to a tree of values with places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.diagnostics import Diagnostic, Report, SourceText, Span, SpecError
from graphspec.diagnostics.rules import EMPTY_DOCUMENT, TOO_LARGE, UNREADABLE_FILE
from graphspec.files import reason_of
from graphspec.language.document.limits import MAX_BYTES, check_lines, syntax_position
from graphspec.language.document.overlay import STANDARD_INPUT, is_overlaid, read_bytes, record_source
from graphspec.language.document.read_json import read_json
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Mapping
from graphspec.project import is_ours

__all__ = ["DECLARATION_KEYS", "STANDARD_INPUT", "read", "read_source"]

_MARK = "\ufeff"
"""The byte order mark. Some editors write one at the start of a file, some a second one."""

DECLARATION_KEYS = ("vars", "layers", "models", "blocks")
"""The keys whose entries become visible to a file that includes this one."""


def read(path: Path | str, report: Report) -> Mapping:
    """Parse the spec at `path`.

    Args:
        path: A file, parsed as JSON where it ends in `.json`, else as YAML; `-` is standard input.
        report: Receives the diagnostics that leave the tree usable.

    Returns:
        The tree.

    Raises:
        SpecError: The file cannot be read, or there is no tree.
    """
    return read_text(read_source(path), report)


def is_json(source: SourceText) -> bool:
    """Return whether `source` is parsed as JSON. Standard input is if it starts with `{`."""
    return source.name.endswith(".json") or (source.name == "<stdin>" and source.text.lstrip().startswith("{"))


def read_text(source: SourceText, report: Report) -> Mapping:
    """Parse the spec in `source`, as `read` does."""
    tree = _tree(source, report)
    if isinstance(tree, Mapping):
        return tree
    found = "nothing" if tree is None else "a list" if isinstance(tree, list) else f"`{str(tree)[:40]}`"
    report.add(
        EMPTY_DOCUMENT,
        f"a spec is a mapping, but this document holds {found}",
        source.first_line,
        expected="a mapping that begins with `graphspec: 1`",
        help="start from `graphspec: 1`, `inputs:` and `outputs:`",
    )
    raise SpecError(report)


def _tree(source: SourceText, report: Report) -> Any:
    return read_json(source, report) if is_json(source) else read_yaml(source, report)


def read_source(path: Path | str) -> SourceText:
    """Return the text at `path`.

    Raises:
        SpecError: The file cannot be read, or it lies outside of the project and is no spec. In the latter case, the
            diagnostics contain nothing of its text.
    """
    is_foreign = not (is_overlaid(path) or str(path) == STANDARD_INPUT or is_ours(path))
    try:
        source = _read(path)
        if is_foreign:
            _refuse_foreign(source)
    except SpecError as error:
        if is_foreign:
            raise SpecError(Report([_concealed(diagnostic) for diagnostic in error.report.found])) from None
        raise
    record_source(source)
    return source


def _refuse_foreign(source: SourceText) -> None:
    """Raise SpecError where a file outside of the project is no spec."""
    tree = _tree(source, Report())
    if not isinstance(tree, Mapping) or not any(key in tree for key in ("graphspec", "include", *DECLARATION_KEYS)):
        raise SpecError.of(EMPTY_DOCUMENT, "", Span(source, 1, 1, 1, 2))


def _concealed(diagnostic: Diagnostic) -> Diagnostic:
    """Return the diagnostic without any text of its file."""
    rule, span = diagnostic.rule, diagnostic.span
    if span is None:
        return diagnostic
    source = SourceText(span.source.name, "", is_shown=False)
    return Diagnostic(
        rule,
        "the file does not read as a spec" if rule is EMPTY_DOCUMENT else _as_clause(rule.summary),
        Span(source, span.line, span.column, span.end_line, span.end_column),
        help="it is outside of the project of the spec, so its content is not shown",
    )


def _as_clause(summary: str) -> str:
    """Return a sentence in the style of messages: in lower case, without a full stop."""
    return f"{summary[0].lower()}{summary[1:].removesuffix('.')}"


def _decoded(data: bytes, errors: str = "strict") -> str:
    return data.decode("utf-8", errors).lstrip(_MARK)


def _read(path: Path | str) -> SourceText:
    name = "<stdin>" if str(path) == STANDARD_INPUT else str(path)
    try:
        data = read_bytes(path, MAX_BYTES + 1)
    except OSError as error:
        raise SpecError.of(UNREADABLE_FILE, f"cannot read {name}: {reason_of(error)}", help="check the path") from None
    if len(data) > MAX_BYTES:
        source = SourceText(name, _decoded(data[:MAX_BYTES], errors="replace"))
        check_lines(source)
        line = len(source.lines)
        column = len(source.lines[-1]) + 1
        raise SpecError.of(
            TOO_LARGE,
            f"{name} is larger than {MAX_BYTES // 2**20} MiB",
            Span(source, line, column, line, column + 1),
            expected="up to here",
            help="keep numbers in data files of their own",
        )
    try:
        source = SourceText(name, _decoded(data))
    except UnicodeDecodeError as error:
        source = SourceText(name, _decoded(data, errors="replace"))
        check_lines(source)
        line, column = syntax_position(source, len(_decoded(data[: error.start])))
        raise SpecError.of(
            UNREADABLE_FILE,
            f"{name} is not UTF-8 text: byte 0x{data[error.start]:02X} at position {error.start}",
            Span(source, line, column, line, column + 1),
            expected="UTF-8",
            help="save the file as UTF-8",
        ) from None
    check_lines(source)
    return source
