"""Graph → findings: mistakes in specs that could be built, each a function from the graph to diagnostics.

A new check is a function here in `CHECKS`, and a folder of its rule's code under `tests/rules/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphspec.checks.calls import check_calls
from graphspec.checks.losses import check_losses
from graphspec.checks.unused import check_unused
from graphspec.diagnostics import Diagnostic
from graphspec.graph import Graph

GRAPH_CHECKS: tuple[Callable[[Graph], Iterable[Diagnostic]], ...] = (check_unused, check_calls)
"""Checks of any spec."""

TRAINING_CHECKS: tuple[Callable[[Graph], Iterable[Diagnostic]], ...] = (check_losses,)
"""Checks of a spec that has a `training` section."""
