"""`graphspec predict` with model files, of graphspec or of plain Keras."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest

import graphspec

from .predict_command import call, read_csv, refused, saved, wrote

L = keras.layers


@pytest.mark.parametrize("form", ["sequential", "list", "dict", "bare"])
def test_plain_keras_models_predict_by_name(tmp_path: Path, form: str) -> None:
    """A model that graphspec never saw, in each form that Keras has; its names are those of its layers or dicts."""
    x, z = np.random.default_rng(0).random((2, 11, 3), np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "z.npz", z=z, other=z)
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    path, given = tmp_path / "plain.keras", ["-i", f"a={tmp_path / 'x.npy'}", "-i", f"b={tmp_path / 'z.npz'}#z"]
    one, two = L.Dense(1, name="one")(L.Add()([a, b])), L.Dense(2, name="two")(b)
    inputs: Any = {"a": x, "b": z}
    match form:
        case "sequential":
            keras.Sequential([keras.Input((3,), name="a"), L.Dense(1, name="one")]).save(path)
            given, inputs = given[:2], x
        case "bare":
            saved(path, a, L.Dense(1, name="one")(a))
            given, inputs = given[:2], x
        case "list":
            saved(path, [b, a], [two, one])
            inputs = [z, x]
        case _:
            saved(path, {"a": a, "b": b}, {"uno": one, "due": two})
    by_hand = keras.saving.load_model(path).predict(inputs, verbose=0)
    if form == "dict":
        expected = by_hand
    elif form == "list":
        expected = {"two": by_hand[0], "one": by_hand[1]}
    else:
        expected = {"one": by_hand}
    wrote(path, *given, "-o", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        assert set(found) == {*expected, "sample"}
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)


def test_what_is_not_finite_is_told_and_kept(tmp_path: Path) -> None:
    """NaN in the data is NaN in the predictions: a warning, `nan` in a table, null in JSON."""
    x = np.ones((5, 3), np.float32)
    x[2, 1] = np.nan
    np.save(tmp_path / "x.npy", x)
    a = keras.Input((3,), name="a")
    path = saved(tmp_path / "m.keras", a, L.Dense(1, name="y")(a))
    for ending in (".csv", ".jsonl"):
        result = call("predict", path, "-i", f"a={tmp_path / 'x.npy'}", "-o", tmp_path / f"out{ending}")
        assert result.exit_code == 0, result.output
        assert "warning: 1 predictions of `y` are NaN" in result.stderr
    assert [each == "nan" for each in read_csv(tmp_path / "out.csv")["y"]] == [False, False, True, False, False]
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[2])["y"] is None


def test_what_the_model_cannot_take_is_no_traceback(tmp_path: Path) -> None:
    """An index that an `Embedding` does not have is found by TensorFlow alone, in the middle of the work."""
    np.save(tmp_path / "x.npy", np.array([[1], [99]]))
    a = keras.Input((1,), name="a", dtype="int32")
    path = saved(tmp_path / "m.keras", a, L.Flatten(name="y")(L.Embedding(3, 2)(a)))
    assert "cannot compute these samples" in refused(path, "-i", f"a={tmp_path / 'x.npy'}", "-o", tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()
    np.save(tmp_path / "wide.npy", np.zeros((2, 5), np.int32))
    assert "GS605" in refused(path, "-i", f"a={tmp_path / 'wide.npy'}")


def test_hostile_and_broken_model_files_are_refused(tmp_path: Path) -> None:
    """Junk, a truncated file, an archive that unpacks to gigabytes, code: each in one finding."""
    import zipfile

    np.save(tmp_path / "x.npy", np.zeros((2, 3), np.float32))
    given = ["-i", f"a={tmp_path / 'x.npy'}"]
    path = tmp_path / "m.keras"
    path.write_bytes(b"junk")
    assert "cannot be read as a model" in refused(path, *given)
    a = keras.Input((3,), name="a")
    saved(path, a, L.Dense(2)(a))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as a model" in refused(path, *given)
    path.write_bytes(whole)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/bomb", bytes(300 * 2**20))
    assert "would unpack to 300 MiB" in refused(path, *given)
    saved(path, a, L.Lambda(lambda x: x * 2)(a))
    assert "`lambda`, which carries code" in refused(path, *given).replace("Lambda", "lambda")
    assert "there is no file" in refused(tmp_path / "m.kera", *given).replace("no folder", "no file")
    (tmp_path / "model.h5").write_bytes(b"x")
    assert "cannot be read as a model" in refused(tmp_path / "model.h5", *given)


@pytest.mark.smoke
def test_images_are_decoded_as_in_training(tmp_path: Path) -> None:
    """A glob of images given by hand is decoded and scaled as the spec does it."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 5), np.uint8)
    (tmp_path / "new").mkdir()
    for index, each in enumerate(pixels):
        Image.fromarray(each).save(tmp_path / "new" / f"{index}.png")
    (tmp_path / "spec.yaml").write_text(
        """
graphspec: 1
inputs: {image: [5, 5, 1]}
outputs: {y: {from: image, apply: [Flatten, {Dense: 2}], loss: null}}
data: {train: {inputs: {image: {files: "old/*.png", decode: image, channels: 1, scale: 0.01}}}}
""",
        encoding="utf-8",
    )
    model = graphspec.build(tmp_path / "spec.yaml")
    model.save(tmp_path / "m.keras")
    given = ["--spec", tmp_path / "spec.yaml", "-i", f"image={tmp_path / 'new' / '*.png'}"]
    wrote(tmp_path / "m.keras", *given, "-o", tmp_path / "out.npz")
    expected = model.predict({"image": pixels[..., None].astype(np.float32) * np.float32(0.01)}, verbose=0)["y"]
    with np.load(tmp_path / "out.npz") as found:
        np.testing.assert_allclose(found["y"], expected, rtol=1e-5)


MEASURE = """
import resource, sys
from graphspec.cli import main
for out in sys.argv[2:]:
    main(["predict", sys.argv[1], "-i", f"a={out}.npy", "--batch-size", "1024", "-o", out], standalone_mode=False)
    print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_samples(tmp_path: Path) -> None:
    """Ten times the samples, and predictions of 100 MiB in the place of 10, take no more memory by half of that."""
    a = keras.Input((4,), name="a")
    path = saved(tmp_path / "m.keras", a, L.Dense(256, name="y")(a))
    outs = [tmp_path / f"{rows}{ending}" for ending in (".npz", ".parquet") for rows in (10_000, 100_000)]
    for out in outs:
        np.save(f"{out}.npy", np.ones((int(out.stem), 4), np.float32))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path), *map(str, outs)], capture_output=True, text=True, check=True
    )
    peaks = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("PEAK")]
    assert peaks[1] - peaks[0] < 50, peaks
    assert peaks[3] - peaks[2] < 50, peaks
    with np.load(outs[1]) as found:
        assert found["y"].shape == (100_000, 256)
    assert pq.read_metadata(outs[3]).num_row_groups < 10
