"""The arguments of an operation, read as the numbers that a shape rule needs.

What a single argument may hold is judged elsewhere: where it is of another type, it is Unreadable.
"""

from __future__ import annotations

from typing import Any, NoReturn

from graphspec import catalog
from graphspec.rules import BAD_AXIS, UNFIT_ARGUMENT
from graphspec.shapes import axes
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.tensor import Shape, Tensor

MOST_RESULTS = 1000
"""No rule lists more results than this; Keras would need minutes for them."""


def as_integer(value: Any) -> int:
    """The value as a whole number; to Keras, true and false are 1 and 0."""
    if not isinstance(value, int):
        raise Unreadable
    return int(value)


def as_integers(value: Any) -> list[int]:
    """The value as a list of whole numbers."""
    if not isinstance(value, list | tuple):
        raise Unreadable
    return [as_integer(item) for item in value]


def integer(call: Call, argument: str) -> int:
    """The argument as a whole number."""
    return as_integer(call[argument])


def integers(call: Call, argument: str) -> list[int]:
    """The argument as a list of whole numbers."""
    return as_integers(call[argument])


def one_or_more(call: Call, argument: str) -> list[int]:
    """The argument as a list of whole numbers; one by itself is a list of one."""
    value = call[argument]
    return as_integers(value) if isinstance(value, list | tuple) else [as_integer(value)]


def sizes(call: Call, argument: str) -> Shape:
    """The argument as a shape: whole numbers, or null for an open size."""
    value = call[argument]
    if not isinstance(value, list | tuple):
        raise Unreadable
    return tuple(None if item is None else as_integer(item) for item in value)


def exactly(call: Call, argument: str, wanted: int) -> list[int]:
    """The argument as `wanted` whole numbers; one by itself stands for all. Refuses a list of another length."""
    value = call[argument]
    if isinstance(value, int):
        return [int(value)] * wanted
    numbers = as_integers(value)
    if len(numbers) != wanted:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{argument}` of `{call.name}` holds {len(numbers)} numbers for {wanted} dimensions",
            argument=argument,
            expected=f"a whole number, or a list of {wanted}",
            help="give one number for each dimension",
        )
    return numbers


def few(call: Call, argument: str) -> int:
    """The argument as the number of results."""
    number = integer(call, argument)
    if number > MOST_RESULTS:
        raise Unreadable
    return number


def dtype(call: Call, otherwise: str) -> str:
    """The dtype that the argument `dtype` names, if it is given."""
    value = call["dtype"]
    if value is None:
        return otherwise
    if value == "int":  # a name that Keras knows beside those of dtypes
        return str(catalog.promotion()["numbers"]["int"])
    if value not in catalog.dtypes():
        raise Unreadable
    return str(value)


def word(call: Call, argument: str, *choices: str) -> str:
    """The argument as one of the words `choices`."""
    value = call[argument]
    if not isinstance(value, str) or value not in choices:
        raise Unreadable
    return value


def axis(call: Call, argument: str, rank: int) -> int:
    """The axis that the argument names of a tensor of `rank`, counted from the front. Refuses where there is none."""
    return axis_at(call, argument, integer(call, argument), rank)


def axis_list(call: Call, argument: str, rank: int) -> list[int]:
    """The axes that the argument names, counted from the front."""
    return [axis_at(call, argument, number, rank) for number in one_or_more(call, argument)]


def axis_at(call: Call, argument: str, number: int, rank: int) -> int:
    """The axis `number`, which the argument holds, counted from the front."""
    found = axes.normal(number, rank)
    if found is None:
        no_axis(call, argument, number, rank)
    return found


def no_axis(call: Call, argument: str, number: int, rank: int) -> NoReturn:
    """Refuse an axis."""
    which = call.shown() if isinstance(call.inputs, Tensor) and call.inputs.rank == rank else _of(rank)
    call.refuse(
        BAD_AXIS,
        f"`{call.name}` is told `{argument}: {number}`, and {which} has no axis {number}",
        argument=argument,
        expected=axes.there_are(rank),
        help="axis 0 is the batch, -1 the last dimension",
    )


def _of(rank: int) -> str:
    return f"a tensor of {rank} dimension{'' if rank == 1 else 's'}"


def removed(call: Call, argument: str, shape: Shape, gone: list[int]) -> Shape:
    """The shape without the axes `gone`, which the argument names, counted from the front; each goes by itself."""
    left = list(shape)
    for number in sorted(gone, reverse=True):
        if number >= len(left):
            call.refuse(
                BAD_AXIS,
                f"`{argument}` of `{call.name}` names an axis twice",
                argument=argument,
                expected="each axis once",
                help="remove one of the two",
            )
        del left[number]
    return tuple(left)
