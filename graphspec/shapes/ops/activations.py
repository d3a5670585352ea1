"""Operations of neural networks on an axis: softmax, normalisation, one-hot codes, attention."""

from __future__ import annotations

from graphspec.diagnostics.rules import BAD_AXIS, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.diagnostics.shape_text import shape_text, size_text
from graphspec.shapes.call import Call, operation
from graphspec.shapes.ops.arguments import axis, axis_list, dtype, integer, size
from graphspec.shapes.ops.operands import common_dtype, operand, tensor
from graphspec.shapes.ops.promotion import FLOAT
from graphspec.shapes.sizes import with_size
from graphspec.shapes.tensor import Shape, Tensor, Value


@operation("softmax", "log_softmax", "normalize")
def softmax(call: Call) -> Value:
    """Infer the same shape; the axes must exist. The output of `normalize` is always float32."""
    x = tensor(call)
    if call["axis"] is not None:
        axis_list(call, "axis", x.rank)
    return Tensor(x.shape, FLOAT if call.name == "ops.normalize" else x.dtype)


@operation("sparsemax")
def sparsemax(call: Call) -> Value:
    """Infer the same shape; the axis must exist."""
    x = tensor(call)
    axis(call, "axis", x.rank)
    return Tensor(x.shape, x.dtype)


@operation("glu")
def glu(call: Call) -> Value:
    """Infer the shape with half the size along the axis."""
    x = tensor(call)
    number = axis(call, "axis", x.rank)
    length = x.shape[number]
    if length is not None and length % 2:
        call.refuse(
            SHAPE_MISMATCH,
            f"`ops.glu` halves axis {number}, but that of {x} is odd",
            argument="axis" if call.is_written("axis") else None,
            expected="an even size",
            help="make the size even, or name another axis",
        )
    return Tensor(with_size(x.shape, number, None if length is None else length // 2), x.dtype)


@operation("one_hot")
def one_hot(call: Call) -> Value:
    """Infer the shape with a new axis of `num_classes`."""
    return Tensor(_with_classes(call, tensor(call)), dtype(call, FLOAT))


@operation("multi_hot")
def multi_hot(call: Call) -> Value:
    """Infer the shape of `one_hot` without the first axis behind the batch; the dtype is that of the input."""
    x = tensor(call, "inputs")
    if call["num_classes"] is None:
        call.refuse(
            UNFIT_ARGUMENT,
            "`ops.multi_hot` needs the number of classes",
            expected="a value for `num_classes`",
            help="write `ops.multi_hot: {num_classes: ...}`",
        )
    dtype(call, FLOAT)  # Keras checks that there is such a dtype, and ignores it
    shape = _with_classes(call, x)
    return Tensor(shape[-1:] if len(shape) == 2 else (shape[0], *shape[2:]), x.dtype)


def _with_classes(call: Call, x: Tensor) -> Shape:
    """Return the shape with an axis of classes inserted at `axis`."""
    number = integer(call, "axis")
    if number == -1:
        number = x.rank
    elif not 0 <= number < x.rank:
        call.refuse_argument(
            BAD_AXIS,
            "axis",
            f"is {number}, where {x} takes no new axis",
            f"-1, or an axis from 0 to {x.rank - 1}",
            help="-1 puts the classes behind the last dimension",
        )
    return (*x.shape[:number], size(call, "num_classes"), *x.shape[number:])


@operation("batch_normalization")
def batch_normalization(call: Call) -> Value:
    """Infer the same shape; the vectors must be as long as the axis."""
    x = tensor(call)
    number = axis(call, "axis", x.rank)
    expected = (x.shape[number],)
    vectors = ["mean", "variance", *(each for each in ("offset", "scale") if operand(call, each) is not None)]
    if "offset" in vectors and "scale" not in vectors:
        call.refuse(
            UNFIT_ARGUMENT,
            "`ops.batch_normalization` received an `offset` but no `scale`, which Keras cannot do in a graph",
            expected="both, or none of them",
            help="add a `scale`",
        )
    for argument in vectors:
        vector = tensor(call, argument)
        if vector.shape != expected:
            call.refuse_argument(
                SHAPE_MISMATCH,
                argument,
                f"is {vector}, but axis {number} of {x} is {size_text(expected[0])}",
                f"a vector of shape {shape_text(expected)}",
                help="the first dimension of an input is the batch: the layer `BatchNormalization` needs no inputs",
            )
    return Tensor(x.shape, x.dtype)


@operation("dot_product_attention")
def dot_product_attention(call: Call) -> Value:
    """Infer the shape of the query. Keras compares no shapes in a graph."""
    query, key, value = (tensor(call, each) for each in ("query", "key", "value"))
    if call["attn_logits_soft_cap"] is not None:
        call.refuse(
            UNFIT_ARGUMENT,
            "`attn_logits_soft_cap` works on TPUs with JAX alone",
            argument="attn_logits_soft_cap",
            expected="nothing",
            help="remove it",
        )
    return Tensor(query.shape, common_dtype(call, query.dtype, key.dtype, value.dtype))


@operation("polar")
def polar(call: Call) -> Value:
    """Infer the same shape. Keras takes the complex numbers for floats in a graph."""
    return Tensor(tensor(call, "abs_").shape, FLOAT)


@operation("view_as_real")
def view_as_real(call: Call) -> Value:
    """Infer the shape with a new last dimension for the two parts of complex numbers."""
    return Tensor((*tensor(call).shape, 2), FLOAT)
