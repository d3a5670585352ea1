"""Operations that compare a prediction with what it should be."""

from __future__ import annotations

from graphspec.diagnostics.rules import SHAPE_MISMATCH, WRONG_RANK
from graphspec.shapes.call import Call
from graphspec.shapes.ops.arguments import axis, size
from graphspec.shapes.ops.operands import common, tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT
from graphspec.shapes.sizes import without
from graphspec.shapes.tensor import Shape, Tensor, Value, show


def _differ(call: Call, one: Shape, other: Shape, wanted: Shape) -> None:
    call.refuse(
        SHAPE_MISMATCH,
        f"`{call.name}` compares a target of {show(one)} with an output of {show(other)}",
        expected=f"a target of shape {show(wanted)}",
        help="make the two equal, open sizes too",
    )


@operation("binary_crossentropy", "categorical_crossentropy")
def crossentropy(call: Call) -> Value:
    """A loss for each element, or for the classes in the last dimension together."""
    target, output = tensor(call, "target"), tensor(call, "output")
    if target.shape != output.shape:
        _differ(call, target.shape, output.shape, output.shape)
    if call.name == "ops.binary_crossentropy":
        return Tensor(output.shape, output.dtype)
    if not output.shape:
        _needs_classes(call)
    return Tensor(output.shape[:-1], output.dtype)


@operation("sparse_categorical_crossentropy")
def sparse_crossentropy(call: Call) -> Value:
    """A loss for the classes in a dimension together; a target may have a last dimension of 1."""
    target, output = tensor(call, "target"), tensor(call, "output")
    if not output.shape:
        _needs_classes(call)
    left = without(output.shape, axis(call, "axis", output.rank))
    given = target.shape
    if len(given) == output.rank and given[-1] == 1:
        given = given[:-1]
    if given != left:
        _differ(call, target.shape, output.shape, left)
    return Tensor(left, output.dtype)


def _needs_classes(call: Call) -> None:
    call.refuse(
        WRONG_RANK,
        f"`{call.name}` takes classes in a dimension, and the output is a single number",
        expected="1 dimension or more",
        help="apply it before the dimensions are taken together",
    )


@operation("ctc_loss")
def ctc_loss(call: Call) -> Value:
    """A loss for each sequence."""
    target, output = tensor(call, "target"), tensor(call, "output")
    lengths = tensor(call, "target_length"), tensor(call, "output_length")
    batches = [each.shape[:1] for each in (target, output, *lengths)]
    if len(set(batches)) > 1 or not all(batches):
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.ctc_loss` takes four tensors of one batch, and is given {show(call.inputs)}",
            expected="first dimensions that are equal",
            help="make the batches equal",
        )
    return Tensor(batches[0], common(call, output.dtype, FLOAT))


@operation("ctc_decode")
def ctc_decode(call: Call) -> Value:
    """The likeliest sequences, and how likely they are."""
    incoming = tensor(call, "inputs")
    if incoming.rank < 2:
        call.refuse(
            WRONG_RANK,
            f"`ops.ctc_decode` takes (batch, steps, classes), and what comes in is {incoming}",
            expected="(batch, steps, classes)",
            help="give the input its steps and classes",
        )
    paths = 1 if call["strategy"] == "greedy" else size(call, "top_paths")
    batch, steps = incoming.shape[:2]
    found = common(call, incoming.dtype, FLOAT)
    return [Tensor((paths, batch, steps), "int32"), Tensor((batch, paths), found)]


@operation("psnr")
def psnr(call: Call) -> Value:
    """One number for two tensors. Keras compares their ranks alone in a graph."""
    one, other = tensor(call, "x1"), tensor(call, "x2")
    if one.rank != other.rank:
        call.refuse(
            WRONG_RANK,
            f"`ops.psnr` compares two tensors of one rank, and is given {one} and {other}",
            expected="as many dimensions in both",
            help="make the shapes equal",
        )
    return Tensor((), FLOAT)
