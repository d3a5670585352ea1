"""Attention: a query is compared with keys, which weigh the values.

Keras checks few sizes when it builds such layers; the rules check those, and no more.
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import BAD_OPERANDS, SHAPE_MISMATCH, UNFIT_ARGUMENT
from graphspec.diagnostics.shape_text import shape_text, size_text
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.sizes import keeps_shape
from graphspec.shapes.tensor import Shape, Tensor, Value

_AXES = "(batch, steps, features)"
_SEQUENCES = "a recurrent layer before it needs `return_sequences: true`"


@layer("Attention", "AdditiveAttention")
def attention(call: Call) -> Value:
    """Infer [query, value] or [query, value, key] → the query's shape with the value's last size, and the scores."""
    operands = call.several(2, 3)
    query, value, key = operands[0], operands[1], operands[-1]
    mask = call.keywords.get("mask")
    if mask is not None and not (isinstance(mask, list) and 2 <= len(mask) <= 3):
        call.refuse(
            BAD_OPERANDS,
            f"`mask` of `{call.name}` must hold a mask for the query and one for the value",
            expected="`mask: [query_mask, value_mask]`",
        )
    call.expect_rank(value, least=1, operand="value", help=_SEQUENCES)
    if call.name == "AdditiveAttention" and not call.is_built:
        call.expect_rank(query, least=1, operand="query", help=_SEQUENCES)
        if call["use_scale"]:
            _expect_features(call, "query", query, -1)
    call.build()
    result = call.output((*query.shape[:-1], value.shape[-1]))
    if not call.keywords.get("return_attention_scores"):
        return result
    call.expect_rank(key, least=2, axes=_AXES, operand="key", help=_SEQUENCES)
    return [result, call.output((*query.shape[:-1], key.shape[-2]))]


@layer("MultiHeadAttention")
def multi_head_attention(call: Call) -> Value:
    """Infer query, value, key → the query's shape, or its last size replaced by `output_shape`; and the scores."""
    query, value, key = _operands(call)
    heads, shape = call["num_heads"], call["output_shape"]
    shape = [shape] if isinstance(shape, int) else shape or []
    if not isinstance(heads, int) or not isinstance(shape, list):
        raise Unreadable
    _check_dropout(call)
    _expect_equal_steps(call, value, key)
    for name, tensor in (("query", query), ("value", value), ("key", key)):
        call.expect_rank(tensor, least=2, axes=_AXES, operand=name, help=_SEQUENCES)
        if not call.is_built:
            _expect_features(call, name, tensor, -1)
    _check_axes(call, value)
    if call["attention_axes"] is None:
        _check_mask(call, query, value, heads)
    call.build()
    result = call.output((*query.shape[:-1], *shape) if shape else query.shape)
    # Keras takes the query's length for that of the value as well.
    scores = (query.shape[0], heads, query.shape[1], query.shape[1])
    return _with_scores(call, result, scores)


@layer("GroupQueryAttention")
def group_query_attention(call: Call) -> Value:
    """Infer query, value, key, with last sizes that are equal → the query's shape; and the scores."""
    query, value, key = _operands(call)
    heads, groups = call["num_query_heads"], call["num_key_value_heads"]
    if not isinstance(heads, int) or not isinstance(groups, int) or groups < 1:
        raise Unreadable
    _check_dropout(call)
    if heads % groups:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot share {groups} heads of keys and values equally among {heads} heads of queries",
            argument="num_key_value_heads",
            expected=f"a divisor of {heads}",
        )
    if not call.is_built:
        for name, tensor in (("query", query), ("value", value), ("key", key)):
            call.expect_rank(tensor, least=3, axes=_AXES, operand=name, help=_SEQUENCES)
            _expect_features(call, name, tensor, 2)
        _expect_features(call, "query", query, -1)
    call.build()
    sizes = (query.shape or (None,))[-1], (value.shape or (None,))[-1]
    if sizes[0] != sizes[1]:
        call.refuse_input(
            SHAPE_MISMATCH,
            f"a value whose last size is {sizes[0]}, that of the query",
            f"{query} and {value}",
            help="make the last sizes equal with a `Dense`",
        )
    _expect_equal_steps(call, value, key)
    _check_mask(call, query, value, heads)
    scores = (query.shape[0], heads, query.shape[1], key.shape[1]) if min(query.rank, key.rank) > 1 else ()
    return _with_scores(call, call.output(query.shape), scores)


