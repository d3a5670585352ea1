"""`{file: x.npy}` where an initializer stands: a weight filled from a file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]

SPEC = """
graphspec: 1
inputs: {words: {shape: [5], dtype: int32}}
graph:
  vectors:
    from: words
    apply: {Embedding: {input_dim: 7, output_dim: 3, embeddings_initializer: {file: vectors.npy}, trainable: false}}
  read:
    from: vectors
    apply: {Bidirectional: {layer: {GRU: {units: 2, kernel_initializer: {file: weights.npz, key: kernel}}}}}
outputs: {y: {from: read, apply: {Dense: 1}, loss: mse}}
training: {optimizer: sgd, seed: 3}
data: {train: {inputs: {words: words.npy}, outputs: {y: targets.npy}}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The arrays that the spec names."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "vectors.npy", rng.random((7, 3)))
    np.savez(tmp_path / "weights.npz", kernel=rng.random((3, 6)), other=rng.random(2))
    np.save(tmp_path / "words.npy", rng.integers(0, 7, (6, 5)))
    np.save(tmp_path / "targets.npy", rng.random((6, 1)))
    return tmp_path


def test_weights_are_those_of_the_file(write: Write, files: Path) -> None:
    """An embedding and both directions of a wrapped layer start from the arrays; the rest as always."""
    model = graphspec.build(write(SPEC))
    np.testing.assert_allclose(model.get_layer("vectors").get_weights()[0], np.load(files / "vectors.npy"), rtol=1e-6)
    kernel = np.load(files / "weights.npz")["kernel"]
    for layer in (model.get_layer("read").forward_layer, model.get_layer("read").backward_layer):
        np.testing.assert_allclose(layer.get_weights()[0], kernel, rtol=1e-6)


@pytest.mark.slow
def test_saved_model_needs_neither_graphspec_nor_the_files(write: Write, files: Path) -> None:
    """A run's model loads in plain Keras, and the run predicts from where it lies, by the files' place then."""
    run = graphspec.train(write(SPEC), run_dir=files / "runs" / "one")
    before = run.predict("train")["y"]
    code = "import sys, keras; print(keras.saving.load_model(sys.argv[1]).get_layer('vectors').get_weights()[0].sum())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(run.path / "model.keras")], check=True, capture_output=True, text=True, cwd="/"
    )
    assert float(done.stdout) == pytest.approx(np.load(files / "vectors.npy").sum(), rel=1e-5)
    assert before.shape == (6, 1)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("vectors.npy", "other.npy", "GS601", "there is no file"),
        ("input_dim: 7", "input_dim: 8", "GS401", "shape (7, 3), and the weight has shape (8, 3)"),
        ("key: kernel", "key: kernal", "GS603", "has no array `kernal`"),
        ("vectors.npy", "vectors.txt", "GS608", "vectors.txt"),
        ("{file: vectors.npy}", "{file: vectors.npy, scale: 2}", "GS101", "no key `scale`"),
        ("{file: vectors.npy}", "{file: 3}", "GS608", "the number 3"),
    ],
)
def test_faulty_files_are_findings(write: Write, files: Path, old: str, new: str, code: str, said: str) -> None:
    """A missing file, another shape, a wrong key or form: each is one finding at its place."""
    with pytest.raises(SpecError) as refused:
        graphspec.build(write(SPEC.replace(old, new)))
    (found,) = refused.value.report
    assert found.rule.code == code
    assert said in found.message
    assert found.span is not None


def test_weightless_build_reads_no_file(write: Write) -> None:
    """A summary needs no weights, and so no files."""
    assert graphspec.summarize(write(SPEC)).parameters == 7 * 3 + 2 * (3 * 6 + 2 * 6 + 12) + 5
