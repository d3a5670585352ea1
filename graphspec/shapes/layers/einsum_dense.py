"""`EinsumDense`: a product with a matrix along axes that an equation names, `...x,xy->...y`.

Keras reads from the equation which sizes the weights have and which sizes come out; the sizes of the result are given
by `output_shape`, where `null` stands for a size that is taken over from what comes in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from graphspec.diagnostics.rules import OPEN_DIMENSION, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.shapes.call import Call, layer
from graphspec.shapes.layers.elementwise import refuse_other_use
from graphspec.shapes.layers.embedding import refuse_lora_beside
from graphspec.shapes.tensor import UNKNOWN, Shape, Size, Tensor, Value

_FORMS = (
    re.compile(r"(?P<takes>[a-zA-Z]+),(?P<kernel>[a-zA-Z]+)->(?P<gives>[a-zA-Z]+)"),
    re.compile(r"(?P<left>\.\.\.)(?P<takes>[a-zA-Z]+),(?P<kernel>[a-zA-Z]+)->\.\.\.(?P<gives>[a-zA-Z]+)"),
    re.compile(r"(?P<takes>[a-zA-Z]{2,})\.\.\.,(?P<kernel>[a-zA-Z]+)->(?P<gives>[a-zA-Z]+)\.\.\."),
)


@dataclass(frozen=True)
class _Equation:
    """An equation held against a tensor: sizes by letter, of what comes in and of what comes out."""

    takes: dict[str, Size]
    kernel: str
    gives: dict[str, Size]
    result: Shape


@layer("EinsumDense")
def einsum_dense(call: Call) -> Value:
    """The shape that the equation and `output_shape` give."""
    tensor = call.tensor()
    equation, wanted, bias = call["equation"], call["output_shape"], call["bias_axes"]
    wanted = [wanted] if isinstance(wanted, int) else wanted
    if not isinstance(equation, str) or not isinstance(wanted, list) or not isinstance(bias, str | None):
        return UNKNOWN
    if call.facts and call.facts["rank"] != tensor.rank:
        refuse_other_use(call, f"tensors of {call.facts['rank']} dimensions", tensor)
    read = _read(call, equation, wanted, tensor)
    _refuse_strangers(call, equation, read, bias)
    if not call.facts:
        _refuse_open_weights(call, read, bias, tensor)
        refuse_lora_beside(call, "kernel_constraint")
    call.once(rank=tensor.rank)
    return call.gives(read.result)


def _read(call: Call, equation: str, wanted: list[Size], tensor: Tensor) -> _Equation:
    found = next((match for form in _FORMS if (match := form.match(equation))), None)
    if found is None:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{equation}` is no equation that `EinsumDense` reads",
            argument="equation",
            expected="`ab,bc->ac`, `...b,bc->...c` or `ab...,bc->ac...`",
        )
    takes, kernel, gives = found["takes"], found["kernel"], found["gives"]
    is_left = found.re is _FORMS[1]
    more = tensor.rank - len(takes)
    if more < 0 or tensor.rank == 0:
        call.refuse(
            WRONG_RANK,
            f"`{equation}` is for tensors of {len(takes)} dimensions and more, and is given {tensor}",
            argument="equation",
            expected=f"an equation for {tensor.rank} dimensions",
        )
    # Keras puts each of the dimensions on the left before those that it has put there already.
    elided = tensor.shape[1:more][::-1] if is_left else tensor.shape[len(takes) :] if more > 0 else ()
    result = (tensor.shape[0], *elided, *wanted) if is_left else (tensor.shape[0], *wanted, *elided)
    start = more if is_left else 0
    if len(result) < start + len(gives):
        _refuse_count(call, equation, wanted)
    return _Equation(
        dict(zip(takes, tensor.shape[start:], strict=False)),
        kernel,
        dict(zip(gives, result[start:], strict=False)),
        result,
    )


def _refuse_count(call: Call, equation: str, wanted: list[Size]) -> NoReturn:
    call.refuse(
        UNFIT_ARGUMENT,
        f"`{equation}` gives more dimensions than `output_shape` has sizes: {wanted}",
        argument="output_shape",
        expected="a size for each letter of the result but the batch",
    )


def _refuse_strangers(call: Call, equation: str, read: _Equation, bias: str | None) -> None:
    """Refuse letters that nothing gives a size, and sizes that contradict what comes in."""
    for letter, size in read.takes.items():
        if read.gives.get(letter) not in (None, size):
            call.refuse(
                SHAPE_MISMATCH,
                f"`{letter}` of `{equation}` is {size} in what comes in, and {read.gives[letter]} by `output_shape`",
                argument="output_shape",
                expected=f"{'null' if size is None else size} for `{letter}`",
                help="`null` takes a size over from what comes in",
            )
    strange = [letter for letter in read.gives if letter not in read.takes and letter not in read.kernel]
    strange += [letter for letter in read.kernel if letter not in read.gives and letter not in read.takes]
    if strange:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{strange[0]}` stands alone in `{equation}`",
            argument="equation",
            expected="letters that stand in two of the three parts",
        )
    if bias is not None and (not bias or any(letter not in read.gives for letter in bias)):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`bias_axes: {bias}` names no axes of the result of `{equation}`",
            argument="bias_axes",
            expected="letters of the result",
        )


def _refuse_open_weights(call: Call, read: _Equation, bias: str | None, tensor: Tensor) -> None:
    """Refuse weights of open size."""
    sizes = [read.gives[letter] if letter in read.gives else read.takes[letter] for letter in read.kernel]
    if None in sizes + [read.gives[letter] for letter in bias or ""]:
        call.refuse(
            OPEN_DIMENSION,
            f"`EinsumDense` needs to know the sizes of its weights, and what comes in is {tensor}",
            argument="equation",
            expected="weights along dimensions of known size",
            help="give the input its size, or name in the second part of the equation only axes of known size",
        )
