"""Checks of specs that Keras would build: functions from a `CheckContext` to diagnostics.

To add a check, list its function in `CHECKS` (in `DATA_CHECKS` if it opens files) and add a folder for its rule under
`tests/rules/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphspec.checks.batch_axis import check_batch_axis
from graphspec.checks.batch_statistics import check_batch_statistics, check_saved_statistics
from graphspec.checks.batchless import check_batchless
from graphspec.checks.call_training import check_calls
from graphspec.checks.callback_paths import check_written_paths
from graphspec.checks.class_weights import check_class_weights
from graphspec.checks.context import CheckContext
from graphspec.checks.data import check_data
from graphspec.checks.distribution import check_distribution
from graphspec.checks.files import check_files, check_network
from graphspec.checks.fixed_batch import check_fixed_batch
from graphspec.checks.freeze import check_freeze, check_frozen, check_multipliers, check_unfrozen
from graphspec.checks.graph_losses import check_graph_losses
from graphspec.checks.lookups import check_lookup_files, check_lookups
from graphspec.checks.lora import check_lora
from graphspec.checks.losses import check_losses
from graphspec.checks.metrics import check_metrics
from graphspec.checks.monitors import check_monitors
from graphspec.checks.plugins import check_plugins
from graphspec.checks.presets import check_preset_parts
from graphspec.checks.splits import check_splits
from graphspec.checks.stages import check_stages
from graphspec.checks.taps import check_picked, check_taps
from graphspec.checks.unused import check_unused
from graphspec.checks.values import check_values
from graphspec.checks.vocabularies import check_vocabularies
from graphspec.checks.whole_batches import check_whole_batches
from graphspec.diagnostics import Diagnostic

Check = Callable[[CheckContext], Iterable[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    check_unused,
    check_calls,
    check_batch_axis,
    check_batchless,
    check_losses,
    check_graph_losses,
    check_class_weights,
    check_metrics,
    check_plugins,
    check_freeze,
    check_frozen,
    check_unfrozen,
    check_multipliers,
    check_stages,
    check_lora,
    check_monitors,
    check_splits,
    check_vocabularies,
    check_lookups,
    check_written_paths,
    check_network,
    check_distribution,
    check_batch_statistics,
    check_picked,
)
"""Checks that open no file."""

DATA_CHECKS: tuple[Check, ...] = (
    check_data,
    check_fixed_batch,
    check_whole_batches,
    check_files,
    check_lookup_files,
    check_taps,
    check_saved_statistics,
    check_preset_parts,
)
"""Checks that read the headers of the files a spec names."""

VALUE_CHECKS: tuple[Check, ...] = (check_values,)
"""Checks that read every value of those files."""

__all__ = ["CHECKS", "DATA_CHECKS", "VALUE_CHECKS", "Check", "CheckContext"]
