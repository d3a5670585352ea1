"""The face of a box: the texts that it shows when it is folded, and its size.

All text is in one fixed-width face, so that what fits is known without measuring.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from graphspec.drawing.diagram import Box, Diagram
from graphspec.language.graph import Layer
from graphspec.shapes import Shapes
from graphspec.shapes.parameters import count_parameters

CHARACTER, LINE, HEAD, PADDING = 7.3, 19.0, 28.0, 12.0
"""The width of a character at 12 px, the height of a line and of a title, and the space at the sides of a box."""

MARK = 22.0
"""The width of a mark and the space after it."""

FOLD = 16.0
"""The width of the sign that a box can be unfolded."""

MAX_WIDTH = 40
"""The maximum width of a title or layer in characters; a longer one is cut, and whole in the tooltip."""

MAX_LINES = 12
"""The maximum number of lines of a box; those in the middle of a longer one are left out."""

_MAX_PARTS = 6


@dataclass(frozen=True, slots=True)
class FaceLine:
    """A line of a face: a text, one at the right, and a mark."""

    text: str
    shape: str
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """The texts of a folded box.

    Attributes:
        mark: The mark of a model that is applied several times.
        count: The number of parameters, shortened; empty for none.
        skipped: The number of lines left out in the middle.
        whole: All texts uncut, for a tooltip.
    """

    title: str
    mark: str
    count: str
    lines: tuple[FaceLine, ...]
    skipped: int
    whole: str
    width: float
    height: float
    head: float


def faces(diagrams: Sequence[Diagram], shapes: Shapes) -> dict[int, Face]:
    """Return the face of every box, by its id."""
    return {
        id(box): _face(box, diagrams, parameters_of(box, diagrams, shapes))
        for diagram in diagrams
        for box in diagram.every_box()
    }


def parameters_of(box: Box, diagrams: Sequence[Diagram], shapes: Shapes) -> int | None:
    """Return the number of parameters of all layers in a box, shared ones once; None where it is unknown."""
    layers: dict[Layer, None] = {}
    for line in box.calls():
        if line.layer is not None:
            layers[line.layer] = None
    return count_parameters(layers, shapes)


def short_count(count: int | None) -> str:
    """Return a number of parameters in at most four digits: `1.2M`; nothing for none."""
    if not count:
        return "" if count == 0 else "?"
    if count < 10_000:
        return f"{count:,}"
    for unit, size in (("k", 10**3), ("M", 10**6), ("G", 10**9), ("T", 10**12)):
        if count < 999.5 * size or unit == "T":
            break
    value = count / size
    return f"{value:.0f}{unit}" if value >= 100 else f"{value:.3g}{unit}"


def cut(text: str) -> str:
    """Return `text` cut to the maximum width."""
    return text if len(text) <= MAX_WIDTH else f"{text[: MAX_WIDTH - 1]}…"


def text_width(text: str) -> float:
    """Return the width of a text in px; wide characters of East Asia count twice."""
    return CHARACTER * sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _face(box: Box, diagrams: Sequence[Diagram], parameters: int | None) -> Face:
    lines = list(_lines(box, diagrams))
    whole = "\n".join([_whole_title(box), *(f"{line.text} {line.shape}" for line in lines)])
    skipped = max(0, len(lines) - MAX_LINES)
    if skipped:
        lines = lines[: MAX_LINES // 2] + lines[-(MAX_LINES // 2) :]
    lines = [FaceLine(cut(line.text), cut(line.shape), line.mark) for line in lines]
    title = cut(_title(box))
    count = short_count(parameters) if title and box.kind != "input" else ""
    head = HEAD if title else 8.0
    mark = next((line.mark for line in box.lines), "") if box.is_group else ""
    signs = (FOLD if box.is_group else 0) + (MARK if mark else 0)
    widths = [text_width(title) + signs + (text_width(count) + 16 if count else 0)]
    for line in lines:
        widths.append(text_width(line.text) + 2 * CHARACTER + text_width(line.shape) + (MARK if line.mark else 0))
    return Face(
        title=title,
        mark=mark,
        count=count,
        lines=tuple(lines),
        skipped=skipped,
        whole=whole,
        width=max(90.0, max(widths) + 2 * PADDING),
        height=head + (len(lines) + (1 if skipped else 0)) * LINE + 8,
        head=head,
    )


def _title(box: Box) -> str:
    return (
        box.title if not box.note or box.note == box.title else f"{box.title} · {box.note}" if box.title else box.note
    )


def _whole_title(box: Box) -> str:
    return _title(box) or "part of a node"


def _lines(box: Box, diagrams: Sequence[Diagram]) -> Iterator[FaceLine]:
    """Yield the lines of a box: its calls, or the parts of a group."""
    if not box.is_group:
        yield from (FaceLine(line.text, line.shape, line.mark) for line in box.lines)
        return
    inner = box.boxes if box.model is None else [each for each in diagrams[box.model].boxes if each.kind != "input"]
    parts = [(text, [each for _, each in group]) for text, group in groupby(map(_part, inner), lambda part: part[0])]
    for number, (text, same) in enumerate(parts):
        if len(parts) > _MAX_PARTS and number == _MAX_PARTS - 1:
            yield FaceLine(f"… {len(parts) - number} more", "")
            break
        count = f"{len(same)} × " if len(same) > 1 else ""
        yield FaceLine(f"{count}{text}", _last_shape(same[-1]))
    if box.model is not None and box.lines and box.lines[0].shape != _last_shape(inner[-1]):
        yield FaceLine("→", box.lines[0].shape)


def _part(box: Box) -> tuple[str, Box]:
    """Return what the box is as a part of a group: a block, a model, or the layers of a node."""
    if box.is_group:
        return box.note or box.title, box
    names = [line.text for line in box.lines]
    return ", ".join(names if len(names) < 4 else [*names[:2], f"… {len(names) - 2} more"]), box


def _last_shape(box: Box) -> str:
    lines = list(box.calls())
    return lines[-1].shape if lines else ""
