"""The operations by which graphspec draws random numbers → units of `ops.random.normal`, `uniform` and the like.

An `Activation` of an initializer with a generator is what draws; see `to_keras/random_operations`. Before it lie the
operations that compute the shape of a tensor, behind it those that give the numbers this shape.
"""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.from_keras.records import Call, Tensor
from graphspec.from_keras.units import Unit

_DRAWN = {
    "RandomNormal": "ops.random.normal",
    "RandomUniform": "ops.random.uniform",
    "TruncatedNormal": "ops.random.truncated_normal",
}


def random_draws(calls: list[Call]) -> tuple[dict[Call, Unit], set[Call]]:
    """Return the unit of each random operation by the last of its calls, and the other calls that are part of one."""
    found = _Draws(calls)
    return found.units, found.hidden


class _Draws:
    def __init__(self, calls: list[Call]) -> None:
        self.units: dict[Call, Unit] = {}
        self.hidden: set[Call] = set()
        self._made = {call.result: call for call in calls}
        self._users: dict[Tensor, list[Call]] = {}
        for call in calls:
            for tensor in call.tensors():
                self._users.setdefault(tensor, []).append(call)
        for call in calls:
            drawn = _drawn_by(call)
            if drawn is not None:
                self._add(call, *drawn)

    def _add(self, drawing: Call, name: str, slots: dict[str, Any]) -> None:
        cast = self._user(drawing, "Cast")
        spread = self._user(cast, "Subtract")
        last = self._user(spread, "Sum")
        expanded = self._operand(spread, "ExpandDims")
        zeros = self._operand(expanded, "ZerosLike")
        if cast is None or spread is None or last is None or expanded is None or zeros is None:
            return
        ends = [each.layer.config.get("axis") for each in (expanded, last)]
        shape = self._shape_of(zeros, drawing)
        if shape is None or ends != [-1, -1] or last.layer.config.get("keepdims"):
            return
        parts = {zeros, expanded, *shape, drawing, cast, spread}
        if any(user not in (*parts, last) for each in parts for user in self._users.get(each.result, [])):
            return
        like = zeros.tensors()[0]
        entry = catalog.find("ops", name)
        assert entry is not None
        slots["dtype"] = zeros.layer.config.get("dtype")
        defaults = {**entry.arguments, "dtype": "float32"}
        slots = {key: value for key, value in slots.items() if value != defaults[key]}
        self.units[last] = Unit(
            ("ops", name), [like], {}, last.result, slots, dict(entry.arguments), last, operands={"shape": like}
        )
        self.hidden |= parts

    def _user(self, call: Call | None, class_name: str) -> Call | None:
        """Return the only call that takes the result of another one, if it is of that class."""
        users = self._users.get(call.result, []) if call is not None else []
        return users[0] if len(users) == 1 and users[0].layer.class_name == class_name else None

    def _operand(self, call: Call | None, class_name: str) -> Call | None:
        """Return the call of that class that gives a call its last tensor."""
        tensors = call.tensors() if call is not None else []
        found = self._made.get(tensors[-1]) if tensors else None
        return found if found is not None and found.layer.class_name == class_name else None

    def _shape_of(self, zeros: Call, drawing: Call) -> set[Call] | None:
        """Return the calls that compute the shape of `zeros`, and a 1, for `drawing`; None if others do."""
        sizes = list(zeros.tensors()[0].shape)
        joined = self._operand(drawing, "Concatenate")
        written = joined.args[0] if joined is not None and joined.args else drawing.tensors()
        if not isinstance(written, list) or len(written) != len(sizes) + 1:
            return None
        found = {joined} if joined is not None else set()
        for axis, (part, size) in enumerate(zip(written, [*sizes, 1], strict=False)):
            if isinstance(part, Tensor):
                others = [each for each in range(len(sizes)) if each != axis]
                counting = self._size_of(zeros, part, others)
                if counting is None:
                    return None
                found |= counting
            elif size is None or not isinstance(part, dict) or part.get("config", {}).get("value") != [size]:
                return None
        return found

    def _size_of(self, zeros: Call, part: Tensor, others: list[int]) -> set[Call] | None:
        """Return the calls that count `zeros` along one axis, by their sum over the others; None if others do."""
        shaped = self._made.get(part)
        size = self._operand(shaped, "Size")
        if shaped is None or shaped.layer.class_name != "Reshape" or size is None:
            return None
        summed = self._operand(size, "Sum")
        if summed is None:
            return {shaped, size} if not others and size.tensors() == [zeros.result] else None
        is_right = summed.tensors() == [zeros.result] and summed.layer.config.get("axis") == others
        return {shaped, size, summed} if is_right else None


def _drawn_by(call: Call) -> tuple[str, dict[str, Any]] | None:
    """Return the random operation that an `Activation` stands for, and its constants; None for any other call."""
    if call.layer.class_name != "Activation":
        return None
    written: Any = call.layer.config.get("activation")
    config = _config(written)
    seed = config.get("seed")
    entry = catalog.find("ops", _DRAWN.get(str(written["class_name"]), "")) if config else None
    if entry is None or not isinstance(seed, dict) or seed.get("class_name") != "SeedGenerator":
        return None
    constants = {key: config[key] for key in entry.arguments if key in config}
    return entry.name, {**constants, "seed": _config(seed).get("seed")}


def _config(written: Any) -> dict[str, Any]:
    """Return the configuration of an object as Keras writes it; empty for anything else."""
    config = written.get("config") if isinstance(written, dict) and "class_name" in written else None
    return config if isinstance(config, dict) else {}
