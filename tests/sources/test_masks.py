"""Images as targets: pixels that stand for classes are never mixed, and mean the classes that the file holds."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import graphspec
from graphspec import catalog
from graphspec.catalog.losses import OF_CLASS_INDICES, OF_NUMBERS
from graphspec.sources import DataSource, Transforms, header, load
from graphspec.sources.cache import _key

tf = pytest.importorskip("tensorflow")

Write = Callable[..., Path]
Array = np.ndarray[Any, Any]
SIZE = (7, 5)

SPEC = """
graphspec: 1
inputs: {x: [7, 5, 1]}
outputs: {y: {from: x, apply: {Conv2D: {filters: FILTERS, kernel_size: 1}}, loss: LOSS}}
training: {optimizer: sgd, batch_size: 1}
data:
  train:
    inputs: {x: {files: "*.png", decode: image, size: [7, 5], channels: 1}}
    outputs: {y: {files: "*.png", decode: image, size: [7, 5]KEYS}}
"""
SPARSE = "{SparseCategoricalCrossentropy: {from_logits: true}}"


def mask(classes: int = 9, size: tuple[int, int] = (23, 31)) -> Array:
    """Blocks of classes, so that what lies between two of them would be another."""
    drawn = np.random.default_rng(3).integers(0, classes, (-(-size[0] // 3), -(-size[1] // 3)), dtype=np.uint8)
    return drawn.repeat(3, 0).repeat(3, 1)[: size[0], : size[1]]


def target(write: Write, *, loss: str = SPARSE, filters: int = 9, keys: str = "") -> DataSource:
    """The source of the target of a spec, as `train` reads it."""
    text = SPEC.replace("LOSS", loss).replace("FILTERS", str(filters)).replace("KEYS", keys)
    data = graphspec.load(write(text)).data
    assert data is not None
    assert data.train is not None
    return data.train.outputs["y"]


def read(source: DataSource) -> Array:
    """The first image of a source."""
    column = load(source)
    found: Array = column[np.array([0])][0]
    told = header(source)
    assert (told.shape, told.dtype) == (found.shape, str(found.dtype))
    return found


def nearest(pixels: Array) -> list[Array]:
    """The image as Pillow, and as TensorFlow, brings it to SIZE by nearest neighbour."""
    by_pillow = np.asarray(Image.fromarray(pixels).resize((SIZE[1], SIZE[0]), Image.Resampling.NEAREST))
    by_tensorflow = tf.image.resize(pixels[..., None], SIZE, method="nearest").numpy()[..., 0]
    by_keras = keras.ops.image.resize(pixels[..., None].astype(np.float32), SIZE, interpolation="nearest")
    return [by_pillow, by_tensorflow, np.asarray(by_keras)[..., 0]]


@pytest.mark.parametrize("size", [(23, 31), (7, 5), (14, 10), (3, 2), (100, 3), (8, 6)])
def test_masks_are_resized_by_nearest_neighbour(size: tuple[int, int], write: Write, tmp_path: Path) -> None:
    """No class is invented: each pixel is one of the mask, the one that Pillow, TensorFlow and Keras take."""
    pixels = mask(9, size)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read(target(write))
    assert found.shape == (*SIZE, 1)
    for want in nearest(pixels):
        np.testing.assert_array_equal(found[..., 0], want)


@pytest.mark.parametrize(
    ("kind", "classes"),
    [
        ("palette", 21),
        ("palette with transparency", 21),
        ("1 bit", 2),
        ("2 bits", 4),
        ("4 bits", 16),
        ("16 bits", 2000),
    ],
)
def test_indices_are_those_of_the_file(kind: str, classes: int, write: Write, tmp_path: Path) -> None:
    """A palette, and any number of bits, mean the indices that were drawn; not colours, nor grey brought to 8 bits."""
    indices = mask(min(classes, 255)).astype(np.uint16)
    if kind.startswith("palette"):
        image = Image.fromarray(indices.astype(np.uint8), "P")
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8).tobytes())
        if "transparency" in kind:
            image.info["transparency"] = 3
        image.save(tmp_path / "a.png")
    elif kind == "1 bit":
        Image.fromarray(indices.astype(bool)).save(tmp_path / "a.png")
    elif kind == "16 bits":
        indices *= 7
        Image.fromarray(indices).save(tmp_path / "a.png")
    else:
        (tmp_path / "a.png").write_bytes(grey_png(indices.astype(np.uint8), int(kind[0])))
    found = read(target(write, filters=classes))
    np.testing.assert_array_equal(found[..., 0], nearest(indices)[0])
    assert found.dtype == (np.uint16 if kind == "16 bits" else np.uint8)
    whole = read(replace(target(write, filters=classes), size=None))
    np.testing.assert_array_equal(whole[..., 0], indices)


def grey_png(pixels: Array, bits: int) -> bytes:
    """A grey PNG of less than 8 bits, which Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    spread = np.unpackbits(pixels[..., None], axis=2)[..., 8 - bits :].reshape(len(pixels), -1)
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(spread, axis=1))
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_grey_in_three_channels_is_an_index_and_colours_are_refused(write: Write, tmp_path: Path) -> None:
    """A mask saved with equal channels is read; what has colours has no indices."""
    pixels = mask()
    Image.fromarray(np.stack([pixels] * 3, -1)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(target(write))[..., 0], nearest(pixels)[0])
    Image.fromarray(np.stack([pixels, pixels, 255 - pixels], -1)).save(tmp_path / "a.png")
    path = tmp_path / "spec.yaml"
    (finding,) = graphspec.validate(path, values=True).errors
    assert finding.rule.code == "GS602"
    assert "a.png is coloured" in finding.message


