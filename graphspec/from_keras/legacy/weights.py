"""Weights of Keras 1 and 2 → weights of the layers of Keras 3, in the order in which Keras 3 keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from graphspec.from_keras.legacy.layers import MODELS
from graphspec.from_keras.legacy.models import new_names
from graphspec.from_keras.legacy.names import LAYERS
from graphspec.from_keras.legacy.objects import HARD_SIGMOID
from graphspec.language.lower.naming import snake_case

Arrays = list[np.ndarray[Any, Any]]

_SCALE = 1.2
"""The slope of `hard_sigmoid` in Keras 1 and 2, by that in Keras 3."""

_GATES = {"LSTM": 4, "LSTMCell": 4, "ConvLSTM1D": 4, "ConvLSTM2D": 4, "ConvLSTM3D": 4, "GRU": 3, "GRUCell": 3}
_CANDIDATE = 2
"""The number of the gate without a recurrent activation: i, f, c, o in an LSTM, z, r, h in a GRU."""

_WITH_KERNEL = ("Dense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")
_RECURRENT = (
    "LSTM",
    "GRU",
    "SimpleRNN",
    "LSTMCell",
    "GRUCell",
    "SimpleRNNCell",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
)
_DENSE_LAYERS = ("query_dense", "key_dense", "value_dense", "output_dense")
"""The attributes of a `MultiHeadAttention` that keep its weights."""

_KERNEL_OF_KERAS_1 = {
    ("Conv2D", "th"): (2, 3, 1, 0),
    ("Conv3D", "th"): (2, 3, 4, 1, 0),
    ("Conv2DTranspose", "tf"): (0, 1, 3, 2),
    ("Conv2DTranspose", "th"): (2, 3, 0, 1),
    ("ConvLSTM2D", "th"): (2, 3, 1, 0),
}
"""The axes of Keras 3 in kernels of Keras 1, where they differ."""


class Groups(Protocol):
    """A group of an HDF5 file, or nothing where there is none."""

    def at(self, name: str) -> Groups:
        """Return the group of a name in this one."""

    def arrays(self) -> Arrays:
        """Return the arrays of the variables in this group, by their numbers."""


class WeightsError(ValueError):
    """Weights that do not fit their layer, or that nobody knows how to convert."""


class Converter:
    """Converts the weights of layers.

    Attributes:
        era: The major version of the Keras that wrote them.
        backend: The backend that it ran on; Theano turns kernels of convolutions around.
    """

    def __init__(self, era: int, backend: str) -> None:
        self.era = era
        self.backend = backend

    def by_layer(self, written: dict[str, Any], arrays: Arrays, path: str) -> dict[str, Arrays]:
        """Return the weights of a layer, or of each layer in it, by their paths in Keras 3.

        A path has the names of models and layers, and below a layer those of its attributes: `encoder/rnn/cell`.

        Args:
            written: The layer, in the form of the Keras that wrote it.
            arrays: Its trainable weights, and its others behind them.
            path: The name of the layer in Keras 3, behind those of the models around it.

        Raises:
            WeightsError: The weights are not those of the layer.
        """
        found: dict[str, Arrays] = {}
        if is_model(written):
            for name, layer, own in self._parts(written, arrays):
                found |= self.by_layer(layer, own, f"{path}/{name}")
            return found
        old_class, config = str(written.get("class_name")), config_of(written)
        held = _held(old_class, config)
        if held:
            for attribute, each in held:
                count = sum(self.counts(each))
                found |= self.by_layer(each, arrays[:count], f"{path}/{attribute}")
                arrays = arrays[count:]
            return found
        if not arrays:
            return {}
        try:
            own = self._own(old_class, LAYERS.get(old_class, old_class), config, arrays)
        except (ValueError, IndexError) as error:
            raise WeightsError(f"their shapes are not those of a `{old_class}`") from error
        return _below(LAYERS.get(old_class, old_class), [np.asarray(each) for each in own], path)

    def in_groups(self, written: dict[str, Any], group: Groups, path: str) -> dict[str, Arrays]:
        """Return the weights of a layer, or of each layer in it, from the groups of an archive of Keras 2.

        They lie as in one of Keras 3: by the classes of layers, and by the attributes below these.

        Args:
            written: The layer, in the form of Keras 2.
            group: Its group.
            path: The path of the layer in Keras 3.

        Raises:
            WeightsError: The weights are not those of the layer.
        """
        found: dict[str, Arrays] = {}
        if is_model(written):
            counts: dict[str, int] = {}
            inner = group.at("layers")
            for name, layer in named(layers_of(written)):
                stem = snake_case(str(layer.get("class_name")))
                number = counts[stem] = counts.get(stem, -1) + 1
                own = inner.at(f"{stem}_{number}" if number else stem)
                found |= self.in_groups(layer, own, f"{path}/{name}" if path else name)
            return found
        old_class, config = str(written.get("class_name")), config_of(written)
        held = _held(old_class, config)
        for attribute, each in held:
            below = group
            for part in _stored_as(attribute, config).split("/"):
                below = below.at(part)
            found |= self.in_groups(each, below, f"{path}/{attribute}")
        if held:
            return found
        name = LAYERS.get(old_class, old_class)
        if name == "MultiHeadAttention":
            arrays = [array for each in _DENSE_LAYERS for array in group.at(f"_{each}").arrays()]
        else:
            arrays = (group.at("cell") if _has_cell(name) else group).arrays()
        if len(arrays) != sum(self.counts(written)):
            raise WeightsError(f"there are {len(arrays)} weights for `{path}`, and it has {sum(self.counts(written))}")
        return self.by_layer(written, arrays, path)

    def _parts(self, written: dict[str, Any], arrays: Arrays) -> list[tuple[str, dict[str, Any], Arrays]]:
        """Return the layers of a model, each with its name in Keras 3 and its weights."""
        layers = layers_of(written)
        counts = [self.counts(each) for each in layers]
        at, behind = 0, sum(trainable for trainable, _ in counts)
        if behind + sum(fixed for _, fixed in counts) != len(arrays):
            total = behind + sum(fixed for _, fixed in counts)
            raise WeightsError(f"there are {len(arrays)} weights, and its layers have {total}")
        parts = []
        for (name, layer), (trainable, fixed) in zip(named(layers), counts, strict=True):
            parts.append((name, layer, [*arrays[at : at + trainable], *arrays[behind : behind + fixed]]))
            at, behind = at + trainable, behind + fixed
        return parts

    def counts(self, written: dict[str, Any]) -> tuple[int, int]:
        """Return how many trainable and how many other weights a layer has in the file."""
        config = config_of(written)
        if is_model(written):
            each = [self.counts(layer) for layer in layers_of(written)]
            trainable, fixed = sum(one for one, _ in each), sum(one for _, one in each)
        else:
            trainable, fixed = self._counts(str(written.get("class_name")), config)
        return (0, trainable + fixed) if config.get("trainable") is False else (trainable, fixed)

    def _counts(self, old_class: str, config: dict[str, Any]) -> tuple[int, int]:
        name = LAYERS.get(old_class, old_class)
        bias = int(config.get("use_bias", config.get("bias", True)) is not False)
        if name in _WITH_KERNEL or name.startswith("Depthwise") or old_class == "MaxoutDense":
            return 1 + bias, 0
        if name.startswith("Separable"):
            return 2 + bias, 0
        if name in _RECURRENT:
            gates = _GATES.get(name, 1)
            is_apart = self.era == 1 and gates > 1 and config.get("consume_less") != "gpu"
            return (3 * gates if is_apart else 2 + bias), 0
        if name == "BatchNormalization":
            return _scale_and_center(config), 2
        if name in ("LayerNormalization", "GroupNormalization"):
            return _scale_and_center(config), 0
        if name in ("Embedding", "PReLU", "LayerScale"):
            return 1, 0
        if name == "EinsumDense":
            return 1 + (config.get("bias_axes") is not None), 0
        if name == "MultiHeadAttention":
            return 4 * (1 + bias), 0
        if name in ("Attention", "AdditiveAttention"):
            is_scaled = config.get("use_scale", name == "AdditiveAttention") is True
            return is_scaled + (config.get("score_mode") == "concat"), 0
        if name == "Normalization":
            return 0, 0 if config.get("mean") is not None else 3
        held = [self.counts(each) for _, each in _held(name, config)]
        return sum(trainable for trainable, _ in held), sum(fixed for _, fixed in held)

    def _own(self, old_class: str, name: str, config: dict[str, Any], arrays: Arrays) -> Arrays:
        if self.era == 1:
            arrays = _of_keras_1(old_class, name, config, arrays)
        if self.backend == "theano" and name in _CONVOLUTIONS:
            count = 2 if name == "ConvLSTM2D" else 1
            arrays = [*map(_turned, arrays[:count]), *arrays[count:]]
        if old_class == "CuDNNLSTM":
            arrays = _of_cudnn(arrays, 4, lambda bias: bias[: bias.size // 2] + bias[bias.size // 2 :])
        if old_class == "CuDNNGRU":
            arrays = _of_cudnn(arrays, 3, lambda bias: bias.reshape(2, -1))
        if name in _GATES and self.era < 3 and self._is_hard(old_class, name, config):
            arrays = [_scaled(array, _GATES[name]) for array in arrays]
        return arrays

    def _is_hard(self, old_class: str, name: str, config: dict[str, Any]) -> bool:
        by_default = HARD_SIGMOID if self.era == 1 or name.startswith("Conv") else None
        activation = config.get("recurrent_activation", config.get("inner_activation", by_default))
        return activation == HARD_SIGMOID and not old_class.startswith("CuDNN")


def layers_of(written: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the layers of a model, in the order in which Keras keeps their weights."""
    config = written.get("config")
    layers = config.get("layers") if isinstance(config, dict) else config
    return [each for each in layers if isinstance(each, dict)] if isinstance(layers, list) else []


