"""The shape rules of `keras.ops`, one module a family. Importing this package registers them."""

from __future__ import annotations

from graphspec.shapes.ops import (
    activations,
    diagonals,
    einsum,
    elementwise,
    filling,
    images,
    joining,
    losses,
    matrices,
    ordering,
    pairwise,
    picking,
    products,
    rearranging,
    reductions,
    repeating,
    reshaping,
    signals,
    windows,
)

__all__ = [
    "activations",
    "diagonals",
    "einsum",
    "elementwise",
    "filling",
    "images",
    "joining",
    "losses",
    "matrices",
    "ordering",
    "pairwise",
    "picking",
    "products",
    "rearranging",
    "reductions",
    "repeating",
    "reshaping",
    "signals",
    "windows",
]
