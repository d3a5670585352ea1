"""The arguments of an operation, read as the numbers that a shape rule needs, and refused where they are none."""

from __future__ import annotations

from typing import Any, NoReturn

from graphspec import catalog
from graphspec.diagnostics.rules import ARGUMENT_VALUE, BAD_AXIS, UNFIT_ARGUMENT
from graphspec.diagnostics.suggest import closest, kind_of
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.layout import Layout, layout
from graphspec.shapes.sizes import normal, there_are
from graphspec.shapes.tensor import Shape, Size, Tensor

MOST_RESULTS = 1000
"""No rule lists more results than this; Keras would need minutes for them."""


def wrong(call: Call, argument: str, expected: str, help: str = "") -> NoReturn:
    """Refuse the value of an argument, whatever comes in."""
    said = catalog.argument_docs("ops", call.name).get(argument)
    call.refuse(
        ARGUMENT_VALUE,
        f"`{argument}` of `{call.name}` is {kind_of(call[argument])}",
        argument=argument,
        expected=expected,
        help=help
        or (
            f"the Keras documentation says: {said}"
            if said
            else f"`graphspec layers {call.name}` describes its arguments"
        ),
    )


def _is_integers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, int) for item in value)


def integer(call: Call, argument: str, least: int | None = None) -> int:
    """The argument as a whole number; to Keras, true and false are 1 and 0."""
    value = call[argument]
    if not isinstance(value, int) or (least is not None and value < least):
        wrong(call, argument, "a whole number" if least is None else f"a whole number from {least} up")
    return int(value)


def size(call: Call, argument: str) -> Size:
    """The argument as a size: a whole number, or null for an open one."""
    return None if call[argument] is None else integer(call, argument)


def integers(call: Call, argument: str) -> list[int]:
    """The argument as a list of whole numbers."""
    if not _is_integers(call[argument]):
        wrong(call, argument, "a list of whole numbers")
    return list(call[argument])


def one_or_more(call: Call, argument: str) -> list[int]:
    """The argument as a list of whole numbers; one by itself is a list of one."""
    value = call[argument]
    if not isinstance(value, int) and not _is_integers(value):
        wrong(call, argument, "a whole number, or a list of them")
    return [int(value)] if isinstance(value, int) else list(value)


def numbers(call: Call, argument: str) -> list[int]:
    """As `one_or_more`, of an argument that Keras may take with a point too, to no good."""
    value = call[argument]
    if any(isinstance(item, float) for item in (value if isinstance(value, list | tuple) else [value])):
        raise Unreadable
    return one_or_more(call, argument)


def sizes(call: Call, argument: str) -> Shape:
    """The argument as a shape: whole numbers, or null for an open size."""
    value = call[argument]
    if not isinstance(value, list | tuple) or not all(item is None or isinstance(item, int) for item in value):
        wrong(call, argument, "a list of sizes, the batch first")
    return tuple(value)


def exactly(call: Call, argument: str, wanted: int) -> list[int]:
    """The argument as `wanted` whole numbers; one by itself stands for all. Refuses a list of another length."""
    found = one_or_more(call, argument)
    if isinstance(call[argument], int):
        return found * wanted
    if len(found) != wanted:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{argument}` of `{call.name}` holds {len(found)} numbers for {wanted} dimensions",
            argument=argument,
            expected=f"a whole number, or a list of {wanted}",
            help="give one number for each dimension",
        )
    return found


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
    if not isinstance(value, str) or value not in catalog.dtypes():
        near = closest(value, catalog.dtypes()) if isinstance(value, str) else None
        wrong(call, "dtype", "the name of a dtype", f"did you mean `{near}`?" if near else "")
    return value


def word(call: Call, argument: str, *choices: str) -> str:
    """The argument as one of the words `choices`."""
    value = call[argument]
    if not isinstance(value, str) or value not in choices:
        near = closest(value, choices) if isinstance(value, str) else None
        wrong(call, argument, " or ".join(f"`{each}`" for each in choices), f"did you mean `{near}`?" if near else "")
    return value


def order(call: Call) -> Layout:
    """Where the channels are, as `data_format` says."""
    try:
        return layout(call)
    except Unreadable:
        wrong(call, "data_format", "`channels_last` or `channels_first`")


def axis(call: Call, argument: str, rank: int) -> int:
    """The axis that the argument names of a tensor of `rank`, counted from the front. Refuses where there is none."""
    return axis_at(call, argument, integer(call, argument), rank)


def axis_list(call: Call, argument: str, rank: int) -> list[int]:
    """The axes that the argument names, counted from the front."""
    return [axis_at(call, argument, number, rank) for number in one_or_more(call, argument)]


def axis_at(call: Call, argument: str, number: int, rank: int) -> int:
    """The axis `number`, which the argument holds, counted from the front."""
    found = normal(number, rank)
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
        expected=there_are(rank),
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
                help="remove one of them",
            )
        del left[number]
    return tuple(left)