def _operands(call: Call) -> tuple[Tensor, Tensor, Tensor]:
    """Return query, value and key, which is by default the value."""
    query, value, key = call.tensor(), call.keywords.get("value"), call.keywords.get("key")
    key = value if key is None else key
    if not isinstance(value, Tensor) or not isinstance(key, Tensor):
        call.refuse(
            BAD_OPERANDS,
            f"`{call.name}` expects one tensor each for query, value and key",
            expected="`from: {query: a, value: b}`",
        )
    return query, value, key


def _with_scores(call: Call, result: Tensor, scores: Shape) -> Value:
    return [result, call.output(scores)] if call.keywords.get("return_attention_scores") else result


def _expect_features(call: Call, name: str, tensor: Tensor, axis: int) -> None:
    """Refuse an operand whose number of features, which the weights need, is unknown."""
    call.expect_known(
        tensor.shape[axis],
        f"a known number of features of the {name}",
        tensor,
        help="give the input its number of features; the number of steps may stay unknown",
    )


def _expect_equal_steps(call: Call, value: Tensor, key: Tensor) -> None:
    """Refuse another number of keys than of values."""
    if value.shape[1:-1] != key.shape[1:-1]:
        call.refuse_input(
            SHAPE_MISMATCH,
            "a key for every value",
            f"values {value} and keys {key}",
            help="remove `key` where the values are their own keys",
        )


def _check_axes(call: Call, value: Tensor) -> None:
    """Refuse axes that the values do not have. Keras counts one more than there are: that of the heads."""
    axes: Any = call["attention_axes"]
    axes = [axes] if isinstance(axes, int) else axes or []
    if not isinstance(axes, list) or not all(isinstance(axis, int) for axis in axes):
        raise Unreadable
    rank = value.rank + 1
    for axis in axes:
        place = axis if axis >= 0 else rank - 1 + axis
        if not call.is_built and not -rank <= place < rank:
            expected = f"axes from 1 to {value.rank - 2}" if value.rank > 2 else "no axes"
            call.refuse_axis("attention_axes", axis, f"the value {value}", expected)


def _check_mask(call: Call, query: Tensor, value: Tensor, heads: int) -> None:
    """Warn of an `attention_mask` that does not broadcast to the scores (batch, heads, query steps, value steps).

    Keras inserts the dimension of the heads, and so takes the batch of a mask of two dimensions for steps.
    """
    mask = call.keywords.get("attention_mask")
    if not isinstance(mask, Tensor) or query.rank != 3 or value.rank != 3:
        return
    scores = (query.shape[0], heads, query.shape[1], value.shape[1])
    shape = (mask.shape[0], 1, *mask.shape[1:]) if mask.rank == 3 else mask.shape
    is_by_sample = mask.rank in (3, 4) or (mask.rank == 2 and mask.shape[0] is not None)
    if not is_by_sample or not keeps_shape(scores, shape):
        steps = size_text(query.shape[1]), size_text(value.shape[1])
        call.warn_of_runtime(
            f"`attention_mask` of `{call.name}` is {mask}, which does not fit the scores {shape_text(scores)}",
            expected=f"(batch, {steps[0]}, {steps[1]}), or (batch, {heads}, {steps[0]}, {steps[1]}) for each head",
            help="a size of 1 stands for all; `ops.expand_dims` adds a dimension",
        )


def _check_dropout(call: Call) -> None:
    """Refuse a share that is none, which Keras sees when it builds the layer, and one beside flash attention."""
    dropout = call["dropout"]
    if not isinstance(dropout, int | float):
        return
    if call["flash_attention"] and dropout > 0:
        call.refuse_both("flash_attention", "dropout")
    if not 0 <= dropout <= 1:
        call.refuse_argument(UNFIT_ARGUMENT, "dropout", f"is {dropout}", "a number from 0 to 1")
