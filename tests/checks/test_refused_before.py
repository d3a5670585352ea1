"""What only a training refused, or took for something else, is a finding of `validate`, in few words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.catalog.values import FLOAT32_MAX
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]


def spec(
    layer: str = "Dense: 1",
    *,
    output: str = "loss: mse",
    optimizer: str = "sgd",
    training: str = "",
    data: str = "",
    name: str = "n",
) -> str:
    return f"""
        graphspec: 1
        name: {name}
        inputs: {{x: [2]}}
        outputs: {{y: {{from: x, apply: {{{layer}}}, {output}}}}}
        training: {{optimizer: {optimizer}{training}}}
        {data}
        """


def codes(path: Path, **more: Any) -> list[str]:
    return [each.rule.code for each in graphspec.validate(path, **more).found]


LOG = ", callbacks: [{CSVLogger: {filename: log.csv, separator: SIGN}}]"


@pytest.mark.parametrize(
    ("sign", "is_taken"),
    [('","', True), ('"\\t"', True), ("';'", True), ('"|"', True), ('"ab"', False), ('""', False), ('"\\n"', False),
     ('"\\r"', False), ("'\"'", False), ("1", False), ("null", False)],
)  # fmt: skip
def test_separator_is_one_character(sign: str, is_taken: bool, write: Write) -> None:
    """What separates columns is one character, and none that ends a line or quotes a cell."""
    found = graphspec.validate(write(spec(training=LOG.replace("SIGN", sign)))).found
    assert len(found) == (0 if is_taken else 1)
    assert is_taken or "one character" in found[0].expected


SCHEDULE = "{SGD: {learning_rate: {ExponentialDecay: {initial_learning_rate: VALUE, decay_steps: 9, decay_rate: 0.5}}}}"
SIGMOID = "Dense: {units: 1, activation: sigmoid}"
SCALED = "data: {train: {inputs: {x: {file: x.npy, scale: VALUE}}, outputs: {y: y.npy}}}"
BEYOND: list[tuple[str, dict[str, str], bool]] = [
    ("a learning rate", {"optimizer": "{SGD: VALUE}"}, False),
    ("one of a schedule", {"optimizer": SCHEDULE}, False),
    ("a clip", {"optimizer": "{SGD: {learning_rate: 0.1, clipnorm: VALUE}}"}, True),
    ("a momentum", {"optimizer": "{Adam: {beta_1: VALUE}}"}, False),
    ("a rate of a layer", {"layer": "LeakyReLU: {negative_slope: VALUE}"}, False),
    ("a scale", {"layer": "Rescaling: VALUE"}, False),
    ("a scale in a list", {"layer": "Rescaling: [1.0, VALUE]"}, False),
    ("a bound of a layer", {"layer": "ReLU: {max_value: VALUE}"}, True),
    ("a regularizer", {"layer": "Dense: {units: 1, kernel_regularizer: {L2: VALUE}}"}, False),
    ("an initializer", {"layer": "Dense: {units: 1, bias_initializer: {Constant: VALUE}}"}, False),
    ("a loss", {"output": "loss: {Huber: {delta: VALUE}}"}, False),
    ("a loss weight", {"output": "loss: mse, loss_weight: VALUE"}, False),
    ("a class weight", {"output": 'loss: bce, class_weight: {"0": VALUE}', "layer": SIGMOID}, False),
    ("a scale of data", {"data": SCALED}, False),
    ("a baseline", {"training": ", callbacks: [{EarlyStopping: {monitor: loss, baseline: VALUE}}]"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "parts", "may_be_infinite"), BEYOND, ids=[each[0] for each in BEYOND])
def test_numbers_that_no_float32_holds(
    what: str, parts: dict[str, str], may_be_infinite: bool, write: Write, tmp_path: Path
) -> None:
    """A number that Keras would make infinite is refused wherever a spec has one; infinity stands for no bound."""
    np.save(tmp_path / "x.npy", np.zeros((4, 2), np.float32))
    np.save(tmp_path / "y.npy", np.zeros((4, 1), np.float32))
    for value, is_wrong in (
        ("0.5", False),
        (".inf", not may_be_infinite),
        (".nan", True),
        ("1e39", what != "a baseline"),
        ("1e300", what != "a baseline"),
        ("9" * 45, what != "a baseline"),
    ):
        path = write(spec(**{key: part.replace("VALUE", value) for key, part in parts.items()}))
        found = [each for each in graphspec.validate(path).found if each.rule.code != "GS511"]
        assert len(found) == (1 if is_wrong else 0), (what, value)


def test_keras_makes_infinity_of_them() -> None:
    """Why they are refused: the greatest float32 is one, and what lies above it is infinite without a word."""
    made = keras.optimizers.SGD(1e39).learning_rate
    assert np.isinf(float(made))
    assert np.isfinite(float(keras.optimizers.SGD(FLOAT32_MAX).learning_rate))


@pytest.mark.parametrize(("length", "is_taken"), [(1, True), (200, True), (201, False), (5_000, False)])
def test_a_name_is_that_of_a_folder(length: int, is_taken: bool, write: Write) -> None:
    """A name that no file system takes is refused before a training asks for a folder of that name."""
    path = write(spec(name="a" * length))
    assert codes(path) == ([] if is_taken else ["GS104"])
    assert is_taken or f"{length:,} characters" in graphspec.validate(path).found[0].message


@pytest.mark.parametrize("share", ["1e-9", "0.05", "0.999999"])
@pytest.mark.parametrize("ending", ["npy", "csv"])
def test_a_share_that_leaves_no_sample(share: str, ending: str, write: Write, tmp_path: Path) -> None:
    """Where the number of samples is known, so is that none is held out, or none left."""
    np.save(tmp_path / "x.npy", np.zeros((4, 2), np.float32))
    (tmp_path / "x.csv").write_text("a,b,c\n" + "0.5,1,0\n" * 4)
    sources = {
        "npy": "inputs: {x: x.npy}, outputs: {y: x.npy}",
        "csv": "file: x.csv, inputs: {x: {columns: [a, b]}}, outputs: {y: {column: c}}",
    }
    data = f"data: {{train: {{{sources[ending]}}}, validation: {{split: {share}}}}}"
    path = write(spec("Dense: 2" if ending == "npy" else "Dense: 1", data=data))
    found = graphspec.validate(path, values=True).found
    assert [each.rule.code for each in found] == ["GS505"]
    assert found[0].span is not None
    assert found[0].span.text == share
    with pytest.raises(SpecError) as refused:
        graphspec.train(path, run_dir=tmp_path / "run")
    assert [each.message for each in refused.value.report.errors] == [found[0].message]
    assert codes(write(path.read_text().replace(share, "0.5")), values=True) == []


@pytest.mark.parametrize("digits", [101, 401, 6_000])
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_long_number_is_called_one(digits: int, form: str, write: Write) -> None:
    """A whole number of any length is a number to whoever wrote it."""
    text = json.dumps({"graphspec": 1, "inputs": {"x": [2]}, "outputs": {"y": {"from": "x", "apply": {"Dense": 7}}}})
    path = write(text.replace("7", "7" * digits), f"spec.{form}")
    found = graphspec.validate(path).found
    assert len(found) == 1
    assert f"a number of {digits:,} digits" in found[0].message
    assert "text" not in found[0].message


LONG: list[Any] = ["a" * 5_000, ["a"] * 3_000, [1, 2] * 2_000, {f"k{number}": 1 for number in range(2_000)}]
PLACES: list[tuple[Any, ...]] = [
    ("graphspec",), ("name",), ("inputs", "x"), ("outputs", "y", "from"), ("outputs", "y", "apply"),
    ("outputs", "y", "loss"), ("outputs", "y", "metrics"), ("outputs", "y", "loss_weight"), ("graph", "g", "apply"),
    ("graph", "g", "from"), ("graph", "g", "merge"), ("training", "optimizer"), ("training", "freeze"),
    ("training", "precision"), ("training", "callbacks"), ("data", "train", "inputs", "x"),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_messages_do_not_hold_whatever_a_spec_holds(place: tuple[Any, ...], write: Write) -> None:
    """A value, a name or a shape of any length is cut in each part of a finding."""
    for value in LONG:
        tree: dict[str, Any] = {
            "graphspec": 1, "name": "n", "inputs": {"x": [2]},
            "graph": {"g": {"from": "x", "apply": [{"ops.square": None}]}},
            "outputs": {"y": {"from": "g", "apply": {"Dense": 1}, "loss": "mse"}},
            "training": {"optimizer": "sgd"}, "data": {"train": {"inputs": {"x": "x.npy"}, "outputs": {"y": "y.npy"}}},
        }  # fmt: skip
        inner = tree
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        found = graphspec.validate(write(json.dumps(tree), "spec.json")).found
        for each in found:
            said = [each.message, each.expected, each.help, *(label.text for label in each.labels)]
            assert max(map(len, said)) <= 1_000, each.rule.code
