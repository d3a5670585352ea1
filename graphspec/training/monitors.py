"""Monitored metrics: the log keys of a training, and the `mode` of each.

Keras infers the mode from a metric's name without its output, so with several outputs `val_<output>_loss` fails after
the first epoch. graphspec knows the mode before the training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from graphspec.checks.monitors import is_monitoring, unknown_monitor
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import UNKNOWN_MONITOR
from graphspec.language.log_keys import log_keys
from graphspec.language.objects import Object
from graphspec.spec import Spec
from graphspec.to_keras.keras_internals import direction_of
from graphspec.to_keras.objects import make

_MODES = {"up": "max", "down": "min"}


def with_mode(callback: Object, spec: Spec, *, validates: bool) -> Object:
    """Return a callback with an explicit `mode` if it monitors a metric.

    Args:
        callback: The callback.
        spec: The spec that it belongs to.
        validates: The training has a validation split.

    Raises:
        SpecError: The training does not report the metric, or its mode is unknown.
    """
    if not is_monitoring(callback):
        return callback
    monitor = str(callback.arguments.get("monitor", "val_loss"))
    modes = reported(spec, validates=validates)
    if monitor not in modes:
        span = callback.span_of("monitor")
        diagnostic = unknown_monitor(callback.name, monitor, span, reported=modes, validates=validates)
        raise SpecError(Report([diagnostic]))
    if callback.arguments.get("mode", "auto") != "auto":
        return callback
    if modes[monitor] is None:
        raise SpecError.of(
            UNKNOWN_MONITOR,
            f"`{callback.name}` cannot infer whether `{monitor}` should be minimized or maximized",
            callback.span,
            expected="`mode: min` or `mode: max` among its arguments",
        )
    return replace(callback, arguments={**callback.arguments, "mode": modes[monitor]})


def reported(spec: Spec, *, validates: bool) -> dict[str, str | None]:
    """Return the mode of every log key: `min`, `max`, or None if unknown."""
    keys = log_keys(spec.graph, validates=validates)
    return {key: _mode(metric) for key, metric in keys.items()}


def _mode(metric: Object | None) -> str | None:
    """Return the mode of `metric`; None stands for a loss."""
    if metric is None:
        return "min"
    if metric.name in ("accuracy", "acc"):
        return "max"
    instance: Any = keras.metrics.get(make(metric))
    if not isinstance(instance, keras.metrics.Metric):
        return "max" if "accuracy" in instance.__name__ else "min"
    return _MODES.get(direction_of(instance) or "")
