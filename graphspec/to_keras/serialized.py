"""A model in memory → the `.keras` file of a functional model, and what its preprocessing layers learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import NOT_A_MODEL
from graphspec.to_keras.adapted_layers import adaptable_layers
from graphspec.to_keras.keras_internals import flattened_layers, lookup_layer
from graphspec.to_keras.keras_messages import reason

if TYPE_CHECKING:
    from graphspec.from_keras.layer_state import StateSource

_LOOKUPS = (keras.layers.StringLookup, keras.layers.IntegerLookup, keras.layers.TextVectorization)


def functional(model: keras.Model) -> keras.Model:
    """Return the plain functional model of a subclass of one, such as a backbone of KerasHub; `model` for any other."""
    is_plain = isinstance(model, keras.Sequential) or type(model).__name__ in ("Functional", "Model")
    if is_plain or not getattr(model, "inputs", None):
        return model
    return keras.Model(model.input, model.output, name=model.name)


def plugin_modules(model: keras.Model) -> list[str]:
    """Return the modules that register the custom layers of a model, in the order in which they are met.

    A package that registers its layers under its own name is named as a whole.
    """
    modules = []
    for layer in flattened_layers(model, include_self=False):
        module = type(layer).__module__
        root = module.partition(".")[0]
        registered = keras.saving.get_registered_name(type(layer)).partition(">")[0]
        modules.append(root if registered == root else module)
    return [each for each in dict.fromkeys(modules) if each.partition(".")[0] not in ("keras", "__main__")]


def save(model: keras.Model, folder: Path) -> Path:
    """Save a model as a `.keras` file in a folder, and return its path.

    Raises:
        SpecError: Keras cannot save it.
    """
    path = folder / "model.keras"
    try:
        model.save(path)
    except Exception as error:
        raise SpecError.of(
            NOT_A_MODEL,
            f"Keras cannot save the model `{model.name}`: {reason(error)}",
            expected="a model that `model.save` writes",
        ) from error
    return path


class ModelState:
    """The state of the layers of a model in memory, whose words may hold line breaks. saved: that in its file."""

    def __init__(self, model: keras.Model, saved: StateSource) -> None:
        self.layers = adaptable_layers(model)
        self.saved = saved

    def vocabulary(self, path: tuple[str, ...]) -> Sequence[str | int] | None:
        """Return the vocabulary of a layer with its special tokens; None if it has none."""
        layer = self.layers.get("/".join(path))
        if not isinstance(layer, _LOOKUPS):
            return self.saved.vocabulary(path)
        words = lookup_layer(layer).get_vocabulary()
        return [word.item() if isinstance(word, np.generic) else word for word in words]

    def array(self, path: tuple[str, ...], name: str) -> Any:
        """Return the values of a weight as nested lists of floats; None if there is none."""
        return self.saved.array(path, name)
