"""The shape rules of `keras.layers`, one module a family. Importing this package registers them."""

from __future__ import annotations

from graphspec.shapes.layers import (
    attention,
    cells,
    conv_lstm,
    convolution,
    dense,
    einsum_dense,
    elementwise,
    embedding,
    merging,
    normalization,
    padding,
    pooling,
    recurrent,
    reshaping,
    wrappers,
)

__all__ = [
    "attention",
    "cells",
    "conv_lstm",
    "convolution",
    "dense",
    "einsum_dense",
    "elementwise",
    "embedding",
    "merging",
    "normalization",
    "padding",
    "pooling",
    "recurrent",
    "reshaping",
    "wrappers",
]
