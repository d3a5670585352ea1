"""Operations of neural networks that keep the shape, but look at an axis of it: softmax, normalisation, one-hot."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.shapes.call import Call
from graphspec.shapes.ops.arguments import axis, axis_list, dtype, integer, size
from graphspec.shapes.ops.operands import common, operand, tensor
from graphspec.shapes.ops.rule import operation
from graphspec.shapes.promotion import FLOAT
from graphspec.shapes.sizes import replaced
from graphspec.shapes.tensor import Shape, Tensor, Value, show


@operation("softmax", "log_softmax")
def softmax(call: Call) -> Value:
    """Shares along some axes, or of all."""
    incoming = tensor(call, "x")
    if call["axis"] is not None:
        axis_list(call, "axis", incoming.rank)
    return Tensor(incoming.shape, incoming.dtype)


@operation("sparsemax")
def sparsemax(call: Call) -> Value:
    """Shares along one axis."""
    incoming = tensor(call, "x")
    axis(call, "axis", incoming.rank)
    return Tensor(incoming.shape, incoming.dtype)


@operation("normalize")
def normalize(call: Call) -> Value:
    """Vectors of length 1 along some axes; a float, whatever comes in."""
    incoming = tensor(call, "x")
    if call["axis"] is not None:
        axis_list(call, "axis", incoming.rank)
    return Tensor(incoming.shape, FLOAT)


@operation("glu")
def glu(call: Call) -> Value:
    """One half of an axis gated by the other."""
    incoming = tensor(call, "x")
    number = axis(call, "axis", incoming.rank)
    along = incoming.shape[number]
    if along is not None and along % 2:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.glu` halves axis {number}, and that of {incoming} is odd",
            argument="axis" if call.states("axis") else None,
            expected="an even size",
            help="make the size even, or name another axis",
        )
    return Tensor(replaced(incoming.shape, number, None if along is None else along // 2), incoming.dtype)


@operation("one_hot")
def one_hot(call: Call) -> Value:
    """A new axis with a 1 at the class."""
    return Tensor(_with_classes(call, tensor(call, "x")), dtype(call, FLOAT))


@operation("multi_hot")
def multi_hot(call: Call) -> Value:
    """As `one_hot`, the first axis behind the batch taken together; the dtype is that of the classes."""
    incoming = tensor(call, "inputs")
    if call["num_classes"] is None:
        call.refuse(
            UNFIT_ARGUMENT,
            "`ops.multi_hot` needs to know how many classes there are",
            expected="a value for `num_classes`",
            help="write `ops.multi_hot: {num_classes: ...}`",
        )
    dtype(call, FLOAT)  # Keras looks whether there is such a dtype, and forgets it
    shape = _with_classes(call, incoming)
    return Tensor(shape[-1:] if len(shape) == 2 else (shape[0], *shape[2:]), incoming.dtype)


def _with_classes(call: Call, incoming: Tensor) -> Shape:
    """The shape with an axis of classes put in at `axis`."""
    number = integer(call, "axis")
    if number == -1:
        number = incoming.rank
    elif not 0 <= number < incoming.rank:
        call.refuse(
            BAD_AXIS,
            f"`{call.name}` puts no axis {number} into {incoming}",
            argument="axis",
            expected=f"-1, or an axis from 0 to {incoming.rank - 1}",
            help="-1 puts the classes behind the last dimension",
        )
    return (*incoming.shape[:number], size(call, "num_classes"), *incoming.shape[number:])


@operation("batch_normalization")
def batch_normalization(call: Call) -> Value:
    """The tensor, moved and scaled by vectors that are as long as an axis."""
    incoming = tensor(call, "x")
    number = axis(call, "axis", incoming.rank)
    wanted = (incoming.shape[number],)
    vectors = ["mean", "variance", *(each for each in ("offset", "scale") if operand(call, each) is not None)]
    if "offset" in vectors and "scale" not in vectors:
        call.refuse(
            UNFIT_ARGUMENT,
            "`ops.batch_normalization` is given an `offset` and no `scale`, which Keras cannot do in a graph",
            expected="both, or none of them",
            help="feed a `scale` as well",
        )
    for argument in vectors:
        vector = tensor(call, argument)
        if vector.shape != wanted:
            call.refuse(
                SHAPE_MISMATCH,
                f"`{argument}` of `ops.batch_normalization` is {vector}, and axis {number} of {incoming} is "
                + ("open" if wanted[0] is None else f"{wanted[0]}"),
                argument=argument,
                expected=f"a vector of shape {show(wanted)}",
                help="the first dimension of an input is the batch: the layer `BatchNormalization` needs no inputs",
            )
    return Tensor(incoming.shape, incoming.dtype)


@operation("dot_product_attention")
def dot_product_attention(call: Call) -> Value:
    """A value for each query. Keras compares no shapes in a graph."""
    query, key, value = (tensor(call, each) for each in ("query", "key", "value"))
    if call["attn_logits_soft_cap"] is not None:
        call.refuse(
            UNFIT_ARGUMENT,
            "`attn_logits_soft_cap` works on TPUs with JAX alone",
            argument="attn_logits_soft_cap",
            expected="nothing",
            help="leave it out",
        )
    return Tensor(query.shape, common(call, query.dtype, key.dtype, value.dtype))


@operation("polar")
def polar(call: Call) -> Value:
    """Complex numbers, which Keras takes for floats in a graph."""
    return Tensor(tensor(call, "abs_").shape, FLOAT)


@operation("view_as_real")
def view_as_real(call: Call) -> Value:
    """The two parts of complex numbers in a new last dimension."""
    return Tensor((*tensor(call, "x").shape, 2), FLOAT)
