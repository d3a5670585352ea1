"""Measure the time of an epoch through graphspec, against `fit` and the best pipelines of `tf.data` written by hand.

    python bench/epoch_time.py [--epochs 20] [memory] [mapped] [parquet] [images]        by default all of them

All sides train the same model on the same data in one process, in turns, an epoch each, so that a machine that is
slower for a while is so for all. An epoch is timed from its beginning to that of the next, checkpoints and all that
graphspec writes included; the first ones, in which functions are traced, are left out. Beside the time that has passed,
that which processors have worked is compared, which other work on the machine changes less.

By hand, the best known ways: `fit` on arrays with 1, 32 and 128 steps per execution; a permutation of all samples, by
which NumPy gathers 32 or 128 batches at once from a memory-mapped array, ahead and in parallel; row groups of a Parquet
file read in parallel, in random order, each shuffled by itself, which shuffles less than graphspec does; files decoded
in parallel.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from turns import Clock, in_turns, show

import graphspec
from graphspec.version import __version__

COUNT, BATCH = 64_000, 32
L = keras.layers
epochs = 20

MLP = """
graphspec: 1
plugins: [json]
inputs: {x: INPUT}
graph:
  hidden: {from: x, apply: [FIRST, {Dense: {units: 64, activation: relu}}, {Dense: {units: 64, activation: relu}}]}
outputs:
  y: {from: hidden, apply: {Dense: {units: 10, activation: softmax}}, loss: sparse_categorical_crossentropy}
training: {optimizer: adam, epochs: EPOCHS, batch_size: BATCH, callbacks: ["bench>Clock"]}
data: {train: {inputs: {x: SOURCE}, outputs: {y: LABELS}}}
"""


def spec(
    folder: Path, source: str, labels: str, shape: str = "[64]", first: str = "{Dense: {units: 64, activation: relu}}"
) -> Path:
    """The spec of the model on these sources."""
    values = {"INPUT": shape, "FIRST": first, "SOURCE": source, "LABELS": labels, "EPOCHS": epochs, "BATCH": BATCH}
    text = MLP
    for name, value in values.items():
        text = text.replace(name, str(value))
    path = folder / f"spec{len(list(folder.iterdir()))}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mlp(shape: tuple[int, ...] = (64,), *first: Any, at_a_time: int = 1) -> keras.Model:
    """The same model by hand."""
    model = keras.Sequential(
        [
            keras.Input(shape),
            *(first or [L.Dense(64, activation="relu")]),
            L.Dense(64, activation="relu"),
            L.Dense(64, activation="relu"),
            L.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", loss="sparse_categorical_crossentropy", steps_per_execution=at_a_time)
    return model


def ours(path: Path) -> Callable[[], Any]:
    """A training through graphspec."""

    def train() -> None:
        with tempfile.TemporaryDirectory() as folder:
            graphspec.train(path, run_dir=Path(folder) / "run")

    return train


def by_hand(x: Any, y: Any, at_a_time: int = 1) -> Callable[[], Any]:
    """`fit` on arrays, shuffled as it does by itself."""
    return lambda: mlp(at_a_time=at_a_time).fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[Clock()])


def on(dataset: tf.data.Dataset, at_a_time: int) -> Any:
    """`fit` on a pipeline."""
    return mlp(at_a_time=at_a_time).fit(dataset, epochs=epochs, verbose=0, shuffle=False, callbacks=[Clock()])


def gathered(x: Any, y: Any, at_a_time: int) -> Callable[[], Any]:
    """A pipeline that gathers many batches at once by a permutation of all samples."""
    batches = len(x) // BATCH

    def ranges(_: Any) -> Any:
        order = tf.random.shuffle(tf.range(len(x), dtype=tf.int64))
        starts = tf.data.Dataset.range(0, batches, at_a_time)
        return starts.map(lambda at: order[at * BATCH : tf.minimum(at + at_a_time, batches) * BATCH])

    def gather(at: Any) -> Any:
        values, labels = tf.numpy_function(lambda at: (x[at], y[at]), [at], [tf.float32, tf.int64], stateful=False)
        return tf.reshape(values, (-1, BATCH, 64)), tf.reshape(labels, (-1, BATCH))

    def fit() -> Any:
        dataset = tf.data.Dataset.range(1).flat_map(ranges).map(gather, num_parallel_calls=tf.data.AUTOTUNE)
        dataset = dataset.unbatch().apply(tf.data.experimental.assert_cardinality(batches))
        return on(dataset.prefetch(tf.data.AUTOTUNE), at_a_time)

    return fit


def table(count: int) -> tuple[Any, Any]:
    """Numbers, and classes that depend on them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 64)).astype("float32")
    return x, (x[:, :10].argmax(axis=1)).astype("int64")


def memory(folder: Path) -> None:
    """Arrays in memory."""
    x, y = table(COUNT)
    np.savez_compressed(folder / "data.npz", x=x, y=y)
    path = spec(folder, "{file: data.npz, key: x}", "{file: data.npz, key: y}")
    sides = {f"fit, {n} steps at once": by_hand(x, y, n) for n in (1, 32, 128)}
    hand = {"tf.data, 128 batches at once": gathered(x, y, 128)}
    show(
        f"{COUNT:,} samples of 64 numbers in memory, batches of 32",
        in_turns({"graphspec": ours(path), **sides, **hand}),
    )


