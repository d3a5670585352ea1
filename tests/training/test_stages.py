"""`training: stages:` against plain Keras, and resumed at every step: in the middle of each stage and between two."""

from __future__ import annotations

import contextlib
import csv
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.cli._verify_resume import differences, shortened
from graphspec.datasets.order import Order
from graphspec.diagnostics import SpecError
from graphspec.runs.report.write import report_page
from graphspec.training.checkpoints import checkpoint_steps

from ..killed import killed_at

Write = Callable[..., Path]

SPEC = """
    graphspec: 1
    inputs: {x: [3]}
    models:
      base:
        inputs: {h: [3]}
        graph: {one: {from: h, apply: [{Dense: {units: 4, activation: tanh}}, {Dropout: 0.2}]}}
        outputs: {code: {from: one, apply: {Dense: 3}}}
    outputs: {y: {from: x, apply: [base, {Dense: 1}], loss: mse, metrics: [mae]}}
    training:
      optimizer: {Adam: {learning_rate: 0.01}}
      batch_size: 4
      freeze: [base]
      stages:
        - {name: head, epochs: 2}
        - {name: top, epochs: 3, unfreeze: [base/code], learning_rate: 0.001}
        - epochs: 1
          freeze: ["y*"]
          unfreeze: [base]
          learning_rate: {CosineDecay: {initial_learning_rate: 0.01, decay_steps: 9}}
      callbacks: [{EarlyStopping: {monitor: val_loss, patience: 0, min_delta: 100.0, start_from_epoch: 2}}]
      log: [csv]
      checkpoint: {every: 1 steps, keep: 99, monitor: val_loss}
    data:
      train: {inputs: {x: x.npy}, outputs: {y: y.npy}}
      validation: {inputs: {x: vx.npy}, outputs: {y: vy.npy}}
    """
