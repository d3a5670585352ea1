"""Building of a spec's model, with its plugins, precision and frozen layers."""

from __future__ import annotations

from contextlib import nullcontext
from threading import RLock

import keras

from graphspec.checks.files import check_arrays
from graphspec.diagnostics import Report
from graphspec.language.traversal import every_layer, every_plugin
from graphspec.spec import Spec
from graphspec.to_keras.adapters import open_adapters
from graphspec.to_keras.freezing import freeze
from graphspec.to_keras.keras_internals import flattened_layers, weightless_scope
from graphspec.to_keras.lora import enable_lora
from graphspec.to_keras.model import Built, build_graph
from graphspec.to_keras.plugins import import_plugins

BUILDING = RLock()
"""The lock of building: precision, plugins and random numbers are shared by the process."""


def build_model(spec: Spec, *, weightless: bool = False, pretrained: bool = True, adapted: bool = True) -> keras.Model:
    """Return the Keras model of a spec, not compiled.

    Args:
        spec: the spec.
        weightless: allocate no weights.
        pretrained: load the weights that the spec names; False if all weights are loaded later.
        adapted: add the adapters of LoRA; False for a model whose weights hold them already.

    Raises:
        SpecError: an array of a weight is missing, or Keras refuses the model.
    """
    return build_spec(spec, weightless=weightless, pretrained=pretrained, adapted=adapted).model


def build_spec(spec: Spec, *, weightless: bool = False, pretrained: bool = True, adapted: bool = True) -> Built:
    """Return the Keras model of a spec with its layers and tensors; see `build_model`."""
    with BUILDING:
        if not weightless:
            report = Report()
            report.extend(check_arrays(every_layer(spec.graph)))
            report.raise_if_errors()
        import_plugins(every_plugin(spec.graph))
        built = build_graph(spec.graph, precision=spec.model.precision, weightless=weightless, pretrained=pretrained)
        if spec.training is not None:
            freeze(built, spec.training.freeze)
            if adapted and spec.training.lora is not None:
                with weightless_scope() if weightless else nullcontext():
                    enable_lora(built, spec.training.lora)
                built.trainable = [(layer, layer.trainable) for layer in flattened_layers(built.model)]
                open_adapters(built.model)
        return built
