"""Layers that multiply by a matrix or look up vectors in one: `Dense`, `EinsumDense`, `Embedding`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphspec.diagnostics.rules import OPEN_DIMENSION, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.diagnostics.shape_text import size_text
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.sizes import differ
from graphspec.shapes.tensor import UNKNOWN, Shape, Size, Tensor, Value


@layer("Dense")
def dense(call: Call) -> Value:
    """Infer the output of `Dense`: (..., features) → (..., units)."""
    tensor = call.tensor()
    refuse_lora_beside(call, "kernel_constraint")
    call.expect_rank(tensor, least=2, axes="(batch, ..., features)", help="`Reshape: [1]` adds a dimension")
    last = tensor.shape[-1]
    if not call.is_built:
        call.expect_known(
            last,
            "a last dimension of known size",
            tensor,
            help="give the input its number of features, a lookup layer its `vocabulary`, or pool over the unknown "
            "dimension first",
        )
    built = call.build(last=last)["last"]
    if differ(last, built):
        call.refuse_rebuild(f"{built} features", last)
    return call.output((*tensor.shape[:-1], call["units"]))


@layer("Embedding")
def embedding(call: Call) -> Value:
    """Infer the output of `Embedding`: (...) → (..., output_dim)."""
    tensor = call.tensor()
    refuse_lora_beside(call, "embeddings_constraint")
    return call.output((*tensor.shape, call["output_dim"]))


@layer("ReversibleEmbedding")
def reversible_embedding(call: Call) -> Value:
    """Infer (...) → (..., output_dim); with `reverse`, (..., output_dim) → (..., input_dim)."""
    tensor = call.tensor()
    refuse_lora_beside(call, "embeddings_constraint")
    if call.keywords.get("reverse"):
        return call.output((*tensor.shape[:-1], call["input_dim"]))
    return call.output((*tensor.shape, call["output_dim"]))


def refuse_lora_beside(call: Call, constraint: str) -> None:
    """Refuse a constraint of the weights that `lora_rank` freezes."""
    if call["lora_rank"] and call[constraint] is not None:
        call.refuse_both("lora_rank", constraint, "LoRA freezes the weights that the constraint is for: remove one")


# Keras reads from the equation of `EinsumDense` which sizes the weights have and which sizes the output has;
# `output_shape` states the sizes of the output, `null` for one that is copied from the input.

_FORMS = (
    re.compile(r"(?P<inputs>[a-zA-Z]+),(?P<kernel>[a-zA-Z]+)->(?P<outputs>[a-zA-Z]+)"),
    re.compile(r"(?P<left>\.\.\.)(?P<inputs>[a-zA-Z]+),(?P<kernel>[a-zA-Z]+)->\.\.\.(?P<outputs>[a-zA-Z]+)"),
    re.compile(r"(?P<inputs>[a-zA-Z]{2,})\.\.\.,(?P<kernel>[a-zA-Z]+)->(?P<outputs>[a-zA-Z]+)\.\.\."),
)


@dataclass(frozen=True)
class _Equation:
    """An equation applied to a tensor: the sizes of the input and of the output by letter."""

    inputs: dict[str, Size]
    kernel: str
    outputs: dict[str, Size]
    shape: Shape


@layer("EinsumDense")
def einsum_dense(call: Call) -> Value:
    """Infer the output of `EinsumDense` from `equation` and `output_shape`: `...x,xy->...y`."""
    tensor = call.tensor()
    equation, sizes, bias = call["equation"], call["output_shape"], call["bias_axes"]
    sizes = [sizes] if isinstance(sizes, int) else sizes
    if not isinstance(equation, str) or not isinstance(sizes, list) or not isinstance(bias, str | None):
        return UNKNOWN
    if call.is_built and call.build_state["rank"] != tensor.rank:
        call.refuse_rebuild(f"tensors of {call.build_state['rank']} dimensions", tensor)
    read = _read(call, equation, sizes, tensor)
    _check_letters(call, equation, read, bias)
    if not call.is_built:
        _check_weights(call, read, bias, tensor)
        refuse_lora_beside(call, "kernel_constraint")
    call.build(rank=tensor.rank)
    return call.output(read.shape)


def einsum_weights(call: Call) -> list[Shape]:
    """Return the shapes of the weights of `EinsumDense`. Raises Unreadable, or Refusal for what Keras would refuse."""
    equation, sizes, bias = call["equation"], call["output_shape"], call["bias_axes"]
    sizes = [sizes] if isinstance(sizes, int) else sizes
    if not isinstance(equation, str) or not isinstance(sizes, list) or not isinstance(bias, str | None):
        raise Unreadable
    read = _read(call, equation, sizes, call.tensor())
    _check_letters(call, equation, read, bias)
    kernel = tuple(read.outputs.get(letter) or read.inputs.get(letter) for letter in read.kernel)
    if not bias:
        return [kernel]
    letters = list(read.outputs)
    along = [read.outputs[letter] if letter in bias else 1 for letter in letters]
    first = min(letters.index(letter) for letter in bias)
    elided = 0 if equation.startswith("...") else call.tensor().rank - len(read.inputs)
    return [kernel, (*along[first:], *[1] * elided)]


def _read(call: Call, equation: str, sizes: list[Size], tensor: Tensor) -> _Equation:
    """Return the equation with the sizes of its letters. Refuses one that does not fit."""
    found = next((match for form in _FORMS if (match := form.match(equation))), None)
    if found is None:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`EinsumDense` cannot read the equation `{equation}`",
            argument="equation",
            expected="`ab,bc->ac`, `...b,bc->...c` or `ab...,bc->ac...`",
        )
    inputs, kernel, outputs = found["inputs"], found["kernel"], found["outputs"]
    is_left = found.re is _FORMS[1]
    more = tensor.rank - len(inputs)
    if more < 0 or tensor.rank == 0:
        call.expect_rank(
            tensor, least=max(len(inputs), 1), argument="equation", help=f"`{equation}` names {len(inputs)} dimensions"
        )
    # Keras puts each of the dimensions on the left before those that it has put there already.
    elided = tensor.shape[1:more][::-1] if is_left else tensor.shape[len(inputs) :] if more > 0 else ()
    shape = (tensor.shape[0], *elided, *sizes) if is_left else (tensor.shape[0], *sizes, *elided)
    start = more if is_left else 0
    if len(shape) < start + len(outputs):
        call.refuse(
            UNFIT_ARGUMENT,
            f"the output of `{equation}` has more dimensions than `output_shape` has sizes: {sizes}",
            argument="output_shape",
            expected="a size for each letter of the output but the batch",
        )
    return _Equation(
        dict(zip(inputs, tensor.shape[start:], strict=False)),
        kernel,
        dict(zip(outputs, shape[start:], strict=False)),
        shape,
    )


def _check_letters(call: Call, equation: str, read: _Equation, bias: str | None) -> None:
    """Refuse letters without a size, and sizes that contradict the input."""
    for letter, size in read.inputs.items():
        if read.outputs.get(letter) not in (None, size):
            call.refuse(
                SHAPE_MISMATCH,
                f"`{letter}` of `{equation}` is {size_text(size)} in the input, and {read.outputs[letter]} in "
                "`output_shape`",
                argument="output_shape",
                expected=f"{size_text(size)} for `{letter}`",
                help="`null` copies a size from the input",
            )
    alone = [letter for letter in read.outputs if letter not in read.inputs and letter not in read.kernel]
    alone += [letter for letter in read.kernel if letter not in read.outputs and letter not in read.inputs]
    if alone:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{alone[0]}` is in one part of `{equation}` only",
            argument="equation",
            expected="letters that are in two of the three parts",
        )
    if bias is not None and (not bias or any(letter not in read.outputs for letter in bias)):
        call.refuse(
            UNFIT_ARGUMENT,
            f"`bias_axes: {bias}` names no axes of the output of `{equation}`",
            argument="bias_axes",
            expected="letters of the output",
        )


def _check_weights(call: Call, read: _Equation, bias: str | None, tensor: Tensor) -> None:
    """Refuse weights of unknown size."""
    sizes = [read.outputs[letter] if letter in read.outputs else read.inputs[letter] for letter in read.kernel]
    if None in sizes + [read.outputs[letter] for letter in bias or ""]:
        call.refuse(
            OPEN_DIMENSION,
            f"`EinsumDense` needs weights of known size, but received {tensor}",
            argument="equation",
            expected="weights along dimensions of known size",
            help="give the input its size, or name only axes of known size in the second part of the equation",
        )