def test_an_image_of_more_bits_than_the_first_is_named(write: Write, tmp_path: Path) -> None:
    """Classes beyond 255 among images of 8 bits are a finding, not cut off."""
    Image.fromarray(mask()).save(tmp_path / "a.png")
    Image.fromarray(mask().astype(np.uint16) * 100).save(tmp_path / "b.png")
    target(write)
    (finding,) = graphspec.validate(tmp_path / "spec.yaml", values=True).errors
    assert "b.png holds the class 800, which takes 16 bits" in finding.message


@pytest.mark.parametrize(
    ("loss", "keys", "how"),
    [
        (SPARSE, "", "classes"),
        ("sparse_categorical_crossentropy", "", "classes"),
        ("categorical_crossentropy", ", one_hot: 9", "classes"),
        ("mse", ", one_hot: 9", "classes"),
        ("binary_crossentropy", ", channels: 1", "nearest"),
        ("Dice", ", channels: 1", "nearest"),
        ("mse", ", channels: 1", "bilinear"),
        ("{Huber: {delta: 2.0}}", ", channels: 1", "bilinear"),
        ("mse", ", channels: 1, interpolation: nearest", "nearest"),
        ("binary_crossentropy", ", channels: 1, interpolation: bilinear", "bilinear"),
        (SPARSE, ", channels: 1, interpolation: bilinear", "bilinear"),
    ],
)
def test_the_loss_or_the_spec_decides(loss: str, keys: str, how: str, write: Write, tmp_path: Path) -> None:
    """Classes are picked, numbers are mixed; `interpolation` says otherwise."""
    image = Image.fromarray(mask(), "P")
    image.putpalette(bytes(range(255, -1, -1)) * 3)
    image.save(tmp_path / "a.png")
    found = read(replace(target(write, loss=loss, keys=keys), transforms=Transforms()))
    grey = image.convert("L")
    filters = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}
    want = nearest(mask())[0] if how == "classes" else np.asarray(grey.resize((SIZE[1], SIZE[0]), filters[how]))
    np.testing.assert_array_equal(found[..., 0], want)


def test_inputs_stay_bilinear_unless_they_say(write: Write, tmp_path: Path) -> None:
    """What an input is resized by has not changed, and `interpolation: nearest` picks its pixels."""
    Image.fromarray(mask()).save(tmp_path / "a.png")
    for keys, how in (("", Image.Resampling.BILINEAR), (", interpolation: nearest", Image.Resampling.NEAREST)):
        text = SPEC.replace("channels: 1}", f"channels: 1{keys}}}").replace("LOSS", SPARSE)
        data = graphspec.load(write(text.replace("FILTERS", "9").replace("KEYS", ""))).data
        assert data is not None
        assert data.train is not None
        want = np.asarray(Image.fromarray(mask()).resize((SIZE[1], SIZE[0]), how))
        np.testing.assert_array_equal(read(data.train.inputs["x"])[..., 0], want)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "dice"])
