"""The shape rules of `keras.layers`, one module a family. Importing this package registers them."""

from __future__ import annotations

from graphspec.shapes.layers import (
    convolution,
    dense,
    einsum_dense,
    elementwise,
    embedding,
    merging,
    normalization,
    padding,
    pooling,
    reshaping,
)

__all__ = [
    "convolution",
    "dense",
    "einsum_dense",
    "elementwise",
    "embedding",
    "merging",
    "normalization",
    "padding",
    "pooling",
    "reshaping",
]
