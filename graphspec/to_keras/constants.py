"""Tensors that come from no input, in a functional model of Keras, whose tensors all come from inputs.

What is known when the model is built is a NumPy array, which operations take and Keras saves with the model. Where a
symbolic tensor is needed, the array is added to a zero that an input gives: the number of its elements times 0.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras
import numpy as np
from keras import ops

from graphspec.language.graph import Step
from graphspec.language.objects import Object
from graphspec.shapes.ops.operands import ARRAY_OPERATIONS
from graphspec.sources import in_order, load
from graphspec.to_keras.keras_internals import call_behind, operation_behind


def is_constant(value: Any) -> bool:
    """Return whether a value is an array that is known when the model is built."""
    return isinstance(value, np.ndarray)


def as_arrays(result: Any) -> Any:
    """Return the tensors that an operation made of constants as arrays."""
    if isinstance(result, list | tuple):
        return [as_arrays(each) for each in result]
    return keras.ops.convert_to_numpy(result)


def read_array(written: Object, dtype: str | None) -> Any:
    """Return the array of a constant in a file, by default as float32, int32 or bool.

    Raises:
        DataError, OSError: The file cannot be read.
        OverflowError: A whole number is beyond int32.
    """
    column = load(written.arguments["file"])
    array = np.asarray(in_order(column, 0, len(column)))
    if dtype is None and array.dtype.kind in "iu":
        low, high = np.iinfo("int32").min, np.iinfo("int32").max
        if array.size and not (low <= array.min() and array.max() <= high):
            raise OverflowError("it holds whole numbers beyond int32: state `dtype: int64`")
    kind = {"b": "bool", "i": "int32", "u": "int32"}.get(array.dtype.kind, "float32")
    return array.astype(dtype or kind)


class Constants:
    """The tensors of the models of one graph that have no batch axis."""

    def __init__(self) -> None:
        self._batchless: dict[int, Any] = {}
        self._named: Counter[tuple[int, str]] = Counter()

    def is_batchless(self, value: Any) -> bool:
        """Return whether a tensor or an array has no batch axis."""
        return is_constant(value) or id(value) in self._batchless

    def record(self, result: Any, taken: Any) -> None:
        """Record the result of a step as one without a batch, if nothing that the step takes has one."""
        if all(self.is_batchless(each) for each in tensors_in(taken)):
            self._batchless.update((id(each), each) for each in tensors_in(result))

    def tensors_for(
        self, step: Step, value: Any, call: dict[str, Any], inputs: list[Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return what a step takes, with arrays as symbolic tensors where it does not take arrays.

        A layer gets what has no batch once for each sample, where it takes tensors with a batch too.

        Args:
            step: The step.
            value: Its operands.
            call: The further arguments of its call.
            inputs: The inputs of the model.
        """
        operands = tensors_in([value, call])
        takes_arrays = step.layer.is_operation and (
            step.layer.class_name in ARRAY_OPERATIONS or (all(map(is_constant, operands)) and not step.layer.is_random)
        )
        if takes_arrays or not any(map(self.is_batchless, operands)):
            return value, call
        batched = next((each for each in operands if not self.is_batchless(each)), None)

        def convert(each: Any) -> Any:
            if not self.is_batchless(each) or not (is_constant(each) or isinstance(each, keras.KerasTensor)):
                return each
            if batched is not None and not step.layer.is_operation:
                return for_each_sample(each, batched, self._stem(step, inputs))
            if not is_constant(each):
                return each
            tensor = as_tensor(each, inputs[0], self._stem(step, inputs))
            self._batchless[id(tensor)] = tensor
            return tensor

        return keras.tree.map_structure(convert, value), keras.tree.map_structure(convert, call)

    def _stem(self, step: Step, inputs: list[Any]) -> str:
        """Return the beginning of names that no other operation of the model has, whose layer may be called again."""
        stem = f"{step.layer.name}.from"
        number = self._named[id(inputs[0]), stem]
        self._named[id(inputs[0]), stem] += 1
        return f"{stem}_{number}" if number else stem


def tensors_in(operands: Any) -> list[Any]:
    """Return the tensors and arrays among operands and further arguments of a call."""
    return [each for each in keras.tree.flatten(operands) if isinstance(each, keras.KerasTensor) or is_constant(each)]


def as_tensor(array: Any, source: Any, name: str) -> Any:
    """Return an array as a symbolic tensor of the model that `source` belongs to.

    Args:
        array: The array.
        source: An input of the model, which gives the zero.
        name: The beginning of the names of the operations.
    """
    dtype = str(array.dtype)
    zero = ops.cast(ops.multiply(ops.size(source), 0), dtype)
    result = ops.logical_or(array, zero) if dtype == "bool" else ops.add(array, zero)
    _name(result, [source], name)
    return result


def for_each_sample(value: Any, batched: Any, name: str) -> Any:
    """Return an array or a symbolic tensor once for each sample of a batch: (...) → (batch, ...).

    Args:
        value: The array or tensor, which has no batch axis.
        batched: A tensor that has one.
        name: The beginning of the names of the operations.
    """
    dtype, rank = keras.backend.standardize_dtype(value.dtype), len(value.shape)
    zeros = ops.zeros_like(batched[(slice(None), *(slice(0, 1),) * (len(batched.shape) - 1))], dtype=dtype)
    zeros = ops.reshape(zeros, (-1, *(1,) * rank))
    result = ops.logical_or(value, zeros) if dtype == "bool" else ops.add(value, zeros)
    _name(result, [batched, value], name)
    return result


def _name(result: Any, known: list[Any], name: str) -> None:
    """Name the operations between `known` and `result`, which Keras would number by the calls of the whole process."""
    waiting, seen = [result], [id(each) for each in known]
    number = 0
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.append(id(tensor))
        operation_behind(tensor).name = f"{name}.{number}" if number else name
        number += 1
        waiting += call_behind(tensor).input_tensors
