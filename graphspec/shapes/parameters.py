"""The weights of layers and models by their shapes, without Keras: one small rule for each family of layers.

A rule reads the first call of a layer, in which Keras makes the weights. Layers without a rule have no weights; layers
that the catalogue does not know have unknown ones, and so have those whose input is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from graphspec import catalog
from graphspec.language.graph import ExternalModel, Graph, Layer, NestedModel, argument_layers
from graphspec.shapes.call import Call, Refusal, Unreadable
from graphspec.shapes.infer import Shapes
from graphspec.shapes.layout import dimensions, layout
from graphspec.shapes.sizes import per_dimension, whole
from graphspec.shapes.tensor import UNKNOWN, Shape, Size, Tensor, canonical_axis, tensors

Weights = Iterable[Shape]

_RULES: dict[str, Callable[[Call], Weights]] = {}

_GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
"""Recurrent layer → the number of matrices that its kernel joins."""


def count_parameters(of: Graph | Layer | Iterable[Layer], shapes: Shapes) -> int | None:
    """Return the number of parameters of a graph or of layers, shared ones once; None where it is unknown.

    Args:
        of: A graph, or layers with all that they hold: the layers of a wrapper, the nodes of a model.
        shapes: The result of `infer` for the graph that the layer is applied in.
    """
    called = of.needed_layers() if isinstance(of, Graph) else [of] if isinstance(of, Layer) else of
    total = 0
    for layer in dict.fromkeys(owner for each in called for owner in _owners(each, shapes)):
        weights = weight_shapes(layer, shapes)
        if weights is None:
            return None
        total += sum(map(_size, weights))
    return total


def weight_shapes(layer: Layer, shapes: Shapes) -> list[Shape] | None:
    """Return the shapes of the weights of a layer itself, in Keras' order; None where they are unknown.

    What a wrapper or a model holds is not among them, except for `Bidirectional` and `RNN`, which own their layers.
    """
    if layer.is_operation or isinstance(layer, NestedModel):
        return []
    if isinstance(layer, ExternalModel):
        return [] if shapes.saved.get(layer) is not None else None
    if catalog.find("layers", layer.class_name) is None:
        return None
    return _weights(layer, shapes.first_calls.get(layer))


def _weights(layer: Layer, first_call: Call | None) -> list[Shape] | None:
    rule = _RULES.get(layer.class_name)
    if rule is None:
        return []
    call = first_call or Call("layers", layer.class_name, layer.arguments, UNKNOWN, {}, "float32", {}, _nothing)
    try:
        found = [tuple(shape) for shape in rule(call)]
        if call["lora_rank"]:
            found += _adaption(found[0], whole(call["lora_rank"]))
    except (Refusal, Unreadable, IndexError):
        return None
    known = all(isinstance(size, int) for shape in found for size in shape)
    return found if known and call["quantization_config"] is None else None


def _owners(layer: Layer, shapes: Shapes) -> Iterator[Layer]:
    """Yield the layer, and each layer in it whose weights are its own."""
    yield layer
    held: Iterable[Layer] = ()
    if isinstance(layer, NestedModel):
        held = layer.graph.needed_layers()
    elif isinstance(layer, ExternalModel):
        graph = shapes.saved.get(layer)
        held = graph.needed_layers() if graph is not None else ()
    elif layer.class_name not in ("Bidirectional", "RNN"):
        held = argument_layers(layer)
    for each in held:
        yield from _owners(each, shapes)


def _size(shape: Shape) -> int:
    return math.prod(size or 0 for size in shape)


def _nothing(layer: Layer, value: Any, keywords: dict[str, Any]) -> Any:
    return UNKNOWN


def _adaption(kernel: Shape, rank: int) -> list[Shape]:
    """Return the two matrices of LoRA beside a kernel."""
    return [(*kernel[:-1], rank), (rank, kernel[-1])]


def _rule(*names: str) -> Callable[[Callable[[Call], Weights]], Callable[[Call], Weights]]:
    def register(rule: Callable[[Call], Weights]) -> Callable[[Call], Weights]:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


@_rule("Dense")
def _dense(call: Call) -> Weights:
    units = whole(call["units"])
    yield call.tensor().shape[-1], units
    if call["use_bias"]:
        yield (units,)


@_rule("EinsumDense")
def _einsum_dense(call: Call) -> Weights:
    from graphspec.shapes.layers.core import einsum_weights

    return einsum_weights(call)


@_rule("Embedding", "ReversibleEmbedding")
def _embedding(call: Call) -> Weights:
    table = whole(call["input_dim"]), whole(call["output_dim"])
    yield table
    if call.name == "ReversibleEmbedding" and not call["tie_weights"]:
        yield table[::-1]


@_rule(
    *(f"{name}{count}D{way}" for name in ("Conv", "Convolution") for count in (1, 2, 3) for way in ("", "Transpose"))
)
def _convolution(call: Call) -> Weights:
    filters, channels, kernel = whole(call["filters"]), _channels(call), _kernel(call)
    if call.name.endswith("Transpose"):
        yield *kernel, filters, channels
    else:
        yield *kernel, channels // whole(call["groups"]), filters
    if call["use_bias"]:
        yield (filters,)


@_rule("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise(call: Call) -> Weights:
    channels, multiplier = _channels(call), whole(call["depth_multiplier"])
    yield *_kernel(call), channels, multiplier
    if call["use_bias"]:
        yield (channels * multiplier,)


@_rule("SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D")
def _separable(call: Call) -> Weights:
    channels, multiplier, filters = _channels(call), whole(call["depth_multiplier"]), whole(call["filters"])
    yield *_kernel(call), channels, multiplier
    yield *(1 for _ in range(dimensions(call))), channels * multiplier, filters
    if call["use_bias"]:
        yield (filters,)


def _kernel(call: Call) -> tuple[int, ...]:
    return per_dimension(call["kernel_size"], dimensions(call))


def _channels(call: Call) -> int:
    return whole(layout(call).channels(call.tensor().shape))


@_rule("BatchNormalization")
def _batch_normalization(call: Call) -> Weights:
    shape = _along(call)
    scale, center, averages = call["scale"], call["center"], 5 if call["renorm"] else 2
    return [shape] * (bool(scale) + bool(center) + averages)


@_rule("LayerNormalization", "GroupNormalization")
def _layer_normalization(call: Call) -> Weights:
    return [_along(call)] * (bool(call["scale"]) + bool(call["center"]))


@_rule("RMSNormalization")
def _rms_normalization(call: Call) -> Weights:
    return [_along(call)]


@_rule("Normalization")
def _normalization(call: Call) -> Weights:
    if call["mean"] is not None:
        return []
    axes, rank = call["axis"], call.tensor().rank
    listed = [] if axes is None else axes if isinstance(axes, list) else [axes]
    kept = sorted(axis for each in listed if (axis := canonical_axis(whole(each, least=-rank), rank)) is not None)
    shape = tuple(call.tensor().shape[axis] for axis in kept)
    return [shape, shape, ()]


@_rule("SpectralNormalization")
def _spectral_normalization(call: Call) -> Weights:
    held = call["layer"]
    weights = _weights(held, Call("layers", held.class_name, held.arguments, call.inputs, {}, "float32", {}, _nothing))
    if not weights:
        raise Unreadable
    yield 1, weights[0][-1]


def _along(call: Call) -> Shape:
    """Return the sizes along the axes of a normalisation."""
    axes = call["axis"]
    return tuple(call.tensor().shape[axis] for axis in (axes if isinstance(axes, list) else [axes]))


@_rule("LayerScale")
def _layer_scale(call: Call) -> Weights:
    return [(call["projection_dim"],)]


@_rule("PReLU")
def _prelu(call: Call) -> Weights:
    shared = call["shared_axes"]
    axes = [] if shared is None else shared if isinstance(shared, list) else [shared]
    sizes = list(call.tensor().shape[1:])
    for axis in axes:
        sizes[axis - 1] = 1
    yield tuple(sizes)


@_rule("Attention")
def _attention(call: Call) -> Weights:
    return [()] * (bool(call["use_scale"]) + (call["score_mode"] == "concat"))


@_rule("AdditiveAttention")
def _additive_attention(call: Call) -> Weights:
    first = next(iter(tensors(call.inputs)), UNKNOWN)
    return [_features(first)] if call["use_scale"] else []


@_rule("MultiHeadAttention")
def _multi_head_attention(call: Call) -> Weights:
    heads, size, written = whole(call["num_heads"]), whole(call["key_dim"]), call["output_shape"]
    value_size = whole(call["value_dim"] or size)
    query, key, value = _attended(call)
    result = (written,) if isinstance(written, int) else tuple(written) if written else query
    yield from _projection(call, query, (heads, size))
    yield from _projection(call, key, (heads, size))
    if call["use_gate"]:
        yield from _projection(call, query, (heads, value_size))
    yield from _projection(call, value, (heads, value_size))
    yield from _projection(call, (heads, value_size), result)


@_rule("GroupQueryAttention")
def _group_query_attention(call: Call) -> Weights:
    size, heads, groups = (whole(call[each]) for each in ("head_dim", "num_query_heads", "num_key_value_heads"))
    query, key, value = _attended(call)
    yield from _projection(call, query, (heads, size))
    yield from _projection(call, key, (groups, size))
    if call["use_gate"]:
        yield from _projection(call, query, (heads, size))
    yield from _projection(call, value, (groups, size))
    yield from _projection(call, (heads, size), query)


def _attended(call: Call) -> tuple[Shape, Shape, Shape]:
    """Return the features of query, key and value."""
    value, key = call.keywords.get("value"), call.keywords.get("key")
    return _features(call.inputs), _features(value if key is None else key), _features(value)


def _features(value: object) -> Shape:
    if not isinstance(value, Tensor):
        raise Unreadable
    return (value.shape[-1],)


def _projection(call: Call, rows: Shape, columns: Shape) -> Weights:
    yield *rows, *columns
    if call["use_bias"]:
        yield columns


@_rule(*_GATES)
def _recurrent(call: Call) -> Weights:
    yield from _cell(call, call.tensor().shape[-1])
    if call["stateful"]:
        yield from [(call.tensor().shape[0], whole(call["units"]))] * (2 if call.name == "LSTM" else 1)


@_rule(*(f"{name}Cell" for name in _GATES))
def _alone(call: Call) -> Weights:
    return _cell(call, call.tensor().shape[-1])


def _cell(call: Call, features: Size) -> Weights:
    units, name = whole(call["units"]), call.name.removesuffix("Cell")
    joined = _GATES[name] * units
    yield features, joined
    yield units, joined
    if call["use_bias"]:
        yield (2, joined) if name == "GRU" and call["reset_after"] else (joined,)


@_rule("RNN")
def _rnn(call: Call) -> Weights:
    shape = call.tensor().shape
    if call["stateful"]:
        raise Unreadable
    return _cells(call["cell"], (shape[0], *shape[2:])[-1])[0]


@_rule("StackedRNNCells")
def _stack(call: Call) -> Weights:
    return []  # those of its cells


def _cells(held: Any, features: Size) -> tuple[list[Shape], Size]:
    """Return the weights of a cell or of a list of cells, and the number of features of its output."""
    if isinstance(held, Layer) and held.class_name == "StackedRNNCells":
        held = held.arguments.get("cells")
    if isinstance(held, list):
        found: list[Shape] = []
        for each in held:
            weights, features = _cells(each, features)
            found += weights
        return found, features
    if not isinstance(held, Layer) or held.class_name.removesuffix("Cell") not in _GATES:
        raise Unreadable
    call = Call("layers", held.class_name, held.arguments, UNKNOWN, {}, "float32", {}, _nothing)
    return list(_cell(call, features)), whole(call["units"])


@_rule("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def _conv_lstm(call: Call) -> Weights:
    filters, shape = whole(call["filters"]), call.tensor().shape
    channels = layout(call).channels((shape[0], *shape[2:]))
    if call["stateful"]:
        raise Unreadable
    yield *_kernel(call), channels, 4 * filters
    yield *_kernel(call), filters, 4 * filters
    if call["use_bias"]:
        yield (4 * filters,)


@_rule("Bidirectional")
def _bidirectional(call: Call) -> Weights:
    for held in (call["layer"], call["backward_layer"] or call["layer"]):
        inner = _weights(
            held, Call("layers", held.class_name, held.arguments, call.inputs, {}, "float32", {}, _nothing)
        )
        if inner is None:
            raise Unreadable
        yield from inner


@_rule("STFTSpectrogram")
def _spectrogram(call: Call) -> Weights:
    length, written = whole(call["frame_length"]), call["fft_length"]
    bins = whole(written) if written else 2 ** math.ceil(math.log2(length))
    return [(length, 1, bins // 2 + 1)] * (1 if call["mode"] in ("real", "imag") else 2)