STEPS = 3
"""Of an epoch: 10 samples in batches of 4."""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spec above with its data beside it."""
    folder = tmp_path_factory.mktemp("stages")
    rng = np.random.default_rng(0)
    for part in ("", "v"):
        np.save(folder / f"{part}x.npy", rng.normal(size=(10, 3)).astype(np.float32))
        np.save(folder / f"{part}y.npy", rng.normal(size=(10, 1)).astype(np.float32))
    path = folder / "spec.yaml"
    path.write_text(textwrap.dedent(SPEC), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(spec: Path) -> graphspec.Run:
    """The spec trained to its end."""
    return graphspec.train(spec, run_dir=spec.with_name("whole"))


def test_epochs_go_on_through_the_stages(whole: graphspec.Run) -> None:
    """Early stopping ends its stage, not the training; epochs and steps have no gap, each names its stage."""
    assert whole.history["stage"] == ["head", "head", "top", "top", "stage_3"]
    assert [(row["epoch"], row["step"]) for row in whole.metrics] == [(each, STEPS * (each + 1)) for each in range(5)]
    rates = [row["optimizer/learning_rate"] for row in whole.metrics]
    assert rates[:4] == pytest.approx([0.01, 0.01, 0.001, 0.001])
    assert rates[4] < 0.01
    assert whole.record["stages"] == [
        {"name": "head", "first_epoch": 0, "trained": 4},
        {"name": "top", "first_epoch": 2, "trained": 15 + 4},
        {"name": "stage_3", "first_epoch": 4, "trained": 16 + 15},
    ]
    with (whole.path / "log.csv").open(encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2", "3", "4"]


@pytest.mark.slow
def test_stages_are_those_of_plain_keras(spec: Path, tmp_path: Path) -> None:
    """Each stage freezes, unfreezes, compiles with a new optimizer and fits what the one before has left."""
    without = ["models.base.graph.one.apply[1].Dropout=0.0", "training.callbacks=[]"]
    run = graphspec.train(spec, overrides=without, run_dir=tmp_path / "run")
    keras.utils.set_random_seed(0)
    model = graphspec.build(graphspec.load(spec, without))
    base = model.get_layer("base")
    x, y = np.load(spec.with_name("x.npy")), np.load(spec.with_name("y.npy"))

    def fit(rate: Any, first: int, end: int) -> None:
        model.compile(keras.optimizers.Adam(rate), "mse")
        for epoch in range(first, end):
            for step in range(STEPS):
                at = Order(10, 4).indices(epoch, step, step + 1)
                model.train_on_batch({"x": x[at]}, {"y": y[at]})

    fit(0.01, 0, 2)
    base.trainable = True
    base.get_layer("one_dense").trainable = False
    fit(0.001, 2, 5)
    base.get_layer("one_dense").trainable = True
    model.get_layer("y").trainable = False
    fit(keras.optimizers.schedules.CosineDecay(0.01, 9), 5, 6)
    trained = keras.saving.load_model(run.path / "model.keras")
    assert len(trained.trainable_variables) == len(model.trainable_variables) == 4
    for one, other in zip(trained.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


QUICK = (4, 6, 12, 13)
"""In a stage, where one has had all of its epochs, where one has stopped early, and in the last one."""


@pytest.mark.parametrize(
    "step",
    [*QUICK, *(pytest.param(each, marks=pytest.mark.long) for each in range(5 * STEPS + 1) if each not in QUICK)],
)
def test_every_step_resumes_to_the_same_end(whole: graphspec.Run, step: int) -> None:
    """Before the first step, within each stage, and where one has ended and the next has not begun."""
    assert step in checkpoint_steps(whole.path / "checkpoints")
    killed = killed_at(whole, step, whole.path.with_name(f"killed_{step}"))
    resumed = graphspec.resume(killed)
    assert list(differences(whole.path, killed)) == []
    assert (killed / "log.csv").read_bytes() == (whole.path / "log.csv").read_bytes()
    assert resumed.record["stages"] == whole.record["stages"]
    for name in ("model.keras", "best.keras"):
        one, other = (keras.saving.load_model(each / name) for each in (whole.path, killed))
        assert len(one.optimizer.variables) == len(other.optimizer.variables)
        for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(first, second), name


@pytest.mark.slow
def test_best_model_of_an_earlier_stage(spec: Path, tmp_path: Path) -> None:
    """`best.keras` is compiled as in its own stage, with the optimizer of that time; the run ends in the last one."""
    rates = [f"training.stages[{number}].learning_rate=5.0" for number in (1, 2)]
    run = graphspec.train(spec, overrides=[*rates, "training.callbacks=[]"], run_dir=tmp_path / "run")
    assert run.record["best"]["epoch"] < 2
    best, last = (keras.saving.load_model(run.path / f"{name}.keras") for name in ("best", "model"))
    assert (len(best.trainable_variables), len(last.trainable_variables)) == (2, 4)
    assert int(best.optimizer.iterations) == STEPS * (run.record["best"]["epoch"] + 1)
    assert int(last.optimizer.iterations) == STEPS


@pytest.mark.slow
def test_more_epochs_lengthen_the_last_stage(spec: Path, tmp_path: Path) -> None:
    """A run that is given more epochs is the run whose last stage had them from the beginning; fewer are refused."""
    without = ["training.callbacks=[]", "training.stages[2].learning_rate=0.01"]
    long = graphspec.train(spec, overrides=[*without, "training.stages[2].epochs=2"], run_dir=tmp_path / "long")
    short = graphspec.train(spec, overrides=without, run_dir=tmp_path / "short")
    with pytest.raises(SpecError, match="has trained 6 epochs, more than 5"):
        graphspec.resume(short, epochs=5)
    assert graphspec.resume(short, epochs=7).history["stage"][-2:] == ["stage_3", "stage_3"]
    assert list(differences(long.path, short.path)) == []
    assert graphspec.resume(short.path).record["status"] == "finished"


def test_an_edited_stage_is_another_training(spec: Path, tmp_path: Path) -> None:
    """A run is not resumed with other stages; another length of the last one is told how to train."""
    run = graphspec.train(spec, overrides=["training.callbacks=[]"], run_dir=tmp_path / "run")
    text = (run.path / "spec.yaml").read_text(encoding="utf-8")
    (run.path / "spec.yaml").write_text(text.replace("epochs: 3", "epochs: 4"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"training.stages\[1\].epochs: 3 → 4"):
        graphspec.resume(run.path, epochs=9)
    (run.path / "spec.yaml").write_text(text.replace("epochs: 1", "epochs: 2"), encoding="utf-8")
    with pytest.raises(SpecError, match=r"--set training.epochs=7"):
        graphspec.resume(run.path)


def test_a_trial_that_is_pruned_ends_all_stages(spec: Path, tmp_path: Path) -> None:
    """What ends a training from outside ends it, also where it is resumed."""
    from graphspec.api import train as train_spec

    ended = train_spec(spec, run_dir=tmp_path / "run", on_epoch=lambda row: row["epoch"] < 0)
    assert ended.history["stage"] == ["head"]
    killed = killed_at(ended, STEPS, tmp_path / "killed")
    assert graphspec.resume(killed).history["stage"] == ["head"]


def test_verify_resume_shortens_each_stage(spec: Path) -> None:
    """No stage is left out, and none is longer than it was."""
    found = shortened(spec, [], epochs=6, steps=9)
    assert [each for each in found if "epochs=" in each] == [
        "training.stages[0].epochs=2",
        "training.stages[1].epochs=2",
        "training.stages[2].epochs=1",
    ]


@pytest.mark.slow
def test_exported_python_trains_in_stages(spec: Path, tmp_path: Path) -> None:
    """The code freezes, compiles and fits as the stages say, and counts epochs on."""
    source = graphspec.python_source(graphspec.load(spec), spec.parent)
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(spec.with_name("exported.py"))}
    with contextlib.chdir(tmp_path):  # the log lies where the code runs
        exec(compile(source, "exported", "exec"), names)
        model = names["train"]()
    assert [each.path for each in model.trainable_variables] == [
        each.path for each in model.get_layer("base").variables if "seed" not in each.path
    ]
    assert int(model.optimizer.iterations) == STEPS
    assert isinstance(model.optimizer._learning_rate, keras.optimizers.schedules.CosineDecay)
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2", "3", "4"]


def test_summary_counts_what_each_stage_trains(spec: Path) -> None:
    """The numbers are those that the run records, without weights."""
    found = graphspec.summarize(spec)
    assert found.stages == (("head", 4), ("top", 19), ("stage_3", 31))
    assert found.trainable == 4
    shown = CliRunner().invoke(main, ["summary", str(spec)]).stdout
    assert "    top: 19 trainable and 16 frozen" in shown


def test_report_marks_the_stages(whole: graphspec.Run) -> None:
    """The charts of a staged run name its stages, with their epochs."""
    page = report_page(whole)
    assert "Stages: head (epochs 1 to 2), top (epochs 3 to 4), stage_3 (epoch 5)." in page
    assert page.count("top begins") >= 2


def test_difference_names_what_a_stage_changes(spec: Path, tmp_path: Path) -> None:
    """Two specs that differ in a stage alone differ in that value."""
    other = tmp_path / "other.yaml"
    other.write_text(spec.read_text(encoding="utf-8").replace("epochs: 3", "epochs: 4"), encoding="utf-8")
    shown = CliRunner().invoke(main, ["diff", str(spec), str(other)]).stdout
    assert "stages[1].epochs: 3 → 4" in shown


WRONG = [
    ("stages: []", "GS104"),
    ("stages: {epochs: 1}", "GS103"),
    ("stages: [3]", "GS103"),
    ("stages: [{}]", "GS102"),
    ("stages: [{epoch: 3}]", "GS101"),
    ("stages: [{epochs: 0}]", "GS104"),
    ("stages: [{epochs: 99999999999}]", "GS104"),
    ("stages: [{epochs: 1, name: 'a b'}]", "GS105"),
    ("stages: [{epochs: 1, learning_rate: fast}]", ""),
    ("stages: [{epochs: 1, learning_rate: .nan}]", ""),
    ("stages: [{epochs: 1, freeze: y}]", ""),
    ("stages: [{epochs: 1, freeze: ['']}]", "GS104"),
    ("stages: [{epochs: 1, unfreeze: ['ops.*']}]", "GS509"),
]


@pytest.mark.parametrize(("written", "code"), WRONG, ids=[each for each, _ in WRONG])
def test_wrong_stages_are_findings(write: Write, written: str, code: str) -> None:
    """Empty, misspelled, huge and hostile values are each one finding, at the stage."""
    path = write(f"""
        graphspec: 1
        inputs: {{x: [2]}}
        outputs: {{y: {{from: x, apply: {{Dense: 1}}, loss: mse}}}}
        training: {{optimizer: sgd, {written}}}
        """)
    (found,) = graphspec.validate(path).found
    assert found.is_error
    assert found.rule.code == code or not code
