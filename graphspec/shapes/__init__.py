"""Shape inference without Keras: the shape and dtype of every tensor in a graph, and the calls that Keras would refuse.

`infer` walks the graph; `layers/` and `ops/` hold one small rule for each family, from a `Call` to its output.
"""

from __future__ import annotations

from graphspec.shapes import layers
from graphspec.shapes.infer import Shapes, infer
from graphspec.shapes.tensor import UNKNOWN, Tensor, Value, is_known

__all__ = ["UNKNOWN", "Shapes", "Tensor", "Value", "infer", "is_known", "layers"]
