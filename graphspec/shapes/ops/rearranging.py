"""`rearrange`: a pattern names the dimensions before and behind an arrow, those in brackets joined to one."""

from __future__ import annotations

import re

from graphspec.diagnostics.rules import OPEN_DIMENSION, UNFIT_ARGUMENT
from graphspec.shapes.call import Call
from graphspec.shapes.ops.arguments import integer, wrong
from graphspec.shapes.ops.operands import tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.tensor import Size, Tensor, Value

_ARROW = re.compile(r"\s*->\s*")
_AXIS = re.compile(r"\w+|\(.*?\)")
_GROUP = re.compile(r"\(([\w\s]+)\)")


@operation("rearrange")
def rearrange(call: Call) -> Value:
    """The shape that the pattern spells behind its arrow."""
    incoming, pattern = tensor(call, "tensor"), call["pattern"]
    if not isinstance(pattern, str):
        wrong(call, "pattern", "names before and behind an arrow")
    sides = _ARROW.split(pattern)
    if len(sides) != 2:
        _unfit(call, f"`{pattern}` has no arrow, or more than one")
    known = {name: integer(call, name) for name in call.arguments if name not in ("tensor", "pattern")}
    sizes: dict[str, Size] = {}
    for axis, size in zip(_AXIS.findall(sides[0]), incoming.shape, strict=False):
        sizes |= _sizes(call, axis, size, known)
    shape = []
    for axis in _AXIS.findall(sides[1]):
        result = 1
        for name in _inside(axis):
            if name not in sizes:
                _unfit(call, f"`{name}` stands behind the arrow of `{pattern}`, and not before it for {incoming}")
            size = sizes[name]
            if size is None:
                call.refuse(
                    OPEN_DIMENSION,
                    f"`ops.rearrange` needs to know every size, and `{name}` in `{pattern}` is open for {incoming}",
                    expected="known sizes, that of the batch too",
                    help="`ops.transpose` and `ops.reshape` take open sizes",
                )
            result *= size
        shape.append(result)
    return Tensor(tuple(shape), incoming.dtype)


def _sizes(call: Call, axis: str, size: Size, known: dict[str, int]) -> dict[str, Size]:
    """The sizes of the names in one axis of the pattern. What is not given follows from the others, in one place."""
    names = _inside(axis)
    if names == [axis]:
        return {axis: size}
    missing = [name for name in names if name not in known]
    if missing:
        rest = 1
        for name in names:
            rest *= known.get(name, 1)
        if size is None or rest == 0:
            call.refuse(
                OPEN_DIMENSION,
                f"`{axis}` in `{call['pattern']}` divides a size that is open",
                argument="pattern",
                expected="a known size",
                help=f"say what `{missing[0]}` is: `ops.rearrange: {{pattern: ..., {missing[0]}: ...}}`",
            )
        known[missing[0]] = size // rest
    if len(missing) > 1:
        _unfit(call, f"`{axis}` in `{call['pattern']}` leaves the sizes of {len(missing)} names open")
    return {name: known[name] for name in names}


def _inside(axis: str) -> list[str]:
    """The names that an axis of the pattern joins."""
    group = _GROUP.match(axis)
    return group.group(1).split() if group else [axis]


def _unfit(call: Call, what: str) -> None:
    call.refuse(
        UNFIT_ARGUMENT,
        what,
        argument="pattern",
        expected="names before and behind one arrow, all but one in each bracket given a size",
        help="for example `ops.rearrange: {pattern: 'b (h w) c -> b h w c', h: 4}`",
    )
