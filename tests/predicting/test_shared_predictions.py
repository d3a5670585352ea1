"""Workers that share predictions and evaluations have the rows, in order, and the metrics of one process."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.distribution.cluster import Cluster
from graphspec.distribution.strategy import Distribution
from graphspec.predicting.shared_predictions import predict_together
from tests.distribution.threads import together
from tests.distribution.workers import SPEC, workers, write_data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> graphspec.Run:
    """A run of two inputs and two outputs; its validation has 37 rows in batches of 17."""
    folder = tmp_path_factory.mktemp("shared")
    write_data(folder)
    return graphspec.train(folder / SPEC, run_dir=folder / "one", overrides=["training.epochs=1"])


@pytest.mark.slow
@pytest.mark.parametrize(("count", "batch_size"), [(2, 5), (4, None)])
def test_evaluation_is_that_of_one_process(run: graphspec.Run, count: int, batch_size: int | None) -> None:
    """Each worker has the metrics of all rows, with a partial batch, weights, and workers that get none."""
    samples = run.predictor().samples("validation", targets=True)
    alone = run.predictor().evaluate(samples, batch_size)
    every = together(count, lambda own: run.predictor().evaluate(samples, batch_size, None, own))
    assert all(each.metrics == every[0].metrics for each in every)
    assert all(each.samples == 37 for each in every)
    assert every[0].metrics.keys() == alone.metrics.keys()
    for name, value in alone.metrics.items():
        assert math.isclose(value, every[0].metrics[name], rel_tol=1e-6), name


@pytest.mark.parametrize(("count", "batch_size"), [(2, 1), (4, None)])
def test_predictions_come_in_order(run: graphspec.Run, count: int, batch_size: int | None) -> None:
    """Each worker has all rows once, in order, with the numbers of one process to the bit."""
    samples = run.predictor().samples("validation", targets=False)
    (alone,) = [list(run.predictor().batches(samples, batch_size))]
    for batches in together(count, lambda own: list(predict_together(run.predictor(), samples, batch_size, own))):
        assert np.concatenate([each.at for each in batches]).tolist() == list(range(37))
        for name in ("size", "kind"):
            expected = np.concatenate([each.predicted[name] for each in alone])
            assert np.array_equal(np.concatenate([each.predicted[name] for each in batches]), expected)


TEXTS = """
graphspec: 1
inputs: {number: {shape: [2], dtype: int32}}
outputs: {word: {from: number, apply: {StringLookup: {vocabulary: [a, "", "x y"], invert: true}}}}
"""


def test_predicted_text_is_kept(tmp_path: Path) -> None:
    """An output of text, empty ones too, is the same as in one process."""
    (tmp_path / "spec.yaml").write_text(TEXTS)
    graphspec.build(tmp_path / "spec.yaml").save(tmp_path / "model.keras")
    np.save(tmp_path / "number.npy", np.arange(14).reshape(7, 2) % 4)

    def predicted(own: Distribution | None) -> list[Any]:
        from graphspec.predicting.input_files import Files
        from graphspec.predicting.model_file import predictor_of

        predictor = predictor_of(tmp_path / "model.keras")
        samples = predictor.samples(Files({"number": str(tmp_path / "number.npy")}), targets=False)
        batches = predictor.batches(samples, 2) if own is None else predict_together(predictor, samples, 2, own)
        words: list[Any] = np.concatenate([each.predicted["word"] for each in batches]).tolist()
        return words

    alone = predicted(None)
    assert {b"x y", b"a"} < {each for row in alone for each in row}
    assert together(2, predicted) == [alone, alone]


def test_other_samples_are_refused(run: graphspec.Run) -> None:
    """Workers with other rows, or another batch size, name what differs, on all of them."""
    samples = run.predictor().samples("validation", targets=True)

    def evaluate(own: Distribution) -> str:
        assert own.cluster is not None
        size = 17 + own.cluster.index
        with pytest.raises(graphspec.SpecError, match="GS913") as raised:
            run.predictor().evaluate(samples.part(np.arange(37 - own.cluster.index)), size, None, own)
        return str(raised.value)

    first, second = together(2, evaluate)
    assert first == second
    assert "would not compute what the chief computes: the value `batch_size` is 17 on the chief, 18 there" in first
    assert "the number of samples `validation` is 37 on the chief, 36 there" in first


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{}"),
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:1"], "evaluator": ["c:1"]}, "task": {"type": "evaluator", "index": 0}}',
    ],
)
def test_process_by_itself_shares_nothing(text: str) -> None:
    """Without TF_CONFIG or with an empty one, as the only worker, and as an evaluator, a process has all rows."""
    assert Cluster.to_share({"TF_CONFIG": text}) is None


def test_wrong_cluster_is_told(run: graphspec.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A TF_CONFIG that cannot be read is an error of `evaluate` and `predict` too."""
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b"]}, "task": {"type": "worker", "index": 0}}')
    for words in (["evaluate", str(run.path)], ["predict", str(run.path), "--split", "train"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 1
        assert re.search(r"GS912.*the address \"b\"", result.output), result.output


@pytest.mark.slow
def test_two_processes_share_a_split(run: graphspec.Run) -> None:
    """`evaluate` and `predict` by two processes print and write once, by the chief, what one process gives."""
    folder = run.path.parent
    metrics = run.evaluate("validation")
    with workers([["evaluate", "one", "--split", "validation", "--json"]] * 2, folder) as started:
        assert [each.wait(240) for each in started] == [0, 0], started[0].output + started[1].output
        chief, follower = (each.output for each in started)
    shared = json.loads(re.findall(r"^{.*}$", chief, re.MULTILINE)[0])
    assert "{" not in follower
    assert shared["data/samples"] == 37
    assert all(math.isclose(shared[name], value, rel_tol=1e-6) for name, value in metrics.items())
    with workers([["predict", "one", "--split", "validation", "-o", "out.npz"]] * 2, folder) as started:
        assert [each.wait(240) for each in started] == [0, 0], started[0].output + started[1].output
        assert ["Wrote 37 predictions" in each.output for each in started] == [True, False]
    predicted = run.predict("validation")
    with np.load(folder / "out.npz") as written:
        assert all(np.array_equal(written[name], values) for name, values in predicted.items())
