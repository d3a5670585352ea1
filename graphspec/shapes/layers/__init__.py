"""The shape rules of `keras.layers`, one module a family. Importing this package registers them."""

from __future__ import annotations

from graphspec.shapes.layers import dense

__all__ = ["dense"]
