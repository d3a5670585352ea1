"""Attention: a query looks for what it needs among the values, by their keys.

Keras builds such layers with little thought for sizes: what it looks at is stated here, and no more.
"""

from __future__ import annotations

from typing import Any

from graphspec.diagnostics.rules import (
    BAD_AXIS,
    BAD_OPERANDS,
    OPEN_DIMENSION,
    SHAPE_MISMATCH,
    UNFIT_ARGUMENT,
    WRONG_RANK,
)
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.tensor import Shape, Size, Tensor, Value


@layer("Attention", "AdditiveAttention")
def attention(call: Call) -> Value:
    """[query, value] or [query, value, key] → the query's shape with the value's last size; the scores on demand."""
    given = call.several(2, 3)
    query, value, key = given[0], given[1], given[-1]
    mask = call.keywords.get("mask")
    if mask is not None and not (isinstance(mask, list) and 2 <= len(mask) <= 3):
        call.refuse(
            BAD_OPERANDS,
            f"`{call.name}` takes a mask for the query and one for the value",
            expected="`mask: [query_mask, value_mask]`",
        )
    if min(each.rank for each in given) == 0:
        raise Unreadable
    if call.name == "AdditiveAttention" and call["use_scale"] and not call.facts:
        _known(call, "query", query, -1)
    call.once(built=True)
    result = call.gives((*query.shape[:-1], value.shape[-1]))
    if not call.keywords.get("return_attention_scores"):
        return result
    if key.rank < 2:
        _refuse_rank(call, "key", key, 2)
    return [result, call.gives((*query.shape[:-1], key.shape[-2]))]


@layer("MultiHeadAttention")
def multi_head_attention(call: Call) -> Value:
    """query, value and key → the query's shape, or its last size replaced by `output_shape`; the scores on demand."""
    query, value, key = _three(call)
    heads, shape = call["num_heads"], call["output_shape"]
    shape = [shape] if isinstance(shape, int) else shape or []
    if not isinstance(heads, int) or not isinstance(shape, list):
        raise Unreadable
    _refuse_flash_beside_dropout(call)
    _refuse_uneven_key(call, value, key)
    for name, tensor in (("query", query), ("value", value), ("key", key)):
        if tensor.rank < 2:
            _refuse_rank(call, name, tensor, 2)
        if not call.facts:
            _known(call, name, tensor, -1)
    _refuse_axes(call, value)
    call.once(built=True)
    result = call.gives((*query.shape[:-1], *shape) if shape else query.shape)
    # Keras takes the query's length for that of the value as well.
    scores = (query.shape[0], heads, query.shape[1], query.shape[1])
    return _with_scores(call, result, scores)


@layer("GroupQueryAttention")
def group_query_attention(call: Call) -> Value:
    """query, value and key, of one size each → the query's shape; the scores on demand."""
    query, value, key = _three(call)
    heads, groups = call["num_query_heads"], call["num_key_value_heads"]
    if not isinstance(heads, int) or not isinstance(groups, int) or groups < 1:
        raise Unreadable
    _refuse_flash_beside_dropout(call)
    if heads % groups:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` cannot share {groups} heads of keys and values equally among {heads} heads of queries",
            argument="num_key_value_heads",
            expected=f"a divisor of {heads}",
        )
    if not call.facts:
        for name, tensor in (("query", query), ("value", value), ("key", key)):
            if tensor.rank < 3:
                _refuse_rank(call, name, tensor, 3)
            _known(call, name, tensor, 2)
        _known(call, "query", query, -1)
    call.once(built=True)
    sizes = (query.shape or (None,))[-1], (value.shape or (None,))[-1]
    if sizes[0] != sizes[1]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` takes a query and a value of one size, and is given {query} and {value}",
            expected=f"a value whose last size is {sizes[0]}",
            help="make the last sizes equal with a `Dense`",
        )
    _refuse_uneven_key(call, value, key)
    scores = (query.shape[0], heads, query.shape[1], key.shape[1]) if min(query.rank, key.rank) > 1 else ()
    return _with_scores(call, call.gives(query.shape), scores)


def _three(call: Call) -> tuple[Tensor, Tensor, Tensor]:
    """Query, value and key; the value is the key where none is given."""
    query, value, key = call.tensor(), call.keywords.get("value"), call.keywords.get("key")
    key = value if key is None else key
    if not isinstance(value, Tensor) or not isinstance(key, Tensor):
        call.refuse(
            BAD_OPERANDS,
            f"`{call.name}` takes one tensor each for query, value and key",
            expected="`from: {query: a, value: b}`",
        )
    return query, value, key


def _with_scores(call: Call, result: Tensor, scores: Shape) -> Value:
    return [result, call.gives(scores)] if call.keywords.get("return_attention_scores") else result


def _known(call: Call, name: str, tensor: Tensor, axis: int) -> Size:
    """The size of a dimension that weights need."""
    if tensor.shape[axis] is None:
        call.refuse(
            OPEN_DIMENSION,
            f"`{call.name}` needs to know the last size of the {name}, which is {tensor}",
            expected="a last dimension of known size",
            help="give the input its number of features; the number of steps may stay open",
        )
    return tensor.shape[axis]


def _refuse_rank(call: Call, name: str, tensor: Tensor, least: int) -> None:
    call.refuse(
        WRONG_RANK,
        f"`{call.name}` takes sequences, and the {name} is {tensor}",
        expected=f"{least} dimensions or more: batch, steps and features",
        help="a recurrent layer before it needs `return_sequences: true`",
    )


def _refuse_uneven_key(call: Call, value: Tensor, key: Tensor) -> None:
    if value.shape[1:-1] != key.shape[1:-1]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` has a key for every value, and is given values {value} and keys {key}",
            expected="as many keys as values",
            help="leave `key` out where the values are their own keys",
        )


def _refuse_axes(call: Call, value: Tensor) -> None:
    """Refuse axes that the values do not have. Keras counts one more than there are: that of the heads."""
    axes: Any = call["attention_axes"]
    axes = [axes] if isinstance(axes, int) else axes or []
    if not isinstance(axes, list) or not all(isinstance(axis, int) for axis in axes):
        raise Unreadable
    rank = value.rank + 1
    for axis in axes:
        place = axis if axis >= 0 else rank - 1 + axis
        if not call.facts and not -rank <= place < rank:
            call.refuse(
                BAD_AXIS,
                f"`{call.name}` is told to attend over the axis {axis}, which {value} does not have",
                argument="attention_axes",
                expected=f"axes from 1 to {value.rank - 2}" if value.rank > 2 else "no axes",
            )


def _refuse_flash_beside_dropout(call: Call) -> None:
    dropout = call["dropout"]
    if call["flash_attention"] and isinstance(dropout, int | float) and dropout > 0:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`{call.name}` has both `flash_attention` and `dropout`",
            argument="flash_attention",
            expected="one of the two",
        )
