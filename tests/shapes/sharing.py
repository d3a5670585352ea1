"""One layer applied twice: the first call builds it, and Keras checks the second against that."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import keras

from graphspec.shapes import infer
from graphspec.spec import inspect
from graphspec.to_keras.keras_internals import weightless_scope

from .oracle import REFUSED, Described, describe

Sizes = list[int | None]


def assert_agree_shared(name: str, arguments: dict[str, Any], first: Sizes, second: Sizes, folder: Path) -> None:
    """Assert that both refuse a layer applied to two shapes in turn, or return the same two results."""
    document = {
        "graphspec": 1,
        "inputs": {"a": {"shape": first}, "b": {"shape": second}},
        "layers": {"shared": {name: arguments}},
        "graph": {"u": {"from": "a", "apply": "shared"}, "v": {"from": "b", "apply": "shared"}},
        "outputs": {"out": "a"},
    }
    path = folder / "shared.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    spec, report = inspect(path)
    static: Described = REFUSED
    if spec is not None and not report.errors:
        shapes = infer(spec.graph)
        static = [describe(shapes.of(spec.graph, node)) for node in ("u", "v")]
    assert static == _keras(name, arguments, first, second), f"{name} {arguments} {first} {second}\n{report}"


def _keras(name: str, arguments: dict[str, Any], first: Sizes, second: Sizes) -> Described:
    with warnings.catch_warnings(), weightless_scope():
        warnings.simplefilter("ignore")
        try:
            layer = getattr(keras.layers, name)(**arguments)
            return [describe(layer(keras.Input(shape))) for shape in (first, second)]
        except Exception:
            return REFUSED
