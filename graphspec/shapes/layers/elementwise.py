"""Layers that work on every number by itself: the output has the shape of the input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphspec.diagnostics.shape_text import sample_shape
from graphspec.shapes.call import Call, layer
from graphspec.shapes.sizes import differ, keeps_shape
from graphspec.shapes.tensor import UNKNOWN, Shape, Tensor, Value, canonical_axis


def map_tensors(value: Value, function: Callable[[Tensor], Value]) -> Value:
    """Return the value with what `function` returns in the place of every tensor."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, list):
        return [map_tensors(item, function) for item in value]
    if isinstance(value, dict):
        return {name: map_tensors(item, function) for name, item in value.items()}
    return value


@layer("ActivityRegularization")
def same_shape(call: Call) -> Value:
    """Infer the same shapes in the layer's dtype."""
    return map_tensors(call.inputs, lambda tensor: call.output(tensor.shape))


@layer("Activation", "ELU", "GaussianDropout", "GaussianNoise", "LeakyReLU", "ReLU", "Softmax")
def same_shape_of_one(call: Call) -> Value:
    """Infer the same shapes. Warn of several tensors. Keras checks neither them nor axes before it runs."""
    _warn_of_several(call)
    return same_shape(call)


def _warn_of_several(call: Call) -> None:
    """Warn of a structure of tensors. What adds no noise lets them pass."""
    noise = next((call[each] for each in ("rate", "stddev") if each in call.arguments), 1)
    if isinstance(call.inputs, list | dict) and noise:
        count = len(call.inputs)
        call.warn_of_runtime(
            f"`{call.name}` expects one tensor, but received {count if count > 1 else 'a list of one'}",
            expected="one tensor",
            help="apply it to each in a node of its own, or join them first: `merge: concat`",
        )


@layer("Rescaling")
def rescaling(call: Call) -> Value:
    """Infer the same shapes. Warn of a scale or an offset that does not broadcast to them."""
    _warn_of_several(call)
    numbers = {argument: _numbers(call[argument]) for argument in ("scale", "offset")}

    def scaled(tensor: Tensor) -> Value:
        for argument, shape in numbers.items():
            if shape and not keeps_shape(tensor.shape, shape):
                call.warn_of_runtime(
                    f"`{argument}` of `Rescaling` has the shape {sample_shape(shape)}, which does not fit {tensor}",
                    argument=argument,
                    expected="one number, or as many as the last dimension has",
                    help="sizes are compared from the last dimension on, and are equal or 1",
                )
        return call.output(tensor.shape)

    return map_tensors(call.inputs, scaled)


def _numbers(value: Any) -> Shape:
    """Return the shape of a number or of nested lists of numbers; that of the first item where they differ."""
    return (len(value), *_numbers(value[0])) if isinstance(value, list) and value else ()


@layer("AlphaDropout", "Dropout")
def dropout(call: Call) -> Value:
    """Infer the same shapes. Warn of a `noise_shape` that does not broadcast to them."""
    _warn_of_several(call)
    written = call["noise_shape"]

    def dropped(tensor: Tensor) -> Value:
        if isinstance(written, list) and call["rate"] and not _is_noise_of(tensor, written):
            call.warn_of_runtime(
                f"`noise_shape` of `{call.name}` is {sample_shape(tuple(written))}, which does not fit {tensor}",
                argument="noise_shape",
                expected=f"{tensor.rank} sizes, each that of the tensor, 1 or null",
                help="1 drops along the whole dimension, null takes the size of the tensor; the batch is the first",
            )
        return call.output(tensor.shape)

    return map_tensors(call.inputs, dropped)


def _is_noise_of(tensor: Tensor, written: list[Any]) -> bool:
    """Return whether noise of the sizes that a spec writes, the batch among them, broadcasts to the tensor."""
    if len(written) > tensor.rank:
        return False
    return keeps_shape(
        tensor.shape, tuple(tensor.shape[at] if size is None else size for at, size in enumerate(written))
    )


@layer("StochasticDepth", "LayerScale", "CustomScaleLayer")
def same_shape_as_first(call: Call) -> Value:
    """Infer layers of `keras.applications` in the use that is made of them there; any other is unknown."""
    values = call.inputs if isinstance(call.inputs, list) else [call.inputs]
    shapes = {each.shape if isinstance(each, Tensor) else None for each in values}
    shape = shapes.pop()
    if shape is None or shapes:
        return UNKNOWN
    is_scale = "projection_dim" in call.arguments
    if is_scale and (not shape or differ(call["projection_dim"], shape[-1])):
        return UNKNOWN
    return call.output(shape)


@layer("Masking")
def masking(call: Call) -> Value:
    """Infer the output of `Masking`: the same shape; the mask has all dimensions but the last."""
    tensor = call.tensor()
    call.expect_rank(tensor, least=1)
    return call.output(tensor.shape)


@layer("PReLU")
def prelu(call: Call) -> Value:
    """Infer the same shape. There is a slope for every position of a sample, one along each shared axis."""
    tensor = call.tensor()
    shared = call["shared_axes"]
    axes = shared if isinstance(shared, list) else [] if shared is None else [shared]
    if not all(isinstance(axis, int) for axis in axes):
        return UNKNOWN
    weights = list(tensor.shape[1:])
    for axis in axes:
        place = canonical_axis(axis - 1, len(weights))
        if place is None:
            expected = f"axes from 1 to {len(weights)}" if weights else "no shared axes"
            call.refuse_axis("shared_axes", axis, tensor, expected)
        weights[place] = 1
    if not call.is_built and None in weights:
        call.refuse_unknown(
            "known sizes but for the shared axes",
            tensor,
            help="share the slopes along the unknown dimension: `shared_axes: [1]`",
        )
    fixed = {number: size for number, size in enumerate(tensor.shape) if axes and number > 0 and number not in axes}
    state = call.build(rank=tensor.rank, fixed=fixed)
    if tensor.rank != state["rank"]:
        call.refuse_rebuild(f"tensors of {state['rank']} dimensions", tensor)
    for number, size in state["fixed"].items():
        if differ(size, tensor.shape[number]):
            call.refuse_rebuild(f"{size} along axis {number}", tensor)
    return call.output(tensor.shape)


@layer("Identity")
def identity(call: Call) -> Value:
    """Infer the output of `Identity`: the same shapes and dtypes."""
    return map_tensors(call.inputs, lambda tensor: call.output(tensor.shape, tensor.dtype))


def _spatial_dropout(rank: int) -> Callable[[Call], Value]:
    def rule(call: Call) -> Value:
        def same(tensor: Tensor) -> Value:
            call.expect_rank(
                tensor,
                rank,
                help="`SpatialDropout1D` is for sequences, `2D` for images, `3D` for volumes; `Dropout` takes any",
            )
            return call.output(tensor.shape)

        return map_tensors(call.inputs, same)

    return rule


for _dimensions in (1, 2, 3):
    layer(f"SpatialDropout{_dimensions}D")(_spatial_dropout(_dimensions + 2))
