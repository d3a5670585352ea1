"""The adapters of LoRA in a Keras model, which train beside a frozen kernel.

Keras' `trainable` stops adapters with all else in a frozen layer or model. Here adapters train wherever they are, and
what is frozen around them stays so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphspec.to_keras.keras_internals import flattened_layers, frozen_by_lora, own_trainable_variables, set_trainable

_NAMES = ("lora_kernel_a", "lora_kernel_b", "lora_embeddings_a", "lora_embeddings_b")


def has_lora(layer: Any) -> bool:
    """Return whether Keras can adapt a layer."""
    return hasattr(layer, "enable_lora") and hasattr(layer, "lora_enabled")


def is_adapted(layer: Any) -> bool:
    """Return whether a layer has adapters."""
    return bool(getattr(layer, "lora_enabled", False))


def open_adapters(model: Any) -> None:
    """Let all adapters in a model train, and nothing else that is frozen."""
    if any(is_adapted(each) for each in flattened_layers(model)):
        _open(model)


def _open(holder: Any) -> None:
    for layer in flattened_layers(holder, recursive=False, include_self=False):
        if not layer.trainable:
            _hold(layer)
        elif is_adapted(layer):
            frozen_by_lora(layer).trainable = False
        else:
            _open(layer)


def _hold(layer: Any) -> None:
    """Freeze a layer and all layers in it, except for adapters."""
    if not any(is_adapted(each) for each in flattened_layers(layer)):
        for each in flattened_layers(layer):
            set_trainable(each, False)
        return
    layer.trainable = True  # Keras trains nothing inside of what is frozen
    adapters = [id(each) for each in _adapters(layer)]
    for variable in own_trainable_variables(layer):
        variable.trainable = id(variable) in adapters
    for inner in flattened_layers(layer, recursive=False, include_self=False):
        _hold(inner)


def drop_adapters(model: Any) -> None:
    """Merge the adapters of all layers in a model, or of a layer, into the kernels."""
    for layer in flattened_layers(model):
        if not is_adapted(layer):
            continue
        kernel = frozen_by_lora(layer)
        kernel.assign(layer.embeddings if hasattr(layer, "embeddings") else layer.kernel)
        for name in _NAMES:
            if hasattr(layer, name):
                delattr(layer, name)
        layer.lora_enabled, layer.lora_rank, layer.lora_alpha = False, None, None
        kernel.trainable = layer.trainable


@contextmanager
def kept_adapters(model: Any) -> Iterator[None]:
    """Let adapters start anew where weights are loaded within it: Keras sets both sides to 0, and neither trains."""
    first = [(adapters[0], adapters[0].numpy()) for each in flattened_layers(model) if (adapters := _adapters(each))]
    yield
    for variable, values in first:
        variable.assign(values)


def _adapters(layer: Any) -> list[Any]:
    return [getattr(layer, name) for name in _NAMES if hasattr(layer, name)]
