"""The bytes that a step of several workers moves, computed from a spec; Keras is not needed for that."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from graphspec.shapes.parameters import count_parameters
from graphspec.spec import Spec

_FLOAT = 4
"""Bytes of a gradient: variables are float32 also with mixed precision."""
_DTYPE_BYTES = {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2}
_DTYPE_BYTES |= {"int64": 8, "uint64": 8, "float64": 8, "complex64": 8, "complex128": 16}
_TEXT = 32
"""Bytes assumed of a text."""
_UNKNOWN = 100
"""The assumed size of an unknown dimension."""


@dataclass(frozen=True)
class StepCost:
    """The bytes of one step.

    Attributes:
        rows: The rows of a batch, of all workers together.
        gradients: Those of one gradient of all parameters; None where their number is unknown.
        inputs: Those of the inputs of a batch.
    """

    rows: int
    gradients: int | None
    inputs: int

    def sent(self, workers: int) -> int | None:
        """Return the bytes that each of some workers sends, and receives, in the ring reduction of a step."""
        if self.gradients is None:
            return None
        return 2 * self.gradients * (workers - 1) // workers

    def read(self, workers: int) -> int:
        """Return the bytes of inputs that each of some workers reads in a step."""
        return -(-self.inputs // workers)


def step_cost(spec: Spec, batch_size: int | None = None, trained: int | None = None) -> StepCost:
    """Return the cost of a step of `spec`.

    Args:
        spec: The spec.
        batch_size: The rows of a batch, by default those of its training.
        trained: The number of parameters that are trained, where it is known; by default that of all parameters.
    """
    training = spec.model.training
    size = batch_size or (training.batch_size if training is not None else 1)
    parameters = trained if trained is not None else count_parameters(spec.graph, spec.shapes)
    sample = sum(
        prod(_UNKNOWN if axis is None else axis for axis in each.shape) * _bytes(each.dtype)
        for each in spec.graph.inputs.values()
    )
    return StepCost(size, parameters * _FLOAT if parameters is not None else None, size * sample)


def _bytes(dtype: str) -> int:
    return _TEXT if dtype == "string" else _DTYPE_BYTES.get(dtype, _FLOAT)
