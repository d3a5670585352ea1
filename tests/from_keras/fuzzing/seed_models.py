"""The models that the fuzzer mutates: of every kind that decompiling knows, and of every layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
from keras import Input, Model
from keras import layers as L  # noqa: N812

import graphspec
from graphspec.garbage import no_collection
from tests.from_keras.models import MODELS
from tests.known_uses import CASES
from tests.to_keras.test_every_layer import APPLIED, make, tensors

Make = Callable[[], keras.Model]
_SPECS = Path(__file__).parents[3] / "specs"


def deep() -> Model:
    """Return a model in a model in a model."""
    x = Input((4,), name="x")
    inner = Model(x, L.Dense(2)(x), name="inner")
    middle = Model(x, L.Dense(4)(inner(x)), name="middle")
    return Model(x, L.Dense(1)(middle(middle(x))), name="outer")


def of_layers() -> dict[str, Make]:
    """Return a model of each layer of the catalogue."""

    def of_layer(name: str) -> Make:
        def build() -> Model:
            inputs = tensors(CASES[name].inputs, CASES[name].dtype)
            call = {key: tensors(each) for key, each in CASES[name].call.items()}
            outputs = keras.tree.flatten(make(name, CASES[name])(inputs, **call))
            return Model(keras.tree.flatten([inputs, call]), outputs)

        return build

    return {f"layer {name}": of_layer(name) for name in APPLIED if not isinstance(CASES[name].inputs, dict)}


def of_specs() -> dict[str, Make]:
    """Return the models of the shipped specs that are not large."""
    paths = [path for path in sorted(_SPECS.rglob("*.yaml")) if path.stem not in ("resnet50", "densenet121")]
    return {f"spec {path.stem}": partial(graphspec.build, path, weightless=True) for path in paths}


def applications() -> dict[str, Make]:
    """Return two models of `keras.applications`, without weights."""
    return {
        "application MobileNet": lambda: keras.applications.MobileNet(
            weights=None, input_shape=(32, 32, 3), alpha=0.25
        ),
        "application ResNet50": lambda: keras.applications.ResNet50(
            weights=None, input_shape=(32, 32, 3), include_top=False
        ),
    }


def models() -> dict[str, Make]:
    """Return models that use what a spec has to write in a way of its own."""
    return {**MODELS, "deep": deep}


def write_models(folder: Path) -> None:
    """Write the configurations of all models, and archives of those of every kind, to a folder."""
    folder.mkdir()
    for name, build in {**models(), **of_layers(), **of_specs(), **applications()}.items():
        keras.utils.clear_session(free_memory=False)
        with no_collection():
            write_model(folder, name, build)


def write_model(folder: Path, name: str, build: Make) -> None:
    """Write the configuration of one model, and its archive if it is one of `models`."""
    model = build()
    (folder / f"{name}.json").write_text(model.to_json(), encoding="utf-8")
    if name in models():
        model.save(folder / f"{name}.keras")
