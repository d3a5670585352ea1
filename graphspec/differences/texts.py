"""Layers and values as short texts."""

from __future__ import annotations

import json
from typing import Any

from graphspec.differences.calls import LayerCall
from graphspec.differences.values import EACH_DIMENSION, UNSET, FilePath, SharedLayer
from graphspec.language.lower.merges import MERGES

_MAX_VALUE, _MAX_ARGUMENTS = 60, 6


def layer_text(call: LayerCall) -> str:
    """Return a call as `Dense(units: 64, activation: relu)`; a declared layer by its name."""
    if call.layer.declared:
        return call.name
    values = dict(call.values)
    name = call.class_name
    if call.is_merge:
        word = call.node.merge or ""
        name = f"merge {word}"
        values = {key: value for key, value in values.items() if MERGES.get(word, ("", {}))[1].get(key) != value}
    values |= {key: value[0] for key, value in values.items() if key in EACH_DIMENSION and is_uniform(value)}
    texts = [f"{key}: {value_text(value)}" for key, value in values.items()]
    if len(texts) > _MAX_ARGUMENTS:
        texts = [*texts[:_MAX_ARGUMENTS], f"… {len(texts) - _MAX_ARGUMENTS} more"]
    return f"{name}({', '.join(texts)})" if texts else name


def is_uniform(value: Any) -> bool:
    """Return whether `value` is a list of the same size for all dimensions."""
    return isinstance(value, list) and len(set(map(repr, value))) == 1


def value_text(value: Any) -> str:
    """Return a value as a spec writes it, cut if it is long."""
    if value is UNSET:
        return "unset"
    if isinstance(value, FilePath):
        text = value.text
    elif isinstance(value, SharedLayer):
        text = value.name
    elif isinstance(value, str):
        text = value if value.strip() == value and value else json.dumps(value, ensure_ascii=False)
    else:
        text = json.dumps(json_value(value), ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"


def json_value(value: Any) -> Any:
    """Return a value as JSON; None for one that is unset."""
    if value is UNSET:
        return None
    if isinstance(value, FilePath):
        return value.text
    if isinstance(value, SharedLayer):
        return value.name
    if isinstance(value, list | tuple):
        return [json_value(each) for each in value]
    if isinstance(value, dict):
        return {key: json_value(item) for key, item in value.items()}
    return value
