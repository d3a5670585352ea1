"""Layers and models that wrappers hold."""

from __future__ import annotations

from typing import Any, TypeGuard

from graphspec.diagnostics.rules import NO_EQUIVALENT
from graphspec.from_keras.findings import UnwritableError
from graphspec.from_keras.objects import is_object
from graphspec.from_keras.records import Body, LayerRecord


def without_copy(record: LayerRecord) -> dict[str, Any]:
    """Return the configuration of a layer without what `Bidirectional` makes of the layer that it gets.

    It puts a prefix before the name of the layer, makes the backward layer of it where it gets none, and sets
    `zero_output_for_mask` of both.
    """
    forward, backward = (record.config.get(key) for key in ("layer", "backward_layer"))
    if record.class_name != "Bidirectional" or not _is_layer(forward) or not _is_layer(backward):
        return record.config
    forward, backward = (_without_its_own(each) for each in (forward, backward))
    names = [str(each["config"].get("name")) for each in (forward, backward)]
    name = names[0].removeprefix("forward_")
    named = {**forward, "config": {**forward["config"], "name": name}}
    config = {**record.config, "layer": named, "backward_layer": backward}
    ours, theirs = (
        _without_ids({key: value for key, value in each["config"].items() if key not in ("name", "go_backwards")})
        for each in (forward, backward)
    )
    is_turned = bool(forward["config"].get("go_backwards")) != bool(backward["config"].get("go_backwards"))
    is_copy = forward["class_name"] == backward["class_name"] and ours == theirs
    if is_copy and is_turned and names[1] == f"backward_{name}":
        del config["backward_layer"]
    return config


def _is_layer(value: Any) -> TypeGuard[dict[str, Any]]:
    return is_object(value) and isinstance(value["config"], dict)


def _without_its_own(layer: dict[str, Any]) -> dict[str, Any]:
    """Return a layer without the argument that `Bidirectional` sets, whatever was written."""
    return {**layer, "config": {key: each for key, each in layer["config"].items() if key != "zero_output_for_mask"}}


def _without_ids(value: Any) -> Any:
    """Return a configuration without the marks of objects that it holds several times."""
    if isinstance(value, dict):
        return {key: _without_ids(each) for key, each in value.items() if key != "shared_object_id"}
    return [_without_ids(each) for each in value] if isinstance(value, list) else value


def record_of(written: dict[str, Any]) -> LayerRecord:
    """Return the record of a layer that stands among the arguments of another."""
    config = written["config"]
    if not isinstance(config, dict):
        raise UnwritableError(NO_EQUIVALENT, "holds a layer whose `config` is no mapping")
    return LayerRecord(
        name=str(config.get("name", "")),
        class_name=str(written["class_name"]),
        module=str(written.get("module") or ""),
        registered_name=str(written.get("registered_name") or written["class_name"]),
        config=config,
        is_held_elsewhere="shared_object_id" in written,
    )


def shared_models(body: Body) -> dict[str, LayerRecord]:
    """Return the models that a body calls or its wrappers hold more than once, as Keras wrote them first, by name."""
    records: list[LayerRecord] = []
    for record in body.layers.values():
        held = [each for each in record.config.values() if is_object(each) and isinstance(each["config"], dict)]
        records += [record, *map(record_of, held)]
    models = [each for each in records if each.is_model]
    again = {each.name for each in models if each.is_held_elsewhere}
    return {each.name: each for each in models if each.name in again and not each.is_held_elsewhere}


def refuse_copy(record: LayerRecord) -> None:
    """Refuse a layer that another model or a wrapper holds as well: a spec would give each its own weights."""
    if record.is_held_elsewhere:
        raise UnwritableError(
            NO_EQUIVALENT,
            "is the same layer as one in another model or a wrapper, and would get weights of its own",
            expected="a layer that is called several times within one model, or a nested model",
            help="make a model of the layer, and call that in both places",
        )
