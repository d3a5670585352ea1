"""The shape rules of `keras.ops`, one module a family. Importing this package registers them."""

from __future__ import annotations

from graphspec.shapes.ops import elementwise, pairwise, reductions

__all__ = ["elementwise", "pairwise", "reductions"]
