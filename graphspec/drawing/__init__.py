"""Drawings of graphs: `outline` finds boxes and groups, `view` what is unfolded, `nesting` places it all.

Static: shapes and parameters are known without TensorFlow.
"""

from __future__ import annotations

from graphspec.drawing.diagram import Arrow, Box, Diagram, Line, describe
from graphspec.drawing.drawings import Drawing, Drawings
from graphspec.drawing.layering import Placement, lay_out
from graphspec.drawing.outline import diagrams
from graphspec.drawing.svg import STYLE, svg_element, svg_file

__all__ = [
    "STYLE",
    "Arrow",
    "Box",
    "Diagram",
    "Drawing",
    "Drawings",
    "Line",
    "Placement",
    "describe",
    "diagrams",
    "lay_out",
    "svg_element",
    "svg_file",
]
