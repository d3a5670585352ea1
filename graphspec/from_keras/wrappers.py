"""Layers that `Bidirectional` holds."""

from __future__ import annotations

from typing import Any

from graphspec.from_keras.objects import is_object


def without_copy(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a layer without the `backward_layer` that `Bidirectional` makes of the other."""
    forward, backward = (config.get(key) for key in ("layer", "backward_layer"))
    if not (isinstance(forward, dict) and isinstance(backward, dict) and is_object(forward) and is_object(backward)):
        return config
    ours, theirs = (
        {key: value for key, value in each["config"].items() if key not in ("name", "go_backwards")}
        for each in (forward, backward)
    )
    names = [str(each["config"].get("name")) for each in (forward, backward)]
    is_named = names[0].removeprefix("forward_") == names[1].removeprefix("backward_")
    is_turned = bool(forward["config"].get("go_backwards")) != bool(backward["config"].get("go_backwards"))
    if (
        forward["class_name"] == backward["class_name"]
        and _without_ids(ours) == _without_ids(theirs)
        and is_turned
        and is_named
    ):
        return {key: value for key, value in config.items() if key != "backward_layer"}
    return config


def _without_ids(value: Any) -> Any:
    """Return a configuration without the marks of objects that it holds several times."""
    if isinstance(value, dict):
        return {key: _without_ids(each) for key, each in value.items() if key != "shared_object_id"}
    return [_without_ids(each) for each in value] if isinstance(value, list) else value
