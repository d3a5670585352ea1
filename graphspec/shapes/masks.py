"""Which mask comes out of a layer, given those that come in: Keras hands them on beside the tensors.

Most layers pass the mask of their first tensor on, or drop it: the catalogue tells which. The few that have a rule of
their own have it here. What comes out of a model, and of `SpectralNormalization`, bears at run time the mask that was
made inside; Keras' symbolic tensors lack it there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

from graphspec import catalog
from graphspec.diagnostics.rules import SHAPE_MISMATCH
from graphspec.language.graph import Layer
from graphspec.shapes.call import Call
from graphspec.shapes.sizes import broadcast, concatenated
from graphspec.shapes.tensor import Shape, Tensor, Value, tensors

Masks = list[Shape | None]
"""The masks of tensors, one after the other; too few for all of them leave the last ones unmasked."""

_RULES: dict[str, Callable[[Call, Masks], Masks]] = {}


def masked(call: Call, result: Value) -> Value:
    """`result`, each tensor with its mask. Raises Refusal where Keras cannot join the masks that come in."""
    entry = catalog.find("layers", call.name)
    if entry is None or entry.masks is None:
        return result
    given = call.keywords.get("mask")
    before: Masks = [each.shape for each in tensors(given) if isinstance(each, Tensor)]
    before = before or [each.mask for each in tensors(call.inputs) if isinstance(each, Tensor)]
    after = before if entry.masks == "passes" else _RULES[entry.name](call, before)
    return _marked(result, iter(after)) if any(each is not None for each in after) else result


def is_masked(value: object) -> bool:
    """Whether a tensor in `value` bears a mask."""
    return any(isinstance(each, Tensor) and each.mask is not None for each in tensors(value))


def _marked(value: Value, masks: Any) -> Value:
    """The value with its tensors marked in order, as far as there are masks."""
    if isinstance(value, Tensor):
        return replace(value, mask=next(masks, None))
    if isinstance(value, list):
        return [_marked(item, masks) for item in value]
    if isinstance(value, dict):
        return {name: _marked(item, masks) for name, item in value.items()}
    return value


def _rule(
    *names: str,
) -> Callable[[Callable[[Call, Masks], Masks]], Callable[[Call, Masks], Masks]]:
    def register(rule: Callable[[Call, Masks], Masks]) -> Callable[[Call, Masks], Masks]:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


@_rule("Embedding", "ReversibleEmbedding")
def _of_words(call: Call, before: Masks) -> Masks:
    """Where the words are not zero, if the layer masks zeros."""
    tensor = call.tensor()
    return [tensor.shape] if call["mask_zero"] and not call.keywords.get("reverse") else []


@_rule("Masking")
def _of_values(call: Call, before: Masks) -> Masks:
    return [call.tensor().shape[:-1]]


@_rule("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
def _of_merge(call: Call, before: Masks) -> Masks:
    """The masks joined by `or`, where all tensors have one."""
    shapes = [each for each in before if each is not None]
    if len(shapes) < len(before):
        return []
    joined = broadcast(*shapes)
    if joined is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` cannot join the masks of its tensors: their shapes differ",
            expected="masks of one shape",
            help="merge tensors with the same number of steps, or merge before they are masked",
        )
    return [joined]


@_rule("Concatenate")
def _of_row(call: Call, before: Masks) -> Masks:
    """Masks one after the other as the tensors are; a tensor without one counts as nowhere masked."""
    if all(each is None for each in before):
        return []
    shapes = [each.shape for each in call.several()]
    widened: list[Shape] = []
    for shape, mask in zip(shapes, before, strict=True):
        wide = shape if mask is None else mask if len(mask) >= len(shape) else broadcast((*mask, 1), shape)
        if wide is None:
            _refuse_row(call)
        widened.append(wide)
    axis = call["axis"]
    rank = len(widened[0])
    joined = concatenated(widened, axis % rank) if -rank <= axis < rank else None
    if joined is None:
        _refuse_row(call)
    return [joined[:-1]]


def _refuse_row(call: Call) -> NoReturn:
    call.refuse(
        SHAPE_MISMATCH,
        f"`{call.name}` cannot join the masks of its tensors along the axis {call['axis']}",
        expected="masks that fit as the tensors do",
        help="join them before they are masked",
    )


@_rule("Dot", "GlobalAveragePooling1D", "GlobalAvgPool1D")
def _of_none(call: Call, before: Masks) -> Masks:
    return []


@_rule("Attention", "AdditiveAttention")
def _of_query(call: Call, before: Masks) -> Masks:
    return before[:1]


@_rule("RNN", "LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def _of_sequence(call: Call, before: Masks) -> Masks:
    return before[:1] if call["return_sequences"] else []


@_rule("Bidirectional")
def _of_two_ways(call: Call, before: Masks) -> Masks:
    layer = call["layer"]
    sequences = layer.arguments.get("return_sequences", False) if isinstance(layer, Layer) else False
    return (before[:1] * 2 if call["merge_mode"] is None else before[:1]) if sequences else []
