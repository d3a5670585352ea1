"""The names of Keras that a spec can use."""

from __future__ import annotations

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.catalog.refused import CODE_CARRYING, CODE_CARRYING_OPS, FAILING_OPS, NOT_APPLIED, UNDRAWN_OPS

UNUSABLE = {**CODE_CARRYING, **CODE_CARRYING_OPS, **FAILING_OPS, **UNDRAWN_OPS, **NOT_APPLIED}
"""The names that a spec cannot use, each with what to write instead."""


def usable_names(kind: Kind) -> list[str]:
    """Return the names of `kind` that a spec can use: classes, or identifiers where Keras has no classes."""
    names = list(catalog.names(kind) or catalog.identifiers(kind))
    if kind == "ops":
        names = sorted({*names, *catalog.makers(), *catalog.random_operations()})
    return [name for name in names if name not in UNUSABLE]
