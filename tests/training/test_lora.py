"""`training: lora:` against plain Keras: what trains, what stays, what is saved, resumed, exported and written out."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.cli._verify_resume import differences
from graphspec.diagnostics import SpecError
from graphspec.exporting import export
from graphspec.to_keras.freezing import Freezing
from graphspec.to_keras.spec import build_spec
from graphspec.to_python import python_source

from ..killed import killed_at

Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {x: [6, 4], ids: {shape: [5], dtype: int32}}
models:
  encoder:
    inputs: {v: [6, 4]}
    graph:
      inner: {from: v, apply: [{Dense: 4}, BatchNormalization]}
      seen: {from: {query: inner, value: inner}, apply: {MultiHeadAttention: {num_heads: 2, key_dim: 2}}}
    outputs: {code: {from: seen, apply: {EinsumDense: {equation: "abc,cd->abd", output_shape: [6, 4]}}}}
graph:
  coded: {from: x, apply: encoder}
  words: {from: ids, apply: {Embedding: {input_dim: 9, output_dim: 4}}}
  joined: {from: [coded, words], merge: {concat: 1}, apply: [{Conv1D: {filters: 3, kernel_size: 2}}, Flatten]}
outputs: {y: {from: joined, apply: {Dense: 1}, loss: mse}}
training: {optimizer: {Adam: 0.01}, epochs: 2, batch_size: 8, seed: 3, FREEZE lora: LORA, checkpoint: CHECKPOINT}
data: {train: {inputs: {x: x.npy, ids: ids.npy}, outputs: {y: y.npy}}}
"""
EVERYTHING = "{rank: 2, alpha: 3, layers: ['*']}"


def text_of(lora: str, freeze: str = "") -> str:
    """The spec above with these layers adapted and frozen."""
    frozen = f"freeze: {freeze}," if freeze else ""
    checkpoint = "{every: 1 steps, keep: 99}"
    return SPEC.replace("LORA", lora).replace("FREEZE", frozen).replace("CHECKPOINT", checkpoint)


def spec(write: Write, lora: str, freeze: str = "") -> Path:
    """The spec with its data."""
    path = write(text_of(lora, freeze))
    rng = np.random.default_rng(0)
    np.save(path.parent / "x.npy", rng.normal(size=(16, 6, 4)).astype(np.float32))
    np.save(path.parent / "ids.npy", rng.integers(0, 9, size=(16, 5)).astype(np.int32))
    np.save(path.parent / "y.npy", rng.normal(size=(16, 1)).astype(np.float32))
    return path


def adapted(model: keras.Model) -> set[str]:
    """The layers with adapters that train, by the paths of their variables."""
    return {each.path.rpartition("/")[0] for each in model.trainable_variables if "lora" in each.name}


def others(model: keras.Model) -> set[str]:
    """The names of the variables that train beside adapters."""
    return {each.path for each in model.trainable_variables if "lora" not in each.name}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("['*query', '*value']", {"seen/query", "seen/value"}),
        ("[encoder/seen]", {"seen/query", "seen/key", "seen/value", "seen/attention_output"}),
        ("[encoder/inner_dense, words]", {"inner_dense", "words"}),
        ("['joined*']", {"joined_conv1d"}),
        ("[encoder/code, y]", {"code", "y"}),
    ],
)
def test_adapters_are_where_the_globs_say(write: Write, layers: str, expected: set[str]) -> None:
    """Names, globs, and paths into models and attention adapt those layers; their kernels are frozen, biases train."""
    model = graphspec.build(spec(write, f"{{rank: 2, layers: {layers}}}"))
    assert adapted(model) == expected
    trained = others(model)
    assert not any(f"{each}/{kernel}" in trained for each in expected for kernel in ("kernel", "embeddings"))
    assert {f"{each}/bias" for each in expected if each != "words"} - {"code/bias"} <= trained


