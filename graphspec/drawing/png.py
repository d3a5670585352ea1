"""A drawing → a PNG file, by Pillow, with a fixed-width font of this machine or the one that Pillow brings."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.escapes import escaped
from graphspec.diagnostics.rules import TOO_LARGE
from graphspec.drawing.drawings import Drawing
from graphspec.drawing.faces import FOLD, HEAD, LINE, MARK, PADDING, Face
from graphspec.drawing.layering import Point
from graphspec.drawing.nesting import PlacedBox, Route
from graphspec.drawing.svg import MARGIN, size_of
from graphspec.version import __version__

if TYPE_CHECKING:
    from PIL import ImageDraw

SCALE = 2.0
"""Pixels of a picture for each px of the drawing, unless a width is asked for."""

_SMOOTH = 2
"""The factor by which a picture is drawn larger, for smooth edges."""

_MAX_PIXELS = 60_000_000
_MIN_SCALE = 0.5
_SOFTWARE = "graphspec plot"

_INK, _MUTED, _ARROW, _WHITE = "#0f172a", "#64748b", "#94a3b8", "#ffffff"
_STROKES = {"input": "#0d9488", "output": "#4f46e5", "block": "#94a3b8", "model": "#94a3b8", "node": "#cbd5e1"}
_HEADS = {"input": "#ccfbf1", "output": "#e0e7ff", "block": "#e2e8f0", "model": "#e2e8f0", "node": "#f1f5f9"}
_MARKS = ("#b45309", "#7c3aed", "#be123c", "#0369a1", "#4d7c0f", "#a21caf")
_PLAIN = ("DejaVuSansMono.ttf", "Menlo.ttc", "consola.ttf", "LiberationMono-Regular.ttf")
_BOLD = ("DejaVuSansMono-Bold.ttf", "Menlo.ttc", "consolab.ttf", "LiberationMono-Bold.ttf")
_REPLACED = str.maketrans({"→": ">", "×": "x"})
_GROUPS = ("#f8fafc", "#eef2f7")


def png_bytes(drawing: Drawing, width: int | None = None) -> bytes:
    """Return the picture of a drawing.

    Args:
        drawing: The drawing.
        width: The width in pixels; by default two for each px of the drawing, fewer for a large one.

    Raises:
        SpecError: The picture would be too large to read.
        ModuleNotFoundError: Pillow is not installed.
    """
    from PIL import Image, ImageDraw
    from PIL.PngImagePlugin import PngInfo

    across, down = size_of(drawing)
    most = math.sqrt(_MAX_PIXELS / (across * down)) / _SMOOTH
    scale = min(SCALE, most) if width is None else width / across
    if scale > most or (scale < _MIN_SCALE and width is None):
        raise SpecError.of(
            TOO_LARGE,
            f"a picture of {across * scale:,.0f} by {down * scale:,.0f} pixels is too large or too small to read",
            help="unfold less with --depth, or write an SVG or HTML file, which can be zoomed",
        )
    size = round(across * scale), round(down * scale)
    image = Image.new("RGB", (size[0] * _SMOOTH, size[1] * _SMOOTH), _WHITE)
    _Painter(ImageDraw.Draw(image), scale * _SMOOTH).paint(drawing)
    info = PngInfo()
    info.add_text("Software", f"{_SOFTWARE} {__version__}")
    held = io.BytesIO()
    smooth = image.resize(size, Image.Resampling.LANCZOS).quantize(256)
    smooth.save(held, "PNG", pnginfo=info)
    return held.getvalue()


def is_png_of_plot(first: bytes) -> bool:
    """Return whether a file that begins with `first` is a picture by graphspec."""
    return first.startswith(b"\x89PNG") and f"Software\0{_SOFTWARE}".encode() in first


class _Painter:
    """Draws in the units of a drawing on a canvas of `scale` pixels for each."""

    def __init__(self, canvas: ImageDraw.ImageDraw, scale: float) -> None:
        self.canvas, self.scale = canvas, scale
        self.fonts = {is_bold: _font(12 * scale, _BOLD if is_bold else _PLAIN) for is_bold in (False, True)}
        self.small = _font(10 * scale, _BOLD)

    def paint(self, drawing: Drawing) -> None:
        for placed in drawing.picture.boxes:
            if placed.view.boxes:
                fill = _GROUPS[placed.view.depth % 2]
                self.rectangle(self.corners(placed), fill=fill)
        for route in drawing.picture.routes:
            self.route(route)
        for placed in drawing.picture.boxes:
            self.box(placed, drawing.face(placed.view), drawing.colours)

    def corners(self, placed: PlacedBox) -> tuple[float, float, float, float]:
        return placed.x, placed.y, placed.x + placed.width, placed.y + placed.height

    def box(self, placed: PlacedBox, face: Face, colours: Mapping[str, int]) -> None:
        box, is_open = placed.view.box, bool(placed.view.boxes)
        x, y, right, bottom = self.corners(placed)
        head = HEAD if is_open else face.head
        stroke, wide = _STROKES[box.kind], 1.6 if box.kind == "output" else 1.0
        if not is_open:
            self.rectangle((x, y, right, bottom), fill=_WHITE)
        if face.title:
            self.rectangle((x, y, right, y + head), fill=_HEADS[box.kind], is_top=True)
            start = x + PADDING
            if box.is_group:
                self.line([(start, y + 14), (start + 8, y + 14)], _MUTED, 1.6)
                if not is_open:
                    self.line([(start + 4, y + 10), (start + 4, y + 18)], _MUTED, 1.6)
                start += FOLD
            if face.mark:
                self.mark(face.mark, start, y + 18, colours)
                start += MARK
            self.text(start, y + 18, face.title, _INK, is_bold=True)
            self.text(right - PADDING, y + 18, face.count, _MUTED, anchor="rs")
        if not is_open:
            self.lines(face, x, right, y, colours=colours)
        self.rectangle((x, y, right, bottom), stroke=stroke, wide=wide)

    def lines(self, face: Face, x: float, right: float, top: float, *, colours: Mapping[str, int]) -> None:
        y = top + face.head + 16
        for number, line in enumerate(face.lines):
            if face.skipped and number == len(face.lines) // 2:
                self.text(x + PADDING, y, f"… {face.skipped} more", _MUTED)
                y += LINE
            start = x + PADDING
            if line.mark:
                self.mark(line.mark, start, y, colours)
                start += MARK
            self.text(start, y, line.text, _INK)
            self.text(right - PADDING, y, line.shape, _MUTED, anchor="rs")
            y += LINE

    def mark(self, mark: str, x: float, y: float, colours: Mapping[str, int]) -> None:
        self.rectangle((x, y - 11, x + 16, y + 3), fill=_MARKS[colours.get(mark, 0)], radius=4)
        self.text(x + 8, y, mark, _WHITE, anchor="ms", is_small=True)

    def route(self, route: Route) -> None:
        self.line(list(_curve(route.points)), _ARROW, 1.4)
        if route.is_last:
            x, y = route.points[-1]
            back = y + route.tip
            self.canvas.polygon([self.point(*each) for each in ((x, y), (x - 3.5, back), (x + 3.5, back))], _ARROW)

    def point(self, x: float, y: float) -> Point:
        return (x + MARGIN) * self.scale, (y + MARGIN) * self.scale

    def rectangle(
        self,
        corners: tuple[float, float, float, float],
        *,
        fill: str | None = None,
        stroke: str | None = None,
        wide: float = 1.0,
        radius: float = 8,
        is_top: bool = False,
    ) -> None:
        left, top, right, bottom = corners
        self.canvas.rounded_rectangle(
            (*self.point(left, top), *self.point(right, bottom)),
            radius * self.scale,
            fill=fill,
            outline=stroke,
            width=max(1, round(wide * self.scale)) if stroke else 0,
            corners=(True, True, not is_top, not is_top),
        )

    def line(self, points: list[Point], colour: str, wide: float) -> None:
        self.canvas.line(
            [self.point(*each) for each in points], fill=colour, width=max(1, round(wide * self.scale)), joint="curve"
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        colour: str,
        *,
        anchor: str = "ls",
        is_bold: bool = False,
        is_small: bool = False,
    ) -> None:
        font, has_all = self.small if is_small else self.fonts[is_bold]
        drawable = escaped(text) if has_all else escaped(text).translate(_REPLACED)
        self.canvas.text(self.point(x, y), drawable, fill=colour, font=font, anchor=anchor)


def _curve(points: list[Point]) -> Iterator[Point]:
    """Yield the points of an arrow: lines through rows, and between them curves in small steps."""
    (x, y), *rest = points
    yield x, y
    for number, (to_x, to_y) in enumerate(rest):
        if number % 2 and (to_x, to_y) != (x, y):
            half = (to_y - y) / 2
            for step in range(1, 16):
                t = step / 16
                weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
                yield (
                    sum(w * each for w, each in zip(weights, (x, x, to_x, to_x), strict=True)),
                    sum(w * each for w, each in zip(weights, (y, y + half, to_y - half, to_y), strict=True)),
                )
        yield to_x, to_y
        x, y = to_x, to_y


def _font(size: float, names: tuple[str, ...]) -> tuple[Any, bool]:
    """Return a fixed-width font of this machine and True, or Pillow's own, of few characters, and False."""
    from PIL import ImageFont

    for name in names:
        try:
            return ImageFont.truetype(name, size), True
        except OSError:
            continue
    return ImageFont.load_default(size), False
