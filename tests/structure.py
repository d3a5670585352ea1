"""What a model is, whatever its layers are called: for comparing what graphspec builds with what Keras users write."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

BATCH = 2
ANY_LENGTH = 200
"""The length given to an open dimension; `profile` needs at least 149."""


@dataclass
class Walk:
    """Describes a model, from its outputs back to its inputs, in a form that two equal models share.

    `lines` says of each layer its class and configuration, and of each call which layer was called on what.
    Layers and calls are numbered as they are first met, so names do not count, and sharing does. `layers`
    holds the layers, and operations, by their numbers, with those inside nested models, wrappers and recurrent layers.
    """

    lines: list[str] = field(default_factory=list)
    layers: list[Any] = field(default_factory=list)
    _layer_numbers: dict[int, int] = field(default_factory=dict)
    _call_numbers: dict[int, int] = field(default_factory=dict)
    _input_names: dict[int, str] = field(default_factory=dict)

    @classmethod
    def over(cls, model: keras.Model) -> Walk:
        """The walk over a whole model. Inputs and outputs that are not dictionaries are numbered."""
        walk = cls()
        inputs, outputs = _named(model.input), _named(model.output)
        walk._input_names = {id(tensor._keras_history.operation): name for name, tensor in inputs.items()}
        for name in sorted(outputs):
            walk.lines.append(f"output {name} = {walk._tensor(outputs[name])}")
        for name in sorted(inputs):
            walk.lines.append(f"input {name} = {walk._tensor(inputs[name])}")
        return walk

    def _tensor(self, tensor: Any) -> str:
        """The call that made the tensor, and which of its results the tensor is."""
        operation, node_index, tensor_index = tensor._keras_history
        return f"{self._call(operation, operation._inbound_nodes[node_index])}.{tensor_index}"

    def _call(self, operation: Any, node: Any) -> str:
        if id(node) not in self._call_numbers:
            if isinstance(operation, keras.Model):
                arguments = [self._tensor(tensor) for tensor in node.input_tensors]
            else:
                arguments = [f"{name}={self._argument(value)}" for name, value in _arguments(operation, node)]
            layer = self._layer(operation)
            self._call_numbers[id(node)] = len(self._call_numbers)
            self.lines.append(f"call {self._call_numbers[id(node)]} = {layer}({', '.join(arguments)})")
        return f"call {self._call_numbers[id(node)]}"

    def _argument(self, value: Any) -> str:
        if isinstance(value, keras.KerasTensor):
            return self._tensor(value)
        if _is_array(value):
            array = keras.ops.convert_to_numpy(value)
            return f"{array.dtype} {array.tolist()}"
        if isinstance(value, list | tuple):
            return f"[{', '.join(self._argument(item) for item in value)}]"
        if isinstance(value, dict):
            return f"{{{', '.join(f'{key}: {self._argument(value[key])}' for key in sorted(value))}}}"
        return repr(value)

    def _layer(self, layer: Any) -> str:
        if id(layer) not in self._layer_numbers:
            number = self._layer_numbers[id(layer)] = len(self.layers)
            self.layers.append(layer)
            if isinstance(layer, keras.Model):
                inside = [self._tensor(tensor) for tensor in (*layer.outputs, *layer.inputs)]
                config: Any = {"trainable": layer.trainable}
            elif isinstance(layer, keras.Layer):
                inside = [self._layer(sublayer) for sublayer in _sublayers(layer)]
                config = _without_names(layer.get_config())
            else:
                inside = []
                config = {key: value for key, value in vars(layer).items() if key[0] != "_" and key != "name"}
            name = self._input_names.get(id(layer), "")
            kind = "Functional" if isinstance(layer, keras.Model) else type(layer).__name__
            self.lines.append(f"layer {number} = {kind} {name} {config} over {inside}")
        return f"layer {self._layer_numbers[id(layer)]}"


def _is_array(value: Any) -> bool:
    """Whether a value is a constant: an array of NumPy, or a tensor with a value."""
    return isinstance(value, np.ndarray) or (keras.ops.is_tensor(value) and not isinstance(value, keras.KerasTensor))


def _named(tensors: Any) -> dict[str, Any]:
    if isinstance(tensors, dict):
        return tensors
    return {str(number): tensor for number, tensor in enumerate(keras.tree.flatten(tensors))}


def _arguments(operation: Any, node: Any) -> Iterator[tuple[str, Any]]:
    """The arguments of one call by parameter name, without those that are at their defaults."""
    signature = inspect.signature(operation.call)
    bound = signature.bind(*node.arguments.args, **node.arguments.kwargs)
    for name, value in bound.arguments.items():
        default = signature.parameters[name].default
        if (
            isinstance(value, keras.KerasTensor)
            or _is_array(value)
            or (value is not None and value != default and value != {})
        ):
            yield name, value


def _sublayers(layer: Any) -> list[Any]:
    """What a wrapper wraps, the cell of a recurrent layer; nothing for most layers."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def _without_names(config: dict[str, Any]) -> dict[str, Any]:
    """A layer's configuration without its name, random seeds, and layers inside it, which the walk visits."""
    return {
        key: value["class_name"] if is_random(value) else value
        for key, value in config.items()
        if key != "name" and not (isinstance(value, dict) and _is_layer(value))
    }


