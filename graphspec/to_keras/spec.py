"""Spec → keras.Model: its graph built, and what the training section says of the model itself."""

from __future__ import annotations

from threading import RLock

import keras

from graphspec.language.traversal import every_plugin
from graphspec.spec import Spec
from graphspec.to_keras.freezing import freeze
from graphspec.to_keras.model import Built, build_graph
from graphspec.to_keras.plugins import import_plugins

BUILDING = RLock()
"""Held while a model is built: precision, plugins and the random numbers of initializers are those of the process."""


def build_model(spec: Spec, *, weightless: bool = False, pretrained: bool = True) -> keras.Model:
    """The Keras model of `spec`, not compiled. See `graphspec.build`.

    pretrained: models get the weights that the spec names for them; False where all weights are loaded afterwards.
    """
    precision = spec.model.training.precision if spec.model.training is not None else "float32"
    return build_spec(spec, precision=precision, weightless=weightless, pretrained=pretrained).model


def build_spec(spec: Spec, *, precision: str = "float32", weightless: bool = False, pretrained: bool = True) -> Built:
    """The Keras model of `spec`, its frozen layers frozen, with what it was made of."""
    with BUILDING:
        import_plugins(every_plugin(spec.graph))
        built = build_graph(spec.graph, precision=precision, weightless=weightless, pretrained=pretrained)
        freeze(built, spec.training.freeze if spec.training is not None else [])
        return built
