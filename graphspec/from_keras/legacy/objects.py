"""Initializers, regularizers, constraints, activations and dtypes of Keras 1 and 2 → those of Keras 3."""

from __future__ import annotations

from typing import Any

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.diagnostics.rules import LEGACY_ARGUMENT
from graphspec.from_keras.layer_state import shortest
from graphspec.from_keras.legacy.place import Place

MODULES: dict[Kind, str] = {
    "layers": "keras.layers",
    "initializers": "keras.initializers",
    "regularizers": "keras.regularizers",
    "constraints": "keras.constraints",
    "losses": "keras.losses",
    "metrics": "keras.metrics",
    "optimizers": "keras.optimizers",
    "schedules": "keras.optimizers.schedules",
}

KERAS_1_INITIALIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "uniform": ("RandomUniform", {"minval": -0.05, "maxval": 0.05}),
    "normal": ("RandomNormal", {"mean": 0.0, "stddev": 0.05}),
    "glorot_normal": ("VarianceScaling", {"scale": 1.0, "mode": "fan_avg", "distribution": "untruncated_normal"}),
    "he_normal": ("VarianceScaling", {"scale": 2.0, "mode": "fan_in", "distribution": "untruncated_normal"}),
    "orthogonal": ("Orthogonal", {"gain": 1.1}),
    "identity": ("Identity", {"gain": 1.0}),
    "zero": ("Zeros", {}),
    "one": ("Ones", {}),
}
"""Names of Keras 1 that stand for other distributions in Keras 3. The others stand for the same."""

RENAMED: dict[Kind, dict[str, str]] = {
    "regularizers": {
        "WeightRegularizer": "L1L2",
        "ActivityRegularizer": "L1L2",
        "L1L2Regularizer": "L1L2",
        "Regularizer": "L1L2",
    },
    "constraints": {
        "maxnorm": "MaxNorm",
        "nonneg": "NonNeg",
        "unitnorm": "UnitNorm",
        "max_norm": "MaxNorm",
        "non_neg": "NonNeg",
        "unit_norm": "UnitNorm",
    },
    "initializers": {"GlorotUniformV2": "GlorotUniform", "VarianceScalingV2": "VarianceScaling"},
}
"""Classes by their older names."""

RENAMED_ARGUMENTS: dict[str, dict[str, str]] = {"MaxNorm": {"m": "max_value"}}

UNUSED = ("dtype", "partition_info")
"""Arguments of initializers that Keras 3 takes from the layer."""

RETIRED: dict[str, str] = {
    "EigenvalueRegularizer": "no regularizer of Keras 3 takes eigenvalues; write one in a plugin",
    "RadialConstraint": "no constraint of Keras 3 is radial; write one in a plugin",
}

ACTIVATIONS: dict[str, str] = {
    "softmax_v2": "softmax",
    "relu_v2": "relu",
    "gelu_v2": "gelu",
    "silu": "silu",
    "swish": "silu",
}
"""Names of activations under which TensorFlow knows what Keras 3 calls otherwise."""

HARD_SIGMOID = "hard_sigmoid"
"""The activation that is `clip(x / 5 + 1 / 2, 0, 1)` in Keras 1 and 2, and `clip(x / 6 + 1 / 2, 0, 1)` in Keras 3."""


