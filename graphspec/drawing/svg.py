"""Diagrams → SVG text. The colours are those of `STYLE`, which a page may override."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from graphspec.diagnostics.escapes import escaped_lines
from graphspec.drawing.drawings import Drawing
from graphspec.drawing.faces import FOLD, HEAD, LINE, MARK, PADDING, Face, FaceLine
from graphspec.drawing.layering import Point
from graphspec.drawing.nesting import PlacedBox, Route

STYLE = """
.graph { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.graph .back { fill: var(--box, #fff); }
.graph .box { fill: none; stroke: var(--line, #cbd5e1); }
.graph .frame { fill: var(--group, #f8fafc); } .graph .odd { fill: var(--group-odd, #eef2f7); }
.graph .block > .box, .graph .model > .box { stroke: var(--block, #94a3b8); }
.graph .input > .box { stroke: var(--input, #0d9488); }
.graph .output > .box { stroke: var(--output, #4f46e5); stroke-width: 1.6; }
.graph .head { fill: var(--head, #f1f5f9); }
.graph .block > .head, .graph .model > .head { fill: var(--block-head, #e2e8f0); }
.graph .input > .head { fill: var(--input-head, #ccfbf1); }
.graph .output > .head { fill: var(--output-head, #e0e7ff); }
.graph .title { font-weight: 600; fill: var(--ink, #0f172a); }
.graph .layer { fill: var(--ink, #0f172a); }
.graph .shape, .graph .more, .graph .count { fill: var(--muted, #64748b); }
.graph .sign { fill: none; stroke: var(--muted, #64748b); stroke-width: 1.6; }
.graph .arrow { fill: none; stroke: var(--arrow, #94a3b8); stroke-width: 1.4; }
.graph .arrow:hover { stroke: var(--ink, #0f172a); stroke-width: 2.2; }
.graph .tip { fill: var(--arrow, #94a3b8); }
.graph .mark-text { font-weight: 700; font-size: 10px; fill: #fff; text-anchor: middle; }
.graph .mark-0 { fill: #b45309; } .graph .mark-1 { fill: #7c3aed; } .graph .mark-2 { fill: #be123c; }
.graph .mark-3 { fill: #0369a1; } .graph .mark-4 { fill: #4d7c0f; } .graph .mark-5 { fill: #a21caf; }
"""
"""The style sheet of a drawing, for the page or file that holds it."""

MARGIN = 8.0

_GENERATOR = "<!-- graphspec plot -->"
"""The comment in a file that shows that it may be replaced."""


_VARIABLE = re.compile(r"var\(--[a-z-]+, (#[0-9a-f]+)\)")


def size_of(drawing: Drawing) -> Point:
    """Return the width and height of a drawing with its margins."""
    return drawing.picture.width + 2 * MARGIN, drawing.picture.height + 2 * MARGIN


def svg_element(drawing: Drawing) -> str:
    """Return the drawing as an `<svg class="graph">` element, with every text of the spec escaped."""
    width, height = size_of(drawing)
    head = (
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-MARGIN:g} {-MARGIN:g} {width:.0f} {height:.0f}">'
        f"<title>{_text(f'the graph of {drawing.name}')}</title>"
    )
    return "".join([head, *_boxes(drawing), "</svg>"])


def svg_file(drawing: Drawing) -> str:
    """Return the drawing as an SVG file, which holds its style sheet and a background."""
    style = f"<style>{_VARIABLE.sub(lambda match: match[1], STYLE)}</style>"  # few programs but browsers know variables
    background = f'<rect x="{-MARGIN:g}" y="{-MARGIN:g}" width="100%" height="100%" fill="#fff"/>'
    return svg_element(drawing).replace(">", f">{_GENERATOR}{style}{background}", 1) + "\n"


def is_svg_of_plot(first: bytes) -> bool:
    """Return whether a file that begins with `first` is a drawing by graphspec."""
    return first.startswith(b"<svg ") and _GENERATOR.encode() in first


def _boxes(drawing: Drawing) -> Iterator[str]:
    """Yield the unfolded groups, then the arrows, then the heads of the groups and all other boxes."""
    for placed in drawing.picture.boxes:
        if placed.view.boxes:
            yield _frame(placed)
    yield from map(_route, drawing.picture.routes)
    for placed in drawing.picture.boxes:
        yield _box(placed, drawing.face(placed.view), drawing.colours)


def _frame(placed: PlacedBox) -> str:
    odd = " odd" if placed.view.depth % 2 else ""
    return (
        f'<rect class="frame{odd}" x="{placed.x:.1f}" y="{placed.y:.1f}" width="{placed.width:.1f}" '
        f'height="{placed.height:.1f}" rx="8"/>'
    )


def _box(placed: PlacedBox, face: Face, marks: Mapping[str, int]) -> str:
    width, height, is_open = placed.width, placed.height, bool(placed.view.boxes)
    head = HEAD if is_open else face.head
    box = placed.view.box
    parts = [
        f'<g class="{box.kind}" transform="translate({placed.x:.1f} {placed.y:.1f})">',
        f"<title>{_text(face.whole)}</title>",
    ]
    if not is_open:
        parts.append(f'<rect class="back" width="{width:.1f}" height="{height:.1f}" rx="8"/>')
    if face.title:
        d = f"M0 {head:g}v{8 - head:g}q0 -8 8 -8h{width - 16:.1f}q8 0 8 8v{head - 8:g}z"
        parts.append(f'<path class="head" d="{d}"/>')
        start = PADDING
        if box.is_group:
            middle = PADDING + 4
            sign = f"M{middle - 4:g} 14h8" + ("" if is_open else f"M{middle:g} 10v8")
            parts.append(f'<path class="sign" d="{sign}"/>')
            start += FOLD
        if face.mark:
            parts.append(_mark(face.mark, start, 18, marks))
            start += MARK
        parts.append(f'<text class="title" x="{start:g}" y="18">{_text(face.title)}</text>')
        if face.count:
            parts.append(
                f'<text class="count" x="{width - PADDING:.1f}" y="18" text-anchor="end">{_text(face.count)}</text>'
            )
    parts.append(f'<rect class="box" width="{width:.1f}" height="{height:.1f}" rx="8"/>')
    if not is_open:
        parts += _lines(face, width, marks)
    return "".join([*parts, "</g>"])


def _lines(face: Face, width: float, marks: Mapping[str, int]) -> Iterator[str]:
    y = face.head + 16
    for number, line in enumerate(face.lines):
        if face.skipped and number == len(face.lines) // 2:
            yield f'<text class="more" x="{PADDING:g}" y="{y:g}">… {face.skipped} more</text>'
            y += LINE
        yield _line(line, width, y, marks)
        y += LINE


def _line(line: FaceLine, width: float, y: float, marks: Mapping[str, int]) -> str:
    mark, start = "", PADDING
    if line.mark:
        mark = _mark(line.mark, start, y, marks)
        start += MARK
    return (
        f'{mark}<text class="layer" x="{start:g}" y="{y:g}">{_text(line.text)}</text>'
        f'<text class="shape" x="{width - PADDING:.1f}" y="{y:g}" text-anchor="end">{_text(line.shape)}</text>'
    )


def _mark(mark: str, x: float, y: float, marks: Mapping[str, int]) -> str:
    return (
        f'<rect class="mark-{marks.get(mark, 0)}" x="{x:g}" y="{y - 11:g}" width="16" height="14" rx="4"/>'
        f'<text class="mark-text" x="{x + 8:g}" y="{y - 0.5:g}">{_text(mark)}</text>'
    )


def _route(route: Route) -> str:
    """Return the path of an arrow: lines through rows, and curves between them."""
    (x, y), *rest = route.points
    path = [f"M{x:.1f} {y:.1f}"]
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2 == 0:
            path.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            half = (to_y - y) / 2
            path.append(f"C{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    title = f"<title>{_text(route.text)}</title>" if route.text else ""
    tip = f'<path class="tip" d="M{x:.1f} {y:.1f}l-3.5 {route.tip:g}h7z"/>' if route.is_last else ""
    return f'<g><path class="arrow" d="{"".join(path)}">{title}</path>{tip}</g>'


def _text(text: str) -> str:
    """Return `text` escaped for XML, with control characters drawing visible."""
    return escape(escaped_lines(text))
