"""A model in memory → the `.keras` file of a functional model."""

from __future__ import annotations

from pathlib import Path

import keras

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import NOT_A_MODEL
from graphspec.to_keras.keras_internals import flattened_layers
from graphspec.to_keras.keras_messages import reason


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
