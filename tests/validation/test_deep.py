"""`validate --deep`: what only Keras knows of a spec, found at its node, one spec after the other in one process."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import Diagnostic
from graphspec.training.dry_run import DryRun

Write = Callable[..., Path]
SPECS = Path(__file__).parents[2] / "specs"

PLUGIN = """
import keras

@keras.saving.register_keras_serializable(package="{name}")
class Even(keras.layers.Layer):
    def build(self, shape):
        if shape[-1] % 2:
            raise ValueError("odd sizes are not for me")
    def call(self, x):
        return x
"""


def plugin(folder: Path, name: str) -> None:
    """Write a plugin whose layer `<name>>Even` refuses odd sizes."""
    (folder / f"{name}.py").write_text(PLUGIN.format(name=name), encoding="utf-8")


def found(path: Path) -> list[Diagnostic]:
    """What deep validation finds, where validation without Keras finds nothing."""
    assert list(graphspec.validate(path)) == []
    return list(graphspec.validate(path, deep=True))


@pytest.mark.slow
def test_shipped_specs_are_sound_to_keras() -> None:
    """Keras builds and compiles every shipped spec, and finds nothing that the static checks have not."""
    assert list(graphspec.validate(SPECS, deep=True)) == list(graphspec.validate(SPECS))


def test_refusal_names_the_step_and_what_came_in(tmp_path: Path, write: Write) -> None:
    """What Keras refuses is found at the step, with each tensor's shape at the place that names it."""
    plugin(tmp_path, "even_step")
    path = write(
        """
        graphspec: 1
        plugins: [even_step]
        inputs: {x: [7, 3]}
        graph:
          inner: x
        outputs:
          y: {from: inner, apply: even_step>Even}
        """
    )
    (finding,) = found(path)
    assert finding.rule.code == "GS401"
    assert "odd sizes are not for me" in finding.message
    assert finding.expected == "what comes in is `inner` (batch, 7, 3)"
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (8, 27)
    assert [(label.span.line, label.span.column, label.text) for label in finding.labels] == [
        (8, 13, "`inner` is (batch, 7, 3)")
    ]


@pytest.mark.smoke
def test_refusal_in_a_nested_model_and_in_a_wrapper(tmp_path: Path, write: Write) -> None:
    """Inside a model the shapes are the model's own; inside a wrapper those that come into the wrapper."""
    plugin(tmp_path, "even_inside")
    path = write(
        """
        graphspec: 1
        plugins: [even_inside]
        models:
          part:
            inputs: {a: [6], b: [5]}
            outputs: {c: {from: [a, b], merge: concat, apply: [even_inside>Even, Flatten]}}
        inputs: {x: [6], y: [5], frames: [4, 9]}
        outputs:
          joined: {from: {a: x, b: y}, apply: part}
          seen: {from: frames, apply: {TimeDistributed: even_inside>Even}}
        """
    )
    inside, wrapped = found(path)
    assert inside.span is not None
    assert wrapped.span is not None
    assert (inside.rule.code, inside.span.line) == ("GS401", 7)
    assert [label.text for label in inside.labels] == ["`Concatenate` gives (batch, 11)"]
    assert (wrapped.rule.code, wrapped.span.line) == ("GS401", 11)
    assert [label.text for label in wrapped.labels] == ["`frames` is (batch, 4, 9)"]


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("optimizer: my_own>Slow", "GS211"),
        ("optimizer: adam, callbacks: [my_own>Watch]", "GS211"),
    ],
)
def test_training_is_compiled(tmp_path: Path, write: Write, part: str, code: str) -> None:
    """Optimizers, losses, metrics and callbacks are made and compiled, not layers alone."""
    plugin(tmp_path, "my_own")
    path = write(
        f"""
        graphspec: 1
        plugins: [my_own]
        inputs: {{x: [2]}}
        outputs: {{y: {{from: x, apply: [my_own>Even, {{Dense: 1}}], loss: mse}}}}
        training: {{{part}}}
        """
    )
    assert [each.rule.code for each in found(path)] == [code]


def test_weights_of_files_are_tried(tmp_path: Path, write: Write) -> None:
    """A file that fills a weight must have its shape, which only a build with weights tells."""
    np.save(tmp_path / "vectors.npy", np.zeros((5, 4), "float32"))
    path = write(
        """
        graphspec: 1
        inputs: {x: {shape: [3], dtype: int32}}
        outputs:
          y:
            from: x
            apply: {Embedding: {input_dim: 6, output_dim: 4, embeddings_initializer: {file: vectors.npy}}}
        """
    )
    (finding,) = found(path)
    assert finding.rule.code == "GS401"
    assert "(5, 4)" in finding.message


def test_initial_weights_are_compared(tmp_path: Path, write: Write) -> None:
    """Weights that training would start from must be those of the model."""
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="y")]).save_weights(tmp_path / "w.weights.h5")
    path = write(
        """
        graphspec: 1
        inputs: {x: [2]}
        outputs: {y: {from: x, apply: {Dense: 4}, loss: mse}}
        training: {optimizer: sgd, initial_weights: w.weights.h5}
        """
    )
    assert [each.rule.code for each in found(path)] == ["GS510"]


def test_each_spec_is_built_as_if_alone(tmp_path: Path) -> None:
    """What one spec's plugin registers is nothing to the next, and is there again for the one that names it."""
    plugin(tmp_path, "first_plugin")
    plugin(tmp_path, "second_plugin")
    text = "graphspec: 1\nplugins: [{}]\ninputs: {{x: [2]}}\noutputs: {{y: {{from: x, apply: first_plugin>Even}}}}\n"
    for name, named in (("a", "first_plugin"), ("b", "second_plugin"), ("c", "first_plugin")):
        (tmp_path / f"{name}.yaml").write_text(text.format(named), encoding="utf-8")
    before = dict(keras.saving.get_custom_objects())
    report = graphspec.validate(tmp_path, deep=True)
    assert [(each.rule.code, Path(each.span.source.name).name) for each in report if each.span is not None] == [
        ("GS211", "b.yaml")
    ]
    assert keras.saving.get_custom_objects() == before
    assert graphspec.build(tmp_path / "a.yaml").output_names == ["y"]
    assert list(graphspec.validate(tmp_path / "c.yaml", deep=True)) == []


@pytest.mark.slow
def test_memory_stays_bounded() -> None:
    """A hundred builds in one process leave nothing behind that grows with their number."""
    spec = graphspec.load(SPECS / "zoo" / "resnet50.yaml")
    check = DryRun()

    def after(count: int) -> int:
        for _ in range(count):
            assert check(spec) == []
        gc.collect()
        return sum(isinstance(each, keras.Layer) for each in gc.get_objects())

    after(3)
    before = after(1)
    assert after(8) <= before


def test_without_tensorflow_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    """Where TensorFlow is not installed, `--deep` says what to install, and nothing else."""
    script = (
        "import importlib.util as u, sys; find = u.find_spec; "
        "u.find_spec = lambda name, *more: None if name == 'tensorflow' else find(name, *more); "
        "from graphspec.cli import main; main(['validate', '--deep', sys.argv[1]])"
    )
    path = tmp_path / "spec.yaml"
    path.write_text("graphspec: 1\ninputs: {x: [2]}\noutputs: {y: x}\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error[GS901]")
    assert "pip install 'graphspec[tensorflow]'" in done.stderr
    assert "Traceback" not in done.stderr
