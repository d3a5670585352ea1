"""Shape rules of `keras.ops`, one module for each family. Importing this package registers them."""

# ruff: noqa: F401 - each module registers its rules
from __future__ import annotations

from graphspec.shapes.ops import (
    activations,
    elementwise,
    images,
    joining,
    losses,
    making,
    matrices,
    ordering,
    pairwise,
    patterns,
    picking,
    products,
    random_numbers,
    reductions,
    reshaping,
    signals,
    windows,
)
