"""State of adapted preprocessing layers: read, written to a saved model, and restored from it.

Keras writes a vocabulary to a text file of one word a line inside the saved model. It reads the file back wrongly if a
word contains a line break of any alphabet (such as U+2028) or the last word is empty, and `model.load_weights` does not
read it. `store_vocabulary` therefore puts the vocabulary into the arguments of the layer, which Keras saves as JSON:
plain Keras and `restore_configs` both load it from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from graphspec.to_keras.keras_internals import flattened_layers, lookup_layer
from graphspec.to_keras.saved_file import read_config

ADAPTABLE = (
    keras.layers.Normalization,
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
    keras.layers.Discretization,
)
"""Layers that adapt to data before training."""

_MAX_CONFIG = 256 * 2**20
"""Bytes of a configuration with vocabularies."""

_STATE = ("vocabulary", "idf_weights", "bin_boundaries")
"""Arguments that hold the state of a layer."""


def adaptable_layers(layer: Any) -> dict[str, Any]:
    """Return the adaptable layers inside `layer`, each once, by path, such as `encoder/words`."""
    layers: dict[str, Any] = {}
    seen = {id(layer)}
    waiting = [("", layer)]
    while waiting:
        path, outer = waiting.pop()
        for each in flattened_layers(outer, include_self=False, recursive=False):
            if id(each) not in seen:
                seen.add(id(each))
                name = f"{path}/{each.name}".lstrip("/")
                if isinstance(each, ADAPTABLE):
                    layers[name] = each
                else:
                    waiting.append((name, each))
    return layers


def is_adapted(layer: Any) -> bool:
    """Return whether a layer has state, from its arguments, `adapt` or a file.

    A `Normalization` with the initial mean 0 and variance 1 counts as not adapted.
    """
    if isinstance(layer, keras.layers.Normalization):
        if layer.input_mean is not None:
            return True
        return layer.built and bool(np.any(layer.adapt_mean != 0.0) or np.any(layer.adapt_variance != 1.0))
    if isinstance(layer, keras.layers.Discretization):
        return layer.bin_boundaries is not None
    return int(lookup_layer(layer).lookup_table.size()) > 0


def vocabulary_of(layer: Any) -> list[Any]:
    """Return the vocabulary of a lookup layer in index order, without mask and out-of-vocabulary tokens."""
    lookup = lookup_layer(layer)
    keys, values = lookup.lookup_table.export()
    words, indices = (values, keys) if lookup.invert else (keys, values)
    ordered = words.numpy()[np.argsort(indices.numpy())].tolist()
    return [word.decode(lookup.encoding) if isinstance(word, bytes) else word for word in ordered]


def store_vocabulary(layer: Any) -> None:
    """Store the vocabulary of a lookup layer in its argument, so that Keras saves it.

    Raises:
        ValueError: Keras cannot save one of the words.
    """
    if isinstance(layer, keras.layers.Normalization | keras.layers.Discretization):
        return  # their state is in weights and in an argument
    lookup = lookup_layer(layer)
    if lookup.input_vocabulary is not None:
        return
    words = vocabulary_of(layer)
    for word in words:
        if isinstance(word, str) and word.endswith("\0"):
            raise ValueError(f"Keras cannot keep {word[:40]!r}, which ends in a NUL character")
    if lookup.output_mode == "tf_idf":
        weights = lookup.idf_weights.numpy()[: lookup.vocabulary_size()]
        lookup.input_idf_weights = weights[-len(words) :].tolist()
    lookup.input_vocabulary = words


def adapted_configs(model: Any) -> dict[str, list[Any]]:
    """Return class and arguments of the adapted layers by path, as JSON for `restore_configs`."""
    configs = {}
    for path, layer in adaptable_layers(model).items():
        if is_adapted(layer) and not isinstance(layer, keras.layers.Normalization):
            config = layer.get_config()
            state = {name: config[name] for name in _STATE if config.get(name) is not None}
            configs[path] = [type(layer).__name__, state]
    return configs


def restore_configs(model: Any, saved: Mapping[str, Any]) -> list[str]:
    """Restore the state of layers that are not adapted; weights are not restored.

    Args:
        model: the model.
        saved: class and arguments of layers by path, from `saved_configs` or `adapted_configs`.

    Returns:
        The paths of lookup and `Discretization` layers that are still not adapted.

    Raises:
        Exception: of any type, if `saved` does not fit.
    """
    left = []
    for path, layer in adaptable_layers(model).items():
        if is_adapted(layer) or isinstance(layer, keras.layers.Normalization):
            continue
        class_name, config = saved.get(path, ("", {}))
        if class_name == type(layer).__name__ and _fill(layer, config):
            store_vocabulary(layer)
        else:
            left.append(path)
    return left


def _fill(layer: Any, config: dict[str, Any]) -> bool:
    """Set the state of a layer from `config`; return whether it holds any."""
    for name in _STATE:
        if not isinstance(config.get(name), list | None):
            raise ValueError(f"`{name}` of its layer `{layer.name}` is no list")
    if isinstance(layer, keras.layers.Discretization):
        layer.bin_boundaries = config.get("bin_boundaries")
        return layer.bin_boundaries is not None
    words = config.get("vocabulary")
    if not words:
        return False
    whole = isinstance(layer, keras.layers.IntegerLookup)
    if not all(isinstance(word, int if whole else str) for word in words):
        raise ValueError(f"the vocabulary of its layer `{layer.name}` holds what is no word of it")
    # An array of objects: in the array of text that Keras makes, every word takes the memory of the longest.
    layer.set_vocabulary(np.array(words, np.int64 if whole else object), config.get("idf_weights"))
    return True


def saved_configs(file: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return class and configuration of the adaptable layers of a saved model, by path.

    Raises:
        Exception: of any type, if the file cannot be read.
    """
    tree = read_config(file, limit=_MAX_CONFIG).get("config")
    return {path: (class_name, config) for path, class_name, config in _configs(tree)}


def _configs(tree: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, class and configuration of every adaptable layer."""
    names = {each.__name__ for each in ADAPTABLE}
    waiting = [("", tree)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(path, each) for each in value]
        elif isinstance(value, dict):
            config = value.get("config")
            inner = path
            if isinstance(value.get("class_name"), str) and isinstance(config, dict):
                inner = f"{path}/{config.get('name', '')}".strip("/")
                if value["class_name"] in names:
                    yield inner, value["class_name"], config
                    continue
            waiting += [(inner, each) for each in value.values()]
