"""Whole specs, two verdicts: the inferred shape of every tensor, and the one that Keras builds.

Keras is called as `graphspec.build` calls it, which other tests compare with calls by hand; inferred shapes are kept
out of it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import keras

from graphspec.diagnostics import SpecError
from graphspec.shapes import Shapes, Tensor, infer, is_known
from graphspec.spec import inspect
from graphspec.to_keras import build_graph

from .oracle import REFUSED, describe


def assert_document_agrees(
    document: dict[str, Any], folder: Path, *, masks: bool = False, may_be_unknown: bool = False
) -> None:
    """Assert that both refuse the spec, or that every input and node has the same shapes and dtypes.

    masks: the masks must agree too. may_be_unknown: the inferred output of a node may be unknown.
    """
    path = folder / "document.json"
    path.write_text(json.dumps({"graphspec": 1, **document}), encoding="utf-8")
    spec, report = inspect(path)
    static: Any = REFUSED
    if spec is not None:
        values = infer(spec.graph).values[id(spec.graph)]
        static = {name: (describe(value), masks and _masks(value)) for name, value in values.items()}
        if may_be_unknown and any(not is_known(value) for value in values.values()):
            return
    built = _built(path, masks)
    assert static == built, f"{json.dumps(document)}\n{report if spec is None else ''}"


def _built(path: Path, masks: bool) -> Any:
    with patch("graphspec.spec.infer", lambda *given: Shapes()):
        spec, _ = inspect(path)
    if spec is None:
        return REFUSED  # for its wiring, which is not what is asked here
    # Without weights Keras cannot make the variables of a stateful layer.
    stateful = '"stateful": true' in path.read_text(encoding="utf-8")
    try:
        built = build_graph(spec.graph, weightless=not stateful)
    except SpecError:
        return REFUSED
    values = built.values[id(spec.graph)]
    return {name: (describe(value), masks and _masks(value)) for name, value in values.items()}


def _masks(value: Any) -> Any:
    """Return the shapes of the masks in a value of graphspec or of Keras, in its structure."""
    if isinstance(value, dict):
        return {name: _masks(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masks(item) for item in value]
    if isinstance(value, Tensor):
        return value.mask
    mask = getattr(value, "_keras_mask", None) if isinstance(value, keras.KerasTensor) else None
    return None if mask is None else tuple(mask.shape)
