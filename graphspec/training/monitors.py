"""What callbacks watch: which log keys a training reports, and whether each should fall or rise.

Keras looks for a monitored metric without its output's name, so with several outputs `val_<output>_loss` ends a
training after its first epoch with the question whether it should be minimised. The answer is known before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from graphspec.checks.monitors import is_monitoring, unknown_monitor
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import UNKNOWN_MONITOR
from graphspec.language.graph import Object
from graphspec.language.log_keys import log_keys
from graphspec.spec import Spec
from graphspec.to_keras.keras_internals import direction_of
from graphspec.to_keras.objects import make

_MODES = {"up": "max", "down": "min"}


def with_mode(callback: Object, spec: Spec, *, validates: bool) -> Object:
    """`callback` with `mode` stated, where it monitors a metric and does not state it.

    Raises SpecError where the training reports no such metric, or where its mode cannot be told.
    """
    if not is_monitoring(callback):
        return callback
    monitor = str(callback.arguments.get("monitor", "val_loss"))
    modes = reported(spec, validates=validates)
    if monitor not in modes:
        span = callback.span_of("monitor")
        finding = unknown_monitor(callback.name, monitor, span, reported=modes, validates=validates)
        raise SpecError(Report([finding]))
    if callback.arguments.get("mode", "auto") != "auto":
        return callback
    if modes[monitor] is None:
        raise SpecError.of(
            UNKNOWN_MONITOR,
            f"`{callback.name}` cannot tell whether `{monitor}` should fall or rise",
            callback.span,
            expected="`mode: min` or `mode: max` among its arguments",
        )
    return replace(callback, arguments={**callback.arguments, "mode": modes[monitor]})


def reported(spec: Spec, *, validates: bool) -> dict[str, str | None]:
    """Every log key of the training with its mode, `min` or `max`, or None where that cannot be told."""
    keys = log_keys(spec.graph.outputs, validates=validates)
    return {key: _mode(metric) for key, metric in keys.items()}


def _mode(metric: Object | None) -> str | None:
    """Whether more of `metric` is better, as Keras' own metrics say; a loss, bare or None, should fall."""
    if metric is None:
        return "min"
    if metric.name in ("accuracy", "acc"):
        return "max"
    found: Any = keras.metrics.get(make(metric))
    if not isinstance(found, keras.metrics.Metric):
        return "max" if "accuracy" in found.__name__ else "min"
    return _MODES.get(direction_of(found) or "")
