"""`einsum`: letters name the dimensions of each operand, and those of the result.

Keras finds the shape of the result by what each operand knows of the letters in it, stretched together. So it compares
no sizes of a letter that the result lacks.
"""

from __future__ import annotations

from collections import Counter

from graphspec.diagnostics.rules import SHAPE_MISMATCH, UNCHECKED_INPUT, UNFIT_ARGUMENT
from graphspec.shapes.call import Call, Unreadable
from graphspec.shapes.ops.arguments import wrong
from graphspec.shapes.ops.operands import common, listed
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.sizes import broadcast
from graphspec.shapes.tensor import Shape, Size, Tensor, Value, show

ANY = "..."


@operation("einsum")
def einsum(call: Call) -> Value:
    """The shape that the letters behind the arrow spell; without an arrow, those that occur once, in their order."""
    subscripts = call["subscripts"]
    if not isinstance(subscripts, str):
        wrong(call, "subscripts", "letters for each operand and for the result")
    operands = listed(call, "operands")
    inputs, result = _parts(call, subscripts, len(operands))
    shapes = []
    sizes: dict[str, set[Size]] = {}
    for letters, each in zip(inputs, operands, strict=True):
        named, rest = _named(call, letters, each)
        shapes.append(_spelt(call, result, named, rest if ANY in letters else ()))
        for letter, size in named.items():
            sizes.setdefault(letter, set()).add(size)
    found = broadcast(*shapes)
    if found is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.einsum` is told `{subscripts}`, and {show(list(operands))} do not fit: one letter has several sizes",
            argument="subscripts",
            expected="one size for each letter",
            help="compare the letters with the shapes, the batch first",
        )
    for letter, several in sizes.items():
        if len(several - {None, 1}) > 1 and letter not in result:
            known = sorted(size for size in several if size is not None)
            call.warn(
                UNCHECKED_INPUT,
                f"`{letter}` in `{subscripts}` is {' and '.join(map(str, known))}: "
                "Keras finds out only when the model runs",
                argument="subscripts",
                expected="one size for each letter",
                help="compare the letters with the shapes, the batch first",
            )
    dtypes = sorted({each.dtype for each in operands})
    return Tensor(found, "int32" if dtypes == ["int8"] else common(call, *dtypes))


def _parts(call: Call, subscripts: str, count: int) -> tuple[list[str], str]:
    """The letters of each operand, and those of the result."""
    before, *behind = subscripts.split("->")
    inputs = before.split(",")
    if len(behind) > 1 or len(inputs) != count:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{subscripts}` describes {len(inputs)} operand{'' if len(inputs) == 1 else 's'}, and {count} come in"
            if len(behind) < 2
            else f"`{subscripts}` has more than one arrow",
            argument="subscripts",
            expected=f"the letters of {count} operand{'' if count == 1 else 's'}, with commas between, and one arrow",
            help="for example `bij,bjk->bik`",
        )
    if behind:
        return inputs, behind[0]
    once = sorted(letter for letter, number in Counter(filter(str.isalpha, before)).items() if number == 1)
    return inputs, ANY + "".join(once)


def _named(call: Call, letters: str, operand: Tensor) -> tuple[dict[str, Size], Shape]:
    """The size of each letter, and the sizes that `...` stands for."""
    front, *behind = letters.split(ANY)
    back = behind[0] if behind else ""
    shape = operand.shape
    fits = len(front) == len(shape) if not behind else max(len(front), len(back)) <= len(shape)
    if not fits:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{letters}` names {len(front) + len(back)} dimension{'' if len(letters) == 1 else 's'}, "
            f"and the operand {operand} has {len(shape)}",
            argument="subscripts",
            expected=f"{len(shape)} letters for {operand}",
            help="the batch counts, and so do blanks: for example `bij,bjk->bik`",
        )
    named: dict[str, Size] = {}
    for letter, size in [*zip(front, shape, strict=False), *zip(reversed(back), reversed(shape), strict=False)]:
        named.setdefault(letter, size)
    return named, shape[len(front) : len(shape) - len(back)]


def _spelt(call: Call, result: str, named: dict[str, Size], rest: Shape) -> Shape:
    """What one operand knows of the result: the sizes of its own letters, 1 for the others."""
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
                    f"`{letter}` in the result of `ops.einsum` is of no use to Keras, as not every operand has it",
                    argument="subscripts",
                    expected="small letters",
                    help="for example `bij,bjk->bik`",
                )
    return tuple(shape)
