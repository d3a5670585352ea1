"""The state of adapted layers, as bytes that one worker sends to the others."""

from __future__ import annotations

import io
import json
from typing import Any

import keras
import numpy as np

from graphspec.to_keras.adapted_layers import adaptable_layers, adapted_configs, restore_configs

_CONFIGS = "configs"


def adapted_state(model: keras.Model) -> bytes:
    """Return the arguments and the variables of the adapted layers of `model`."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {name: each.numpy() for name, each in _variables(model).items()}
    arrays[_CONFIGS] = np.frombuffer(json.dumps(adapted_configs(model)).encode(), np.uint8)
    np.savez(file, **arrays)
    return file.getvalue()


def restore_adapted_state(model: keras.Model, state: bytes) -> None:
    """Restore what `adapted_state` has returned for the same model in another process."""
    with np.load(io.BytesIO(state), allow_pickle=False) as arrays:
        restore_configs(model, json.loads(arrays[_CONFIGS].tobytes()))
        for name, variable in _variables(model).items():
            variable.assign(arrays[name])
    for layer in adaptable_layers(model).values():
        if isinstance(layer, keras.layers.Normalization) and layer.built:
            layer.finalize_state()


def _variables(model: keras.Model) -> dict[str, Any]:
    return {
        f"{path}:{number}": variable
        for path, layer in adaptable_layers(model).items()
        for number, variable in enumerate(layer.variables)
    }
