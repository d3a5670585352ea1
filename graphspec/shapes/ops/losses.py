"""Operations that compare a prediction with a target."""

from __future__ import annotations

from typing import NoReturn

from graphspec.diagnostics.rules import SHAPE_MISMATCH, WRONG_RANK
from graphspec.diagnostics.shape_text import shape_text
from graphspec.shapes.call import Call, operation
from graphspec.shapes.ops.arguments import axis, size
from graphspec.shapes.ops.operands import common_dtype, tensor
from graphspec.shapes.ops.promotion import FLOAT
from graphspec.shapes.sizes import without
from graphspec.shapes.tensor import Shape, Tensor, Value

_REDUCED = "apply it before the dimensions are reduced"


def _refuse_target(call: Call, target: Tensor, output: Tensor, expected: Shape) -> NoReturn:
    call.refuse_input(
        SHAPE_MISMATCH,
        f"a target of shape {shape_text(expected)} for {output}",
        target,
        help="make the two equal, unknown sizes too",
    )


@operation("binary_crossentropy", "categorical_crossentropy")
def crossentropy(call: Call) -> Value:
    """Infer a loss for each element, or for the classes in the last dimension."""
    target, output = tensor(call, "target"), tensor(call, "output")
    if target.shape != output.shape:
        _refuse_target(call, target, output, output.shape)
    if call.name == "ops.binary_crossentropy":
        return Tensor(output.shape, output.dtype)
    call.expect_rank(output, least=1, help=_REDUCED)
    return Tensor(output.shape[:-1], output.dtype)


@operation("sparse_categorical_crossentropy")
def sparse_crossentropy(call: Call) -> Value:
    """Infer a loss for the classes along an axis; a target may have a last dimension of 1."""
    target, output = tensor(call, "target"), tensor(call, "output")
    call.expect_rank(output, least=1, help=_REDUCED)
    left = without(output.shape, axis(call, "axis", output.rank))
    labels = target.shape
    if len(labels) == output.rank and labels[-1] == 1:
        labels = labels[:-1]
    if labels != left:
        _refuse_target(call, target, output, left)
    return Tensor(left, output.dtype)


@operation("ctc_loss")
def ctc_loss(call: Call) -> Value:
    """Infer a loss for each sequence: (batch)."""
    target, output = tensor(call, "target"), tensor(call, "output")
    lengths = tensor(call, "target_length"), tensor(call, "output_length")
    batches = [each.shape[:1] for each in (target, output, *lengths)]
    if len(set(batches)) > 1 or not all(batches):
        call.refuse_input(
            SHAPE_MISMATCH, "four tensors of one batch size", call.received, help="make the batch sizes equal"
        )
    return Tensor(batches[0], common_dtype(call, output.dtype, FLOAT))


@operation("ctc_decode")
def ctc_decode(call: Call) -> Value:
    """Infer the likeliest sequences, (paths, batch, steps), and their scores, (batch, paths)."""
    x = tensor(call, "inputs")
    axes = "(batch, steps, classes)"
    call.expect_rank(x, least=2, axes=axes, operand="inputs", help="give the input its steps and classes")
    paths = 1 if call["strategy"] == "greedy" else size(call, "top_paths")
    batch, steps = x.shape[:2]
    return [Tensor((paths, batch, steps), "int32"), Tensor((batch, paths), common_dtype(call, x.dtype, FLOAT))]


@operation("psnr")
def psnr(call: Call) -> Value:
    """Infer one number for two tensors. Keras compares only their ranks in a graph."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    if one.rank != other.rank:
        call.refuse_input(WRONG_RANK, "two tensors of one rank", f"{one} and {other}", help="make the shapes equal")
    return Tensor((), FLOAT)
