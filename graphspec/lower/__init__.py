"""SpecModel → Graph: names are resolved, objects read against the catalogue, nodes put in order, layers named."""

from __future__ import annotations

from graphspec.lower.body import lower
from graphspec.lower.training import lower_training

__all__ = ["lower", "lower_training"]
