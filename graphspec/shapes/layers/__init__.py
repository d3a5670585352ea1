"""The shape rules of `keras.layers`, one module a family. Importing this package registers them."""

from __future__ import annotations

from graphspec.shapes.layers import (
    attention,
    audio,
    cells,
    conv_lstm,
    convolution,
    dense,
    einsum_dense,
    elementwise,
    embedding,
    images,
    lookup,
    merging,
    normalization,
    padding,
    pipeline,
    pooling,
    preprocessing,
    recurrent,
    reshaping,
    wrappers,
)

__all__ = [
    "attention",
    "audio",
    "cells",
    "conv_lstm",
    "convolution",
    "dense",
    "einsum_dense",
    "elementwise",
    "embedding",
    "images",
    "lookup",
    "merging",
    "normalization",
    "padding",
    "pipeline",
    "pooling",
    "preprocessing",
    "recurrent",
    "reshaping",
    "wrappers",
]
