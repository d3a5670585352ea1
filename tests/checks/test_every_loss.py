"""Every loss of Keras with outputs and targets of every rank and dtype: what Keras cannot train is found before.

Keras itself trains one batch of each combination. Where it raises, or no weight gets a gradient, `validate` has an
error at the output, its loss or its targets; where `validate` has none, Keras trains.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec import catalog
from graphspec.catalog.comparisons import forms_taken
from graphspec.catalog.losses import OF_CLASS_INDICES, OF_SEQUENCES
from graphspec.catalog.refused import NOT_APPLIED
from graphspec.diagnostics import Diagnostic, SpecError

Write = Callable[..., Path]
Shape = tuple[int, ...]

BATCH = 4
LOSSES = [name for name in catalog.names("losses") if name not in NOT_APPLIED]
OUTPUTS: list[Shape] = [(), (1,), (3,), (5, 1), (5, 3), (2, 5, 1), (2, 5, 3), (2, 2, 5, 3), (2, 1, 2, 5, 3)]
TARGET_DTYPES = ["float32", "float64", "float16", "int64", "int32", "uint8", "bool", "<U1", "complex64"]
OUTPUT_DTYPES = ["float16", "bfloat16", "float64", "int32", "int64", "uint8", "bool"]


def targets_of(output: Shape) -> list[Shape]:
    """Shapes of targets: the output's, without its last axis, with one of 1, lists of labels, and unlike ones."""
    cut = [output[:-1], (*output[:-1], 1)] if output else []
    return list(dict.fromkeys([output, *cut, (2,), (*output, 2)]))


def written(output: Shape, loss: str, *, cast: str | None = None, data: bool = True) -> str:
    """A spec whose output has that shape: a weight for each of its numbers, and values between 0 and 1."""
    steps: list[Any] = [
        {"ops.expand_dims": -1},
        {"Dense": {"units": 1, "activation": "sigmoid"}},
        {"ops.squeeze": {"axis": -1}},
        *([{"ops.cast": cast}] if cast is not None else []),
    ]
    tree: dict[str, Any] = {
        "graphspec": 1,
        "inputs": {"x": list(output)},
        "outputs": {"y": {"from": "x", "apply": steps, "loss": loss}},
        "training": {"optimizer": "sgd"},
    }
    if data:
        tree["data"] = {"train": {"inputs": {"x": "x.npy"}, "outputs": {"y": "y.npy"}}}
    return json.dumps(tree)


def array(shape: Shape, dtype: str = "float32") -> np.ndarray:
    """Classes of 0 and 1."""
    ones = np.random.default_rng(0).integers(0, 2, (BATCH, *shape))
    return ones.astype(dtype)


def keras_model(output: Shape, cast: str | None = None) -> keras.Model:
    """The same model, written in Keras."""
    x = keras.Input(output)
    y = keras.layers.Dense(1, activation="sigmoid")(keras.ops.expand_dims(x, -1))
    y = keras.ops.squeeze(y, axis=-1)
    return keras.Model(x, keras.ops.cast(y, cast) if cast is not None else y)


