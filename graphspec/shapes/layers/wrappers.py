"""Layers that hold another layer, or a whole model: `TimeDistributed` and `SpectralNormalization`."""

from __future__ import annotations

import re
from dataclasses import replace

from graphspec.diagnostics.rules import BAD_OPERANDS, SHAPE_MISMATCH, UNFIT_ARGUMENT, WRONG_RANK
from graphspec.language.graph import Layer
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.tensor import Tensor, Unknown, Value

NORMALISED = (
    *(f"{name}{count}D{way}" for name in ("Conv", "Convolution") for count in (1, 2, 3) for way in ("", "Transpose")),
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "EinsumDense",
    "Embedding",
    "ReversibleEmbedding",
    "SpectralNormalization",
)
"""The layers whose weights `SpectralNormalization` finds: those with a `kernel` or with `embeddings`."""


@layer("TimeDistributed")
def time_distributed(call: Call) -> Value:
    """(batch, steps, ...) → what the layer gives for (batch, ...), at each step."""
    tensor, held = call.tensor(), _held(call)
    if tensor.rank < 3:
        call.refuse(
            WRONG_RANK,
            f"`TimeDistributed` takes tensors of three dimensions or more, batch and steps first, not {tensor}",
            expected="batch, steps, and what the layer takes",
            help="apply the layer itself, without `TimeDistributed`",
        )
    if _goes_past(held, tensor.rank - 1):
        raise Unreadable
    given = call.infer(held, call.gives((tensor.shape[0], *tensor.shape[2:]), tensor.dtype), {})
    if isinstance(given, Unknown):
        return given
    if not isinstance(given, Tensor):
        call.refuse(
            BAD_OPERANDS,
            f"`TimeDistributed` holds a layer of one result, and `{held.label}` gives {len(given)}",
            argument="layer",
            expected="a layer or a model of one output",
            help="take apart what comes out in models of one output each",
        )
    return call.gives((given.shape[0], tensor.shape[1], *given.shape[1:]))


_LOOKED_AT_IN_CALLS = re.compile(r"(?:Global\w+|SpatialDropout)(\d)D")


def _goes_past(held: Layer, rank: int) -> bool:
    """Whether the layer is one of those that look at ranks only where they are called, which Keras does not do here."""
    found = _LOOKED_AT_IN_CALLS.fullmatch(held.class_name)
    return found is not None and int(found[1]) + 2 != rank


@layer("SpectralNormalization")
def spectral_normalization(call: Call) -> Value:
    """What the layer gives; its weights are normalised."""
    tensor, held = call.tensor(), _held(call)
    if ">" not in held.class_name and held.class_name not in NORMALISED:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`SpectralNormalization` finds no kernel in `{held.type_name}`",
            argument="layer",
            expected="a layer with a kernel, such as `Dense` or `Conv2D`",
        )
    built = call.once(last=tensor.shape[-1] if tensor.rank else None)["last"]
    if tensor.rank and None not in (built, tensor.shape[-1]) and built != tensor.shape[-1]:
        call.refuse(
            SHAPE_MISMATCH,
            f"`SpectralNormalization` was first applied to {built} features and is now given {tensor}",
            expected=f"{built} features",
        )
    given = call.infer(held, tensor, {})
    return replace(given, dtype=call.dtype) if isinstance(given, Tensor) else given


def _held(call: Call) -> Layer:
    held = call["layer"]
    if not isinstance(held, Layer):
        raise Unreadable
    return held
