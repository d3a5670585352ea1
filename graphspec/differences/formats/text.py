"""The difference for people, in colours on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graphspec.diagnostics.escapes import escaped
from graphspec.differences.changed_specs import Since, SpecSince
from graphspec.differences.difference import Difference, NodeChange
from graphspec.differences.formats.lines import (
    NO_DIFFERENCE,
    SIGNS,
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

Paint = Callable[[str, str], str]
"""Colours a text by its role: `added`, `removed`, `changed`, `heading`, `quiet`."""

_ROLES = {"+": "added", "-": "removed", "~": "changed"}
_INDENT = "    "


def plain(text: str, role: str) -> str:
    """Return `text` without colour."""
    return text


def write_text(difference: Difference, paint: Paint = plain) -> str:
    """Return the difference as lines, coloured by `paint`."""
    return "\n".join(_lines(difference, paint))


def write_text_since(since: Since, paint: Paint = plain) -> str:
    """Return what has changed in several specs, coloured by `paint`."""
    lines = [
        paint(escaped(f"{since_line(since)}"), "heading"),
        *("\n".join(_since_lines(each, paint)) for each in since.specs),
    ]
    return "\n\n".join(lines)


def _since_lines(each: SpecSince, paint: Paint) -> Iterator[str]:
    if each.difference is not None:
        yield from _lines(each.difference, paint)
    elif each.report is not None:
        yield f"{paint(escaped(each.path), 'heading')} {fault_line(each.report)}"
    else:
        role = "added" if each.status == "added" else "removed"
        yield paint(f"{SIGNS[role]} {escaped(each.path)}", role)


def _lines(difference: Difference, paint: Paint) -> Iterator[str]:
    yield paint(escaped(heading(difference)), "heading")
    if difference.is_empty:
        yield NO_DIFFERENCE
        return
    for part in ("inputs", "layers", "graph", "outputs", "losses"):
        changes = list(difference.of_part(part))
        if part == "graph" and difference.blocks:
            yield from ("", paint("blocks", "heading"), *_blocks(difference, paint))
        if changes:
            yield from ("", paint(part, "heading"), *_nodes(changes, paint, _INDENT))
    if difference.reshaped:
        yield from ("", paint(escaped(reshaped_line(difference)), "quiet"))
    groups: dict[str, list[str]] = {}
    for each in difference.settings:
        part = each.path.partition(".")[0]
        line = setting_line(each).removeprefix(f"{part}." if part != "outputs" else "")
        groups.setdefault("training" if part == "outputs" else part, []).append(
            _line(setting_sign(each), line, paint, _INDENT)
        )
    for part, lines in groups.items():
        yield from ("", paint(escaped(part), "heading"), *lines)
    yield ""
    yield paint(escaped(parameter_line(difference)), "heading")
    first_line, *more = weight_lines(difference.weights)
    yield paint(escaped(first_line), "heading")
    yield from (f"{_INDENT}{escaped(line)}" for line in more)


def _blocks(difference: Difference, paint: Paint) -> Iterator[str]:
    for block in difference.blocks:
        yield _line(SIGNS[block.status], block_title(block), paint, _INDENT)
        yield from (f"{_INDENT * 2}{escaped(line)}" for line in block_lines(block))
        members = () if block.is_explained else block.members
        yield from _nodes(list(members), paint, _INDENT * 2, sized=len(block.nodes) == 1)


def _nodes(changes: list[NodeChange], paint: Paint, indent: str, *, sized: bool = True) -> Iterator[str]:
    for change, names in alike(changes):
        size = size_line(change) if sized and len(names) == 1 else ""
        lines = list(node_lines(change))
        end = f" {paint(escaped(f'({size})'), 'quiet')}" if size else ""
        if len(lines) == 1:
            yield _line(SIGNS[change.status], f"{title(change, names)}: {lines[0]}", paint, indent) + end
            continue
        yield _line(SIGNS[change.status], title(change, names), paint, indent) + end
        yield from (f"{indent}{_INDENT}{_painted(line, paint)}" for line in lines)


def _painted(line: str, paint: Paint) -> str:
    role = _ROLES.get(line[:1]) if line[1:2] == " " else None
    return paint(escaped(line), role) if role else escaped(line)


def _line(sign: str, text: str, paint: Paint, indent: str) -> str:
    return f"{indent}{paint(f'{sign} {escaped(text)}', _ROLES[sign])}"
