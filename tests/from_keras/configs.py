"""Configurations of models as Keras writes them, made by hand."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any


def layer(class_name: str, name: str, *, module: str = "keras.layers", **arguments: Any) -> dict[str, Any]:
    """Return a layer of a Sequential model."""
    config = {"name": name, **arguments}
    return {"class_name": class_name, "module": module, "registered_name": None, "config": config}


def sequential(*layers: dict[str, Any], dtype: str = "float32", **more: Any) -> dict[str, Any]:
    """Return a Sequential model with an input `x` of four numbers."""
    first = layer("InputLayer", "x", batch_shape=[None, 4], dtype=dtype)
    config = {"name": "small", "layers": [first, *layers]}
    return {"class_name": "Sequential", "module": "keras", "registered_name": None, "config": config, **more}


SMALL = sequential(layer("Dense", "hidden", units=2, activation="relu"), layer("Dense", "score", units=1))
"""A model of two layers."""

SMALL_SPEC = """\
graphspec: 1
name: small
inputs:
  x: [4]
outputs:
  score:
    from: x
    apply:
      - Dense: {units: 2, activation: relu, name: hidden}
      - Dense: 1
"""


def write_json(path: Path, model: Any) -> Path:
    """Write a configuration, and return its path."""
    path.write_text(json.dumps(model), encoding="utf-8")
    return path


def write_archive(path: Path, model: Any, **members: bytes) -> Path:
    """Write a `.keras` file without weights, and return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(model))
        for name, data in members.items():
            archive.writestr(name, data)
    return path
