"""`training: lora:` in a built model: Keras adds adapters to the layers whose paths match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.checks.layer_patterns import LayerPaths
from graphspec.checks.lora import no_lora, refused_lora, unmatched_lora
from graphspec.diagnostics import Report
from graphspec.language.graph import ExternalModel
from graphspec.language.objects import Pattern
from graphspec.language.training import Lora
from graphspec.language.traversal import layer_paths
from graphspec.to_keras.adapters import drop_adapters, has_lora
from graphspec.to_keras.installed import version_help
from graphspec.to_keras.keras_internals import flattened_layers
from graphspec.to_keras.keras_messages import reason
from graphspec.to_keras.model import Built


def enable_lora(built: Built, lora: Lora) -> None:
    """Give adapters to the layers whose paths match; a model's or a layer's own path means all layers in it.

    Raises:
        SpecError: a pattern matches no layer with LoRA, or Keras refuses one.
    """
    for each in built.layers:
        if isinstance(each, ExternalModel):
            drop_adapters(built.layers[each])  # Keras has merged those of a file, and they would never train
    paths = LayerPaths(_paths(built))
    adaptable = [path for path, layer in paths.every() if has_lora(layer)]
    report = Report()
    chosen: dict[int, tuple[Any, Pattern]] = {}
    for pattern in lora.layers:
        layers = [layer for path in paths.matches(pattern) for layer in paths.items[path]]
        inside = [each for layer in layers for each in flattened_layers(layer) if has_lora(each)]
        if not inside:
            report.extend([no_lora(pattern, adaptable) if layers else unmatched_lora(pattern, adaptable)])
        for each in inside:
            chosen.setdefault(id(each), (each, pattern))
    scale = {"lora_alpha": lora.alpha} if lora.alpha is not None else {}
    for layer, pattern in chosen.values():
        try:
            layer.enable_lora(lora.rank, **scale)
        except Exception as error:
            why = ". ".join(filter(None, (reason(error), version_help())))
            report.extend([refused_lora(pattern, layer.name, why)])
    report.raise_if_errors()


def _paths(built: Built) -> Iterator[tuple[str, Any]]:
    """Yield every Keras layer with its path; inside layers and models too, by the names there."""
    for path, layer in layer_paths(built.graph):
        yield path, built.layers[layer]
        yield from _inside(built.layers[layer], path)


def _inside(holder: Any, path: str) -> Iterator[tuple[str, Any]]:
    for layer in flattened_layers(holder, recursive=False, include_self=False):
        yield f"{path}/{layer.name}", layer
        yield from _inside(layer, f"{path}/{layer.name}")
