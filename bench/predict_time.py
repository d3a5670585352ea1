"""Measure the time and the cores of `predict` and `evaluate` over large files, against Keras' own.

    python bench/predict_time.py [--turns 5] [npy] [convolution] [parquet] [csv] [images]        by default all of them

`graphspec predict` and `graphspec evaluate` as commands, without the start of Python, against functions by hand that
load the same model, predict from the same files and write an `.npz` file: with `predict` as Keras' guides show it, and
with 32 steps per execution. All run in turns in one process; medians count, and those of the ratios of each turn.
`cores` is the time that processors have worked by the time that has passed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from graphspec.cli import main as graphspec
from graphspec.version import __version__

WIDTH, BATCH = 64, 32
L = keras.layers
Side = Callable[[], object]


def save_model(path: Path, shape: tuple[int, ...], *first: Any) -> None:
    """Save a compiled model of next to no size."""
    x = keras.Input(shape, name="x")
    hidden = x
    for layer in (*first, *(L.Dense(64, activation="relu") for _ in range(3))):
        hidden = layer(hidden)
    model = keras.Model({"x": x}, {"y": L.Dense(10, activation="softmax", name="y")(hidden)})
    model.compile("adam", {"y": "sparse_categorical_crossentropy"})
    model.save(path)


def command(*words: object) -> Side:
    """A command of graphspec, whose output is not shown."""

    def run() -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            graphspec([*map(str, words), "--batch-size", str(BATCH)], standalone_mode=False)

    return run


def by_hand(model: Path, read: Callable[[], Any], at_once: int, out: Path) -> None:
    """Load the model, predict, and write what comes out."""
    loaded = keras.models.load_model(model)
    loaded.steps_per_execution = at_once
    np.savez(out, y=loaded.predict(read(), batch_size=BATCH, verbose=0)["y"])


def evaluate_by_hand(model: Path, x: Path, y: Path, at_once: int) -> None:
    """Load the model, and evaluate it on two memory-mapped arrays."""
    loaded = keras.models.load_model(model)
    loaded.steps_per_execution = at_once
    arrays = [{name: np.load(path, mmap_mode="r")} for name, path in (("x", x), ("y", y))]
    loaded.evaluate(*arrays, batch_size=BATCH, verbose=0)


def compare(title: str, count: int, turns: int, sides: dict[str, Side]) -> None:
    """Run all sides in turns, the first turn uncounted, and print what each takes."""
    taken: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    for _ in range(turns + 1):
        for side, run in sides.items():
            wall, worked = time.perf_counter(), time.process_time()
            run()
            taken[side].append((time.perf_counter() - wall, time.process_time() - worked))
    (_, ours), *_ = taken.items()
    print(title)
    for side, times in taken.items():
        wall, worked = (statistics.median(each[at] for each in times[1:]) for at in (0, 1))
        line = f"  {side:<34}{wall:7.2f} s  {count / wall:>10,.0f} samples/s  {worked / wall:.2f} cores"
        if times is not ours:
            pairs = list(zip(ours[1:], times[1:], strict=True))
            for at, what in enumerate(("ratio", "of processors")):
                line += f"  {what} {statistics.median(one[at] / other[at] for one, other in pairs):.2f}"
        print(line, flush=True)


def table(count: int) -> tuple[Any, Any]:
    """Numbers, and classes that depend on them."""
    x = np.random.default_rng(0).normal(size=(count, WIDTH)).astype("float32")
    return x, x[:, :10].argmax(axis=1).astype("int64")


def hands(model: Path, read: Callable[[], Any], out: Path) -> dict[str, Side]:
    """The sides by hand."""
    return {f"Keras, {n} at once": partial(by_hand, model, read, n, out) for n in (1, 32)}


def npy(folder: Path, turns: int) -> None:
    """A memory-mapped array."""
    count = 200_000
    x, y = table(count)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    model = folder / "model.keras"
    save_model(model, (WIDTH,))

    def read() -> Any:
        return {"x": np.load(folder / "x.npy", mmap_mode="r")}

    for ending in (".npz", ".parquet", ".csv"):
        out = folder / f"out{ending}"
        ours = command("predict", model, "-i", f"x={folder / 'x.npy'}", "-o", out, "--force")
        sides = hands(model, read, folder / "hand.npz") if ending == ".npz" else {}
        title = f"{count:,} samples of 64 numbers, x.npy -> {out.name}"
        compare(title, count, turns, {"graphspec predict": ours, **sides})
    ours = command("evaluate", model, "-i", f"x={folder / 'x.npy'}", "-t", f"y={folder / 'y.npy'}")
    files = model, folder / "x.npy", folder / "y.npy"
    sides = {f"Keras, {n} at once": partial(evaluate_by_hand, *files, n) for n in (1, 32)}
    compare("the same evaluated", count, turns, {"graphspec evaluate": ours, **sides})


def convolution(folder: Path, turns: int) -> None:
    """A model that computes for long: every core works."""
    count = 4_000
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(count, 32, 32, 3)).astype("float32"))
    model = folder / "model.keras"
    save_model(model, (32, 32, 3), *(L.Conv2D(64, 3, activation="relu") for _ in range(3)), L.GlobalMaxPooling2D())

    def read() -> Any:
        return {"x": np.load(folder / "x.npy", mmap_mode="r")}

    ours = command("predict", model, "-i", f"x={folder / 'x.npy'}", "-o", folder / "o.npz", "--force")
    sides = {"graphspec predict": ours, **hands(model, read, folder / "hand.npz")}
    compare(f"{count:,} images of 32 by 32, three convolutions of 64 -> .npz", count, turns, sides)


def parquet(folder: Path, turns: int) -> None:
    """A compressed Parquet file of several row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    count, names = 200_000, [f"c{i}" for i in range(WIDTH)]
    x, _ = table(count)
    pq.write_table(pa.table(dict(zip(names, x.T, strict=True))), folder / "x.parquet", row_group_size=count // 8)
    model = folder / "model.keras"
    save_model(model, (WIDTH,))

    def read() -> Any:
        columns = pq.read_table(folder / "x.parquet")
        return {"x": np.stack([columns.column(name).to_numpy() for name in names], axis=1)}

    ours = command(
        "predict", model, "-i", f"x={folder / 'x.parquet'}#{','.join(names)}", "-o", folder / "o.npz", "--force"
    )
    sides = {"graphspec predict": ours, **hands(model, read, folder / "hand.npz")}
    compare(f"{count:,} rows of 64 columns, Parquet -> .npz", count, turns, sides)


def csv(folder: Path, turns: int) -> None:
    """A table of text."""
    count, names = 20_000, [f"c{i}" for i in range(WIDTH)]
    x, _ = table(count)
    np.savetxt(folder / "x.csv", x, delimiter=",", header=",".join(names), comments="", fmt="%.6g")
    model = folder / "model.keras"
    save_model(model, (WIDTH,))

    def read() -> Any:
        return {"x": np.loadtxt(folder / "x.csv", np.float32, delimiter=",", skiprows=1)}

    ours = command("predict", model, "-i", f"x={folder / 'x.csv'}#{','.join(names)}", "-o", folder / "o.npz", "--force")
    sides = {"graphspec predict": ours, **hands(model, read, folder / "hand.npz")}
    compare(f"{count:,} rows of 64 columns, CSV -> .npz", count, turns, sides)


def images(folder: Path, turns: int) -> None:
    """JPEG files, decoded and resized, against TensorFlow's own decoder."""
    from PIL import Image

    count = 1_000
    rng = np.random.default_rng(0)
    (folder / "img").mkdir()
    for number in range(count):
        pixels = rng.integers(0, 256, (32, 32, 3)).astype("uint8")
        Image.fromarray(pixels).resize((320, 320), 2).save(folder / "img" / f"{number:05}.jpg")
    model = folder / "model.keras"
    save_model(model, (64, 64, 3), L.Rescaling(1 / 255), L.Conv2D(8, 3, strides=4), L.Flatten())
    text = """
graphspec: 1
inputs: {x: [64, 64, 3]}
outputs: {y: {from: x, apply: [Flatten, {Dense: 10}]}}
data: {test: {inputs: {x: {files: "img/*.jpg", decode: image, size: [64, 64], channels: 3}}}}
"""
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    files = sorted(str(each) for each in (folder / "img").iterdir())

    def decode(name: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(name), channels=3, ratio=4)
        return {"x": tf.image.resize(image, (64, 64))}

    def read() -> Any:
        dataset = tf.data.Dataset.from_tensor_slices(files).map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        return dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)

    def hand(at_once: int) -> None:
        loaded = keras.models.load_model(model)
        loaded.steps_per_execution = at_once
        np.savez(folder / "hand.npz", y=loaded.predict(read(), verbose=0)["y"])

    words = ("predict", model, "--spec", folder / "spec.yaml", "--split", "test", "-o", folder / "o.npz", "--force")
    sides = {"graphspec predict": command(*words), "tf.data and Keras, 1 at once": partial(hand, 1)}
    compare(f"{count:,} JPEG files, 320 by 320, brought to 64 by 64 -> .npz", count, turns, sides)


def main() -> None:
    """Run the parts that are asked for."""
    parts = {"npy": npy, "convolution": convolution, "parquet": parquet, "csv": csv, "images": images}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*parts, []])
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, graphspec {__version__}, "
        f"Keras {keras.__version__}, TensorFlow {tf.__version__}; batches of {BATCH}"
    )
    for name in options.parts or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder), options.turns)


if __name__ == "__main__":
    main()
