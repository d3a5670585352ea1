"""A document of Keras 1 or 2 → the model as Keras 3 serialises it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphspec.diagnostics.rules import LEGACY_FORM
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.legacy.calls import places_in
from graphspec.from_keras.legacy.layers import MODELS
from graphspec.from_keras.legacy.models import upgrade_model
from graphspec.from_keras.legacy.names import NOT_IN_CONFIGURATIONS
from graphspec.from_keras.legacy.place import FormError, Place, is_bounded
from graphspec.from_keras.legacy.training import upgrade_training

_KERAS_1 = frozenset(
    (
        "border_mode",
        "nb_filter",
        "W_regularizer",
        "dim_ordering",
        "inner_activation",
        "consume_less",
        "subsample",
        "init",
    )
)
"""Arguments that tell a model of Keras 1 which does not say its version."""


def is_legacy(document: dict[str, Any]) -> bool:
    """Return whether a document is of Keras 1 or 2, or in their form: what `upgrade` takes."""
    return "module" not in document or _version(document) in (1, 2) or any(map(_is_old_layer, _mappings(document)))


def _is_old_layer(written: dict[str, Any]) -> bool:
    """Return whether a mapping is a layer as Keras 2 writes it: a call is a list, and an input has another key."""
    nodes, config = written.get("inbound_nodes"), written.get("config")
    if written.get("class_name") == "InputLayer":
        return isinstance(config, dict) and "batch_input_shape" in config
    return isinstance(nodes, list) and bool(nodes) and isinstance(nodes[0], list)


def upgrade(document: dict[str, Any], findings: Findings) -> dict[str, Any] | None:
    """Return a model of Keras 1 or 2 as Keras 3 serialises it.

    Args:
        document: What `to_json` wrote: `class_name`, `config` and `keras_version`; with `training_config` beside them
            where an HDF5 file holds one.
        findings: Receives a diagnostic for all that has no equivalent.

    Returns:
        `module`, `class_name`, `config`, `registered_name`, and `compile_config` where the training is known; None
        after an error.
    """
    watch = findings.report.watch()
    place = Place(findings)
    if not isinstance(document, dict) or not is_bounded(document):
        place.add(LEGACY_FORM, "the document is no mapping, is nested too deep, or holds too much")
        return None
    try:
        upgraded = _upgraded(document, place)
    except FormError:
        return None
    return upgraded if not watch.has_errors else None


def _upgraded(document: dict[str, Any], place: Place) -> dict[str, Any]:
    for key in NOT_IN_CONFIGURATIONS.keys() & document.keys():
        place.at(key).add(LEGACY_FORM, f"`{key}` is {NOT_IN_CONFIGURATIONS[key]}")
    class_name = place.at("class_name").text(document.get("class_name"))
    config = document.get("config")
    if class_name not in MODELS or not isinstance(config, dict | list):
        place.at("class_name").add(
            LEGACY_FORM,
            f"`{class_name}` is a class of its own, which builds its layers in code",
            help="build the model from inputs to outputs, by `keras.Input` and `keras.Model`, and save that",
        )
        raise FormError(place.path)
    model = upgrade_model(class_name, config, place.at("config"), era_of(document))
    upgraded = model.as_object()
    key = "training_config" if document.get("training_config") is not None else "compile_config"
    training = document.get(key)
    if isinstance(training, dict) and training.get("optimizer") is not None:  # in an archive of Keras 2
        training = {"optimizer_config": training["optimizer"], **training}
    if training:
        at = place.at(key)
        upgraded["compile_config"] = upgrade_training(at.mapping(training), at, _output_names(config, model.config))
    return upgraded


def _output_names(old: dict[str, Any] | list[Any], new: dict[str, Any]) -> dict[str, str]:
    """Return the names of outputs, and those in the new model, which differ where a layer became several."""
    before = old.get("output_layers") if isinstance(old, dict) else None
    after = new.get("output_layers")
    if before is None or after is None:
        return {}
    pairs = zip(places_in(before), places_in(after), strict=True)
    return dict(pairs)


def era_of(document: dict[str, Any]) -> int:
    """Return the major version of the Keras that wrote a document, by what it says or by what it holds."""
    return _version(document) or (1 if _has_marks(document) else 2)


def _version(document: dict[str, Any]) -> int | None:
    config = document.get("config")
    written = document.get("keras_version") or (config.get("keras_version") if isinstance(config, dict) else None)
    first = str(written).partition(".")[0]
    return min(int(first), 3) if first.isdecimal() and 0 < len(first) < 4 else None


def _has_marks(document: Any) -> bool:
    return any(not _KERAS_1.isdisjoint(each) or each.get("class_name") == "Merge" for each in _mappings(document))


def _mappings(document: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in a document."""
    waiting = [document]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
        if isinstance(each, dict | list | tuple):
            waiting += each.values() if isinstance(each, dict) else each
