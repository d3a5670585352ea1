"""`batch_size: auto`: a size that follows from the shapes alone, that a run keeps, and that overrides can replace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphspec
from graphspec.cli._verify_resume import differences

from ..killed import killed_at

Write = Callable[..., Path]


def spec(shape: str, apply: str = "{Dense: 1}", more: str = "", size: str = "auto") -> str:
    return f"""
        graphspec: 1
        inputs: {{x: {{shape: {shape}{more}}}}}
        outputs: {{y: {{from: x, apply: {apply}, loss: mse}}}}
        training: {{optimizer: sgd, epochs: 2, batch_size: {size}, checkpoint: {{every: 1 steps, keep: 9}}}}
        data:
          train: {{inputs: {{x: x.npy}}, outputs: {{y: y.npy}}}}
        """


SIZES = [
    (spec("[4]"), 256),
    (spec("[256, 256, 8]", "[{Conv2D: {filters: 8, kernel_size: 1}}, Flatten, {Dense: 1}]"), 64),
    (spec("[null, 1024]", "[{LSTM: 8}, {Dense: 1}]"), 256),
    (spec("[4096, 4096]", "[Flatten, {Dense: 1}]"), 8),
    (spec("[4]", more=", batch_size: 5"), 5),
    (spec("[4]", "{my>Layer: null}").replace("graphspec: 1", "graphspec: 1\n        plugins: [json]"), 32),
]


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_size_follows_from_the_shapes(write: Write, text: str, size: int) -> None:
    """A power of two up to 256 whose tensors take up to a GiB; what an input states; 32 where shapes are unknown."""
    loaded = graphspec.load(write(text))
    assert loaded.model.training is not None
    assert loaded.model.training.batch_size == size


def test_run_keeps_the_size_and_resumes_with_it(write: Write, tmp_path: Path) -> None:
    """The spec of the run holds the number, so that a later rule changes nothing; provenance tells where it is from."""
    np.save(tmp_path / "x.npy", np.ones((300, 4), np.float32))
    np.save(tmp_path / "y.npy", np.ones((300, 1), np.float32))
    path = write(spec("[4]"))
    assert not graphspec.validate(path).found
    run = graphspec.train(path, run_dir=tmp_path / "run")
    assert [row["step"] for row in run.metrics] == [2, 4]
    assert "batch_size: 256" in (run.path / "spec.yaml").read_text(encoding="utf-8")
    origin = json.loads((run.path / "provenance.json").read_text(encoding="utf-8"))["training.batch_size"]
    assert (origin["value"], origin["written"]) == (256, "auto")
    killed = killed_at(run, 1, tmp_path / "killed")
    graphspec.resume(killed)
    assert list(differences(run.path, killed)) == []
    assert "batch_size=256" in graphspec.python_source(graphspec.load(path), tmp_path)
    loaded = graphspec.load(path, ["training.batch_size=64"])
    assert loaded.model.training is not None
    assert loaded.model.training.batch_size == 64


@pytest.mark.parametrize("size", ["atuo", "0", "-1", "1.5", "true", "[auto]"])
def test_no_other_word_is_a_size(write: Write, size: str) -> None:
    """Anything but a count or `auto` is one finding; a misspelled word is told what it was meant as."""
    text = spec("[4]", size=size)
    (found,) = graphspec.validate(write(text[: text.index("data:")])).errors
    assert found.rule.code in ("GS103", "GS104")
    assert size != "atuo" or "did you mean `auto`" in found.help
