"""Drawings of graphs: `diagram` has the boxes and arrows, `layering` places them, `svg` writes them.

Static: shapes are inferred without TensorFlow.
"""

from __future__ import annotations

from graphspec.drawing.diagram import Arrow, Box, Diagram, Line, describe, diagrams
from graphspec.drawing.layering import Placement, lay_out
from graphspec.drawing.svg import STYLE, draw

__all__ = ["STYLE", "Arrow", "Box", "Diagram", "Line", "Placement", "describe", "diagrams", "draw", "lay_out"]
