"""A diagram and its layout → SVG text. The colours are those of `STYLE`, which a page may override.

All text is in one fixed-width face, so that what fits is known without measuring.
"""

from __future__ import annotations

import unicodedata
from html import escape

from graphspec.diagnostics.escapes import escaped_lines
from graphspec.drawing.diagram import Box, Diagram, Line
from graphspec.drawing.layering import Placement, Point, lay_out

CHARACTER, LINE, HEAD, PADDING = 7.3, 19.0, 28.0, 12.0
"""The width of a character at 12 px, the height of a line and of a title, and the space at the sides of a box."""

MAX_WIDTH = 40
"""The maximum width of a title or layer in characters; a longer one is cut, and whole in the tooltip."""

COLOURS = 6
"""The number of colours of the marks of shared layers; the letters distinguish more layers."""

STYLE = """
.graph { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.graph .box { fill: var(--box, #fff); stroke: var(--line, #cbd5e1); }
.graph .input .box { stroke: var(--input, #0d9488); }
.graph .output .box { stroke: var(--output, #4f46e5); stroke-width: 1.6; }
.graph .head { fill: var(--head, #f1f5f9); }
.graph .input .head { fill: var(--input-head, #ccfbf1); }
.graph .output .head { fill: var(--output-head, #e0e7ff); }
.graph .title { font-weight: 600; fill: var(--ink, #0f172a); }
.graph .layer { fill: var(--ink, #0f172a); }
.graph .shape, .graph .more { fill: var(--muted, #64748b); }
.graph .arrow { fill: none; stroke: var(--arrow, #94a3b8); stroke-width: 1.4; }
.graph .arrow:hover { stroke: var(--ink, #0f172a); stroke-width: 2.2; }
.graph .tip { fill: var(--arrow, #94a3b8); }
.graph .mark-text { font-weight: 700; font-size: 10px; fill: #fff; text-anchor: middle; }
.graph .mark-0 { fill: #b45309; } .graph .mark-1 { fill: #7c3aed; } .graph .mark-2 { fill: #be123c; }
.graph .mark-3 { fill: #0369a1; } .graph .mark-4 { fill: #4d7c0f; } .graph .mark-5 { fill: #a21caf; }
"""
"""The style sheet of a drawing, for the page or file that holds it."""

_MARGIN = 8.0
_MARK = 22.0


def draw(diagram: Diagram) -> str:
    """Return the diagram as an `<svg class="graph">` element, with every text of the spec escaped."""
    sizes = {box.key: _size(box) for box in diagram.boxes}
    layout = lay_out(sizes, [(arrow.start, arrow.end) for arrow in diagram.arrows])
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    marks = {mark: number for number, mark in enumerate(diagram.shared)}
    parts = [
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-_MARGIN:g} {-_MARGIN:g} {width:.0f} {height:.0f}">'
        f"<title>{_text(f'the graph of {diagram.name}')}</title>"
    ]
    parts += [_arrow(points, arrow.text) for arrow, points in zip(diagram.arrows, layout.routes, strict=True)]
    parts += [_box(box, sizes[box.key], layout, marks) for box in diagram.boxes]
    return "".join([*parts, "</svg>"])


def _size(box: Box) -> Point:
    widths = [_width(_cut(box.title))]
    for line in box.lines:
        widths.append(_width(_cut(line.layer)) + 2 * CHARACTER + _width(_cut(line.shape)) + (_MARK if line.mark else 0))
    count = len(box.lines) + (1 if box.skipped else 0)
    return max(90.0, max(widths) + 2 * PADDING), HEAD + count * LINE + 8


def _box(box: Box, size: Point, layout: Placement, marks: dict[str, int]) -> str:
    (x, y), (width, height) = layout.places[box.key], size
    parts = [
        f'<g class="{box.kind}" transform="translate({x:.1f} {y:.1f})">',
        f"<title>{_text(_tooltip(box))}</title>",
        f'<path class="head" d="M0 {HEAD:g}v{8 - HEAD:g}q0 -8 8 -8h{width - 16:.1f}q8 0 8 8v{HEAD - 8:g}z"/>',
        f'<rect class="box" width="{width:.1f}" height="{height:.1f}" rx="8" fill-opacity="0"/>',
        f'<text class="title" x="{PADDING:g}" y="19">{_text(_cut(box.title))}</text>',
    ]
    y = HEAD + 16
    for number, line in enumerate(box.lines):
        if box.skipped and number == len(box.lines) // 2:
            parts.append(f'<text class="more" x="{PADDING:g}" y="{y:g}">… {box.skipped} more</text>')
            y += LINE
        parts.append(_line(line, width, y, marks))
        y += LINE
    return "".join([*parts, "</g>"])


def _line(line: Line, width: float, y: float, marks: dict[str, int]) -> str:
    mark, start = "", PADDING
    if line.mark:
        start += _MARK
        middle = PADDING + 8
        mark = (
            f'<rect class="mark-{marks[line.mark] % COLOURS}" x="{PADDING:g}" y="{y - 11:g}" width="16" height="14" '
            f'rx="4"/><text class="mark-text" x="{middle:g}" y="{y - 0.5:g}">{_text(line.mark)}</text>'
        )
    return (
        f'{mark}<text class="layer" x="{start:g}" y="{y:g}">{_text(_cut(line.layer))}</text>'
        f'<text class="shape" x="{width - PADDING:.1f}" y="{y:g}" text-anchor="end">{_text(_cut(line.shape))}</text>'
    )


def _arrow(points: list[Point], text: str) -> str:
    """Return the path of an arrow: lines through rows, and curves between them."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2 == 0:
            path.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            half = (to_y - y) / 2
            path.append(f"C{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    tip = f'<path class="tip" d="M{x:.1f} {y:.1f}l-3.5 -7h7z"/>'
    return f'<g><path class="arrow" d="{"".join(path)}"><title>{_text(text)}</title></path>{tip}</g>'


def _tooltip(box: Box) -> str:
    return "\n".join([box.title, *(f"{line.layer} {line.shape}" for line in box.lines)])


def _width(text: str) -> float:
    return CHARACTER * sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_WIDTH else f"{text[: MAX_WIDTH - 1]}…"


def _text(text: str) -> str:
    """Return `text` escaped for XML, with control characters made visible."""
    return escape(escaped_lines(text))