def is_random(activation: Any) -> bool:
    """Whether an activation is written as an initializer that draws in every call."""
    config = activation.get("config") if isinstance(activation, dict) else None
    seed = config.get("seed") if isinstance(config, dict) else None
    return isinstance(seed, dict) and seed.get("class_name") == "SeedGenerator"


def generators(model: keras.Model) -> list[keras.random.SeedGenerator]:
    """The generators that a model draws from in every call."""
    seeds = [getattr(getattr(layer, "activation", None), "seed", None) for layer in model._flatten_layers()]
    return [each for each in seeds if isinstance(each, keras.random.SeedGenerator)]


def seed(model: keras.Model) -> None:
    """Let a model draw the same numbers as any other."""
    for number, each in enumerate(generators(model)):
        each.state.assign([number, 0])


def _is_layer(value: dict[str, Any]) -> bool:
    module = str(value.get("module"))
    return module.startswith(("keras.layers", "keras.models", "keras.src.layers", "keras.src.models"))


def assert_same_structure(actual: keras.Model, expected: keras.Model) -> tuple[Walk, Walk]:
    """Both models make the same calls of the same layers on the same tensors, and share the same layers."""
    walks = Walk.over(actual), Walk.over(expected)
    assert walks[0].lines == walks[1].lines
    return walks


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Gives the target the source's weights, layer by layer as the walk pairs them; none may be left over."""
    target_walk, source_walk = assert_same_structure(target, source)
    filled: set[int] = set()
    for to, since in zip(target_walk.layers, source_walk.layers, strict=True):
        if not isinstance(to, keras.Layer) or isinstance(to, keras.Model) or _sublayers(to):
            continue
        assert [tuple(w.shape) for w in to.weights] == [tuple(w.shape) for w in since.weights], to.name
        to.set_weights(since.get_weights())
        filled.update(id(weight) for weight in to.weights)
    assert filled == {id(weight) for weight in target.weights}


def stir(model: keras.Model) -> None:
    """Changes initial weights such that all of them matter: none is 0 or 1, and signals live through the depth."""
    rng = np.random.default_rng(0)
    for layer in Walk.over(model).layers:
        if isinstance(layer, keras.Layer) and not isinstance(layer, keras.Model) and not _sublayers(layer):
            scale = np.sqrt(layer.kernel.shape[2]) if isinstance(layer, keras.layers.DepthwiseConv2D) else 1
            layer.set_weights(
                [
                    each + rng.uniform(0, 0.1, each.shape) if each.ndim == 1 else each * scale
                    for each in layer.get_weights()
                ]
            )


def random_inputs(model: keras.Model, any_length: int = ANY_LENGTH) -> dict[str, Any]:
    """A batch for the model: normal numbers, and word indices that all of its embeddings know."""
    rng = np.random.default_rng(0)
    vocabulary = min((x.input_dim for x in Walk.over(model).layers if isinstance(x, keras.layers.Embedding)), default=2)
    batch: dict[str, Any] = {}
    for name, tensor in sorted(model.input.items()):
        shape = (BATCH, *(any_length if size is None else size for size in tensor.shape[1:]))
        if tensor.dtype.startswith("int"):
            batch[name] = rng.integers(0, vocabulary, shape, dtype=tensor.dtype)
        else:
            batch[name] = rng.standard_normal(shape).astype(tensor.dtype)
    return batch