@pytest.mark.smoke
def test_what_is_frozen_stays_frozen_around_adapters(write: Write, tmp_path: Path) -> None:
    """Of a frozen model the adapters alone change, and its normalisation runs in inference mode, as in plain Keras."""
    path = spec(write, "{rank: 2, layers: ['*query', encoder/inner_dense]}", "[encoder, words]")
    model = graphspec.build(path)
    assert adapted(model) == {"seen/query", "inner_dense"}
    assert others(model) == {"joined_conv1d/kernel", "joined_conv1d/bias", "y/kernel", "y/bias"}
    summary = graphspec.summarize(path)
    assert summary.parameters == model.count_params()
    assert summary.trainable == sum(int(np.prod(each.shape)) for each in model.trainable_variables)

    run = graphspec.train(path, run_dir=tmp_path / "run")
    keras.utils.set_random_seed(3)
    before = {each.path: each.numpy() for each in graphspec.build(path).weights if "lora" not in each.name}
    after = {each.path: each.numpy() for each in run.model().weights}
    changed = {each for each in before if not np.array_equal(before[each], after[each])}
    assert changed == {"seen/query/kernel", "inner_dense/kernel", *others(model)}


@pytest.mark.slow
def test_every_kill_resumes_to_the_bit_and_plain_keras_loads_the_model(write: Write, tmp_path: Path) -> None:
    """Adapters belong to the state of a training, and the saved model computes what the run's model does."""
    path = spec(write, EVERYTHING, "[encoder]")
    run = graphspec.train(path, run_dir=tmp_path / "run")
    for step in (1, 2):  # within an epoch, and between two
        killed = killed_at(run, step, tmp_path / f"killed{step}")
        graphspec.resume(killed)
        assert list(differences(run.path, killed)) == []
    inputs = {name: np.load(path.parent / f"{name}.npy") for name in ("x", "ids")}
    plain = keras.saving.load_model(run.path / "model.keras")
    np.testing.assert_allclose(run.model().predict(inputs, verbose=0)["y"], plain.predict(inputs, verbose=0)["y"], 1e-5)
    assert run.metrics[-1]["loss"] < run.metrics[0]["loss"]


@pytest.mark.slow
def test_exports_have_plain_layers(write: Write, tmp_path: Path) -> None:
    """Adapters are merged into kernels: a Keras file of the run, or of its model's file, holds none."""
    run = graphspec.train(spec(write, EVERYTHING), run_dir=tmp_path / "run")
    for source in (run, run.path / "model.keras"):
        exported = export(source, "keras", tmp_path / "plain.keras", force=True)
        model = keras.saving.load_model(exported.path)
        assert not any("lora" in each.path for each in model.weights)
        assert "lora_rank" not in json.dumps(model.get_config())
        assert max(each.relative for each in exported.differences.values()) < 1e-5


@pytest.mark.slow
def test_weights_that_training_starts_from_leave_adapters_alive(write: Write, tmp_path: Path) -> None:
    """Weights loaded into kernels do not set both sides of an adapter to zero; then nothing would train it."""
    first = graphspec.train(spec(write, EVERYTHING), run_dir=tmp_path / "first")
    text = text_of(EVERYTHING, "[encoder]").replace("seed: 3", "seed: 3, initial_weights: first/model.keras")
    second = graphspec.train(write(text, "second.yaml"), run_dir=tmp_path / "second")
    one, other = ({each.path: each.numpy() for each in run.model().weights} for run in (first, second))
    assert not np.array_equal(one["seen/query/kernel"], other["seen/query/kernel"])
    assert np.array_equal(one["seen/query/bias"], other["seen/query/bias"])


