"""Graph → the shape and dtype of every tensor in it, and what Keras would refuse on the way. Without Keras.

`infer` walks the graph; `layers/` and `ops/` hold a small rule a family, each from a `Call` to what it gives.
"""

from __future__ import annotations

from graphspec.shapes import layers
from graphspec.shapes.infer import Shapes, infer
from graphspec.shapes.tensor import UNKNOWN, Tensor, Value, is_known, show

__all__ = ["UNKNOWN", "Shapes", "Tensor", "Value", "infer", "is_known", "layers", "show"]
