"""Inference of masks, which Keras propagates beside the tensors.

Most layers pass the mask of their first tensor on, or drop it: the catalogue says which. The few that have a rule of
their own have it here. The output of a model, and of `SpectralNormalization`, has at run time the mask that was
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
"""Shapes of masks, in the order of their tensors; tensors without one here are unmasked."""

_RULES: dict[str, Callable[[Call, Masks], Masks]] = {}


def masked(call: Call, result: Value) -> Value:
    """Return the output of a call with its masks. Raises Refusal where Keras cannot join those of the inputs."""
    entry = catalog.find("layers", call.name)
    if entry is None or entry.masks is None:
        return result
    before: Masks = [each.shape for each in tensors(call.keywords.get("mask")) if isinstance(each, Tensor)]
    before = before or [each.mask for each in tensors(call.inputs) if isinstance(each, Tensor)]
    after = before if entry.masks == "passes" else _RULES[entry.name](call, before)
    return _with_masks(result, iter(after)) if any(each is not None for each in after) else result


def is_masked(value: object) -> bool:
    """Return whether a tensor in `value` has a mask."""
    return any(isinstance(each, Tensor) and each.mask is not None for each in tensors(value))


def _with_masks(value: Value, masks: Any) -> Value:
    """Return the value with masks for its tensors, in order, as far as there are masks."""
    if isinstance(value, Tensor):
        return replace(value, mask=next(masks, None))
    if isinstance(value, list):
        return [_with_masks(item, masks) for item in value]
    if isinstance(value, dict):
        return {name: _with_masks(item, masks) for name, item in value.items()}
    return value


def _rule(
    *names: str,
) -> Callable[[Callable[[Call, Masks], Masks]], Callable[[Call, Masks], Masks]]:
    def register(rule: Callable[[Call, Masks], Masks]) -> Callable[[Call, Masks], Masks]:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


@_rule("Embedding", "ReversibleEmbedding")
def _of_embedding(call: Call, before: Masks) -> Masks:
    """Return a mask of the indices that are not zero, with `mask_zero`."""
    tensor = call.tensor()
    return [tensor.shape] if call["mask_zero"] and not call.keywords.get("reverse") else []


@_rule("Masking")
def _of_masking(call: Call, before: Masks) -> Masks:
    return [call.tensor().shape[:-1]]


@_rule("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
def _of_merge(call: Call, before: Masks) -> Masks:
    """Return the masks joined by `or`, where all tensors have one."""
    shapes = [each for each in before if each is not None]
    if len(shapes) < len(before):
        return []
    joined = broadcast(*shapes)
    if joined is None:
        call.refuse(
            SHAPE_MISMATCH,
            f"`{call.name}` cannot join the masks of its inputs: their shapes differ",
            expected="masks of one shape",
            help="merge tensors with the same number of steps, or merge them before they are masked",
        )
    return [joined]


@_rule("Concatenate")
def _of_concatenate(call: Call, before: Masks) -> Masks:
    """Return the masks concatenated; a tensor without one counts as nowhere masked."""
    if all(each is None for each in before):
        return []
    shapes = [each.shape for each in call.several()]
    widened: list[Shape] = []
    for shape, mask in zip(shapes, before, strict=True):
        wide = shape if mask is None else mask if len(mask) >= len(shape) else broadcast((*mask, 1), shape)
        if wide is None:
            _refuse_concatenate(call)
        widened.append(wide)
    axis = call["axis"]
    rank = len(widened[0])
    joined = concatenated(widened, axis % rank) if -rank <= axis < rank else None
    if joined is None:
        _refuse_concatenate(call)
    return [joined[:-1]]


def _refuse_concatenate(call: Call) -> NoReturn:
    call.refuse(
        SHAPE_MISMATCH,
        f"`{call.name}` cannot concatenate the masks of its inputs along axis {call['axis']}",
        expected="masks whose shapes fit as those of the tensors do",
        help="concatenate the tensors before they are masked",
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
def _of_bidirectional(call: Call, before: Masks) -> Masks:
    layer = call["layer"]
    sequences = layer.arguments.get("return_sequences", False) if isinstance(layer, Layer) else False
    return (before[:1] * 2 if call["merge_mode"] is None else before[:1]) if sequences else []
