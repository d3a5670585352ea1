"""Tensors that come from no input, as the constants and weights of a spec are built: found among records.

Every tensor of a functional model comes from an input, so an array is added to a zero that an input gives, and what a
layer takes beside tensors with a batch is added to zeros of each sample. Here arrays become calls that take nothing,
and layers take what was added. The names that these operations bear tell them from those that a person wrote.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any

from graphspec import catalog
from graphspec.from_keras.nodes import free_name
from graphspec.from_keras.operations import has_usual_dtype
from graphspec.from_keras.records import Body, Call, LayerRecord, Tensor
from graphspec.language.arrays import RaggedError, items_of, nested_shape
from graphspec.shapes.ops.operands import ARRAY_OPERATIONS

_NAME = re.compile(r"(.+\.from(_\d+)?)")
_ADDS = ("Add", "LogicalOr")
_TYPES: dict[str, set[type]] = {
    "bool": {bool},
    **{kind: {int, float} for kind in ("float16", "float32", "float64", "bfloat16")},
    **{f"{sign}int{bits}": {int} for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
"""Types of the numbers of an array, by its dtype."""


_IN_A_LINE = 16
"""Numbers of an array that stands among the arguments of an operation; a larger one is a constant of its own."""


@dataclass(frozen=True, slots=True)
class _Chain:
    """Operations that make one tensor: the array or tensor that they add to zeros, and the tensor that gives these."""

    value: Any
    source: Tensor
    calls: list[Call]


def take_batchless(body: Body) -> None:
    """Take the operations that give constants and weights a batch out of a model, if all of it is of this form.

    The form is that of `graphspec.to_keras.constants`. Any deviation leaves the model as it is.
    """
    _Search(body).replace()


class _Search:
    """The chains of a model, and its calls without them.

    Attributes:
        arrays: Chains that make an array a tensor, by their results.
        samples: Those that give what has no batch to each sample.
        made: The calls that stand for arrays, by what they hold.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self.calls = {call.result: call for call in body.calls}
        self.takers: dict[Tensor, list[Call]] = {}
        for call in body.calls:
            for tensor in call.tensors():
                self.takers.setdefault(tensor, []).append(call)
        self.ends = body.ends()
        self.arrays: dict[Tensor, _Chain] = {}
        self.samples: dict[Tensor, _Chain] = {}
        for call in body.calls:
            if (array := self._array(call)) is not None:
                self.arrays[call.result] = array
            elif (sample := self._sample(call)) is not None:
                self.samples[call.result] = sample
        self.made: dict[str, Call] = {}

    def replace(self) -> None:
        """Replace the chains, if the language would add them where they are."""
        removed = {id(call) for chain in (*self.arrays.values(), *self.samples.values()) for call in chain.calls}
        kept = [call for call in self.body.calls if id(call) not in removed]
        replaced = {result: self._constant(result.layer, chain.value) for result, chain in self.arrays.items()}
        batchless = set(replaced.values())
        for call in kept:
            operands = call.tensors()
            if not self._are_for_each_sample(call, operands, replaced, batchless):
                return
            if all(_first(replaced.get(each, each)) in batchless or each in self.samples for each in operands):
                batchless.add(call.result)
        for result, chain in self.samples.items():
            if isinstance(chain.value, Tensor):
                replaced[result] = replaced.get(chain.value, chain.value)
            else:
                replaced[result] = self._constant(result.layer, chain.value)
        taken = {replaced.get(each, each) for call in kept for each in call.tensors()} | set(self.ends)
        inputs = [Tensor(name) for name in self.body.inputs]
        loses_input = any(each in self.takers and each not in taken for each in inputs)
        if loses_input or any(each in replaced or _first(each) in batchless for each in self.body.outputs.values()):
            return
        if any(each in replaced for each in self.ends):
            return
        for call in kept:
            call.args, call.kwargs = (_with(value, replaced) for value in (call.args, call.kwargs))
            if call.layer.is_operation:
                call.args = [self._operand(call, each) for each in call.args]
                call.kwargs = {key: self._operand(call, each) for key, each in call.kwargs.items()}
        if self.made:
            self._put(kept, removed)

    def _put(self, kept: list[Call], removed: set[int]) -> None:
        """Give the model the calls that are kept, each constant before what first takes it."""
        body = self.body
        for call in body.calls:
            if id(call) in removed:
                del body.layers[call.layer.name]
        waiting = {call.result: call for call in self.made.values()}
        body.calls = []
        for call in kept:
            body.calls += [waiting.pop(each) for each in dict.fromkeys(call.tensors()) if each in waiting]
            body.calls.append(call)
        body.layers |= {call.layer.name: call.layer for call in body.calls if not call.tensors()}

    def _are_for_each_sample(
        self, call: Call, operands: list[Tensor], replaced: dict[Tensor, Tensor], batchless: set[Tensor]
    ) -> bool:
        """Return whether a layer takes what has no batch as the language has it: for each sample, beside a batch."""
        samples = [each for each in operands if each in self.samples]
        others = [each for each in operands if each not in self.samples]
        without = [each for each in others if _first(replaced.get(each, each)) in batchless]
        if call.layer.is_operation or not samples:
            return not samples and (call.layer.is_operation or not without or len(without) == len(others))
        for each in samples:
            chain = self.samples[each]
            value = replaced.get(chain.value, chain.value) if isinstance(chain.value, Tensor) else None
            is_batchless = value is None or _first(value) in batchless
            is_named = each.layer.startswith(f"{call.layer.name}.from")
            if not is_batchless or not is_named or chain.source not in others or self.takers[each] != [call]:
                return False
        return not without

    def _array(self, call: Call) -> _Chain | None:
        """Return the chain that makes an array a tensor: array + cast(size(input) * 0)."""
        cast = self._added(call, "Cast")
        product = self._before(call, cast, "Multiply", 2)
        size = self._before(call, product, "Size", 3)
        if cast is None or product is None or size is None or not _is_array(call.args[0]):
            return None
        (source,) = size.args if len(size.args) == 1 else (None,)
        is_zero = len(product.args) == 2 and product.args[1] == 0 and not isinstance(product.args[1], bool)
        is_input = isinstance(source, Tensor) and source.layer in self.body.inputs
        dtype = call.args[0]["config"]["dtype"]
        if not is_zero or not is_input or cast.layer.config.get("dtype") != dtype or not _adds(call, dtype):
            return None
        assert isinstance(source, Tensor)
        return _Chain(call.args[0], source, [call, cast, product, size])

    def _sample(self, call: Call) -> _Chain | None:
        """Return the chain that gives a value to each sample: value + reshape(zeros_like(batched[:, 0:1, ...]))."""
        shaped = self._added(call, "Reshape")
        zeros = self._before(call, shaped, "ZerosLike", 2)
        item = self._before(call, zeros, "GetItem", 3)
        if shaped is None or zeros is None or item is None or len(item.args) != 2:
            return None
        value, (source, key) = call.args[0], item.args
        if not isinstance(source, Tensor):
            return None
        if isinstance(value, Tensor):
            rank, dtype = len(value.shape), value.dtype
        elif _is_array(value):
            rank, dtype = len(nested_shape(value["config"]["value"])), value["config"]["dtype"]
        else:
            return None
        whole = {"start": None, "stop": None, "step": None}
        parts = [each.get("config") if isinstance(each, dict) else None for each in _items(key)]
        is_first = parts == [whole, *[whole | {"start": 0, "stop": 1}] * (len(source.shape) - 1)]
        is_shaped = list(_items(shaped.layer.config.get("newshape"))) == [-1, *[1] * rank]
        is_like = zeros.layer.config.get("dtype") == dtype and len(zeros.args) == 1
        if not (is_first and is_shaped and is_like and _adds(call, dtype)):
            return None
        return _Chain(value, source, [call, shaped, zeros, item])

    def _added(self, call: Call, class_name: str) -> Call | None:
        """Return the call that gives the zeros of a sum, by its name and class."""
        is_sum = call.layer.is_operation and call.layer.class_name in _ADDS and len(call.layer.calls) == 1
        if not is_sum or not _NAME.fullmatch(call.layer.name) or len(call.args) != 2 or call.kwargs:
            return None
        return self._made(call.args[1], call, f"{call.layer.name}.1", class_name)

    def _before(self, end: Call, call: Call | None, class_name: str, number: int) -> Call | None:
        """Return the call that gives the first operand of another one of a chain."""
        if call is None or not call.args or call.kwargs:
            return None
        return self._made(call.args[0], call, f"{end.layer.name}.{number}", class_name)

    def _made(self, tensor: Any, taker: Call, name: str, class_name: str) -> Call | None:
        """Return the call that gives a tensor to one operation alone."""
        call = self.calls.get(tensor) if isinstance(tensor, Tensor) else None
        if call is None or call.layer.name != name or call.layer.class_name != class_name:
            return None
        is_alone = self.takers[call.result] == [taker] and len(call.layer.calls) == 1 and call.result not in self.ends
        return call if is_alone and call.layer.is_operation and not call.kwargs else None

    def _operand(self, call: Call, value: Any) -> Any:
        """Return an argument of an operation: in the place of a large array the constant that holds it."""
        entry = catalog.operation_of(call.layer.class_name)
        if entry is None or entry.name not in ARRAY_OPERATIONS or not _is_array(value):
            return value
        numbers, dtype = value["config"]["value"], value["config"]["dtype"]
        sizes = nested_shape(numbers)
        is_short = len(sizes) <= 1 and math.prod(sizes) <= _IN_A_LINE
        if is_short and has_usual_dtype(dtype, numbers, call) and repr((numbers, dtype)) not in self.made:
            return value
        return self._constant(call.layer.name, value)

    def _constant(self, taker: str, array: dict[str, Any]) -> Tensor:
        """Return the tensor that holds an array: one for all that are equal."""
        value, dtype = array["config"]["value"], array["config"]["dtype"]
        key = repr((value, dtype))
        if key not in self.made:
            stem = taker.rpartition(".from")[0] or taker
            name = free_name(f"{stem}_constant", {*self.body.layers, *(call.layer.name for call in self.made.values())})
            record = LayerRecord(name, "Array", "keras.src.ops.numpy", "Array", {"x": value, "dtype": dtype})
            record.calls.append(Call(record, 0, [], {}))
            self.made[key] = record.calls[0]
        return replace(self.made[key].result, shape=nested_shape(value), dtype=dtype)


