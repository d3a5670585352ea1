"""HDF5 files whose heaps of text, which hold the names of layers, are damaged."""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.from_keras import read_model_file
from graphspec.hdf5_file import open_checked

HEAP, HEADER = b"GCOL\1\0\0\0", 16


def damaged(data: bytes) -> bytes:
    """Return a file in which the first text has become free space of no size: HDF5 would never come to its end."""
    at = data.index(HEAP) + HEADER
    return data[:at] + bytes(HEADER) + data[at + HEADER :]


def test_weights_with_a_damaged_heap_are_refused(tmp_path: Path) -> None:
    """It is a finding where the file is named, and nothing hangs."""
    x = keras.Input((3,), name="x")
    graphspec.decompile(keras.Model(x, layers.Dense(1, name="y")(x)), tmp_path / "spec.yaml", weights=True)
    weights = tmp_path / "spec.weights.h5"
    weights.write_bytes(damaged(weights.read_bytes()))
    with pytest.raises(SpecError) as error:
        graphspec.build(tmp_path / "spec.yaml")
    (finding,) = error.value.report
    assert "the texts in it are damaged" in finding.message
    assert finding.span is not None
    assert finding.span.text == "spec.weights.h5"


def test_model_with_a_damaged_heap_is_refused(tmp_path: Path) -> None:
    """A whole model in an HDF5 file, whose configuration is such a text."""
    x = keras.Input((3,), name="x")
    path = tmp_path / "model.h5"
    keras.Model(x, layers.Dense(1, name="y")(x)).save(path)
    with h5py.File(path, "a") as file:
        file.attrs["backend"] = "tensorflow"
        file.attrs["names"] = np.array(["a", "b"], dtype=h5py.string_dtype())
    assert read_model_file(path).config
    path.write_bytes(damaged(path.read_bytes()))
    with pytest.raises(SpecError, match="damaged"):
        read_model_file(path)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_sound_heaps_are_read(libver: str) -> None:
    """Many texts, empty and long ones, and some that were removed, are read as they are."""
    raw = io.BytesIO()
    with h5py.File(raw, "w", libver=libver) as file:
        for number in range(300):
            file.create_group(f"g{number}").attrs["name"] = "x" * (number * 37 % 1_000)
        for number in range(0, 300, 3):
            del file[f"g{number}"].attrs["name"]
            file[f"g{number}"].attrs["name"] = "y" * number
        file["numbers"] = np.frombuffer(HEAP * 2_000_000, "uint8")  # no heaps, though they begin alike
    with open_checked(raw, 2**30) as file:
        assert file["g4"].attrs["name"] == "x" * 148
        assert file["g299"].attrs["name"] == "x" * (299 * 37 % 1_000)
        assert file["g33"].attrs["name"] == "y" * 33
