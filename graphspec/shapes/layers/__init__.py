"""Shape rules of `keras.layers`, one module for each family. Importing this package registers them."""

# ruff: noqa: F401 - each module registers its rules
from __future__ import annotations

from graphspec.shapes.layers import (
    attention,
    audio,
    cells,
    convolution,
    core,
    elementwise,
    images,
    lookup,
    merging,
    normalization,
    pipeline,
    pooling,
    preprocessing,
    recurrent,
    reshaping,
    wrappers,
)