def mapped(folder: Path) -> None:
    """A memory-mapped array."""
    x, y = table(COUNT)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    maps = [np.load(folder / name, mmap_mode="r") for name in ("x.npy", "y.npy")]
    sides = {f"tf.data, {n} batches at once": gathered(*maps, n) for n in (32, 128)}
    fit = {"fit in memory, 128 steps at once": by_hand(x, y, 128)}
    show("the same, memory-mapped", in_turns({"graphspec": ours(spec(folder, "x.npy", "y.npy")), **sides, **fit}))


def parquet(folder: Path) -> None:
    """A compressed Parquet file of several row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    x, y = table(COUNT)
    names = [f"c{i}" for i in range(64)]
    file, groups = folder / "data.parquet", 8
    pq.write_table(pa.table({**dict(zip(names, x.T, strict=True)), "y": y}), file, row_group_size=COUNT // groups)
    path = spec(folder, f"{{file: data.parquet, columns: {json.dumps(names)}}}", "{file: data.parquet, column: y}")

    def group(number: Any) -> Any:
        table = pq.ParquetFile(file).read_row_group(int(number))
        order = np.random.permutation(len(table))
        values = np.stack([table.column(name).to_numpy() for name in names], axis=1)
        return values[order].reshape(-1, BATCH, 64), table.column("y").to_numpy()[order].reshape(-1, BATCH)

    def read(number: Any) -> Any:
        values, labels = tf.numpy_function(group, [number], [tf.float32, tf.int64])
        return tf.ensure_shape(values, (None, BATCH, 64)), tf.ensure_shape(labels, (None, BATCH))

    def train(at_a_time: int) -> Callable[[], Any]:
        def fit() -> Any:
            dataset = tf.data.Dataset.range(groups).shuffle(groups).map(read, num_parallel_calls=tf.data.AUTOTUNE)
            dataset = dataset.unbatch().apply(tf.data.experimental.assert_cardinality(COUNT // BATCH))
            return on(dataset.prefetch(tf.data.AUTOTUNE), at_a_time)

        return fit

    sides = {f"tf.data by row group, {n} at once": train(n) for n in (32, 128)}
    hand = {"tf.data, read once, 128 at once": gathered(x, y, 128)}
    show("the same in Parquet", in_turns({"graphspec": ours(path), **sides, **hand}))


def images(folder: Path) -> None:
    """PNG files against `image_dataset_from_directory`'s pipeline: read, decode, resize, batch, prefetch."""
    from PIL import Image

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2_000)
    (folder / "img").mkdir()
    for number, label in enumerate(labels):
        pixels = rng.integers(0, 256, (48, 48, 3)).astype("uint8")
        pixels[:4] = 25 * label
        Image.fromarray(pixels).save(folder / "img" / f"{number:05}.png")
    np.save(folder / "labels.npy", labels)
    first = "[{Rescaling: 0.0039}, {Conv2D: {filters: 8, kernel_size: 3, strides: 2}}, Flatten]"
    source = '{files: "img/*.png", decode: image, size: [32, 32], channels: 3}'
    text = spec(folder, source, "labels.npy", "[32, 32, 3]", "STEM").read_text(encoding="utf-8")
    path = folder / "images.yaml"
    path.write_text(text.replace("[STEM,", first[:-1] + ","), encoding="utf-8")
    files = sorted(str(each) for each in (folder / "img").iterdir())

    def read(name: Any, label: Any) -> Any:
        image = tf.io.decode_image(tf.io.read_file(name), channels=3, expand_animations=False)
        return tf.image.resize(image, (32, 32)), label

    def train(at_a_time: int, *, cached: bool) -> Callable[[], Any]:
        def fit() -> Any:
            dataset = tf.data.Dataset.from_tensor_slices((files, labels))
            dataset = dataset if cached else dataset.shuffle(2_000)
            dataset = dataset.map(read, num_parallel_calls=tf.data.AUTOTUNE)
            dataset = dataset.cache().shuffle(2_000) if cached else dataset
            dataset = dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)
            stem = [L.Rescaling(0.0039), L.Conv2D(8, 3, strides=2), L.Flatten()]
            model = mlp((32, 32, 3), *stem, at_a_time=at_a_time)
            return model.fit(dataset, epochs=epochs, verbose=0, callbacks=[Clock()])

        return fit

    sides = {
        "graphspec": ours(path),
        "tf.data, 32 at once": train(32, cached=False),
        "tf.data, cached, 1 at once": train(1, cached=True),
        "tf.data, cached, 32 at once": train(32, cached=True),
    }
    show("2,000 PNG files, 48 by 48, brought to 32 by 32", in_turns(sides))


def main() -> None:
    """Run the parts that are asked for."""
    global epochs
    parts = {"memory": memory, "mapped": mapped, "parquet": parquet, "images": images}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*parts, []])
    options = parser.parse_args()
    epochs = options.epochs
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, graphspec {__version__}, "
        f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
    )
    for name in options.parts or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder))


if __name__ == "__main__":
    main()
