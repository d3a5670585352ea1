"""How long a spec of many layers takes to compile, against the same Keras calls by hand.

    python bench/compile_time.py [layers ...]        by default 1,000 and 6,000

Three parts are timed in one process, in turns, weightlessly: reading and checking the spec, building it, and building
the same model by hand. `per node` tells whether the time is linear in the nodes; `added` is what graphspec's own work
in `build` adds to the calls of Keras, and `with reading` what the whole way from the text adds.
"""

from __future__ import annotations

import gc
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphspec
from graphspec.extras import require_tensorflow

TURNS = 3


def write_spec(folder: Path, layers: int) -> Path:
    """A chain of `layers` Dense layers, each a node of its own."""
    nodes = "".join(
        f"  n{i}: {{from: n{i - 1}, apply: {{Dense: {{units: 8, activation: relu}}}}}}\n" for i in range(1, layers)
    )
    path = folder / f"chain_{layers}.yaml"
    path.write_text(
        "graphspec: 1\ninputs: {x: [8]}\ngraph:\n  n0: {from: x, apply: {Dense: {units: 8, activation: relu}}}\n"
        f"{nodes}outputs: {{y: {{from: n{layers - 1}, apply: {{Dense: 1}}}}}}\n",
        encoding="utf-8",
    )
    return path


def by_hand(layers: int) -> Any:
    """The same model in plain Keras, weightless too."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        x = inputs = keras.Input((8,), name="x")
        for i in range(layers):
            x = keras.layers.Dense(8, activation="relu", name=f"n{i}")(x)
        sys.setrecursionlimit(layers + 5_000)  # Keras walks the graph by recursion
        return keras.Model({"x": inputs}, {"y": keras.layers.Dense(1, name="y")(x)}, name="chain")


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds that `call` takes, and what it gives."""
    gc.collect()
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def main(sizes: list[int]) -> None:
    """Print a line for each size, and the ratio of the time per node between the largest and the smallest."""
    require_tensorflow()
    import keras
    import tensorflow as tf

    from graphspec.to_keras.keras_internals import weightless_scope

    versions = f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
    print(f"{platform.machine()}, Python {platform.python_version()}, {versions}")
    print(f"{'layers':>8} {'read':>8} {'build':>8} {'by hand':>8} {'per node':>10} {'added':>8} {'with reading':>13}")
    lines: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, weightless_scope():
        for size in [100, *sizes]:
            path = write_spec(Path(folder), size)
            turns = []
            for _ in range(TURNS):
                read, spec = timed(lambda path=path: graphspec.load(path))  # type: ignore[misc]
                build, model = timed(lambda spec=spec: graphspec.build(spec, weightless=True))  # type: ignore[misc]
                hand, other = timed(lambda size=size: by_hand(size))  # type: ignore[misc]
                assert model.count_params() == other.count_params()
                turns.append((read, build, hand))
            read, build, hand = (statistics.median(times) for times in zip(*turns, strict=True))
            if size == 100:
                continue  # a warm-up
            lines.append((read / size, hand / size))
            print(
                f"{size:>8,} {read:>7.2f}s {build:>7.2f}s {hand:>7.2f}s {(read + build) / size * 1e3:>7.3f} ms "
                f"{build / hand - 1:>7.1%} {(read + build) / hand - 1:>12.1%}"
            )
    ours, keras_alone = (lines[-1][part] / lines[0][part] for part in (0, 1))
    print(f"time per node, largest against smallest: graphspec {ours:.2f}, Keras by hand {keras_alone:.2f}")


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or [1_000, 6_000])
