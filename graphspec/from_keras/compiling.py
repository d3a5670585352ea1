"""The `compile` of a model → losses, weights and metrics of its outputs, and the optimizer of `training`.

Keras takes one for all outputs, a list in their order, or a mapping by their names
(keras/src/trainers/compile_utils.py); a spec states each at its output.
"""

from __future__ import annotations

from typing import Any

from graphspec.catalog import Kind
from graphspec.diagnostics.rules import NO_EQUIVALENT, NOT_WRITTEN
from graphspec.from_keras.findings import Findings, UnwritableError
from graphspec.from_keras.layer_state import shortest_float
from graphspec.from_keras.objects import Writer, is_object, plain

_PER_OUTPUT = ("loss", "loss_weights", "metrics", "weighted_metrics")


class CompileWriter:
    """Writes the arguments of `compile` into the outputs and the training of a spec.

    Attributes:
        names: The names of the outputs, and those of their last layers, in order: Keras knows both.
    """

    def __init__(self, names: list[tuple[str, str]], findings: Findings) -> None:
        self.names = names
        self.findings = findings
        self.objects = Writer(self._no_layer)

    def write(self, compiled: dict[str, Any], outputs: list[dict[str, Any]]) -> dict[str, Any]:
        """Return `training`, and state losses and metrics at the outputs, which are in the order of the names."""
        for key in _PER_OUTPUT:
            values = self._by_output(key, compiled.get(key))
            for output, (name, _), value in zip(outputs, self.names, values, strict=True):
                self._state(output, key, value, name)
        training: dict[str, Any] = {"optimizer": self._object("optimizers", compiled.get("optimizer"), "optimizer")}
        if compiled.get("jit_compile") is True:
            training["jit_compile"] = True
        steps = compiled.get("steps_per_execution")
        if isinstance(steps, int) and steps > 1:
            training["steps_per_execution"] = steps
        return {key: value for key, value in training.items() if value is not None}

    def _by_output(self, key: str, value: Any) -> list[Any]:
        """Return the value for each output."""
        count = len(self.names)
        if isinstance(value, dict) and not is_object(value):
            return [value.get(name, value.get(layer)) for name, layer in self.names]
        if isinstance(value, list) and len(value) == count and (count > 1 or key in ("loss", "loss_weights")):
            return list(value)
        if value is not None and count > 1 and isinstance(value, list):
            self._left_out(key, f"lists {len(value)} for {count} outputs")
            return [None] * count
        return [value] * count

    def _state(self, output: dict[str, Any], key: str, value: Any, name: str) -> None:
        if key == "loss":
            output["loss"] = self._object("losses", value, f"loss of `{name}`")
        elif key == "loss_weights":
            if isinstance(value, int | float) and value != 1:
                output["loss_weight"] = value
        else:
            listed = value if isinstance(value, list) else [] if value is None else [value]
            metrics = [self._object("metrics", each, f"metric of `{name}`") for each in _flat(listed)]
            if any(metric is not None for metric in metrics):
                output[key] = [metric for metric in metrics if metric is not None]

    def _object(self, kind: Kind, value: Any, place: str) -> Any:
        """Return an object of `compile`; None after a warning if no spec can hold it."""
        if value is None or isinstance(value, str):
            return plain(value)
        try:
            if not is_object(value):
                raise UnwritableError(NO_EQUIVALENT, f"is `{str(value)[:60]}`, which no spec can write")
            config = value["config"]
            if isinstance(config, dict):
                value = {**value, "config": {key: _rounded(each) for key, each in config.items()}}
            return self.objects.write(kind, value)
        except UnwritableError as error:
            self._left_out(place, error.reason, error.help)
            return None

    def _left_out(self, place: str, reason: str, help: str = "") -> None:
        self.findings.add(
            NOT_WRITTEN,
            f"the {place.replace('_', ' ')} {reason}; it is left out of the spec",
            expected="what a spec can hold, or a plugin registers",
            help=help or "add it to the spec by hand",
        )

    def _no_layer(self, written: dict[str, Any]) -> Any:
        raise UnwritableError(NO_EQUIVALENT, f"holds the layer `{written.get('class_name')}`")


def _flat(values: list[Any]) -> list[Any]:
    return [item for value in values for item in (_flat(value) if isinstance(value, list) else [value])]


def _rounded(value: Any) -> Any:
    """Return a float of an object of Keras, which keeps some as float32, with the digits that count."""
    return shortest_float(value) if isinstance(value, float) else value
