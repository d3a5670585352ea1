"""How long an epoch takes through graphspec, against `fit` and `tf.data` pipelines written by hand.

    python bench/epoch_time.py [memory] [mapped] [parquet] [images]        by default all of them

Both sides train the same model on the same data for the same epochs, in one process, in turns. The epochs are timed by
a callback on either side, the first, in which functions are traced, left out; of several turns the best median counts.
By hand, arrays go to `fit` as Keras' guides show it, with several numbers of steps per execution; tables and images go
through the pipeline of `tf.data` that its guides show.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import graphspec
from graphspec.version import __version__

EPOCHS, TURNS, BATCH = 8, 3, 32
L = keras.layers
clock: list[float] = []


class Clock(keras.callbacks.Callback):
    """Notes how long each epoch takes."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        clock.append(time.perf_counter() - self.began)

    def get_config(self) -> dict[str, Any]:
        """None: it has no settings."""
        return {}


keras.saving.register_keras_serializable("bench")(Clock)

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
    values = {"INPUT": shape, "FIRST": first, "SOURCE": source, "LABELS": labels, "EPOCHS": EPOCHS, "BATCH": BATCH}
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


def epochs_of(train: Callable[[], Any]) -> list[float]:
    """The seconds of each epoch of a training, but for the first."""
    clock.clear()
    train()
    return clock[1:]


def compare(title: str, sides: dict[str, Callable[[], Any]]) -> None:
    """Run all sides in turns, and print the best median of each, and what the first takes of the others."""
    best: dict[str, float] = {}
    for _ in range(TURNS):
        for name, train in sides.items():
            best[name] = min(best.get(name, float("inf")), statistics.median(epochs_of(train)))
    (ours, own), *others = best.items()
    print(f"{title}\n  {ours:<34}{1000 * own:8.1f} ms an epoch")
    for name, seconds in others:
        print(f"  {name:<34}{1000 * seconds:8.1f} ms an epoch   ratio {own / seconds:.2f}")
    sys.stdout.flush()


def ours(path: Path) -> Callable[[], Any]:
    """A training through graphspec."""

    def train() -> None:
        with tempfile.TemporaryDirectory() as folder:
            graphspec.train(path, run_dir=Path(folder) / "run")

    return train


def by_hand(x: Any, y: Any, at_a_time: int = 1) -> Callable[[], Any]:
    """`fit` on arrays, shuffled as it does by itself."""
    return lambda: mlp(at_a_time=at_a_time).fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[Clock()])


def table(count: int) -> tuple[Any, Any]:
    """Numbers, and classes that depend on them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 64)).astype("float32")
    return x, (x[:, :10].argmax(axis=1)).astype("int64")


def memory(folder: Path) -> None:
    """Arrays in memory."""
    x, y = table(20_000)
    np.savez_compressed(folder / "data.npz", x=x, y=y)
    path = spec(folder, "{file: data.npz, key: x}", "{file: data.npz, key: y}")
    sides = {f"fit, steps_per_execution {n}": by_hand(x, y, n) for n in (1, 8, 32, 128)}
    compare("20,000 samples of 64 numbers in memory, batches of 32", {"graphspec": ours(path), **sides})


def mapped(folder: Path) -> None:
    """A memory-mapped array against the same array in memory."""
    x, y = table(20_000)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    sides = {f"fit in memory, steps_per_execution {n}": by_hand(x, y, n) for n in (1, 32)}
    compare("the same, memory-mapped", {"graphspec": ours(spec(folder, "x.npy", "y.npy")), **sides})


def parquet(folder: Path) -> None:
    """A Parquet file against a generator over its batches, shuffled in a buffer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    x, y = table(20_000)
    names = [f"c{i}" for i in range(64)]
    pq.write_table(pa.table({**dict(zip(names, x.T, strict=True)), "y": y}), folder / "data.parquet")
    path = spec(folder, f"{{file: data.parquet, columns: {json.dumps(names)}}}", "{file: data.parquet, column: y}")

    def rows() -> Any:
        for batch in pq.ParquetFile(folder / "data.parquet").iter_batches(1024):
            yield np.stack([batch.column(i).to_numpy() for i in range(64)], axis=1), batch.column(64).to_numpy()

    def train(at_a_time: int) -> Callable[[], Any]:
        def fit() -> Any:
            signature = (tf.TensorSpec((None, 64), tf.float32), tf.TensorSpec((None,), tf.int64))
            dataset = tf.data.Dataset.from_generator(rows, output_signature=signature).unbatch()
            dataset = dataset.shuffle(10_000).batch(BATCH).prefetch(tf.data.AUTOTUNE)
            return mlp(at_a_time=at_a_time).fit(dataset, epochs=EPOCHS, verbose=0, callbacks=[Clock()])

        return fit

    compare("the same in Parquet", {"graphspec": ours(path), "tf.data": train(1), "tf.data, 32 at a time": train(32)})


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
            return model.fit(dataset, epochs=EPOCHS, verbose=0, callbacks=[Clock()])

        return fit

    compare(
        "2,000 PNG files, 48 by 48, brought to 32 by 32",
        {
            "graphspec": ours(path),
            "tf.data": train(1, cached=False),
            "tf.data, cached": train(1, cached=True),
            "tf.data, cached, 32 at a time": train(32, cached=True),
        },
    )


def main() -> None:
    """Run the parts that are asked for."""
    parts = {"memory": memory, "mapped": mapped, "parquet": parquet, "images": images}
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, graphspec {__version__}, "
        f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
    )
    for name in sys.argv[1:] or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder))


if __name__ == "__main__":
    main()