def trains(model: keras.Model, loss: str, output: Shape, target: np.ndarray) -> bool:
    """Whether Keras trains a batch, with a gradient for the weights."""
    model.set_weights([np.full(each.shape, 0.1) for each in model.get_weights()])
    model.compile(keras.optimizers.SGD(0.1), getattr(keras.losses, loss)(), run_eagerly=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = model.train_on_batch(np.ones((BATCH, *output), np.float32), target)
    except Exception:
        return False
    return bool(np.all(np.isfinite(value)))


def errors(path: Path) -> list[Diagnostic]:
    return graphspec.validate(path).errors


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_every_loss_and_rank(output: Shape, tmp_path: Path) -> None:
    """What `validate` takes, Keras trains; what Keras cannot train is found at the output, its loss or its targets."""
    model = keras_model(output)
    np.save(tmp_path / "x.npy", np.ones((BATCH, *output), np.float32))
    wrong: list[tuple[Any, ...]] = []
    trained = 0
    for loss in LOSSES:
        path = tmp_path / "spec.json"
        path.write_text(written(output, loss), encoding="utf-8")
        for target in targets_of(output):
            values = array(target)
            np.save(tmp_path / "y.npy", values)
            found = errors(path)
            if not found and not trains(model, loss, output, values):
                wrong.append(("validate takes it", loss, target))
            places = [each.span.text for each in found if each.span is not None]
            if any(place not in ("y", '"y"', f'"{loss}"', '"y.npy"') for place in places) or len(set(places)) < len(
                places
            ):
                wrong.append(("at another place", loss, target, [str(each.message) for each in found]))
            trained += not found
    assert not wrong, wrong
    assert trained > len(LOSSES) / 2


def saved(tmp_path: Path, output: Shape, target: np.ndarray, text: str) -> Path:
    """The spec with its data."""
    np.save(tmp_path / "x.npy", np.ones((BATCH, *output), np.float32))
    np.save(tmp_path / "y.npy", target)
    path = tmp_path / "spec.json"
    path.write_text(text, encoding="utf-8")
    return path


def shape_for(loss: str) -> tuple[Shape, Shape]:
    """An output that the loss takes, and its targets."""
    if loss in OF_SEQUENCES:
        return (5, 3), (2,)
    return (3,), () if loss in OF_CLASS_INDICES or loss == "Circle" else (3,)


@pytest.mark.parametrize("dtype", OUTPUT_DTYPES)
def test_every_loss_and_dtype_of_the_output(dtype: str, tmp_path: Path) -> None:
    """Floats of any width are trained, whole numbers and truth values are a finding at the output."""
    models: dict[Shape, Any] = {output: keras_model(output, dtype) for output in ((3,), (5, 3))}
    for loss in LOSSES:
        output, target = shape_for(loss)
        path = saved(tmp_path, output, array(target), written(output, loss, cast=dtype))
        found = errors(path)
        assert [each.rule.code for each in found] == ([] if "float" in dtype else ["GS436"]), loss
        if found:
            assert found[0].span is not None
            assert found[0].span.text == '"y"'
        assert trains(models[output], loss, output, array(target)) == (not found), loss


@pytest.mark.parametrize("dtype", TARGET_DTYPES)
def test_every_loss_and_dtype_of_targets(dtype: str, tmp_path: Path) -> None:
    """Numbers and truth values are targets; text and complex numbers are a finding at the file."""
    is_right = dtype not in ("<U1", "complex64")
    models: dict[Shape, Any] = {output: keras_model(output) for output in ((3,), (5, 3))}
    for loss in LOSSES:
        output, target = shape_for(loss)
        values = array(target, dtype)
        found = errors(saved(tmp_path, output, values, written(output, loss)))
        assert len(found) == (not is_right), (loss, found)
        if is_right:
            assert trains(models[output], loss, output, values), loss


def test_names_of_a_loss_take_what_its_class_takes() -> None:
    """Each string that Keras reads as a loss compares the same shapes as the class, so the class stands for it."""
    for name in catalog.identifiers("losses"):
        same = [each for each in LOSSES if each.lower() == name.replace("_", "").lower()]
        for output in OUTPUTS if same else ():
            assert forms_taken("losses", name, output) == forms_taken("losses", same[0], output), (name, output)


@pytest.mark.parametrize("inputs", ["[4]", "[2, 3, 4]", "[2, 3, 4, 5, null]", "[3, null, 4, 1]"])
@pytest.mark.parametrize("loss", ["CTC", "ctc", "Circle"])
def test_outputs_of_open_size_and_many_dimensions(inputs: str, loss: str, write: Write) -> None:
    """An output of a rank that a loss never takes is found, whatever is open in its shape."""
    text = f"""
        graphspec: 1
        inputs: {{x: {inputs}}}
        outputs: {{y: {{from: x, apply: {{Activation: tanh}}, loss: {loss}}}}}
        training: {{optimizer: sgd}}
        """
    codes = [each.rule.code for each in graphspec.validate(write(text)).found]
    assert codes == ([] if (loss, inputs) == ("Circle", "[4]") else ["GS502"])


def test_a_shape_that_is_known_when_built(write: Write, tmp_path: Path) -> None:
    """Where a custom layer hides the shape of an output, it is found at the built model, before there is a run."""
    (tmp_path / "hiding.py").write_text(
        "import keras\n"
        "@keras.saving.register_keras_serializable(package='hiding')\n"
        "class Pool(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return keras.ops.mean(x, axis=1)\n",
        encoding="utf-8",
    )
    np.save(tmp_path / "x.npy", np.ones((BATCH, 5, 3), np.float32))
    np.save(tmp_path / "y.npy", np.ones((BATCH, 2), np.int64))
    text = """
        graphspec: 1
        plugins: [hiding]
        inputs: {x: [5, 3]}
        outputs: {y: {from: x, apply: [{Dense: 3}, hiding>Pool], loss: CTC}}
        training: {optimizer: sgd}
        data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
        """
    with pytest.raises(SpecError) as refused:
        graphspec.train(write(text), run_dir=tmp_path / "run")
    assert [each.rule.code for each in refused.value.report.errors] == ["GS502"]
    assert not (tmp_path / "run").exists()
