"""Shapes of the models of `keras.applications`, which validation knows without Keras, are those of Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

import graphspec
from graphspec.catalog.application_layers import application
from graphspec.diagnostics import SpecError
from graphspec.to_keras.external_models import tappable
from graphspec.to_keras.keras_internals import fresh_layer_names, weightless_scope
from graphspec.to_keras.spec import build_model

Write = Callable[..., Path]

SPEC = """
graphspec: 1
models: {seen: {application: NAME}}
inputs: {photo: IMAGE}
graph: {features: {from: photo, apply: seen}}
outputs: {found: {from: features, apply: {Activation: linear}}}
"""


def spec(write: Write, name: str, image: str) -> graphspec.Spec:
    return graphspec.load(write(SPEC.replace("NAME", name).replace("IMAGE", image)))


def inferred(loaded: graphspec.Spec) -> Any:
    return getattr(loaded.shapes.of(loaded.graph, "found"), "shape", None)


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("MobileNetV2", "[224, 224, 3]"),
        ("MobileNetV2, include_top: false", "[97, 64, 3]"),
        ("MobileNetV2, include_top: false, pooling: max", "[null, null, 3]"),
        ("MobileNetV2, include_top: false, input_shape: [64, 96, 3]", "[64, 96, 3]"),
        ("MobileNetV2, input_shape: [50, 70, 3], classes: 7", "[50, 70, 3]"),
        ("VGG16, include_top: false", "[63, 101, 3]"),
        ("VGG16, include_top: false, input_shape: [63, 101, 3]", "[63, null, 3]"),
        ("VGG16, include_top: false, pooling: avg, classifier_activation: relu", "[32, 32, 3]"),
    ],
)
def test_outputs_are_those_of_keras(write: Write, name: str, image: str) -> None:
    """By the size of the image, the last layers and pooling."""
    loaded = spec(write, name, image)
    assert inferred(loaded) == build_model(loaded, weightless=True).output["found"].shape


@pytest.mark.parametrize(
    "name",
    [
        "MobileNetV2, include_top: false, alpha: 0.5",
        "MobileNetV2, include_top: false, input_shape: [50, 70, 3]",
        "MobileNetV2, include_top: false, input_shape: [64, 64]",
        "MobileNetV2, include_top: false, input_shape: [64, null, 3]",
        "MobileNetV2, include_top: false, pooling: most",
        "NASNetLarge, include_top: false",
    ],
)
def test_what_is_not_measured_stays_unknown(write: Write, name: str) -> None:
    """Widths that an argument changes, odd sizes for which Keras pads otherwise, and what Keras may refuse."""
    shape = inferred(spec(write, name, "[null, null, 3]"))
    assert shape is None or None in shape[1:]


@pytest.mark.parametrize("name", ["VGG16", "VGG16, include_top: false, input_shape: [32, 32, 3]"])
def test_images_of_another_size_are_refused(write: Write, name: str) -> None:
    """A model that is made for images of one size takes no others, as Keras says too."""
    text = SPEC.replace("NAME", name)
    (found,) = graphspec.validate(write(text.replace("IMAGE", "[64, 32, 3]")))
    assert found.rule.code == "GS405"
    with weightless_scope():
        model = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
        with pytest.raises(ValueError, match="expected shape"):
            model(keras.Input((64, 32, 3)))


@pytest.mark.parametrize("feed", ["[x, x]", "{a: x, b: x}"])
def test_several_images_are_refused(write: Write, feed: str) -> None:
    """An application takes one tensor, and says so before it is built."""
    text = "{application: MobileNetV2, weights: null, input_shape: [64, 64, 3], include_top: false}"
    path = write(
        f"""
        graphspec: 1
        models: {{m: {text}}}
        inputs: {{x: [64, 64, 3]}}
        outputs: {{y: {{from: {feed}, apply: m}}}}
        """
    )
    (finding,) = graphspec.validate(path)
    assert finding.rule.code == "GS307"
    with pytest.raises(SpecError, match="does not get exactly its inputs"):
        graphspec.build(path, weightless=True)


@pytest.mark.parametrize(("size", "codes"), [(75, []), (74, ["GS407"])])
def test_images_that_are_too_small_are_refused(write: Write, size: int, codes: list[str]) -> None:
    """Keras builds the model on the smallest image that is taken, and on none below."""
    path = write(SPEC.replace("NAME", "InceptionV3, include_top: false").replace("IMAGE", f"[{size}, 99, 3]"))
    assert [each.rule.code for each in graphspec.validate(path)] == codes
    with weightless_scope():
        model = keras.applications.InceptionV3(weights=None, include_top=False)
        if codes:
            with pytest.raises(ValueError, match="zero or negative"):
                model(keras.Input((size, 99, 3)))
        else:
            model(keras.Input((size, 99, 3)))


SLOW = ("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "InceptionV3", "NASNetLarge", "NASNetMobile", "Xception")


@pytest.mark.parametrize(
    "name", ["ResNet50", "MobileNetV3Small", *(pytest.param(each, marks=pytest.mark.slow) for each in SLOW)]
)
def test_inner_layers_are_those_of_keras(name: str) -> None:
    """Class and shape of each layer, for images whose height and width are odd at another depth each.

    `make values` measures all of them again.
    """
    known = application(name)
    height, width = (77, 150) if known.image[0] is None else known.image[:2]
    with weightless_scope(), fresh_layer_names():
        model = getattr(keras.applications, name)(weights=None, include_top=False)
        tensors = tappable(model)
        whole = keras.Model(model.inputs, [*tensors.values()])
        if name == "NASNetLarge":  # takes images of some sizes only
            height = width = None
        shapes = whole.compute_output_shape((None, height, width, 3))
    classes = {layer.name: type(layer).__name__ for layer in model.layers}
    assert {each: inner.class_name for each, inner in known.layers.items()} == {each: classes[each] for each in tensors}
    for each, shape in zip(tensors, shapes, strict=True):
        assert known.layers[each].shape((height, width)) == tuple(shape[1:]), each
    assert tensors[known.output] is model.output
