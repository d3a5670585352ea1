"""The beginnings of nodes without `from`: constants, weights, and operations on their arguments alone.

In plain Keras a constant is an array, and a weight is that of a layer with one weight. Neither needs to be saved here.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from graphspec import catalog
from graphspec.language.document.tree import Mapping, plain
from graphspec.language.schema.model import WeightModel

from .keras_calls import LanguageError, Named, make, operate, read_array
from .keys import check_schema


def begins(node: Any) -> bool:
    """Return whether a node begins with a constant, with a weight, or with an operation in the place of `from`."""
    if not isinstance(node, Mapping) or "from" in node:
        return False
    step = node.get("apply")
    step = step[0] if isinstance(step, list) and step else step
    name = next(iter(step), "") if isinstance(step, Mapping) else step
    return "constant" in node or "weight" in node or (isinstance(name, str) and name.startswith("ops."))


def constant(written: Any, dtype: Any) -> Any:
    """The array of numbers, or of a file."""
    if isinstance(written, Mapping):
        array = read_array(written)
    else:
        try:
            array = np.array(plain(written))
        except ValueError:
            raise LanguageError("a constant of lists that differ in length") from None
    if array.dtype.kind not in "biuf" or not array.size:
        raise LanguageError("a constant is no numbers")
    kinds = {"b": "bool", "i": "int32", "u": "int32", "f": "float32"}
    result = array.astype(dtype or kinds[array.dtype.kind])
    if result.dtype.kind in "biu" and not np.array_equal(result, array):
        raise LanguageError("a constant is none of its dtype")
    return result


class _Weight(keras.Layer):
    """A layer that gives its one weight. It takes an input of the model, so that its result is of the model."""

    def __init__(self, shape: list[int], dtype: str | None, arguments: dict[str, Any]) -> None:
        super().__init__(dtype=dtype)
        self.kernel = self.add_weight(shape=tuple(shape), name="kernel", **arguments)

    def call(self, source: Any) -> Any:
        del source
        return keras.ops.convert_to_tensor(self.kernel)


class _Symbolic(keras.Layer):
    """A layer that gives an array as a tensor of the model that its input is of."""

    def __init__(self, array: Any) -> None:
        super().__init__(dtype=keras.backend.standardize_dtype(array.dtype))
        self.array = array

    def call(self, source: Any) -> Any:
        del source
        return keras.ops.convert_to_tensor(self.array)


class _ForEachSample(keras.Layer):
    """A layer that gives a tensor without a batch once for each sample of another."""

    def call(self, tensor: Any, batched: Any) -> Any:
        return keras.ops.broadcast_to(tensor, (keras.ops.shape(batched)[0], *tensor.shape))


def weight(written: Any, source: Any) -> Any:
    """The weight of a layer that has no other."""
    check_schema(WeightModel, written)
    arguments = {
        key: make(f"{key}s", written[key])
        for key in ("initializer", "regularizer", "constraint")
        if written.get(key) is not None and not (isinstance(written[key], Mapping) and "file" in written[key])
    }
    dtype = written.get("dtype")
    if dtype not in (None, "float32", "float16", "bfloat16", "float64"):
        raise LanguageError("a weight of no floats")
    return _Weight(written["shape"], dtype, {**arguments, "trainable": written.get("trainable", True)})(source)


def made(name: str, arguments: Any, call: dict[str, Any]) -> Any:
    """The array that an operation makes of its arguments."""
    if name not in catalog.makers() or call:
        raise LanguageError(f"`{name}` needs a tensor")
    return as_arrays(operate(name, arguments, Named({}), {}, listed=False, makes=True))


def is_constant(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def as_arrays(result: Any) -> Any:
    """What an operation made of arrays, as arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, result)


class Batchless:
    """The tensors of a model that come from no input."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []

    def holds(self, value: Any) -> bool:
        """Whether a tensor or an array has no batch."""
        return is_constant(value) or any(value is each for each in self.tensors)

    def record(self, result: Any, taken: Any) -> None:
        """What a step makes has no batch, if nothing that it takes has one."""
        if all(self.holds(each) for each in operands_in(taken)):
            self.tensors += operands_in(result)

    def taken(self, name: str, value: Any, call: dict[str, Any], source: Any) -> tuple[Any, dict[str, Any]]:
        """What a step takes: arrays as tensors of the model, and for a layer beside others once for each sample."""
        is_named = isinstance(value, Named)
        given = [value.tensors if is_named else value, call]
        operands = operands_in(given)
        is_operation = name.startswith("ops.")
        if is_operation and all(map(is_constant, operands)):
            return value, call
        batched = next((each for each in operands if not self.holds(each)), None)

        def convert(each: Any) -> Any:
            if not is_operand(each) or not self.holds(each):
                return each
            tensor = each
            if is_constant(each):
                tensor = _Symbolic(each)(source)
                self.tensors.append(tensor)
            return tensor if is_operation or batched is None else _ForEachSample()(tensor, batched)

        value, call = keras.tree.map_structure(convert, given)
        return (Named(value) if is_named else value), call


def is_operand(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor) or is_constant(value)


def operands_in(given: Any) -> list[Any]:
    """The tensors and arrays among operands and further arguments of a call."""
    return [each for each in keras.tree.flatten(given) if is_operand(each)]


def are_constant(value: Any, call: dict[str, Any]) -> bool:
    """Whether a step takes arrays alone."""
    found = operands_in([value.tensors if isinstance(value, Named) else value, call])
    return bool(found) and all(map(is_constant, found))
