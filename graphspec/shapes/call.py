"""One call of a layer or an operation, as a shape rule sees it, and the register of those rules.

A rule is a function from a `Call` to the `Value` that Keras would give, registered by the names it serves:

    @layer("Flatten")
    def flatten(call: Call) -> Value:
        tensor = call.tensor()
        return call.gives((tensor.shape[0], product(tensor.shape[1:])))

Where Keras would refuse, it raises `Refusal` through `call.refuse`. It is called only when all that comes in is known,
and with arguments that the catalogue has found no fault with; a rule for a name that has none gives UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from graphspec import catalog
from graphspec.catalog import REQUIRED, Kind
from graphspec.diagnostics import Label
from graphspec.diagnostics.rules import BAD_OPERANDS, Rule
from graphspec.language.graph import FIRST, Layer
from graphspec.shapes.tensor import MAX_ELEMENTS, UNKNOWN, Shape, Tensor, TooLargeError, Value, show


class Refusal(Exception):  # noqa: N818 - it is what Keras does, not a fault of the program
    """What Keras would say of a call: the rule, what happened, and which argument of the layer is at fault, if one.

    labels: other places that belong to it.
    """

    def __init__(
        self,
        rule: Rule,
        message: str,
        argument: str | None = None,
        expected: str = "",
        help: str = "",
        labels: tuple[Label, ...] = (),
    ) -> None:
        super().__init__(message)
        self.rule, self.message, self.argument, self.expected, self.help = rule, message, argument, expected, help
        self.labels = labels


class Unreadable(Exception):  # noqa: N818 - no fault: a rule need not read all that Keras may
    """An argument is of a form that a rule cannot read, and others judge. What the call gives is then UNKNOWN."""


@dataclass(slots=True)
class Call:
    """A call of the layer `name`, or of the operation `ops.name`.

    arguments: those that the spec gives to the constructor; `call[argument]` fills in Keras' defaults. Of an operation
    they hold the tensors that feed it as well, by parameter, so `call["x1"]` is a Tensor or a constant.
    inputs: what the layer is called on. keywords: further call arguments: tensors, scalars, lists of both.
    dtype: what the layer computes in. facts: what the layer's first call has fixed, empty before it.
    infer: what another layer — one that a wrapper holds — gives for such inputs and keywords.
    warnings: what is to be said of the call though it is not refused.
    """

    kind: Kind
    name: str
    arguments: dict[str, Any]
    inputs: Value
    keywords: dict[str, Any]
    dtype: str
    facts: dict[str, Any]
    infer: Callable[[Layer, Value, dict[str, Any]], Value]
    defaults: dict[str, Any] = field(init=False)
    warnings: list[Refusal] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        entry = catalog.find(self.kind, self.name)
        self.defaults = entry.arguments if entry is not None else {}
        if FIRST in self.arguments and self.defaults:
            self.arguments = {next(iter(self.defaults)): self.arguments[FIRST]}

    def __getitem__(self, argument: str) -> Any:
        """The argument's value, or Keras' default for it; None where it has none."""
        if argument in self.arguments:
            return self.arguments[argument]
        default = self.defaults.get(argument)
        return None if default is REQUIRED else default

    def states(self, argument: str) -> bool:
        """Whether the spec itself gives the argument."""
        return argument in self.arguments

    def tensor(self) -> Tensor:
        """The one tensor that comes in. Refuses where it is not one; a list of one is none, as in Keras."""
        value = self.inputs
        if not isinstance(value, Tensor):
            count = len(value) if isinstance(value, list | dict) else 0
            self.refuse(
                BAD_OPERANDS,
                f"`{self.name}` takes one tensor and is given {'a list of one' if count == 1 else count}",
                expected="one tensor",
                help="write `from: x`, not `from: [x]`"
                if count == 1
                else "apply it to each in a node of its own, or join them first: `merge: concat`",
            )
        return value

    def several(self, least: int = 1, most: int | None = None) -> list[Tensor]:
        """The list of tensors that comes in. Refuses where it is none, or holds too few or too many."""
        value = self.inputs
        listed = [each for each in value if isinstance(each, Tensor)] if isinstance(value, list) else []
        whole = isinstance(value, list) and len(listed) == len(value)
        if not whole or len(listed) < least or (most is not None and len(listed) > most):
            more = f"{least} or more " if least > 1 else ""
            wanted = f"{least} " if most == least else more if most is None else f"{least} to {most} "
            given = "one tensor" if isinstance(value, Tensor) else "a list of one" if len(listed) == 1 else len(listed)
            self.refuse(
                BAD_OPERANDS,
                f"`{self.name}` takes a list of {wanted}tensors and is given {given}",
                expected=f"a `from` that lists {wanted}tensors",
                help="write `from: [a, b]`",
            )
        return listed

    def once(self, **facts: Any) -> dict[str, Any]:
        """The facts that the layer's first call has fixed (it is built then): `facts`, if this is the first call."""
        if not self.facts:
            self.facts.update(facts)
        return self.facts

    def gives(self, shape: Sequence[int | None], dtype: str | None = None) -> Tensor:
        """A result of that shape; dtype is by default what the layer computes in. Its mask is found by `masks`."""
        return Tensor(tuple(shape), dtype or self.dtype)

    def warn(
        self, rule: Rule, message: str, *, argument: str | None = None, expected: str = "", help: str = ""
    ) -> None:
        """Say something of the call without refusing it. Of a call the first warning is kept."""
        if not self.warnings:
            self.warnings.append(Refusal(rule, message, argument, expected, help))

    def refuse(
        self, rule: Rule, message: str, *, argument: str | None = None, expected: str = "", help: str = ""
    ) -> NoReturn:
        """Raise the Refusal. argument: the constructor's argument to underline; without one it is the step's name."""
        raise Refusal(rule, message, argument, expected, help)

    def shown(self) -> str:
        """The shapes that come in, for messages."""
        return show(self.inputs)


ShapeRule = Callable[[Call], Value]

SHAPE_RULES: dict[str, ShapeRule] = {}
"""Layer or operation (`ops.name`) → its rule."""


def layer(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    """Registers a rule for the layers `names`, as `keras.layers` exports them."""

    def register(rule: ShapeRule) -> ShapeRule:
        def readable(call: Call) -> Value:
            try:
                return rule(call)
            except Unreadable:
                return UNKNOWN

        for name in names:
            assert name not in SHAPE_RULES, name
            SHAPE_RULES[name] = readable
        return rule

    return register


def operation(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    """Registers a rule for the operations `names`, as in `ops.reshape`."""
    return layer(*names)


def product(sizes: Shape) -> int | None:
    """Return the product of the sizes; None where one of them is open. Raises TooLargeError."""
    result = 1
    for size in sizes:
        if size is None:
            return None
        result *= size
        if result > MAX_ELEMENTS:
            raise TooLargeError(f"more than {MAX_ELEMENTS:,} elements")
    return result
