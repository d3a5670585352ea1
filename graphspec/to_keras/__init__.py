"""Building of `keras.Model` from a `Graph`, with one Keras call a step."""

from __future__ import annotations

from graphspec.to_keras.model import Built, build_graph
from graphspec.to_keras.spec import build_model, build_spec

__all__ = ["Built", "build_graph", "build_model", "build_spec"]
