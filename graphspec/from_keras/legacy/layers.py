"""A layer of Keras 1 or 2 → one or more layers of Keras 3 that compute the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from graphspec import catalog
from graphspec.catalog import Entry
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.refused import CODE_CARRYING, RETIRED_ARGUMENTS
from graphspec.diagnostics.rules import LEGACY_ARGUMENT, LEGACY_DIFFERENCE, LEGACY_LAYER
from graphspec.from_keras.layer_state import shortest
from graphspec.from_keras.legacy.names import (
    ARGUMENTS,
    DIM_ORDERINGS,
    HARMLESS,
    KERNEL_SIDES,
    LAYERS,
    MERGE_MODES,
    NOT_IN_CONFIGURATIONS,
    OF_APPLICATIONS,
    REFUSED_LAYERS,
    REFUSED_MODES,
    WITHOUT_EFFECT,
)
from graphspec.from_keras.legacy.objects import (
    HARD_SIGMOID,
    activation_name,
    dtype_policy,
    plain_value,
    upgrade_object,
)
from graphspec.from_keras.legacy.place import Place

MODELS = ("Functional", "Model", "Sequential", "Container", "Network")
"""Classes of models that layers and calls describe."""

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional")
_GATED = ("LSTM", "GRU", "LSTMCell", "GRUCell", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_HELD = ("layer", "backward_layer", "cell", "cells")
_ELEMENTWISE = ("Rescaling", "ReLU")
_KEPT = ("name", "trainable", "dtype")
_OWN_KERNELS = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")


@dataclass(slots=True)
class NewLayer:
    """A layer of Keras 3.

    Attributes:
        call: Further arguments of its calls.
    """

    class_name: str
    config: dict[str, Any]
    module: str | None = "keras.layers"
    registered_name: str | None = None
    call: dict[str, Any] = field(default_factory=dict)

    def as_object(self) -> dict[str, Any]:
        """Return the layer as Keras 3 serialises it."""
        return {
            "module": self.module,
            "class_name": self.class_name,
            "config": self.config,
            "registered_name": self.registered_name,
        }


@dataclass(frozen=True)
class Upgrade:
    """What the layers of one model need to know.

    Attributes:
        era: The major version of the Keras that wrote the model.
        model: Returns a nested model of a class and a configuration.
    """

    era: int
    model: Callable[[str, Any, Place], NewLayer]


def upgrade_layer(written: dict[str, Any], place: Place, upgrade: Upgrade) -> list[NewLayer]:
    """Return the layers that compute what a layer did, each applied to the result of the one before.

    The first has the name, and the weights if there are any; none after a layer that Keras 3 cannot have.

    Raises:
        FormError: The layer is not of the form that Keras writes.
    """
    old_class = place.at("class_name").text(written.get("class_name"))
    config = written.get("config")
    at = place.at("config")
    if old_class in MODELS and (isinstance(config, list) or (isinstance(config, dict) and "layers" in config)):
        return [upgrade.model(old_class, config, at)]
    config = at.mapping(config)
    if (why := REFUSED_LAYERS.get(old_class) or CODE_CARRYING.get(old_class)) is not None:
        carries = " carries code, and a spec carries none" if old_class in CODE_CARRYING else " is not in Keras 3"
        place.add(LEGACY_LAYER, f"`{old_class}`{carries}", help=why)
        return []
    registered = written.get("registered_name") or old_class
    name = LAYERS.get(old_class, old_class)
    entry = catalog.find("layers", name)
    is_foreign = isinstance(registered, str) and ">" in registered and name != "InputLayer"
    if old_class in OF_APPLICATIONS and "keras." in f"{written.get('module') or 'keras.'}":
        return [NewLayer(old_class, _kept(config), OF_APPLICATIONS[old_class], old_class)]
    if old_class != "MaxoutDense" and (is_foreign or entry is None):
        kept = {key: value for key, value in config.items() if key != "batch_input_shape"}
        name = old_class.rpartition(">")[2]
        return [NewLayer(name, kept, written.get("module"), registered if is_foreign else None)]
    if old_class == "MaxoutDense":
        return _maxout(config, at, upgrade)
    assert entry is not None
    layer = NewLayer(entry.name, _arguments(old_class, entry, config, at, upgrade=upgrade))
    if config.get("causal") is True:
        layer.call["use_causal_mask"] = True
    return _split(layer, at) if upgrade.era < 3 else [layer]


def _kept(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a layer whose arguments are the same in Keras 3."""
    kept = {key: plain_value(value) for key, value in config.items() if key not in WITHOUT_EFFECT}
    return {**kept, "dtype": dtype_policy(config.get("dtype"))}


