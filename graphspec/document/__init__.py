"""Text → tree: a spec file, or standard input, read into plain values that know where they stand."""

from __future__ import annotations

from pathlib import Path

from graphspec.diagnostics import Report, Source, Span, SpecError
from graphspec.document.limits import MAX_BYTES, syntax_position
from graphspec.document.open_texts import STANDARD_INPUT, note, read_bytes
from graphspec.document.read_json import read_json
from graphspec.document.read_yaml import read_yaml
from graphspec.document.tree import Mapping
from graphspec.rules import EMPTY_DOCUMENT, TOO_LARGE, UNREADABLE_FILE

__all__ = ["STANDARD_INPUT", "read", "read_source"]


def read(path: Path | str, report: Report) -> Mapping:
    """Read the spec at `path` (`-` is standard input; `.json` is read as JSON, all else as YAML).

    Findings that leave the tree whole go to `report`. Raises SpecError where there is no tree to go on with.
    """
    return read_text(read_source(path), report)


def is_json(source: Source) -> bool:
    """Whether `source` is read as JSON: by its name, and standard input by how it starts."""
    return source.name.endswith(".json") or (source.name == "<stdin>" and source.text.lstrip().startswith("{"))


def read_text(source: Source, report: Report) -> Mapping:
    """Read the spec that `source` holds, as `read` does."""
    tree = read_json(source, report) if is_json(source) else read_yaml(source, report)
    if isinstance(tree, Mapping):
        return tree
    found = "nothing" if tree is None else "a list" if isinstance(tree, list) else f"`{str(tree)[:40]}`"
    report.add(
        EMPTY_DOCUMENT,
        f"a spec is a mapping, and this document holds {found}",
        Span(source, 1, 1, 1, 1 + len(source.line(1))),
        expected="the key `graphspec: 1` and what follows",
        help="start from `graphspec: 1`, `inputs:` and `outputs:`",
    )
    raise SpecError(report)


def read_source(path: Path | str) -> Source:
    """The text at `path` with its name. Raises SpecError (GS001, GS006) where it cannot be had."""
    name = "<stdin>" if str(path) == STANDARD_INPUT else str(path)
    try:
        data = read_bytes(path, MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SpecError.of(UNREADABLE_FILE, f"cannot read {name}: {reason}", help="check the path") from None
    if len(data) > MAX_BYTES:
        source = Source(name, data[:MAX_BYTES].decode("utf-8", errors="replace"))
        line = len(source.lines)
        column = len(source.lines[-1]) + 1
        raise SpecError.of(
            TOO_LARGE,
            f"{name} is larger than {MAX_BYTES // 2**20} MiB",
            Span(source, line, column, line, column + 1),
            expected="up to here",
            help="a spec is a small text; numbers lie in files of their own",
        )
    try:
        source = Source(name, data.decode("utf-8-sig"))
        note(source)
        return source
    except UnicodeDecodeError as error:
        source = Source(name, data.decode("utf-8-sig", errors="replace"))
        line, column = syntax_position(source, len(data[: error.start].decode("utf-8-sig")))
        raise SpecError.of(
            UNREADABLE_FILE,
            f"{name} is not UTF-8 text: byte 0x{data[error.start]:02X} at position {error.start}",
            Span(source, line, column, line, column + 1),
            expected="UTF-8",
            help="save the file as UTF-8",
        ) from None
