"""The arguments of an operation, read as the numbers that a shape rule needs, and refused where they are none."""

from __future__ import annotations

from typing import Any, NoReturn

from graphspec import catalog
from graphspec.diagnostics.rules import ARGUMENT_VALUE, BAD_AXIS, UNFIT_ARGUMENT
from graphspec.diagnostics.suggest import closest, kind_of
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.layout import Layout, layout
from graphspec.shapes.tensor import Shape, Size

MAX_RESULTS = 1000
"""Tensors that a rule returns at most; Keras would need minutes for more."""


def refuse_value(call: Call, argument: str, expected: str, help: str = "") -> NoReturn:
    """Refuse the value of an argument, whatever the operands are."""
    doc = catalog.argument_docs("ops", call.name).get(argument)
    call.refuse_argument(
        ARGUMENT_VALUE,
        argument,
        f"is {kind_of(call[argument])}",
        expected,
        help=help
        or (
            f"the Keras documentation says: {doc}" if doc else f"`graphspec layers {call.name}` describes its arguments"
        ),
    )


def _is_integers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, int) for item in value)


def integer(call: Call, argument: str, least: int | None = None) -> int:
    """Return the argument as a whole number; to Keras, true and false are 1 and 0."""
    value = call[argument]
    if not isinstance(value, int) or (least is not None and value < least):
        refuse_value(call, argument, "a whole number" if least is None else f"a whole number from {least} up")
    return int(value)


def size(call: Call, argument: str) -> Size:
    """Return the argument as a size: a whole number, or null for an unknown one."""
    return None if call[argument] is None else integer(call, argument)


def integers(call: Call, argument: str) -> list[int]:
    """Return the argument as a list of whole numbers."""
    if not _is_integers(call[argument]):
        refuse_value(call, argument, "a list of whole numbers")
    return list(call[argument])


def integer_list(call: Call, argument: str) -> list[int]:
    """Return the argument as a list of whole numbers; a single one is a list of one."""
    value = call[argument]
    if not isinstance(value, int) and not _is_integers(value):
        refuse_value(call, argument, "a whole number, or a list of them")
    return [int(value)] if isinstance(value, int) else list(value)


def integer_list_or_unknown(call: Call, argument: str) -> list[int]:
    """Return the same as `integer_list`. Raises Unreadable for floats, which Keras may accept."""
    value = call[argument]
    if any(isinstance(item, float) for item in (value if isinstance(value, list | tuple) else [value])):
        raise Unreadable
    return integer_list(call, argument)


def sizes(call: Call, argument: str) -> Shape:
    """Return the argument as a shape: whole numbers, or null for an unknown size."""
    value = call[argument]
    if not isinstance(value, list | tuple) or not all(item is None or isinstance(item, int) for item in value):
        refuse_value(call, argument, "a list of sizes, the batch first")
    return tuple(value)


def one_per_dimension(call: Call, argument: str, count: int) -> list[int]:
    """Return the argument as `count` whole numbers; a single one stands for all. Refuses a list of another length."""
    numbers = integer_list(call, argument)
    if isinstance(call[argument], int):
        return numbers * count
    if len(numbers) != count:
        call.refuse_argument(
            UNFIT_ARGUMENT,
            argument,
            f"has {len(numbers)} numbers for {count} dimensions",
            f"a whole number, or a list of {count}",
            help="give one number for each dimension",
        )
    return numbers


def result_count(call: Call, argument: str) -> int:
    """Return the argument as the number of results. Raises Unreadable where there are too many for a rule."""
    number = integer(call, argument)
    if number > MAX_RESULTS:
        raise Unreadable
    return number


def dtype(call: Call, default: str) -> str:
    """Return the dtype that the argument `dtype` names, or the default."""
    value = call["dtype"]
    if value is None:
        return default
    if value == "int":  # a name that Keras knows beside those of dtypes
        return str(catalog.promotion()["numbers"]["int"])
    if not isinstance(value, str) or value not in catalog.dtypes():
        near = closest(value, catalog.dtypes()) if isinstance(value, str) else None
        refuse_value(call, "dtype", "the name of a dtype", f"did you mean `{near}`?" if near else "")
    return value


def choice(call: Call, argument: str, *choices: str) -> str:
    """Return the argument as one of the words `choices`."""
    value = call[argument]
    if not isinstance(value, str) or value not in choices:
        near = closest(value, choices) if isinstance(value, str) else None
        expected = " or ".join(f"`{each}`" for each in choices)
        refuse_value(call, argument, expected, f"did you mean `{near}`?" if near else "")
    return value


def layout_of(call: Call) -> Layout:
    """Return the layout that `data_format` names."""
    try:
        return layout(call)
    except Unreadable:
        refuse_value(call, "data_format", "`channels_last` or `channels_first`")


def axis(call: Call, argument: str, rank: int) -> int:
    """Return the axis that the argument names, counted from the front. Refuses one that `rank` does not have."""
    return call.expect_axis(argument, integer(call, argument), rank)


def axis_list(call: Call, argument: str, rank: int) -> list[int]:
    """Return the axes that the argument names, counted from the front. Refuses those that `rank` does not have."""
    return [call.expect_axis(argument, number, rank) for number in integer_list(call, argument)]


def without_axes(call: Call, argument: str, shape: Shape, axes: list[int]) -> Shape:
    """Return the shape without the axes that the argument names. Refuses one that is named twice."""
    left = list(shape)
    for number in sorted(axes, reverse=True):
        if number >= len(left):
            call.refuse_argument(BAD_AXIS, argument, "names an axis twice", "each axis once", help="remove one of them")
        del left[number]
    return tuple(left)
