"""A spec → the same spec with everything expanded and every default filled in: `graphspec render`."""

from graphspec.rendering.render import RenderedSpec, render

__all__ = ["RenderedSpec", "render"]
