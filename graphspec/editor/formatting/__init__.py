"""Source → the same spec in canonical order and style: `graphspec fmt`.

The text is read twice: by `document`, which says whether it is sound and what it means, and as it is written, with its
comments. What comes out is read again: it must mean the same and hold the same comments, or nothing comes out.
"""

from __future__ import annotations

import math
import re
from typing import Any

from yaml import YAMLError

from graphspec.diagnostics import Report, SourceText, SpecError
from graphspec.diagnostics.rules import INTERNAL
from graphspec.editor.formatting.json_text import format_json
from graphspec.editor.formatting.layout import lay_out
from graphspec.editor.formatting.order import put_in_order
from graphspec.editor.formatting.read_written import comments_of, read_written
from graphspec.editor.formatting.write_text import write_text
from graphspec.language.document import is_json, read_text
from graphspec.language.document.limits import MAX_FINDINGS
from graphspec.language.document.tree import Mapping

_LINE_BREAK = re.compile(r"\r\n|\n|\r")


def format_source(source: SourceText) -> str:
    """The text of `source` in canonical form. Raises SpecError, with every finding, where it is no sound document.

    Lines end as the first line of `source` does, and so does the text.
    """
    first = _LINE_BREAK.search(source.text)
    plain = SourceText(source.name, source.text.replace("\r\n", "\n").replace("\r", "\n"))
    meant = _meaning(plain)
    formatted, comments = (format_json(plain.text), None) if is_json(source) else _format_yaml(plain.text)
    if not _is_same(SourceText(source.name, formatted), meant, comments):
        raise SpecError.of(
            INTERNAL,
            f"formatting would change what {source.name} means, so it is left as it is",
            help="this is a fault of graphspec: please report it with the file",
        )
    return formatted.replace("\n", first[0] if first is not None else "\n")


def _format_yaml(text: str) -> tuple[str, list[str]]:
    """Return `text` in canonical form, and its comments, sorted."""
    root, comments = read_written(text)
    put_in_order(root)
    lay_out(root)
    return write_text(root), comments


def _is_same(formatted: SourceText, meant: Mapping, comments: list[str] | None) -> bool:
    """Return whether `formatted` has the values of `meant` and the same comments; `comments` is None for JSON."""
    try:
        is_kept = comments is None or comments_of(formatted.text) == comments
        return is_kept and means_same(_meaning(formatted), meant)
    except (SpecError, YAMLError):
        return False


def _meaning(source: SourceText) -> Mapping:
    """The tree of `source`; raises SpecError where reading it has a finding."""
    report = Report(limit=MAX_FINDINGS)
    tree = read_text(source, report)
    report.raise_if_errors()
    return tree


def means_same(one: Any, other: Any) -> bool:
    """Whether two trees hold the same values of the same types, whatever the order of their keys."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(means_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(means_same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)
