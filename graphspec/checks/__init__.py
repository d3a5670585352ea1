"""Subject → findings: mistakes in specs that could be built, each a function from what is known to diagnostics.

A new check is a function here in `CHECKS` (or in `DATA_CHECKS`, where it opens files), and a folder of its rule's code
under `tests/rules/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphspec.checks.call_training import check_calls
from graphspec.checks.class_weights import check_class_weights
from graphspec.checks.context import Subject
from graphspec.checks.data import check_data
from graphspec.checks.files import check_files
from graphspec.checks.freeze import check_freeze, check_frozen
from graphspec.checks.losses import check_losses
from graphspec.checks.metrics import check_metrics
from graphspec.checks.monitors import check_monitors
from graphspec.checks.network import check_network
from graphspec.checks.plugins import check_plugins
from graphspec.checks.splits import check_splits
from graphspec.checks.unused import check_unused
from graphspec.checks.values import check_values
from graphspec.checks.vocabularies import check_vocabularies
from graphspec.checks.written_paths import check_written_paths
from graphspec.diagnostics import Diagnostic

Check = Callable[[Subject], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    check_unused,
    check_calls,
    check_losses,
    check_class_weights,
    check_metrics,
    check_plugins,
    check_freeze,
    check_frozen,
    check_monitors,
    check_splits,
    check_vocabularies,
    check_written_paths,
    check_network,
)
"""Checks of the spec alone."""

DATA_CHECKS: tuple[Check, ...] = (check_data, check_files)
"""Checks that look at the files that a spec names."""

VALUE_CHECKS: tuple[Check, ...] = (check_values,)
"""Checks that read those files whole."""

__all__ = ["CHECKS", "DATA_CHECKS", "VALUE_CHECKS", "Check", "Subject"]