def serialised_object(kind: Kind, class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return an object of Keras as Keras 3 serialises it."""
    return {"module": MODULES[kind], "class_name": class_name, "config": config, "registered_name": None}


def split_object(written: dict[str, Any], place: Place) -> tuple[str, dict[str, Any]]:
    """Return the class and the configuration of an object, in the form of Keras 1 or 2."""
    if "class_name" in written:
        config = written.get("config")
        config = {} if config is None else place.at("config").mapping(config)
        return place.at("class_name").text(written["class_name"]), config
    rest = {key: value for key, value in written.items() if key != "name"}
    return place.at("name").text(written.get("name")), rest


def upgrade_object(kind: Kind, written: Any, place: Place, *, era: int = 2) -> Any:
    """Return an initializer, regularizer or constraint as Keras 3 serialises it; None where there is none.

    Args:
        kind: What it is.
        written: The object: its name, its class and configuration, or None.
        place: The place of the object.
        era: The major version of the Keras that wrote it.
    """
    if written is None:
        return None
    if isinstance(written, str):
        if era == 1 and kind == "initializers" and written in KERAS_1_INITIALIZERS:
            name, config = KERAS_1_INITIALIZERS[written]
            return serialised_object(kind, name, dict(config))
        class_name, config = written, {}
    else:
        class_name, config = split_object(place.mapping(written), place)
        if _is_custom(written, kind):
            return custom_object(written, class_name, config)
    class_name = RENAMED.get(kind, {}).get(class_name, class_name)
    if class_name in RETIRED:
        place.add(LEGACY_ARGUMENT, f"`{class_name}` is not in Keras 3", help=RETIRED[class_name])
        return None
    entry = catalog.find(kind, class_name)
    if entry is None:
        place.add(
            LEGACY_ARGUMENT,
            f"`{class_name}` is no {catalog.SINGULAR[kind]} of Keras",
            help="register the class in a plugin",
        )
        return None
    names = RENAMED_ARGUMENTS.get(entry.name, {})
    new: dict[str, Any] = {}
    for key, value in config.items():
        argument = names.get(key, key)
        if argument in entry.arguments:
            new[argument] = shortest(plain_value(value))
        elif key not in UNUSED:
            place.at(key).add(LEGACY_ARGUMENT, f"`{entry.name}` of Keras 3 has no argument `{key}`")
    if new.get("distribution") == "normal":
        new["distribution"] = "truncated_normal"
    return serialised_object(kind, entry.name, new)


def _is_custom(written: dict[str, Any], kind: Kind) -> bool:
    """Return whether an object is of a class that someone registered."""
    registered = str(written.get("registered_name") or written.get("class_name") or "")
    package, _, name = registered.rpartition(">")
    return bool(package) and (package != "Custom" or catalog.find(kind, name) is None)


def custom_object(written: dict[str, Any], class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return an object of a class that someone registered, as it is."""
    return {
        "module": written.get("module"),
        "class_name": class_name.rpartition(">")[2],
        "config": config,
        "registered_name": written.get("registered_name") or class_name,
    }


def activation_name(written: Any, place: Place) -> Any:
    """Return the name of an activation in Keras 3, or None where it is none of Keras.

    `HARD_SIGMOID` is returned by its old meaning.
    """
    if written is None:
        return "linear"
    name = written
    if isinstance(written, dict) and isinstance(written.get("config"), str):
        name = written["config"]  # `class_name` says only that it is a function
    elif isinstance(written, dict):
        name, config = split_object(written, place)
        if config and catalog.find("layers", str(name)) is not None:
            place.add(
                LEGACY_ARGUMENT,
                f"the layer `{name}` is an activation here, which no configuration of Keras 3 holds",
                help=f"write `{name}` as a layer of its own, behind this one",
            )
            return None
    if isinstance(name, str):
        name = ACTIVATIONS.get(name, name)
        if ">" in name or catalog.is_identifier("activations", name):
            return name
    place.add(
        LEGACY_ARGUMENT,
        f"the activation `{name}` is not in Keras 3",
        help="write it as operations behind the layer, or register it in a plugin",
    )
    return None


def dtype_policy(written: Any) -> Any:
    """Return a dtype or a policy as Keras 3 writes it."""
    if isinstance(written, dict):
        config = written.get("config")
        written = config.get("name") if isinstance(config, dict) else None
    if not isinstance(written, str) or written in ("infer", "_infer"):
        return "float32"
    return written


def plain_value(value: Any) -> Any:
    """Return a value without the marks that Keras 1 and 2 put around arrays, tuples and shapes."""
    if isinstance(value, dict):
        if value.get("type") in ("ndarray", "numpy") or value.get("class_name") in ("__numpy__", "__ndarray__"):
            inner = value.get("config") if isinstance(value.get("config"), dict) else value
            return plain_value(inner.get("value")) if isinstance(inner, dict) else None
        if value.get("class_name") in ("__tuple__", "TensorShape") and isinstance(value.get("items"), list | tuple):
            return [plain_value(each) for each in value["items"]]
        return {str(key): plain_value(each) for key, each in value.items()}
    return [plain_value(each) for each in value] if isinstance(value, list | tuple) else value