def test_masks_are_trained_on_one_number_a_class(loss: str, write: Write, tmp_path: Path) -> None:
    """`one_hot` gives a mask the shape of an output of one unit a class, in its header, when it is checked and read."""
    Image.fromarray(mask()).save(tmp_path / "a.png")
    text = SPEC.replace("LOSS", loss).replace("kernel_size: 1", "kernel_size: 1, activation: softmax")
    path = write(text.replace("FILTERS", "9").replace("KEYS", ", one_hot: 9"))
    source = target(write, loss=loss, keys=", one_hot: 9")
    assert header(source).shape == (*SIZE, 9)
    np.testing.assert_array_equal(read(source), np.eye(9)[nearest(mask())[0]])
    path = write(path.read_text().replace("kernel_size: 1}", "kernel_size: 1, activation: softmax}"))
    assert not graphspec.validate(path, values=True).found
    if loss == "dice":
        run = graphspec.train(path, run_dir=tmp_path / "run")
        assert 0 <= run.record["metrics"]["loss"] <= 1


def test_masks_are_trained_on(write: Write, tmp_path: Path) -> None:
    """A segmentation with palette masks trains, evaluates, and takes a mask that is given by hand as it took those."""
    for number in range(2):
        image = Image.fromarray(mask(), "P")
        image.putpalette(bytes(range(255, -1, -1)) * 3)
        image.save(tmp_path / f"{number}.png")
    text = SPEC.replace("LOSS", SPARSE + ", metrics: accuracy").replace("FILTERS", "9").replace("KEYS", "")
    run = graphspec.train(write(text), run_dir=tmp_path / "run")
    assert run.evaluate("train")["accuracy"] >= 0
    with pytest.raises(graphspec.SpecError, match="indices from 0 to 8"):
        graphspec.train(write(text.replace("filters: 9", "filters: 5")), run_dir=tmp_path / "run5")


def test_the_class_that_a_loss_ignores_may_lie_beyond_the_others(write: Write, tmp_path: Path) -> None:
    """The 255 of borders in masks is no class where `ignore_class` says so, and is one too many where it does not."""
    pixels = mask()
    pixels[3:6] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    text = SPEC.replace("FILTERS", "9").replace("KEYS", "")
    ignoring = "{SparseCategoricalCrossentropy: {from_logits: true, ignore_class: 255}}"
    run = graphspec.train(write(text.replace("LOSS", ignoring)), run_dir=tmp_path / "run")
    assert np.isfinite(run.history["loss"]).all()
    path = write(text.replace("LOSS", SPARSE))
    assert [each.rule.code for each in graphspec.validate(path, values=True).errors] == ["GS609"]
    path = write(text.replace("LOSS", ignoring.replace("255", "254")))
    assert [each.rule.code for each in graphspec.validate(path, values=True).errors] == ["GS609"]


def test_interpolation_is_checked(write: Write, tmp_path: Path) -> None:
    """Another word is refused, and so is the key where there are no images."""
    Image.fromarray(mask()).save(tmp_path / "a.png")
    text = SPEC.replace("LOSS", SPARSE).replace("FILTERS", "9")
    found = graphspec.validate(write(text.replace("KEYS", ", interpolation: bicubic"))).errors
    assert [each.rule.code for each in found] == ["GS104"]
    np.save(tmp_path / "y.npy", np.zeros((1, 7, 5), np.uint8))
    text = text.replace('{files: "*.png", decode: image, size: [7, 5]KEYS}', "{file: y.npy, interpolation: nearest}")
    assert [each.rule.code for each in graphspec.validate(write(text)).errors] == ["GS607"]


def test_caches_and_names_tell_the_two_apart(write: Write, tmp_path: Path) -> None:
    """What is kept of converted files depends on how they were read; the losses named are those that Keras has."""
    Image.fromarray(mask()).save(tmp_path / "a.png")
    one = replace(target(write), path=tmp_path / "a.png", column=None)
    other = replace(one, interpolation="bilinear", as_classes=False)
    listed = [replace(each, path=tmp_path / "list.csv", column="path") for each in (one, other)]
    (tmp_path / "list.csv").write_text("path\na.png\n", encoding="utf-8")
    assert len({_key(each) for each in listed}) == 2
    known = {*catalog.names("losses"), *catalog.identifiers("losses")}
    assert {*OF_CLASS_INDICES, *OF_NUMBERS} <= known
