"""What callbacks watch: which log keys a training reports, and whether each should fall or rise.

Keras looks for a monitored metric without its output's name, so with several outputs `val_<output>_loss` ends a
training after its first epoch with the question whether it should be minimised. The answer is known before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from graphspec.diagnostics import SpecError
from graphspec.graph import Object
from graphspec.rules import UNKNOWN_MONITOR
from graphspec.spec import Spec
from graphspec.suggest import did_you_mean, one_of
from graphspec.to_keras.objects import make
from graphspec.training.compiling import metric_names

MONITORING = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau")
_MODES = {"up": "max", "down": "min"}


def with_mode(callback: Object, spec: Spec, *, validates: bool) -> Object:
    """`callback` with `mode` stated, where it monitors a metric and does not state it.

    Raises SpecError where the training reports no such metric, or where its mode cannot be told.
    """
    saves_always = callback.name == "ModelCheckpoint" and not callback.arguments.get("save_best_only", False)
    if callback.name not in MONITORING or saves_always:
        return callback
    monitor = str(callback.arguments.get("monitor", "val_loss"))
    modes = reported(spec, validates=validates)
    if monitor not in modes:
        help = did_you_mean(monitor, modes, f"it reports {one_of(modes)}")
        if monitor.startswith("val_") and not validates:
            help = "add `data: validation:`, for instance `validation: {split: 0.1}`"
        raise SpecError.of(
            UNKNOWN_MONITOR,
            f"`{callback.name}` monitors `{monitor}`, which this training does not report",
            callback.span,
            expected="a metric that is reported",
            help=help,
        )
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
    outputs = spec.graph.outputs
    modes: dict[str, str | None] = {"loss": "min"}
    trained = [name for name, output in outputs.items() if output.loss is not None]
    if len(trained) > 1:
        modes |= {f"{name}_loss": "min" for name in trained}
    for name, output in outputs.items():
        prefix = f"{name}_" if len(outputs) > 1 else ""
        for each, key in metric_names([*output.metrics, *output.weighted_metrics]):
            modes[prefix + key] = _mode(each)
    return modes | {f"val_{key}": mode for key, mode in modes.items()} if validates else modes


def _mode(metric: Object) -> str | None:
    """Whether more of `metric` is better, as Keras' own metrics say; a bare loss function is a loss."""
    if metric.name in ("accuracy", "acc"):
        return "max"
    found: Any = keras.metrics.get(make(metric))
    if not isinstance(found, keras.metrics.Metric):
        return "max" if "accuracy" in found.__name__ else "min"
    return _MODES.get(str(getattr(found, "_direction", "")))
