"""Text → tree: a spec file, or standard input, read into plain values that know where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.diagnostics import Diagnostic, Report, SourceText, Span, SpecError
from graphspec.diagnostics.rules import EMPTY_DOCUMENT, TOO_LARGE, UNREADABLE_FILE
from graphspec.files import reason_of
from graphspec.language.document.limits import MAX_BYTES, check_lines, syntax_position
from graphspec.language.document.overlay import STANDARD_INPUT, is_held, note, read_bytes
from graphspec.language.document.read_json import read_json
from graphspec.language.document.read_yaml import read_yaml
from graphspec.language.document.tree import Mapping
from graphspec.project import is_ours

__all__ = ["DECLARING", "STANDARD_INPUT", "read", "read_source"]

_MARK = "\ufeff"
"""A byte order mark. Some editors write one at the start of a file, and some write a second one."""

DECLARING = ("vars", "layers", "models", "blocks")
"""The keys under which a file declares what others use by including it."""


def read(path: Path | str, report: Report) -> Mapping:
    """Read the spec at `path` (`-` is standard input; `.json` is read as JSON, all else as YAML).

    Findings that leave the tree whole go to `report`. Raises SpecError where there is no tree to go on with.
    """
    return read_text(read_source(path), report)


def is_json(source: SourceText) -> bool:
    """Whether `source` is read as JSON: by its name, and standard input by how it starts."""
    return source.name.endswith(".json") or (source.name == "<stdin>" and source.text.lstrip().startswith("{"))


def read_text(source: SourceText, report: Report) -> Mapping:
    """Read the spec that `source` holds, as `read` does."""
    tree = _tree(source, report)
    if isinstance(tree, Mapping):
        return tree
    found = "nothing" if tree is None else "a list" if isinstance(tree, list) else f"`{str(tree)[:40]}`"
    report.add(
        EMPTY_DOCUMENT,
        f"a spec is a mapping, but this document holds {found}",
        Span(source, 1, 1, 1, 1 + len(source.line(1))),
        expected="a mapping that begins with `graphspec: 1`",
        help="start from `graphspec: 1`, `inputs:` and `outputs:`",
    )
    raise SpecError(report)


def _tree(source: SourceText, report: Report) -> Any:
    return read_json(source, report) if is_json(source) else read_yaml(source, report)


def read_source(path: Path | str) -> SourceText:
    """The text at `path` with its name. Raises SpecError (GS001, GS006) where it cannot be had.

    Of a file outside of the project of the spec, its text is given only where it reads as a spec. Otherwise SpecError
    is raised with what is wrong with it and where, and with nothing that it holds.
    """
    is_foreign = not (is_held(path) or str(path) == STANDARD_INPUT or is_ours(path))
    try:
        source = _read(path)
        if is_foreign:
            _refuse_foreign(source)
    except SpecError as error:
        if is_foreign:
            raise SpecError(Report([_concealed(finding) for finding in error.report.found])) from None
        raise
    note(source)
    return source


def _refuse_foreign(source: SourceText) -> None:
    """Raise SpecError where a file that lies elsewhere does not read as a spec."""
    tree = _tree(source, Report())
    if not isinstance(tree, Mapping) or not any(key in tree for key in ("graphspec", "include", *DECLARING)):
        raise SpecError.of(EMPTY_DOCUMENT, "", Span(source, 1, 1, 1, 2))


def _concealed(finding: Diagnostic) -> Diagnostic:
    """`finding` without anything that its file holds: neither the line nor the words of it."""
    span = finding.span
    if span is None:
        return finding
    source = SourceText(span.source.name, "", is_shown=False)
    return Diagnostic(
        finding.rule,
        "the file does not read as a spec" if finding.rule is EMPTY_DOCUMENT else _as_clause(finding.rule.summary),
        Span(source, span.line, span.column, span.end_line, span.end_column),
        help="it is outside of the project of the spec, so its content is not shown",
    )


def _as_clause(summary: str) -> str:
    """A sentence as the messages of findings are written."""
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