@pytest.mark.slow
def test_layers_of_a_saved_model_are_adapted_again(write: Write, tmp_path: Path) -> None:
    """The adapters of a file are merged, and never train: new ones take their place."""
    run = graphspec.train(spec(write, "{rank: 2, layers: [encoder]}"), run_dir=tmp_path / "run")
    text = """
        graphspec: 1
        models: {base: {file: run/model.keras, trainable: false}}
        inputs: {x: [6, 4], ids: {shape: [5], dtype: int32}}
        outputs: {z: {from: {x: x, ids: ids}, apply: [base, {Dense: 1}], loss: mse}}
        training: {optimizer: adam, lora: {rank: 1, layers: ["base/*query"]}}
        """
    path = write(text, "second.yaml")
    assert not list(graphspec.validate(path).errors)
    model = graphspec.build(path)
    assert {tuple(each.shape)[-1] for each in model.trainable_variables if each.name.endswith("_a")} == {1}
    assert adapted(model) == {"seen/query"}
    assert run.path.exists()


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ("['base/nothing*']", "`base/nothing*` matches no layer"),
        ("['base/flatten']", "no layer of `base/flatten` has a kernel that LoRA adapts"),
    ],
)
def test_what_only_the_build_knows_is_found_there(write: Write, tmp_path: Path, layers: str, says: str) -> None:
    """Globs into a saved model are judged when it is read."""
    file = keras.Sequential([keras.Input((4, 2)), keras.layers.Flatten(name="flatten"), keras.layers.Dense(2)])
    file.save(tmp_path / "base.keras")
    text = """
        graphspec: 1
        models: {base: {file: base.keras}}
        inputs: {x: [4, 2]}
        outputs: {y: {from: x, apply: [base, {Dense: 1}], loss: mse}}
        training: {optimizer: adam, lora: {rank: 1, layers: LAYERS}}
        """
    path = write(text.replace("LAYERS", layers))
    with pytest.raises(SpecError) as refused:
        graphspec.build(path)
    assert says in str(refused.value)


@pytest.mark.slow
def test_the_python_module_adapts_the_same_layers(write: Write, tmp_path: Path) -> None:
    """`train` of the module adds the adapters, freezes what the spec freezes, and comes to the same losses."""
    for number, freeze in enumerate(("", "[encoder, words]")):
        path = spec(write, "{rank: 2, alpha: 3, layers: [encoder, words, 'joined*']}", freeze)
        module = load(python_source(graphspec.load(path), tmp_path), tmp_path / f"made_{number}.py")
        written = module.train()
        ours = graphspec.build(path)
        assert adapted(written) == adapted(ours)
        assert others(written) == others(ours)
        assert all(each.lora_alpha == 3 for each in written._flatten_layers() if getattr(each, "lora_enabled", False))


@pytest.mark.slow
def test_adapters_train_through_stages(write: Write, tmp_path: Path) -> None:
    """Stages freeze and unfreeze around adapters, whose kernels stay frozen; a kill at their border resumes exactly."""
    stages = """
        freeze: [encoder, words], stages: [
          {name: head, epochs: 1, freeze: ["joined*"]},
          {name: all, epochs: 1, unfreeze: [encoder/inner, encoder/seen]}],
        """
    path = spec(write, "{rank: 2, layers: ['*query', 'joined*']}")
    text = (
        path.read_text(encoding="utf-8").replace("epochs: 2, batch", "batch").replace("seed: 3, ", f"seed: 3, {stages}")
    )
    path.write_text(text, encoding="utf-8")
    counted = graphspec.summarize(path)
    built = build_spec(graphspec.load(path))
    training = graphspec.load(path).training
    assert training is not None
    freezing = Freezing(built, training)
    head = {"y/kernel", "y/bias"}
    freezing.enter(0)
    assert (adapted(built.model), others(built.model)) == ({"seen/query", "joined_conv1d"}, head)
    freezing.enter(1)
    rest = [
        "query/bias",
        *(f"{part}/{each}" for part in ("key", "value", "attention_output") for each in ("kernel", "bias")),
    ]
    assert (adapted(built.model), others(built.model)) == (
        {"seen/query", "joined_conv1d"},
        head | {"inner/gamma", "inner/beta"} | {f"seen/{each}" for each in rest},
    )
    assert counted.parameters == built.model.count_params()

    run = graphspec.train(path, run_dir=tmp_path / "run")
    for step in (2, 3):
        killed = killed_at(run, step, tmp_path / f"killed{step}")
        graphspec.resume(killed)
        assert list(differences(run.path, killed)) == []
    module = load(python_source(graphspec.load(path), tmp_path), tmp_path / "made.py")
    written = module.train()
    assert (adapted(written), others(written)) == (adapted(built.model), others(built.model))


def load(source: str, file: Path) -> Any:
    """The module of a source."""
    file.write_text(source, encoding="utf-8")
    found = importlib.util.spec_from_file_location(file.stem, file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
