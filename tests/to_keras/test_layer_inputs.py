"""A preprocessing layer learns from all that reaches it, wherever it is applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.to_keras.adapted_layers import restore_configs, saved_configs

from .preprocessing import NUMBERS, changed, learnt, one_layer

L = keras.layers


GRAPHS: dict[str, tuple[str, str, Callable[[Any, Any], dict[str, Any]]]] = {
    "a shared layer": (
        "layers: {norm: Normalization}",
        "{one: {from: a, apply: norm}, two: {from: b, apply: norm}}",
        lambda a, b: {"norm": np.concatenate([a, b])},
    ),
    "after one that learns": (
        "",
        "{first: {from: a, apply: Normalization}, one: {from: first, apply: [{Rescaling: 3.0}, Normalization]},"
        " two: {from: b, apply: Normalization}}",
        lambda a, b: {"first": a, "one": 3 * (a - a.mean(0)) / a.std(0), "two": b},
    ),
    "a shared layer on what it gives": (
        "layers: {norm: Normalization}",
        "{one: {from: a, apply: [norm, {Rescaling: 2.0}, norm]}, two: b}",
        lambda a, b: {"norm": a},
    ),
    "two shared layers that wait for each other": (
        "layers: {left: Normalization, right: Normalization}",
        "{one: {from: a, apply: [left, right]}, two: {from: b, apply: [right, left]}}",
        lambda a, b: {"left": a},
    ),
    "a block": (
        "blocks: {scaled: {inputs: x, graph: {y: {from: x, apply: [{Rescaling: 2.0}, Normalization]}}, output: y}}",
        "{one: {from: a, apply: scaled}, two: {from: b, apply: scaled}}",
        lambda a, b: {"one__y": 2 * a, "two__y": 2 * b},
    ),
    "a pipeline": (
        "",
        "{one: {from: a, apply: {Pipeline: {layers: [{Rescaling: 2.0}, Normalization]}}}, two: b}",
        lambda a, b: {"one/normalization": 2 * a},
    ),
    "a model applied twice": (
        "models: {code: {inputs: {x: [3]}, outputs: {y: {from: x, apply: [{Rescaling: 2.0}, Normalization]}}}}",
        "{one: {from: a, apply: code}, two: {from: b, apply: [{Rescaling: 10.0}, code]}}",
        lambda a, b: {"code/y": np.concatenate([2 * a, 20 * b])},
    ),
    "a model of two inputs in a model": (
        "models: {outer: {inputs: {x: [3], z: [3]}, models: {inner: {inputs: {p: [3], q: [3]},"
        " graph: {s: {from: q, apply: Normalization}}, outputs: {r: {from: [p, s], merge: sum}}}},"
        " outputs: {y: {from: {q: x, p: z}, apply: inner}}}}",
        "{one: {from: {z: a, x: b}, apply: outer}, two: b}",
        lambda a, b: {"outer/inner/s": b},
    ),
}


def test_a_layer_behind_many_ways_is_found_at_once(tmp_path: Path) -> None:
    """Forty residual sums: 2 ** 40 ways lead to the layer."""
    path = one_layer(tmp_path, "[{block: {}, repeat: 40}, Normalization]", NUMBERS, "float32")
    block = "{inputs: x, graph: {half: {from: x, apply: {Rescaling: 0.5}}}, output: {from: [x, half], merge: sum}}"
    changed(path, "graph:", f"blocks: {{block: {block}}}\ngraph:")
    model, inputs = learnt(path)
    np.testing.assert_allclose(np.ravel(model.get_layer("it").mean), inputs["x"].mean() * 1.5**40, rtol=1e-4)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_layer_learns_from_all_that_reaches_it(name: str, tmp_path: Path) -> None:
    """Wherever it is applied, and through whatever lies before it; the state is found again in the saved run."""
    declared, nodes, expected = GRAPHS[name]
    rng = np.random.default_rng(5)
    a, b = rng.normal(3, 2, (90, 3)).astype(np.float32), rng.gamma(2, 5, (90, 3)).astype(np.float32)
    np.savez(tmp_path / "d.npz", a=a, b=b, y=a[:, 0])
    path = tmp_path / "spec.yaml"
    path.write_text(
        f"""
graphspec: 1
inputs: {{a: [3], b: [3]}}
{declared}
graph: {nodes}
outputs: {{y: {{from: [one, two], merge: concat, apply: {{Dense: 1}}, loss: mse}}}}
training: {{optimizer: sgd, epochs: 1}}
data: {{train: {{file: d.npz, inputs: {{a: {{key: a}}, b: {{key: b}}}}, outputs: {{y: {{key: y}}}}}}}}
""",
        encoding="utf-8",
    )
    model, _ = learnt(path)
    model.save(tmp_path / "m.keras")
    again = graphspec.build(path)
    assert restore_configs(again, saved_configs(tmp_path / "m.keras")) == []
    again.load_weights(tmp_path / "m.keras")
    for layer_path, array in expected(a.astype(np.float64), b.astype(np.float64)).items():
        layer: Any = again
        for part in layer_path.split("/"):
            inside = {each.name: each for each in layer._flatten_layers(include_self=False, recursive=False)}
            layer = inside[part]
        np.testing.assert_allclose(np.ravel(layer.mean), array.mean(0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(np.ravel(layer.variance), array.var(0), rtol=1e-4)


def test_a_layer_in_time_distributed_learns_from_every_step(tmp_path: Path) -> None:
    """A model over frames: its layer sees each frame of each sample."""
    frames = np.random.default_rng(6).normal(4, 2, (40, 5, 3)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x=frames, y=frames[:, 0, 0])
    path = tmp_path / "spec.yaml"
    path.write_text(
        """
graphspec: 1
models: {frame: {inputs: {f: [3]}, outputs: {c: {from: f, apply: [Normalization, {Dense: 2}]}}}}
inputs: {x: [5, 3]}
graph: {frames: {from: x, apply: [{TimeDistributed: frame}, Flatten]}}
outputs: {y: {from: frames, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, epochs: 1}
data: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}}
""",
        encoding="utf-8",
    )
    model, _ = learnt(path)
    (layer,) = [each for each in model._flatten_layers() if isinstance(each, L.Normalization)]
    np.testing.assert_allclose(np.ravel(layer.mean), frames.mean((0, 1)), rtol=1e-5)
