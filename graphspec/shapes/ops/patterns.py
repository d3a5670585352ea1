"""Operations that a pattern describes: `einsum` and `rearrange`.

In `einsum`, letters name the dimensions of each operand, and those of the result. Keras infers the shape of the result
from the sizes of the letters in each operand, which it broadcasts. So it compares no sizes of a letter that is not in
the result. In `rearrange`, a pattern names the dimensions before and behind an arrow; those in brackets are joined.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NoReturn

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.diagnostics.shape_text import shape_text
from graphspec.shapes.call import Call, Unreadable, operation
from graphspec.shapes.ops.arguments import integer, refuse_value
from graphspec.shapes.ops.operands import common_dtype, tensor, tensor_list
from graphspec.shapes.sizes import broadcast
from graphspec.shapes.tensor import Shape, Size, Tensor, Value

ANY = "..."
_ARROW = re.compile(r"\s*->\s*")
_AXIS = re.compile(r"\w+|\(.*?\)")
_GROUP = re.compile(r"\(([\w\s]+)\)")


@operation("einsum")
def einsum(call: Call) -> Value:
    """Infer the shape of the letters behind the arrow; without an arrow, of those that occur once, in order."""
    subscripts = call["subscripts"]
    if not isinstance(subscripts, str):
        refuse_value(call, "subscripts", "letters for each operand and for the result")
    operands = tensor_list(call, "operands")
    inputs, result = _parts(call, subscripts, len(operands))
    shapes = []
    sizes: dict[str, set[Size]] = {}
    for letters, each in zip(inputs, operands, strict=True):
        named, rest = _named(call, letters, each)
        shapes.append(_result_shape(call, result, named, rest if ANY in letters else ()))
        for letter, size in named.items():
            sizes.setdefault(letter, set()).add(size)
    expected, help = "one size for each letter", "compare the letters with the shapes, the batch first"
    shape = broadcast(*shapes)
    if shape is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{subscripts}` of `ops.einsum` has a letter with several sizes in {shape_text(list(operands))}",
            argument="subscripts",
            expected=expected,
            help=help,
        )
    for letter, several in sizes.items():
        if len(several - {None, 1}) > 1 and letter not in result:
            known = sorted(size for size in several if size is not None)
            message = f"`{letter}` in `{subscripts}` is {' and '.join(map(str, known))}"
            call.warn_of_runtime(message, argument="subscripts", expected=expected, help=help)
    dtypes = sorted({each.dtype for each in operands})
    return Tensor(shape, "int32" if dtypes == ["int8"] else common_dtype(call, *dtypes))


def _parts(call: Call, subscripts: str, count: int) -> tuple[list[str], str]:
    """Return the letters of each operand, and those of the result."""
    before, *behind = subscripts.split("->")
    inputs = before.split(",")
    if len(behind) > 1 or len(inputs) != count:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{subscripts}` describes {_operands(len(inputs))}, but `ops.einsum` received {count}"
            if len(behind) < 2
            else f"`{subscripts}` has more than one arrow",
            argument="subscripts",
            expected=f"the letters of {_operands(count)}, separated by commas, and one arrow",
            help="for example `bij,bjk->bik`",
        )
    if behind:
        return inputs, behind[0]
    once = sorted(letter for letter, number in Counter(filter(str.isalpha, before)).items() if number == 1)
    return inputs, ANY + "".join(once)


def _operands(count: int) -> str:
    return f"{count} operand{'' if count == 1 else 's'}"


def _named(call: Call, letters: str, operand: Tensor) -> tuple[dict[str, Size], Shape]:
    """Return the size of each letter, and the sizes that `...` stands for."""
    front, *behind = letters.split(ANY)
    back = behind[0] if behind else ""
    shape = operand.shape
    fits = len(front) == len(shape) if not behind else max(len(front), len(back)) <= len(shape)
    if not fits:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{letters}` names {len(front) + len(back)} dimension{'' if len(letters) == 1 else 's'}, "
            f"but the operand {operand} has {len(shape)}",
            argument="subscripts",
            expected=f"{len(shape)} letters for {operand}",
            help="the batch counts, and so do blanks: for example `bij,bjk->bik`",
        )
    named: dict[str, Size] = {}
    for letter, size in [*zip(front, shape, strict=False), *zip(reversed(back), reversed(shape), strict=False)]:
        named.setdefault(letter, size)
    return named, shape[len(front) : len(shape) - len(back)]


def _result_shape(call: Call, result: str, named: dict[str, Size], rest: Shape) -> Shape:
    """Return the shape of the result by one operand: the sizes of its own letters, 1 for the others."""
    shape: list[Size] = []
    for number, part in enumerate(result.split(ANY)):
        shape += rest if number else ()
        for letter in part:
            if letter in named:
                shape.append(named[letter])
            elif "a" <= letter <= "z":
                shape.append(1)
            elif letter.isdigit():
                raise Unreadable
            elif not letter.isspace():
                call.refuse(
                    UNFIT_ARGUMENT,
                    f"`{letter}` in the result of `ops.einsum` must be in every operand, as it is no small letter",
                    argument="subscripts",
                    expected="small letters",
                    help="for example `bij,bjk->bik`",
                )
    return tuple(shape)


@operation("rearrange")
def rearrange(call: Call) -> Value:
    """Infer the shape that the pattern writes behind its arrow."""
    x, pattern = tensor(call, "tensor"), call["pattern"]
    if not isinstance(pattern, str):
        refuse_value(call, "pattern", "names before and behind an arrow")
    sides = _ARROW.split(pattern)
    if len(sides) != 2:
        _refuse_pattern(call, f"`{pattern}` must have one arrow")
    known = {name: integer(call, name) for name in call.arguments if name not in ("tensor", "pattern")}
    sizes: dict[str, Size] = {}
    for axis, size in zip(_AXIS.findall(sides[0]), x.shape, strict=False):
        sizes |= _sizes(call, axis, size, known)
    shape = []
    for axis in _AXIS.findall(sides[1]):
        result = 1
        for name in _names(axis):
            if name not in sizes:
                _refuse_pattern(call, f"`{name}` is behind the arrow of `{pattern}`, but not before it for {x}")
            help = "`ops.transpose` and `ops.reshape` take unknown sizes"
            result *= call.expect_known(sizes[name], f"known sizes, that of `{name}` in `{pattern}` too", x, help=help)
        shape.append(result)
    return Tensor(tuple(shape), x.dtype)


def _sizes(call: Call, axis: str, size: Size, known: dict[str, int]) -> dict[str, Size]:
    """Return the sizes of the names in one axis of the pattern. A single unknown one follows from the others."""
    names = _names(axis)
    if names == [axis]:
        return {axis: size}
    missing = [name for name in names if name not in known]
    if missing:
        rest = 1
        for name in names:
            rest *= known.get(name, 1)
        if size is None or rest == 0:
            call.refuse_unknown(
                f"a known size for `{axis}` in `{call['pattern']}`",
                call.received,
                argument="pattern",
                help=f"write the size of `{missing[0]}`: `ops.rearrange: {{pattern: ..., {missing[0]}: ...}}`",
            )
        known[missing[0]] = size // rest
    if len(missing) > 1:
        _refuse_pattern(call, f"`{axis}` in `{call['pattern']}` has {len(missing)} names of unknown size")
    return {name: known[name] for name in names}


def _names(axis: str) -> list[str]:
    """Return the names that an axis of the pattern joins."""
    group = _GROUP.match(axis)
    return group.group(1).split() if group else [axis]


def _refuse_pattern(call: Call, message: str) -> NoReturn:
    call.refuse(
        UNFIT_ARGUMENT,
        message,
        argument="pattern",
        expected="names before and behind one arrow, with a size for all but one in each bracket",
        help="for example `ops.rearrange: {pattern: 'b (h w) c -> b h w c', h: 4}`",
    )
