"""Lower a `SpecModel` to a `Graph`: resolve names, check objects, sort nodes, name layers."""

from __future__ import annotations

from graphspec.language.lower.body import check_library, lower
from graphspec.language.lower.training import lower_training

__all__ = ["check_library", "lower", "lower_training"]