def _first(tensor: Tensor) -> Tensor:
    """Return the first tensor of the call that gives one."""
    return replace(tensor, index=0)


def _with(value: Any, replaced: dict[Tensor, Tensor]) -> Any:
    """Return nested arguments with tensors in the place of others."""
    if isinstance(value, Tensor):
        return replaced.get(value, value)
    if isinstance(value, dict):
        return {key: _with(item, replaced) for key, item in value.items()}
    return [_with(item, replaced) for item in value] if isinstance(value, list) else value


def _adds(call: Call, dtype: str) -> bool:
    return call.layer.class_name == ("LogicalOr" if dtype == "bool" else "Add")


def _is_array(value: Any) -> bool:
    """Return whether an argument is an array of numbers, as Keras writes it."""
    config = value.get("config") if isinstance(value, dict) and value.get("class_name") == "__numpy__" else None
    if not isinstance(config, dict) or "value" not in config or config.get("dtype") not in _TYPES:
        return False
    try:
        sizes = nested_shape(config["value"])
    except RaggedError:
        return False
    return 0 not in sizes and {type(each) for each in items_of(config["value"])} <= _TYPES[config["dtype"]]


def _items(value: Any) -> list[Any]:
    """Return the items of a list, or of a tuple as Keras writes it."""
    items = value.get("items") if isinstance(value, dict) else value
    return list(items) if isinstance(items, list | tuple) else []
