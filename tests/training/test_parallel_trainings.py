"""Trainings in threads of one process: one at a time, whatever else builds and predicts beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.run_directory import read_rows

SPEC = """
graphspec: 1
inputs: {x: [3]}
outputs: {y: {from: x, apply: [{Dense: 4}, {Dropout: 0.5}, {Dense: 1}], loss: mse}}
training: {optimizer: sgd, epochs: 3, batch_size: 8, seed: 3, jit_compile: false}
data: {train: {file: d.npz, inputs: {x: {key: x}}, outputs: {y: {key: y}}}}
"""
SEARCH = "search: {parameters: {training.batch_size: {int: {low: 4, high: 8}}}, trials: 2}\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.random((24, 3)), y=rng.random(24))
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


def losses(run: Path) -> list[Any]:
    return [row["loss"] for row in read_rows(run)]


def in_a_thread(work: Callable[[], object]) -> list[BaseException]:
    """Do the work in a thread of its own; give what it raises."""
    raised: list[BaseException] = []

    def do() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    thread.join(120)
    assert not thread.is_alive(), "it waits for a training that waits for it"
    return raised


@pytest.mark.slow
def test_second_training_is_refused_and_the_first_is_not_disturbed(spec: Path, tmp_path: Path) -> None:
    """In another thread or in a callback of the first, trained or resumed or searched; what only reads goes on."""
    alone = graphspec.train(spec, run_dir=tmp_path / "alone")
    with_search = tmp_path / "search.yaml"
    with_search.write_text(SPEC + SEARCH, encoding="utf-8")
    found: dict[str, list[BaseException]] = {}

    def on_epoch(row: dict[str, Any]) -> bool:
        if row["epoch"] == 1:
            second = tmp_path / "second"
            found["train"] = in_a_thread(lambda: graphspec.train(spec, run_dir=second))
            found["resume"] = in_a_thread(lambda: graphspec.resume(alone, epochs=5))
            found["tune"] = in_a_thread(lambda: graphspec.tune(with_search, study_dir=tmp_path / "study"))
            with pytest.raises(SpecError) as nested:
                graphspec.train(spec, run_dir=second)
            found["nested"] = [nested.value]
            assert not second.exists()
            assert in_a_thread(lambda: graphspec.build(spec)) == []
            assert in_a_thread(lambda: alone.predict("train")) == []
        return True

    watched = graphspec.train(spec, run_dir=tmp_path / "watched", on_epoch=on_epoch)
    for what, raised in found.items():
        assert len(raised) == 1, what
        assert isinstance(raised[0], SpecError), (what, raised)
        assert "GS903" in str(raised[0]), what
        assert "is running in this process" in str(raised[0]), what
    assert losses(watched.path) == losses(alone.path)
    assert graphspec.train(spec, run_dir=tmp_path / "after").record["status"] == "finished"


def test_trainings_that_begin_together_are_one(spec: Path, tmp_path: Path) -> None:
    """Of several that begin at the same time one is trained, as if there were no others."""
    alone = graphspec.train(spec, run_dir=tmp_path / "alone")
    raised: list[list[BaseException]] = [[] for _ in range(4)]
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait()
        raised[number] = in_a_thread(lambda: graphspec.train(spec, run_dir=tmp_path / f"run{number}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert all(isinstance(error, SpecError) for errors in raised for error in errors)
    trained = [tmp_path / f"run{number}" for number in range(4) if not raised[number]]
    assert trained
    assert all(losses(run) == losses(alone.path) for run in trained)
