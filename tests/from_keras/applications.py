"""Models of `keras.applications` without weights, and their specs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

from graphspec.from_keras import Decompiled, DecompileOptions, decompile_file, read_model_file
from graphspec.to_keras.keras_internals import weightless_scope

NAMES = [name for name in dir(keras.applications) if name[0].isupper()]


def application(name: str, **arguments: Any) -> keras.Model:
    """Return a model of `keras.applications` that holds no numbers."""
    keras.backend.clear_session()
    with weightless_scope():
        model: keras.Model = getattr(keras.applications, name)(weights=None, **arguments)
    return model


def decompiled(model: keras.Model, folder: Path) -> tuple[Decompiled, int]:
    """Return the spec of a model, and the lines of its configuration as pretty-printed JSON."""
    text = json.dumps(keras.saving.serialize_keras_object(model), indent=2)
    config = folder / "config.json"
    config.write_text(text, encoding="utf-8")
    return decompile_file(read_model_file(config), DecompileOptions(path=folder / "spec.yaml", force=True)), len(
        text.splitlines()
    )