def named(layers: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return layers with their names in Keras 3."""
    names = [old_name(each) for each in layers]
    new = new_names(names)
    return [(new[name], each) for name, each in zip(names, layers, strict=True)]


def old_name(written: dict[str, Any]) -> str:
    """Return the name of a layer in the file."""
    return str(written.get("name") or config_of(written).get("name") or "")


def is_model(written: dict[str, Any]) -> bool:
    """Return whether a layer is a model that layers describe."""
    config = written.get("config")
    return str(written.get("class_name")) in MODELS and (
        isinstance(config, list) or (isinstance(config, dict) and "layers" in config)
    )


def config_of(written: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a layer; an empty one where it is none."""
    config = written.get("config")
    return config if isinstance(config, dict) else {}


def _held(name: str, config: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the layers that a wrapper holds, in the order of their weights, with its attributes for them."""
    layer = config.get("layer")
    held: list[tuple[str, Any]] = []
    if name == "Bidirectional":
        held = [("forward_layer", layer), ("backward_layer", config.get("backward_layer") or layer)]
    elif name == "TimeDistributed":
        held = [("layer", layer)]
    elif name == "RNN":
        held = [("cell", config.get("cell"))]
    elif name == "StackedRNNCells" and isinstance(config.get("cells"), list):
        held = [(f"cells/{number}", each) for number, each in enumerate(config["cells"])]
    return [(attribute, each) for attribute, each in held if isinstance(each, dict)]


def _below(name: str, arrays: Arrays, path: str) -> dict[str, Arrays]:
    """Return the weights of a layer by the paths of what keeps them in Keras 3."""
    if _has_cell(name):
        return {f"{path}/cell": arrays}
    if name == "MultiHeadAttention":
        each = len(arrays) // len(_DENSE_LAYERS)
        parts = enumerate(_DENSE_LAYERS)
        return {f"{path}/{attribute}": arrays[number * each : (number + 1) * each] for number, attribute in parts}
    return {path: arrays}


def _has_cell(name: str) -> bool:
    """Return whether the weights of a layer are those of its attribute `cell`."""
    return name in _RECURRENT and not name.endswith("Cell")


def _stored_as(attribute: str, config: dict[str, Any]) -> str:
    """Return the group of an attribute: cells in a list are named by their classes."""
    if not attribute.startswith("cells/"):
        return attribute
    stems = [snake_case(str(each.get("class_name"))) for each in config["cells"] if isinstance(each, dict)]
    index = int(attribute.removeprefix("cells/"))
    number = stems[:index].count(stems[index])
    return f"cells/{stems[index]}_{number}" if number else f"cells/{stems[index]}"


def _scale_and_center(config: dict[str, Any]) -> int:
    return (config.get("scale", True) is not False) + (config.get("center", True) is not False)


def _of_keras_1(old_class: str, name: str, config: dict[str, Any], arrays: Arrays) -> Arrays:
    """Return weights of Keras 1 in the layout of Keras 2."""
    gates = _GATES.get(name, 0)
    axes = _KERNEL_OF_KERAS_1.get((name, str(config.get("dim_ordering", "tf"))))
    if gates and len(arrays) == 3 * gates:
        if axes is not None:
            arrays = [array.transpose(axes) if array.ndim == len(axes) else array for array in arrays]
        order = [0, 6, 3, 9] if gates == 4 else [0, 3, 6]  # the file has i, c, f, o, each with its three weights
        return [np.concatenate([arrays[first + part] for first in order], axis=-1) for part in range(3)]
    if old_class == "MaxoutDense":
        kernel, *bias = arrays
        return [kernel.transpose(1, 0, 2).reshape(kernel.shape[1], -1), *(each.reshape(-1) for each in bias)]
    if name == "Conv1D" and arrays[0].ndim == 4:
        kernel = arrays[0] if arrays[0].shape[1] == 1 else arrays[0].transpose(2, 3, 1, 0)
        return [kernel[:, 0], *arrays[1:]]
    if name == "SeparableConv2D" and config.get("dim_ordering") == "th":
        raise WeightsError("nobody knows the layout of a `SeparableConvolution2D` with channels first")
    return [arrays[0].transpose(axes), *arrays[1:]] if axes is not None else arrays


def _turned(kernel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the kernel of a convolution turned around in all but its last two axes."""
    return np.flip(kernel, axis=tuple(range(kernel.ndim - 2)))


def _of_cudnn(arrays: Arrays, gates: int, of_bias: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Arrays:
    """Return weights in the layout of cuDNN in that of Keras: kernels of gates transposed, and biases joined."""
    kernel, recurrent, *bias = arrays
    kernels = [each.T.reshape(each.shape, order="F") for each in np.split(kernel, gates, axis=1)]
    recurrents = [each.T for each in np.split(recurrent, gates, axis=1)]
    return [np.concatenate(kernels, axis=1), np.concatenate(recurrents, axis=1), *map(of_bias, bias)]


def _scaled(array: np.ndarray[Any, Any], gates: int) -> np.ndarray[Any, Any]:
    """Return a weight of a recurrent layer with the parts of its gates scaled to the slope of Keras 3."""
    parts = np.split(array.astype("float64"), gates, axis=-1)
    scaled = [part if number == _CANDIDATE else part * _SCALE for number, part in enumerate(parts)]
    return np.concatenate(scaled, axis=-1).astype(array.dtype)