def _arguments(
    old_class: str, entry: Entry, config: dict[str, Any], place: Place, *, upgrade: Upgrade
) -> dict[str, Any]:
    """Return the configuration of a layer with the arguments of Keras 3."""
    new: dict[str, Any] = {}
    config = _with_own_names(config, entry)
    for key, value in config.items():
        argument = _new_name(key, entry)
        at = place.at(key)
        if argument is None:
            _check_dropped(key, value, entry, at)
        elif argument == "dtype":
            new[argument] = dtype_policy(value)
        elif argument in _HELD:
            new[argument] = _held(value, at, upgrade)
        elif argument.endswith("activation"):
            new[argument] = activation_name(value, at)
        elif (kind := argument_kind(argument)) in ("initializers", "regularizers", "constraints"):
            new[argument] = upgrade_object(kind, value, at, era=upgrade.era)
        else:
            new[argument] = shortest(plain_value(value))
    _adjust_values(old_class, entry, config, new, place=place, upgrade=upgrade)
    for required in entry.required:
        if required not in new:
            place.add(LEGACY_ARGUMENT, f"`{entry.name}` lacks its argument `{required}`")
    return new


def _with_own_names(config: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Return a configuration with the arguments that several of Keras 1 make up, or one of Keras 1 stands for."""
    if "init" in config and "depthwise_initializer" in entry.arguments:
        kernels = [each for each in entry.arguments if each in ("depthwise_initializer", "pointwise_initializer")]
        config = {key: value for key, value in config.items() if key != "init"} | dict.fromkeys(kernels, config["init"])
    for sides in KERNEL_SIDES:
        if all(side in config for side in sides):
            rest = {key: value for key, value in config.items() if key not in sides}
            return {**rest, "kernel_size": [config[side] for side in sides]}
    return config


def _new_name(key: str, entry: Entry) -> str | None:
    """Return the argument of Keras 3 that a key of a configuration stands for; None where there is none."""
    if key in entry.arguments:
        return key
    return next((each for each in ARGUMENTS.get(key, ()) if each in entry.arguments), None)


def _check_dropped(key: str, value: Any, entry: Entry, place: Place) -> None:
    """Report an argument that Keras 3 does not have, unless it says nothing."""
    if key == "output_shape" and entry.name.endswith("Transpose"):
        return
    own_kernels = entry.name.startswith(("Depthwise", "Separable")) and key in (*_OWN_KERNELS, "filters")
    if key in _KEPT or key in WITHOUT_EFFECT or own_kernels or (key == "causal" and isinstance(value, bool)):
        return
    if key in HARMLESS:
        neutral, help = HARMLESS[key]
        if value == neutral or value is None:
            return
        place.add(LEGACY_ARGUMENT, f"`{key}: {_shown(value)}` is not in Keras 3", help=help)
        return
    help = NOT_IN_CONFIGURATIONS.get(key) or RETIRED_ARGUMENTS.get(key, "")
    if key == "dropout" and value in (0, 0.0, None):
        return
    if key == "dropout":
        help = "write a `SpatialDropout1D` or a `Dropout` behind the layer, as they come closest"
    place.add(LEGACY_ARGUMENT, f"`{entry.name}` of Keras 3 has no argument `{key}`", help=help)


def _shown(value: Any) -> str:
    return (
        "..." if isinstance(value, dict | list) else str(value).lower() if isinstance(value, bool) else str(value)[:40]
    )


def _held(value: Any, place: Place, upgrade: Upgrade) -> Any:
    """Return the layers that a wrapper holds."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [_held(each, place.at(number), upgrade) for number, each in enumerate(value)]
    parts = upgrade_layer(place.mapping(value), place, upgrade)
    if not parts:
        return None
    first, *rest = parts
    held = first.as_object()
    if rest:
        held[_BEHIND] = rest
    return held


_BEHIND = "behind"
"""The key at which a layer within a wrapper holds those behind it, until the wrapper takes them out."""


def _adjust_values(
    old_class: str, entry: Entry, config: dict[str, Any], new: dict[str, Any], *, place: Place, upgrade: Upgrade
) -> None:
    """Write the values of arguments as Keras 3 takes them, and those that an older Keras had by default."""
    if config.get("ragged") is True:
        place.at("ragged").add(LEGACY_ARGUMENT, "no input of a spec is ragged", help=HARMLESS["ragged"][1])
    if isinstance(config.get("vocabulary_size"), int) and config["vocabulary_size"] > 0 and not new.get("vocabulary"):
        place.at("vocabulary").add(
            LEGACY_ARGUMENT,
            "the layer has learnt a vocabulary, which the configuration does not hold",
            help="make the layer with `vocabulary=layer.get_vocabulary()` and save the model again",
        )
    if entry.name == "InputLayer":
        dtype = dtype_policy(config.get("dtype") or config.get("input_dtype"))
        new |= input_config(
            config.get("batch_input_shape", config.get("batch_shape")), dtype, config.get("name"), place
        )
    if isinstance(config.get("dim_ordering"), str) and "data_format" in new:
        new["data_format"] = DIM_ORDERINGS.get(config["dim_ordering"])
    axis = new.get("axis")
    if entry.name in ("BatchNormalization", "LayerNormalization") and isinstance(axis, list) and len(axis) == 1:
        new["axis"] = axis[0]
    if old_class == "SyncBatchNormalization":
        new["synchronized"] = True
    if new.get("padding") in ("full", "half"):
        place.at("border_mode").add(
            LEGACY_ARGUMENT,
            f"the padding `{new['padding']}` is not in Keras 3",
            help="write a `ZeroPadding` layer before it, and `padding: valid`",
        )
    if entry.name.startswith(("ZeroPadding", "Cropping")):
        key = "padding" if "padding" in new else "cropping"
        new[key] = _sides(new.get(key))
    if entry.name == "CategoryEncoding" and new.get("output_mode") == "binary":
        new["output_mode"] = "multi_hot"
    if "unit_forget_bias" in new and isinstance(new["unit_forget_bias"], str):
        new["unit_forget_bias"] = new["unit_forget_bias"] == "one"
    if upgrade.era == 1 and config.get("activity_regularizer") is not None:
        place.at("activity_regularizer").add(
            LEGACY_DIFFERENCE, "Keras 3 divides what an activity regularizer adds to the loss by the size of the batch"
        )
    if config.get("output_shape") is not None and old_class.startswith("Deconv"):
        place.at("output_shape").add(
            LEGACY_DIFFERENCE,
            "Keras 3 computes the size of the output from `strides` and `padding`",
            help="compare the shape that `graphspec summary` shows with `output_shape`",
        )
    _adjust_recurrent(old_class, entry, config, new, place=place, upgrade=upgrade)


def _adjust_recurrent(
    old_class: str, entry: Entry, config: dict[str, Any], new: dict[str, Any], *, place: Place, upgrade: Upgrade
) -> None:
    name = entry.name
    if name in ("GRU", "GRUCell") and upgrade.era < 3:
        new.setdefault("reset_after", old_class == "CuDNNGRU")
    if old_class.startswith("CuDNN"):
        new |= {"activation": "tanh", "recurrent_activation": "sigmoid"}
    if name not in _GATED:
        return
    if name.startswith("Conv") or upgrade.era == 1:
        new.setdefault("recurrent_activation", HARD_SIGMOID)
    if new.get("recurrent_activation") == HARD_SIGMOID and upgrade.era < 3:
        place.at("recurrent_activation").add(
            LEGACY_DIFFERENCE,
            "`hard_sigmoid` has a slope of 1/5 in Keras 1 and 2, and of 1/6 in Keras 3",
            help="weights from an HDF5 file are scaled by 1.2 in its gates, so that outputs stay the same; "
            "initial weights and regularization are not",
        )
    if config.get("num_constants"):
        place.at("num_constants").add(LEGACY_ARGUMENT, "no recurrent layer of Keras 3 takes constants")


def input_config(shape: Any, dtype: str, name: Any, place: Place) -> dict[str, Any]:
    """Return the configuration of an input. Raises FormError for what is no shape."""
    shape = plain_value(shape)
    if not isinstance(shape, list) or not shape or not all(_is_size(each) for each in shape):
        raise place.at("batch_input_shape").refuse_form("a shape", shape)
    return {"batch_shape": shape, "dtype": dtype, "name": name}


def _is_size(size: Any) -> bool:
    return size is None or (isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**31)


def _sides(value: Any) -> Any:
    """Return padding or cropping of Keras 1 as pairs: `[top, bottom, left, right]`, or a mapping of these."""
    if isinstance(value, dict):
        names = ["left_pad", "right_pad"]
        if "top_pad" in value or "bottom_pad" in value:
            names = ["top_pad", "bottom_pad", *names]
        value = [value.get(name, 0) for name in names]
    if isinstance(value, list) and len(value) == 4 and all(isinstance(each, int) for each in value):
        return [value[:2], value[2:]]
    return value


def _split(layer: NewLayer, place: Place) -> list[NewLayer]:
    """Return a layer, and those behind it that compute what none of its arguments can say."""
    config = layer.config
    behind: list[NewLayer] = []
    for key in ("layer", "backward_layer", "cell"):
        held = config.get(key)
        if isinstance(held, dict) and _BEHIND in held:
            behind += held.pop(_BEHIND)
            if layer.class_name != "TimeDistributed" or any(each.class_name not in _ELEMENTWISE for each in behind):
                place.at(key).add(LEGACY_ARGUMENT, f"`{layer.class_name}` holds what Keras 3 needs several layers for")
    if config.get("activation") == HARD_SIGMOID:
        if layer.class_name in _GATED or layer.class_name.startswith("SimpleRNN"):
            place.at("activation").add(
                LEGACY_ARGUMENT,
                "`hard_sigmoid` is another function in Keras 3, with a slope of 1/6 and not of 1/5",
                help="write the layer in a plugin",
            )
            return [layer]
        if config.get("activity_regularizer") is not None:
            place.at("activity_regularizer").add(
                LEGACY_DIFFERENCE,
                "the activity regularizer gets what comes into `hard_sigmoid`, which is written behind",
            )
        behind = _hard_sigmoid(str(config.get("name")), config.get("dtype", "float32"))
        if layer.class_name == "Activation":
            behind[0].config["name"] = config.get("name")
            return behind
        config["activation"] = "linear"
    return [layer, *behind]


def _hard_sigmoid(name: str, dtype: Any) -> list[NewLayer]:
    """Return layers that compute `clip(x / 5 + 1 / 2, 0, 1)`, and pass masks on."""
    return [
        NewLayer("Rescaling", {"name": f"{name}_rescaling", "dtype": dtype, "scale": 0.2, "offset": 0.5}),
        NewLayer("ReLU", {"name": f"{name}_hard_sigmoid", "dtype": dtype, "max_value": 1.0}),
    ]


def _maxout(config: dict[str, Any], place: Place, upgrade: Upgrade) -> list[NewLayer]:
    """Return the layers of a maxout of Keras 1: the largest of `nb_feature` linear parts for each output."""
    units = place.at("output_dim").whole(config.get("output_dim"))
    count = place.at("nb_feature").whole(config.get("nb_feature"))
    name = str(config.get("name"))
    for key in ("W_constraint", "b_constraint"):
        if config.get(key) is not None:
            place.at(key).add(LEGACY_ARGUMENT, "a constraint of a `MaxoutDense` has no equivalent on one kernel")
    rest = {key: value for key, value in config.items() if key not in ("output_dim", "nb_feature")}
    entry = catalog.find("layers", "Dense")
    assert entry is not None
    dense = _arguments("MaxoutDense", entry, {**rest, "units": units * count}, place, upgrade=upgrade)
    return [
        NewLayer("Dense", dense),
        NewLayer("Reshape", {"name": f"{name}_parts", "target_shape": [count, units]}),
        NewLayer("GlobalMaxPooling1D", {"name": f"{name}_max"}),
    ]


def merge_layers(config: dict[str, Any], place: Place) -> list[NewLayer]:
    """Return the layers of a `Merge` of Keras 1."""
    mode, name = config.get("mode", "sum"), str(config.get("name"))
    if config.get("mode_type") not in (None, "raw") or not isinstance(mode, str) or mode not in MERGE_MODES:
        is_code = config.get("mode_type") not in (None, "raw")
        place.at("mode").add(
            LEGACY_LAYER,
            "a `Merge` by a function carries code" if is_code else f"`Merge` of Keras 1 with the mode `{mode}`",
            help=REFUSED_MODES.get(str(mode), "write the function as operations: `ops.add`, `ops.multiply`, ..."),
        )
        return []
    own: dict[str, Any] = {}
    if mode == "concat":
        own["axis"] = config.get("concat_axis", -1)
    if mode in ("dot", "cos"):
        own = {"axes": _dot_axes(config.get("dot_axes", -1)), "normalize": mode == "cos"}
    first = NewLayer(MERGE_MODES[mode][0], {"name": name, **own})
    if mode != "cos":
        return [first]
    return [first, NewLayer("Reshape", {"name": f"{name}_reshape", "target_shape": [1, 1]})]


def _dot_axes(axes: Any) -> Any:
    """Return the axes of a dot product without the lists of one that Keras 1 takes around each."""
    if isinstance(axes, list | tuple):
        return [each[0] if isinstance(each, list | tuple) and len(each) == 1 else each for each in axes]
    return axes


def renamed(layer: NewLayer, name: str) -> NewLayer:
    """Return a layer under another name."""
    return replace(layer, config={**layer.config, "name": name})
