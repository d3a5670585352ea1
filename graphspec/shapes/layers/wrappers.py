"""Layers that hold another layer, or a whole model: `TimeDistributed` and `SpectralNormalization`."""

from __future__ import annotations

import re
from dataclasses import replace

from graphspec.diagnostics.rules import BAD_OPERANDS, UNFIT_ARGUMENT
from graphspec.language.graph import Layer
from graphspec.shapes.call import Call, Unreadable, layer
from graphspec.shapes.sizes import differ
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
    """Infer (batch, steps, ...) → the output of the layer for (batch, ...), at each step."""
    tensor, held = call.tensor(), _held(call)
    call.expect_rank(tensor, least=3, axes="(batch, steps, ...)", help="apply the layer without `TimeDistributed`")
    if _goes_past(held, tensor.rank - 1):
        raise Unreadable
    output = call.infer(held, call.output((tensor.shape[0], *tensor.shape[2:]), tensor.dtype), {})
    if isinstance(output, Unknown):
        return output
    if not isinstance(output, Tensor):
        call.refuse(
            BAD_OPERANDS,
            f"`TimeDistributed` expects a layer with one output, but `{held.label}` has {len(output)}",
            argument="layer",
            expected="a layer or a model with one output",
            help="split it into models with one output each",
        )
    return call.output((output.shape[0], tensor.shape[1], *output.shape[1:]))


_CHECKED_IN_CALLS = re.compile(r"(?:Global\w+|SpatialDropout)(\d)D")


def _goes_past(held: Layer, rank: int) -> bool:
    """Return whether the layer checks ranks only in its call, which Keras does not run here."""
    match = _CHECKED_IN_CALLS.fullmatch(held.class_name)
    return match is not None and int(match[1]) + 2 != rank


@layer("SpectralNormalization")
def spectral_normalization(call: Call) -> Value:
    """Infer the output of the layer, whose weights are normalised."""
    tensor, held = call.tensor(), _held(call)
    if ">" not in held.class_name and held.class_name not in NORMALISED:
        call.refuse(
            UNFIT_ARGUMENT,
            f"`SpectralNormalization` expects a layer with a kernel, but received `{held.type_name}`",
            argument="layer",
            expected="a layer with a kernel, such as `Dense` or `Conv2D`",
        )
    built = call.build(last=tensor.shape[-1] if tensor.rank else None)["last"]
    if tensor.rank and differ(built, tensor.shape[-1]):
        call.refuse_rebuild(f"{built} features", tensor)
    output = call.infer(held, tensor, {})
    return replace(output, dtype=call.dtype) if isinstance(output, Tensor) else output


def _held(call: Call) -> Layer:
    held = call["layer"]
    if not isinstance(held, Layer):
        raise Unreadable
    return held
