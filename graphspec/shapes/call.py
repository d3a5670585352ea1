"""One call of a layer or an operation, as a shape rule sees it, and the register of those rules.

A rule is a function from a `Call` to the `Value` that Keras would return, registered by the names it serves:

    @layer("Flatten")
    def flatten(call: Call) -> Value:
        tensor = call.tensor()
        return call.output((tensor.shape[0], product(tensor.shape[1:])))

Where Keras would raise, it raises `Refusal` through `call.refuse`. It runs only when every input is known, with
arguments in which the catalogue has found no fault; the output of a name without a rule is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from graphspec import catalog
from graphspec.catalog import REQUIRED, Kind
from graphspec.diagnostics import Label
from graphspec.diagnostics.rules import (
    BAD_AXIS,
    BAD_OPERANDS,
    OPEN_DIMENSION,
    SHAPE_MISMATCH,
    UNCHECKED_INPUT,
    UNFIT_ARGUMENT,
    WRONG_RANK,
    Rule,
)
from graphspec.diagnostics.shape_text import shape_text
from graphspec.language.graph import Layer
from graphspec.language.objects import FIRST
from graphspec.shapes.tensor import (
    MAX_ELEMENTS,
    UNKNOWN,
    Shape,
    Size,
    Tensor,
    TooLargeError,
    Value,
    axes_text,
    canonical_axis,
    tensors,
)


class Refusal(Exception):  # noqa: N818 - it is what Keras does, not a fault of the program
    """An error that Keras would raise for a call.

    argument: the argument of the constructor at fault, if one. labels: other places that belong to it.
    """

    def __init__(
        self,
        rule: Rule,
        message: str,
        argument: str | None = None,
        expected: str = "",
        *,
        help: str = "",
        labels: tuple[Label, ...] = (),
    ) -> None:
        super().__init__(message)
        self.rule, self.message, self.argument, self.expected, self.help = rule, message, argument, expected, help
        self.labels = labels


class Unreadable(Exception):  # noqa: N818 - no fault: a rule need not read all that Keras may
    """An argument in a form that a rule cannot read, and others judge: the output of the call is UNKNOWN."""


@dataclass(slots=True)
class Call:
    """A call of the layer `name`, or of the operation `ops.name`.

    arguments: those that the spec gives to the constructor; `call[argument]` fills in Keras' defaults. Of an operation
    they hold its operands as well, by parameter, so `call["x1"]` is a Tensor or a constant.
    inputs: what the layer is called on. keywords: further call arguments: tensors, scalars, lists of both.
    dtype: what the layer computes in. build_state: what the layer's first call has fixed, empty before it.
    infer: infers the output of another layer, one that a wrapper holds, for such inputs and keywords.
    warnings: warnings about the call, which is not refused for them.
    """

    kind: Kind
    name: str
    arguments: dict[str, Any]
    inputs: Value
    keywords: dict[str, Any]
    dtype: str
    build_state: dict[str, Any]
    infer: Callable[[Layer, Value, dict[str, Any]], Value]
    defaults: dict[str, Any] = field(init=False)
    warnings: list[Refusal] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        entry = catalog.find(self.kind, self.name)
        self.defaults = entry.arguments if entry is not None else {}
        if FIRST in self.arguments and self.defaults:
            self.arguments = {next(iter(self.defaults)): self.arguments[FIRST]}

    def __getitem__(self, argument: str) -> Any:
        """Return the argument's value, or Keras' default for it; None where it has none."""
        if argument in self.arguments:
            return self.arguments[argument]
        default = self.defaults.get(argument)
        return None if default is REQUIRED else default

    def is_written(self, argument: str) -> bool:
        """Return whether the spec itself gives the argument."""
        return argument in self.arguments

    def tensor(self) -> Tensor:
        """Return the one input tensor. Refuses anything else, a list of one included, as Keras does."""
        value = self.inputs
        if not isinstance(value, Tensor):
            count = len(value) if isinstance(value, list | dict) else 0
            self.refuse_input(
                BAD_OPERANDS,
                "one tensor",
                "a list of one" if count == 1 else count,
                help="write `from: x`, not `from: [x]`"
                if count == 1
                else "apply it to each in a node of its own, or join them first: `merge: concat`",
            )
        return value

    def several(self, least: int = 1, most: int | None = None) -> list[Tensor]:
        """Return the list of input tensors. Refuses anything else, and too few or too many of them."""
        value = self.inputs
        listed = [each for each in value if isinstance(each, Tensor)] if isinstance(value, list) else []
        is_list = isinstance(value, list) and len(listed) == len(value)
        if not is_list or len(listed) < least or (most is not None and len(listed) > most):
            more = f"{least} or more " if least > 1 else ""
            count = f"{least} " if most == least else more if most is None else f"{least} to {most} "
            received = (
                "one tensor" if isinstance(value, Tensor) else "a list of one" if len(listed) == 1 else len(listed)
            )
            self.refuse_input(BAD_OPERANDS, f"a list of {count}tensors", received, help="write `from: [a, b]`")
        return listed

    @property
    def is_built(self) -> bool:
        """Return whether the layer was called before: it is built in its first call."""
        return bool(self.build_state)

    def build(self, **state: Any) -> dict[str, Any]:
        """Return the state that the layer was built with: `state`, if this is the first call."""
        if not self.build_state:
            self.build_state.update({"built": True, **state})
        return self.build_state

    def output(self, shape: Sequence[Size], dtype: str | None = None) -> Tensor:
        """Return an output of that shape, by default in the dtype that the layer computes in; `masks` adds its mask."""
        return Tensor(tuple(shape), dtype or self.dtype)

    @property
    def received(self) -> str:
        """Shapes of the inputs, for messages."""
        return shape_text(self.inputs)

    def warn(
        self, rule: Rule, message: str, *, argument: str | None = None, expected: str = "", help: str = ""
    ) -> None:
        """Add a warning; only the first of a call is kept. The arguments are those of `refuse`."""
        if not self.warnings:
            self.warnings.append(Refusal(rule, message, argument, expected, help=help))

    def warn_of_runtime(self, message: str, *, argument: str | None = None, expected: str = "", help: str = "") -> None:
        """Add a warning of an input that Keras builds the model with, and fails on when it runs."""
        message = f"{message}: Keras fails only when the model runs"
        self.warn(UNCHECKED_INPUT, message, argument=argument, expected=expected, help=help)

    def refuse(
        self, rule: Rule, message: str, *, argument: str | None = None, expected: str = "", help: str = ""
    ) -> NoReturn:
        """Raise a Refusal.

        Args:
            rule: what the call breaks.
            message: what is wrong.
            argument: the argument of the constructor to underline; by default the step's name is.
            expected: what would be right, shown below it.
            help: how to fix it.
        """
        raise Refusal(rule, message, argument, expected, help=help)

    def refuse_input(
        self, rule: Rule, expected: str, received: object, *, argument: str | None = None, help: str = ""
    ) -> NoReturn:
        """Refuse an input.

        Args:
            rule: what the call breaks.
            expected: the input that would be right.
            received: the input, or its shape.
            argument: see `refuse`.
            help: how to fix it.
        """
        message = f"`{self.name}` expects {expected}, but received {received}"
        self.refuse(rule, message, argument=argument, expected=expected, help=help)

    def expect_rank(
        self,
        tensor: Tensor,
        *ranks: int,
        least: int | None = None,
        axes: str = "",
        operand: str = "",
        argument: str | None = None,
        help: str = "",
    ) -> None:
        """Refuse a tensor of another rank.

        Args:
            tensor: an operand.
            ranks: the ranks that fit.
            least: the lowest rank that fits, in the place of `ranks`.
            axes: the dimensions by name, as `(batch, steps, features)`.
            operand: the parameter that takes the tensor, where there are several.
            argument: the argument to underline, by default the operand.
            help: how to fix it.
        """
        if tensor.rank in ranks or (least is not None and tensor.rank >= least):
            return
        count = " or ".join(map(str, ranks)) if least is None else f"{least} or more"
        expected = f"{count} dimension{'' if count == '1' else 's'}{f' {axes}' if axes else ''}"
        self.refuse(
            WRONG_RANK,
            f"`{self.name}` expects {f'`{operand}`' if operand else 'a tensor'} of {expected}, "
            f"but received {tensor if tensor.rank else 'a scalar'}",
            argument=argument or (operand or None if self.kind == "ops" else None),
            expected=axes or expected,
            help=help,
        )

    def expect_known(
        self, size: Size, expected: str, received: object, *, argument: str | None = None, help: str = ""
    ) -> int:
        """Return a size. Refuses an unknown one, by the arguments of `refuse_unknown`."""
        if size is None:
            self.refuse_unknown(expected, received, argument=argument, help=help)
        return size

    def refuse_unknown(
        self, expected: str, received: object, *, argument: str | None = None, help: str = ""
    ) -> NoReturn:
        """Refuse a tensor with unknown sizes.

        Args:
            expected: the size in words, as `a known number of channels`.
            received: the tensor.
            argument: see `refuse`.
            help: how to fix it.
        """
        message = f"`{self.name}` needs {expected}, but received {received}"
        self.refuse(OPEN_DIMENSION, message, argument=argument, expected=expected, help=help)

    def refuse_argument(self, rule: Rule, argument: str, problem: str, expected: str, *, help: str = "") -> NoReturn:
        """Refuse the value of an argument, and underline it. problem: what is wrong, as `is 3, but ...`."""
        self.refuse(rule, f"`{argument}` of `{self.name}` {problem}", argument=argument, expected=expected, help=help)

    def refuse_axis(self, argument: str, axis: int, owner: object, expected: str) -> NoReturn:
        """Refuse an axis that `owner`, a tensor, does not have."""
        problem = f"names axis {axis}, which {owner} does not have"
        self.refuse_argument(BAD_AXIS, argument, problem, expected, help="axis 0 is the batch, -1 the last dimension")

    def expect_axis(self, argument: str, axis: int, rank: int, owner: object = None) -> int:
        """Return an axis counted from the front. Refuses one that a tensor of `rank` does not have.

        Args:
            argument: the argument that names it.
            axis: the axis as it is written.
            rank: the rank of the tensor.
            owner: the tensor, by default the input if it has that rank.
        """
        found = canonical_axis(axis, rank)
        if found is None:
            is_input = isinstance(self.inputs, Tensor) and self.inputs.rank == rank
            dimensions = f"{rank} dimension{'' if rank == 1 else 's'}"
            owner = owner or (self.received if is_input else f"a tensor of {dimensions}")
            self.refuse_axis(argument, axis, owner, axes_text(rank))
        return found

    def refuse_rebuild(self, built: str, received: object) -> NoReturn:
        """Refuse an input of a shared layer that was built for another one. built: that one, in words."""
        self.refuse(
            SHAPE_MISMATCH,
            f"`{self.name}` was built for {built}, but received {received}",
            expected=built,
            help="a shared layer takes inputs of one size: declare another layer, or make the sizes equal",
        )

    def refuse_both(self, argument: str, other: str, help: str = "") -> NoReturn:
        """Refuse two arguments that exclude each other, and underline the first."""
        self.refuse(
            UNFIT_ARGUMENT,
            f"`{self.name}` takes `{argument}` or `{other}`, not both",
            argument=argument,
            expected="one of the two",
            help=help or f"remove `{argument}` or `{other}`",
        )


ShapeRule = Callable[[Call], Value]

SHAPE_RULES: dict[str, ShapeRule] = {}
"""Layer or operation (`ops.name`) → its rule."""


def layer(*names: str) -> Callable[[ShapeRule], ShapeRule]:
    """Register a rule for the layers `names`, as `keras.layers` exports them."""

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
    """Register a rule for the operations `names`, as `reshape` or `image.resize`."""

    def register(rule: ShapeRule) -> ShapeRule:
        layer(*(f"ops.{name}" for name in names))(lambda call: _checked(call, rule(call)))
        return rule

    return register


def _checked(call: Call, value: Value) -> Value:
    """Return the output of an operation. Refuses one without tensors, and negative sizes."""
    outputs = list(tensors(value))
    if not outputs:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` would return no tensor for {call.received}",
            expected="arguments that give at least one tensor",
            help="ask for at least one part",
        )
    for each in outputs:
        if isinstance(each, Tensor) and any(size is not None and size < 0 for size in each.shape):
            call.refuse(
                UNFIT_ARGUMENT,
                f"`{call.name}` would return the shape {each} for {call.received}",
                expected="arguments that give sizes of 0 or more",
                help="compare the arguments with the shape of the input",
            )
    return value


def product(sizes: Shape) -> Size:
    """Return the product of the sizes; None where one of them is unknown. Raises TooLargeError."""
    result = 1
    for size in sizes:
        if size is None:
            return None
        result *= size
        if result > MAX_ELEMENTS:
            raise TooLargeError(f"more than {MAX_ELEMENTS:,} elements")
    return result
