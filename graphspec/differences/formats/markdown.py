"""The difference as the comment of a pull request: what matters first, and details to unfold.

All that comes from a spec stands in code spans, in which nothing is a link, a mention of somebody, HTML or a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphspec.diagnostics.escapes import escaped
from graphspec.differences.changed_specs import Since, SpecSince
from graphspec.differences.difference import Change, Difference, NodeChange
from graphspec.differences.formats.lines import (
    NO_DIFFERENCE,
    alike,
    block_lines,
    block_title,
    fault_line,
    heading,
    node_lines,
    parameter_line,
    reshaped_line,
    setting_line,
    setting_sign,
    since_line,
    size_line,
    title,
    weight_lines,
)
from graphspec.differences.texts import value_text
from graphspec.differences.values import UNSET

_SIGNS = {"added": "🟢 added", "removed": "🔴 removed", "changed": "🟡 changed", "+": "🟢", "-": "🔴", "~": "🟡"}
_MAX_ROWS = 60
_MAX_COMMENT = 60_000
"""Characters; GitHub takes 65,536 in a comment."""


def write_markdown(difference: Difference) -> str:
    """Return the difference as markdown of GitHub and GitLab."""
    return "\n".join(_lines(difference))


def write_markdown_since(since: Since) -> str:
    """Return what has changed in several specs, as much of it as a comment on GitHub may hold."""
    parts = [f"**{_code(since_line(since))}**"]
    for number, each in enumerate(since.specs):
        part = "\n".join(_since_lines(each))
        if sum(map(len, parts)) + len(part) > _MAX_COMMENT:
            command = _code(f"graphspec diff --since {since.revision}")
            parts.append(f"… and {len(since.specs) - number} more specs: {command}")
            break
        parts.append(part)
    return "\n\n".join(parts)


def _since_lines(each: SpecSince) -> Iterator[str]:
    if each.difference is not None:
        yield from _lines(each.difference)
    elif each.report is not None:
        yield f"### ⚠️ {_code(each.path)}"
        yield ""
        yield _code(fault_line(each.report))
    else:
        yield f"### {_SIGNS[each.status]} {_code(each.path)}"


def _lines(difference: Difference) -> Iterator[str]:
    yield f"### {_code(heading(difference))}"
    yield ""
    if difference.is_empty:
        yield f"{NO_DIFFERENCE[0].upper()}{NO_DIFFERENCE[1:]}."
        return
    carried, *details = weight_lines(difference.weights)
    yield f"{_code(parameter_line(difference))} · {_code(carried)}"
    rows = [*_blocks(difference), *_nodes(difference.nodes)]
    if rows:
        yield from ("", "| | where | what |", "|---|---|---|", *rows[:_MAX_ROWS])
        if len(rows) > _MAX_ROWS:
            yield f"| | | … {len(rows) - _MAX_ROWS} more |"
    if difference.settings:
        yield from ("", "| | setting | before | after |", "|---|---|---|---|")
        yield from map(_setting, difference.settings[:_MAX_ROWS])
        if len(difference.settings) > _MAX_ROWS:
            yield f"| | … {len(difference.settings) - _MAX_ROWS} more | | |"
    more = [*([reshaped_line(difference)] if difference.reshaped else []), *details]
    if more:
        yield from ("", "<details><summary>Shapes and weights</summary>", "")
        yield from (f"- {_code(line)}" for line in more)
        yield from ("", "</details>")


def _blocks(difference: Difference) -> Iterator[str]:
    for block in difference.blocks:
        lines = list(block_lines(block))
        for member in () if block.is_explained else block.members:
            lines += [f"{title(member)}: {line}" for line in node_lines(member)]
        yield _row(block.status, block_title(block), lines)


def _nodes(changes: tuple[NodeChange, ...]) -> Iterator[str]:
    for change, names in alike(changes):
        size = size_line(change) if len(names) == 1 else ""
        yield _row(change.status, title(change, names), [*node_lines(change), *([size] if size else [])])


def _row(status: str, where: str, what: list[str]) -> str:
    return f"| {_SIGNS[status]} | {_cell(where)} | {'<br>'.join(map(_cell, what))} |"


def _setting(change: Change) -> str:
    sign = _SIGNS[setting_sign(change)]
    if setting_line(change) == change.path:
        return f"| {sign} | {_cell(change.path)} | | |"
    before, after = (" " if each is UNSET else f" {_cell(value_text(each))} " for each in (change.before, change.after))
    return f"| {sign} | {_cell(change.path)} |{before}|{after}|"


def _cell(text: str) -> str:
    """Return any text as code in a table, which is cut at each bar before its cells are read."""
    return _code(text).replace("|", "\\|")


def _code(text: str) -> str:
    """Return any text as code, between more backticks than it holds in a row."""
    text = escaped(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{space}{text or ' '}{space}{fence}"
