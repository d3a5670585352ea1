"""The generators of random operations, whose states belong to the model: checkpoints and exports hold them."""

from __future__ import annotations

from typing import Any

import keras

from graphspec.to_keras.keras_internals import flattened_layers


def drawing_layers(model: keras.Model) -> dict[Any, keras.random.SeedGenerator]:
    """Return the layers that draw for random operations, each with its generator; those of models from files too."""
    seeds = {layer: getattr(getattr(layer, "activation", None), "seed", None) for layer in flattened_layers(model)}
    return {layer: seed for layer, seed in seeds.items() if isinstance(seed, keras.random.SeedGenerator)}


def track_generators(model: keras.Model) -> None:
    """Let a model know the generators of its random operations, which `Activation` does not track."""
    if generators := list(drawing_layers(model).values()):
        model.seed_generators = generators


def reset_generators(model: keras.Model) -> None:
    """Let a model draw what it draws first after it is loaded."""
    for generator in drawing_layers(model).values():
        seed = generator.get_config()["seed"]
        if seed is not None:
            generator.state.assign([seed, 0])
