"""The training configuration of a whole-model file of Keras 1 or 2 → the compile configuration of Keras 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.diagnostics.rules import LEGACY_TRAINING
from graphspec.from_keras.layer_state import shortest
from graphspec.from_keras.legacy.objects import custom_object, plain_value, serialised_object, split_object
from graphspec.from_keras.legacy.place import FormError, Place

LOSSES: dict[str, str] = {
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "mean_squared_logarithmic_error": "mean_squared_logarithmic_error",
}
"""Losses by their older names."""

REFUSED_LOSSES: dict[str, str] = {
    "cosine_proximity": "write `cosine_similarity`, which sums where some versions of Keras took the mean",
    "objective": "write one of the losses of Keras",
}

METRICS: dict[str, str] = {
    "kullback_leibler_divergence": "kl_divergence",
    "KullbackLeiblerDivergence": "KLDivergence",
    "acc": "accuracy",
}
"""Metrics by their older names."""

REFUSED_METRICS: dict[str, str] = {
    "cosine_proximity": "write `cosine_similarity`, which has the opposite sign in Keras 1",
    "fbeta_score": "write `FBetaScore`, which counts over all batches",
    "fmeasure": "write `F1Score`, which counts over all batches",
    "matthews_correlation": "write it in a plugin",
    "MeanRelativeError": "write `MeanAbsolutePercentageError`, or a metric in a plugin",
    "MeanTensor": "write a metric in a plugin",
}

OPTIMIZERS_REFUSED: dict[str, str] = {
    "TFOptimizer": "it wraps an optimizer of TensorFlow 1; write the one of Keras",
    "OptimizerWrapper": "it wraps an optimizer of TensorFlow 1; write the one of Keras",
}

_UNUSED = ("name", "fn", "is_legacy_optimizer", "jit_compile", "adaptive_epsilon", "fused", "dtype")
_WRAPPERS = ("MeanMetricWrapper", "SumOverBatchSizeMetricWrapper", "LossFunctionWrapper")
_NADAM_DECAY = 0.004
"""The schedule of momentum that Nadam of Keras 3 has."""


def upgrade_training(training: dict[str, Any], place: Place, outputs: dict[str, str]) -> dict[str, Any] | None:
    """Return the compile configuration; None where the optimizer is none of Keras 3.

    Args:
        training: The training configuration.
        place: The place of it.
        outputs: The names of all outputs, and those in the new model.
    """

    def metric(written: Any, place: Place) -> Any:
        return _unprefixed(_named("metrics", written, place, METRICS, refused=REFUSED_METRICS), list(outputs))

    written = training.get("optimizer_config")
    at = place.at("optimizer_config")
    try:
        optimizer = _optimizer(written, at)
        parts = {
            "loss": _each(training.get("loss"), _loss, place.at("loss"), outputs),
            **{
                key: _each(training.get(key), metric, place.at(key), outputs) for key in ("metrics", "weighted_metrics")
            },
        }
    except FormError:
        return None
    if optimizer is None:
        return None
    weights = training.get("loss_weights")
    if isinstance(weights, dict):
        weights = {outputs.get(str(key), str(key)): value for key, value in weights.items()}
    if _says_something(training.get("sample_weight_mode")):
        place.at("sample_weight_mode").add(
            LEGACY_TRAINING,
            "`sample_weight_mode` is not in Keras 3",
            help="sample weights have the shape of the loss: one for each time step where there are several",
        )
    return {"optimizer": optimizer, **parts, "loss_weights": weights}


def _says_something(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return any(each is not None for each in items)


def _each(written: Any, one: Callable[[Any, Place], Any], place: Place, outputs: dict[str, str]) -> Any:
    """Return losses or metrics in the form in which they are written: one, a list, or by output."""
    if isinstance(written, list | tuple):
        return [_each(each, one, place.at(number), outputs) for number, each in enumerate(written)]
    if isinstance(written, dict) and "class_name" not in written:
        return {
            outputs.get(str(key), str(key)): _each(each, one, place.at(str(key)), outputs)
            for key, each in written.items()
        }
    return None if written is None else one(written, place)


def _loss(written: Any, place: Place) -> Any:
    return _named("losses", written, place, LOSSES, refused=REFUSED_LOSSES)


def _unprefixed(metric: Any, outputs: list[str]) -> Any:
    """Return a metric without the name of its output before its own, which Keras 2 writes once it has trained."""
    name = metric["config"].get("name") if isinstance(metric, dict) else None
    prefix = next((f"{each}_" for each in outputs if isinstance(name, str) and name.startswith(f"{each}_")), "")
    if not isinstance(name, str) or not prefix or len(outputs) < 2:
        return metric
    return {**metric, "config": {**metric["config"], "name": name.removeprefix(prefix)}}


def _named(kind: Kind, written: Any, place: Place, names: dict[str, str], *, refused: dict[str, str]) -> Any:
    """Return a loss or a metric as Keras 3 serialises it; None after a diagnostic."""
    if isinstance(written, str):
        name, config = names.get(written, written), None
    else:
        name, config = split_object(place.mapping(written), place)
        function = config.get("fn")
        if name in _WRAPPERS and isinstance(function, str):
            name = function
            config = {key: value for key, value in config.items() if key != "fn"}
        name = names.get(name, name).removeprefix("Custom>")
        if ">" in name:
            return custom_object(written, name, config)
    is_known = catalog.is_identifier(kind, name) or catalog.find(kind, name) is not None
    if name in refused or not is_known:
        place.add(
            LEGACY_TRAINING,
            f"the {catalog.SINGULAR[kind]} `{name}` is not in Keras 3, and is left out",
            help=refused.get(name, "register it in a plugin"),
        )
        return None
    entry = catalog.find(kind, name)
    if config is None or entry is None:
        return name
    return serialised_object(kind, entry.name, _arguments(kind, entry.name, config, place))


def _arguments(kind: Kind, name: str, config: dict[str, Any], place: Place) -> dict[str, Any]:
    """Return the arguments that the class in Keras 3 has, with a diagnostic for each that it has not."""
    entry = catalog.find(kind, name)
    assert entry is not None
    new: dict[str, Any] = {}
    for key, value in config.items():
        if key in entry.arguments and key != "dtype":
            new[key] = shortest(plain_value(value))
        elif value is not None and key not in _UNUSED:
            place.at(key).add(LEGACY_TRAINING, f"`{name}` of Keras 3 has no argument `{key}`, which is left out")
    if new.get("reduction") == "auto":
        new["reduction"] = "sum_over_batch_size"
    return new


def _optimizer(written: Any, place: Place) -> dict[str, Any] | None:
    name, config = (written, {}) if isinstance(written, str) else split_object(place.mapping(written), place)
    name = name.removeprefix("Custom>")
    if name.startswith("LossScaleOptimizer"):  # Keras 3 scales by itself under a mixed policy
        inner = config.get("inner_optimizer", config.get("optimizer"))
        return _optimizer(inner, place.at("inner_optimizer"))
    if ">" in name:
        return custom_object(written, name, config)
    entry = catalog.find("optimizers", name)
    if entry is None:
        place.add(
            LEGACY_TRAINING,
            f"the optimizer `{name}` is not in Keras 3, and the training is left out",
            help=OPTIMIZERS_REFUSED.get(name, "register it in a plugin"),
        )
        return None
    config = {key: value for key, value in config.items() if key != "name"}
    rate = config.pop("lr", config.get("learning_rate"))
    decay = config.pop("decay", None)
    if config.pop("schedule_decay", _NADAM_DECAY) != _NADAM_DECAY:
        place.at("schedule_decay").add(LEGACY_TRAINING, f"`{entry.name}` of Keras 3 has a `schedule_decay` of 0.004")
    for neutral in ("epsilon", "weight_decay"):
        if not config.get(neutral):
            config.pop(neutral, None)
    if not config.get("use_ema"):
        config.pop("ema_overwrite_frequency", None)
    config.pop("learning_rate", None)
    new = _arguments("optimizers", entry.name, config, place)
    rate = _rate(rate, decay, place)
    return serialised_object("optimizers", entry.name, new if rate is None else {"learning_rate": rate, **new})


def _rate(rate: Any, decay: Any, place: Place) -> Any:
    """Return a learning rate, or its schedule: an older `decay` divides it by `1 + decay * step`."""
    if isinstance(rate, dict) and "class_name" in rate:
        at = place.at("learning_rate")
        name, config = split_object(rate, at)
        if catalog.find("schedules", name) is None:
            at.add(LEGACY_TRAINING, f"the schedule `{name}` is not in Keras 3", help="register it in a plugin")
            return None
        return serialised_object("schedules", name, _arguments("schedules", name, config, at))
    rate = shortest(plain_value(rate))
    if isinstance(decay, int | float) and not isinstance(decay, bool) and decay > 0 and rate is not None:
        schedule = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": shortest(decay)}
        return serialised_object("schedules", "InverseTimeDecay", schedule)
    return rate
