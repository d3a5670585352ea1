"""What preprocessing layers have learnt from data: told, kept in the saved model, and taken from one.

Keras writes a learnt vocabulary to a text file of one word a line inside the saved model, and reads it back wrongly
where a word holds a line break of any alphabet (U+2028 is one), or where the last word is empty. `model.load_weights`
does not read it at all. So what a layer has learnt is put in the place of its arguments, where Keras saves it as JSON:
plain Keras then loads the model with it, and so does `restore`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from graphspec.to_keras.keras_internals import flattened_layers, lookup_layer
from graphspec.to_keras.saved_file import opened_archive

LEARNING = (
    keras.layers.Normalization,
    keras.layers.TextVectorization,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
    keras.layers.Discretization,
)
"""The layers that learn from data before training."""

_CONFIG = "config.json"
_LARGEST = 256 * 2**20
_KEPT = ("vocabulary", "idf_weights", "bin_boundaries")


def learning_layers(layer: Any) -> dict[str, Any]:
    """The layers inside `layer` that learn from data, each once, by path: its name, after those of what it lies in."""
    found: dict[str, Any] = {}
    seen = {id(layer)}
    waiting = [("", layer)]
    while waiting:
        path, outer = waiting.pop()
        for each in flattened_layers(outer, include_self=False, recursive=False):
            if id(each) not in seen:
                seen.add(id(each))
                name = f"{path}/{each.name}".lstrip("/")
                if isinstance(each, LEARNING):
                    found[name] = each
                else:
                    waiting.append((name, each))
    return found


def has_learnt(layer: Any) -> bool:
    """Whether one of LEARNING knows what it does: by its arguments, by `adapt`, or from a file.

    A `Normalization` whose mean is 0 and whose variance is 1, as new ones have, counts as one that knows nothing.
    """
    if isinstance(layer, keras.layers.Normalization):
        if layer.input_mean is not None:
            return True
        return layer.built and bool(np.any(layer.adapt_mean != 0.0) or np.any(layer.adapt_variance != 1.0))
    if isinstance(layer, keras.layers.Discretization):
        return layer.bin_boundaries is not None
    return int(lookup_layer(layer).lookup_table.size()) > 0


def words_of(layer: Any) -> list[Any]:
    """The vocabulary of a lookup layer in the order of its indices, without its mask and out-of-vocabulary tokens."""
    lookup = lookup_layer(layer)
    keys, values = lookup.lookup_table.export()
    words, indices = (values, keys) if lookup.invert else (keys, values)
    ordered = words.numpy()[np.argsort(indices.numpy())].tolist()
    return [word.decode(lookup.encoding) if isinstance(word, bytes) else word for word in ordered]


def keep(layer: Any) -> None:
    """Put the vocabulary of a lookup layer in the place of its argument, so that it is saved as that.

    Raises ValueError where a word cannot be kept.
    """
    if isinstance(layer, keras.layers.Normalization | keras.layers.Discretization):
        return  # weights, and an argument already
    lookup = lookup_layer(layer)
    if lookup.input_vocabulary is not None:
        return
    words = words_of(layer)
    for word in words:
        if isinstance(word, str) and word.endswith("\0"):
            raise ValueError(f"Keras cannot keep {word[:40]!r}, which ends in a NUL character")
    if lookup.output_mode == "tf_idf":
        weights = lookup.idf_weights.numpy()[: lookup.vocabulary_size()]
        lookup.input_idf_weights = weights[-len(words) :].tolist()
    lookup.input_vocabulary = words


def learnt(model: Any) -> dict[str, list[Any]]:
    """What `restore` takes, of the layers of `model` that know what they do: class and arguments by path, as JSON."""
    found = {}
    for path, layer in learning_layers(model).items():
        if has_learnt(layer) and not isinstance(layer, keras.layers.Normalization):
            config = layer.get_config()
            kept = {name: config[name] for name in _KEPT if config.get(name) is not None}
            found[path] = [type(layer).__name__, kept]
    return found


def restore(model: Any, saved: Mapping[str, Any]) -> list[str]:
    """Give the layers of `model` that know nothing what those of the same path know in `saved`: see `saved_in`.

    Weights, such as the mean of `Normalization`, are not among it. Gives the paths of lookup and `Discretization`
    layers that still know nothing. Raises an exception of whatever kind where `saved` does not fit.
    """
    left = []
    for path, layer in learning_layers(model).items():
        if has_learnt(layer) or isinstance(layer, keras.layers.Normalization):
            continue
        class_name, config = saved.get(path, ("", {}))
        if class_name == type(layer).__name__ and _fill(layer, config):
            keep(layer)
        else:
            left.append(path)
    return left


def _fill(layer: Any, config: dict[str, Any]) -> bool:
    """Whether `config` told what `layer` knows from now on."""
    for name in _KEPT:
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
    # An array of objects: Keras would make one of text, in which every word takes the room of the longest.
    layer.set_vocabulary(np.array(words, np.int64 if whole else object), config.get("idf_weights"))
    return True


def saved_in(file: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """The class and the configuration of every layer in `file`, a saved model, that learns from data, by path.

    Raises an exception of whatever kind where the file cannot be read.
    """
    with opened_archive(file) as archive:
        if archive.getinfo(_CONFIG).file_size > _LARGEST:
            raise ValueError(f"its {_CONFIG} is larger than {_LARGEST // 2**20} MiB")
        try:
            tree = json.loads(archive.read(_CONFIG))
        except RecursionError:
            raise ValueError(f"its {_CONFIG} is nested too deeply") from None
    if not isinstance(tree, dict):
        raise ValueError(f"its {_CONFIG} holds no model")
    return {path: (class_name, config) for path, class_name, config in _configs(tree.get("config"))}


def _configs(tree: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, class and configuration of every layer that learns from data."""
    names = {each.__name__ for each in LEARNING}
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
