"""One spec, two verdicts: its inferred shapes, and those that Keras builds.

A `Case` is written as JSON, so that what graphspec reads and what Keras is called with come from one description. The
other way does not go through graphspec: Keras' classes are looked up by name and called as a user would.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import keras
import numpy as np

from graphspec.catalog import find
from graphspec.shapes import UNKNOWN, Tensor, infer
from graphspec.shapes.ops.operands import ARRAY_OPERATIONS
from graphspec.spec import inspect
from graphspec.to_keras.keras_internals import weightless_scope

Described = Any
"""Shapes and dtypes in the structure of a result: `((None, 3), "float32")`, a list or a mapping of those."""

REFUSED = "refused"


@dataclass
class Case:
    """A layer (by class name), or an operation as `ops.name`, applied to inputs.

    arguments: as a spec writes them: keyword arguments. inputs: shapes without the batch: a list of them for one
    tensor or several (`single` tells which), or by keyword. dtypes: one for all, or one each. call: further call
    arguments; of an operation, names of inputs are tensors. batch_size: of all inputs.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    inputs: Any = ()
    dtypes: Any = "float32"
    single: bool = True
    call: dict[str, Any] = field(default_factory=dict)
    batch_size: int | None = None

    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Return the shapes by the name of each input in the spec."""
        if isinstance(self.inputs, dict):
            return {name: tuple(shape) for name, shape in self.inputs.items()}
        if self.single:
            return {"x": tuple(self.inputs)}
        return {f"x{number}": tuple(shape) for number, shape in enumerate(self.inputs)}

    def input_dtypes(self) -> dict[str, str]:
        names = list(self.shapes())
        each = [self.dtypes] * len(names) if isinstance(self.dtypes, str) else list(self.dtypes)
        return dict(zip(names, each, strict=True))

    def written(self) -> dict[str, Any]:
        """Return the spec as a document: a node `result` with the layer, and an output that keeps the input in use."""
        dtypes = self.input_dtypes()
        inputs = {
            name: {"shape": list(shape), "dtype": dtypes[name], "batch_size": self.batch_size}
            for name, shape in self.shapes().items()
        }
        names = list(inputs)
        feed: Any = {name: name for name in names} if isinstance(self.inputs, dict) else names
        step: dict[str, Any] = {self.name: self.arguments}
        if self.call:
            step["call"] = self.call
        node = {"from": names[0] if self.single and not isinstance(self.inputs, dict) else feed, "apply": [step]}
        return {"graphspec": 1, "inputs": inputs, "graph": {"result": node}, "outputs": {"out": names[0]}}


def static_verdict(case: Case, folder: Path) -> Described:
    """Return the verdict of graphspec: REFUSED for an error, else shapes and dtypes, or UNKNOWN."""
    path = folder / "case.json"
    path.write_text(json.dumps(case.written()), encoding="utf-8")
    spec, report = inspect(path)
    if report.errors or spec is None:
        return REFUSED
    return describe(infer(spec.graph).of(spec.graph, "result"))


def why_static(case: Case, folder: Path) -> str:
    """Return the findings of the case, for the message of a failing test."""
    path = folder / "case.json"
    path.write_text(json.dumps(case.written()), encoding="utf-8")
    return str(inspect(path)[1])


def keras_verdict(case: Case) -> Described:
    """Return the verdict of Keras, built without weights: REFUSED where it raises, else shapes and dtypes."""
    with warnings.catch_warnings(), weightless_scope():
        warnings.simplefilter("ignore")
        try:
            return describe(call_keras(case))
        except Exception:
            return REFUSED


def call_keras(case: Case) -> Any:
    """Return the symbolic result of the case in Keras, called as a user would call it."""
    dtypes = case.input_dtypes()
    tensors = {
        name: keras.Input(shape, batch_size=case.batch_size, dtype=dtypes[name])
        for name, shape in case.shapes().items()
    }
    listed = list(tensors.values())
    if case.name.startswith("ops."):
        result = call_operation(case, tensors)
        if not any(isinstance(each, keras.KerasTensor) for each in keras.tree.flatten(result)):
            raise ValueError("it is computed from constants alone")
        return result
    layer = getattr(keras.layers, case.name)(**case.arguments)
    if isinstance(case.inputs, dict):
        return layer(**tensors, **case.call)
    return layer(listed[0] if case.single else listed, **case.call)


def call_operation(case: Case, tensors: dict[str, Any]) -> Any:
    """Return the symbolic result of the operation. Lists that stand for no array are tuples, as Keras wants them."""
    function = attrgetter(case.name.removeprefix("ops."))(keras.ops)
    entry = find("ops", case.name)
    assert entry is not None
    further = {
        name: keras.tree.map_structure(lambda each: tensors.get(each, each), it) for name, it in case.call.items()
    }
    arguments = {
        name: tuple(each) if isinstance(each, list) and name not in entry.tensors else each
        for name, each in case.arguments.items()
    }
    if case.name == "ops.get_item" and isinstance(arguments.get("key"), str):
        arguments["key"] = eval(f"brackets[{arguments['key']}]", {"brackets": _Brackets()})
    if case.name in ARRAY_OPERATIONS:
        arguments = {name: _array(each) if isinstance(each, list) else each for name, each in arguments.items()}
    if entry.arguments.get("data_format", "") is None:
        arguments.setdefault("data_format", keras.config.image_data_format())
    if isinstance(case.inputs, dict):
        return function(**tensors, **arguments, **further)
    listed = list(tensors.values())
    first, kind = next(iter(entry.tensors.items()))
    if kind == "list":
        return function(**{first: listed}, **arguments, **further)
    if kind == "each":
        before = list(entry.arguments)[: list(entry.arguments).index(first)]
        return function(*(arguments.pop(name) for name in before), *listed, **arguments, **further)
    names = [name for name, each in entry.tensors.items() if each == "one"]
    return function(**dict(zip(names, listed, strict=False)), **arguments, **further)


class _Brackets:
    """Gives what stands between its brackets, as Python reads it."""

    def __getitem__(self, key: Any) -> Any:
        return key


def _array(value: list[Any]) -> np.ndarray:
    """Return the array of nested lists in the dtypes that Keras prefers."""
    array = np.array(value)
    return array.astype({"f": "float32", "i": "int32"}.get(array.dtype.kind, array.dtype))


def describe(value: Any) -> Described:
    """Return shapes and dtypes of a Value of graphspec or of a result of Keras."""
    if value is UNKNOWN:
        return UNKNOWN
    if isinstance(value, Tensor):
        return (tuple(value.shape), value.dtype)
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, dict):
        return {name: describe(item) for name, item in value.items()}
    return (tuple(value.shape), keras.backend.standardize_dtype(value.dtype))


def assert_agree(case: Case, folder: Path, *, may_be_unknown: bool = False) -> None:
    """Assert that both refuse, or that both return the same shapes and dtypes.

    may_be_unknown: the inferred shape may be unknown, for results of Keras that depend on values.
    """
    static, built = static_verdict(case, folder), keras_verdict(case)
    if may_be_unknown and static is UNKNOWN and built != REFUSED:
        return
    assert static == built, f"{case}\n{why_static(case, folder) if static == REFUSED else ''}"
