"""The beginnings of nodes without `from`: constants, weights, and operations on their arguments alone."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from graphspec import catalog
from graphspec.language.document.tree import Mapping, plain
from graphspec.language.schema.model import WeightModel
from graphspec.to_keras.constants import Constants, as_arrays, as_tensor, is_constant, tensors_in

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


def weight(written: Any, source: Any) -> Any:
    """All rows of an embedding, in the shape of the weight."""
    check_schema(WeightModel, written)
    shape = list(written["shape"])
    rows, columns = math.prod(shape[:-1]), shape[-1] if shape else 1
    keywords = {
        f"embeddings_{key}": make(f"{key}s", written[key])
        for key in ("initializer", "regularizer", "constraint")
        if written.get(key) is not None and not (isinstance(written[key], Mapping) and "file" in written[key])
    }
    keywords |= {key: written[key] for key in ("dtype", "trainable") if key in written}
    if written.get("dtype", "float32") not in ("float32", "float16", "bfloat16", "float64"):
        raise LanguageError("a weight of no floats")
    table = keras.layers.Embedding(rows, columns, **keywords)
    result = table(as_tensor(np.arange(rows, dtype="int32"), source, f"{table.name}.rows"))
    return keras.ops.reshape(result, shape)


def made(name: str, arguments: Any, call: dict[str, Any]) -> Any:
    """The array that an operation makes of its arguments."""
    if name not in catalog.makers() or call:
        raise LanguageError(f"`{name}` needs a tensor")
    return as_arrays(operate(name, arguments, Named({}), {}, listed=False, makes=True))


def taken(constants: Constants, name: str, value: Any, call: dict[str, Any], source: Any) -> tuple[Any, dict[str, Any]]:
    """Return the operands of a step: arrays as tensors, those without a batch once for each sample where needed."""
    step: Any = SimpleNamespace(
        layer=SimpleNamespace(is_operation=name.startswith("ops."), class_name=name, name="step")
    )
    inner = value.tensors if isinstance(value, Named) else value
    inner, call = constants.tensors_for(step, inner, call, [source])
    return (Named(inner) if isinstance(value, Named) else inner), call


def are_constant(value: Any, call: dict[str, Any]) -> bool:
    """Whether a step takes arrays alone."""
    found = tensors_in([value.tensors if isinstance(value, Named) else value, call])
    return bool(found) and all(map(is_constant, found))
