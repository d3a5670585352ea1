"""Numbers of dimensions, to write the last axis as Keras 3 does by default: Keras 2 counts it from the first.

Only layers that leave no doubt have a rank here; behind the others an axis stays as it is, which means the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphspec.from_keras.legacy.layers import NewLayer

_KEEPING = ("Conv", "Depthwise", "Separable", "Max", "Average", "ZeroPadding", "Cropping", "UpSampling", "Spatial")
_KEEPING_TOO = (
    *("Activation", "Add", "AlphaDropout", "BatchNormalization", "Concatenate", "Dense", "Dropout", "ELU"),
    *("GaussianDropout", "GaussianNoise", "Identity", "LayerNormalization", "LayerScale", "LeakyReLU", "Minimum"),
    *("Multiply", "Normalization", "PReLU", "ReLU", "Rescaling", "Resizing", "Softmax", "StochasticDepth", "Subtract"),
)
_WITH_AXIS = ("BatchNormalization", "LayerNormalization")


def write_last_axes(layers: Iterable[tuple[NewLayer, list[str]]]) -> None:
    """Write -1 for the axis of each normalization that is the last one of its input.

    Args:
        layers: The layers of a model, each with the names of those that its first call takes.
    """
    ranks: dict[str, int | None] = {}
    for layer, taken in layers:
        incoming = {ranks.get(name) for name in taken}
        rank = incoming.pop() if len(incoming) == 1 else None
        if layer.class_name in _WITH_AXIS and rank is not None and layer.config.get("axis") == rank - 1:
            layer.config["axis"] = -1
        ranks[str(layer.config.get("name"))] = _rank(layer, rank)


def _rank(layer: NewLayer, rank: int | None) -> int | None:
    """Return the rank of what a layer gives for a tensor of `rank`; None where that takes more to know."""
    name, config = layer.class_name, layer.config
    if layer.module is not None and layer.module.startswith("keras.src.ops"):
        return None
    if name == "InputLayer":
        return len(config["batch_shape"])
    if name.startswith("Global"):
        return rank if config.get("keepdims") is True else 2
    if name == "Flatten":
        return 2
    if name == "Reshape" and isinstance(config.get("target_shape"), list):
        return len(config["target_shape"]) + 1
    keeps = name in _KEEPING_TOO or (name.startswith(_KEEPING) and not name.startswith("ConvLSTM"))
    return rank if keeps else None
