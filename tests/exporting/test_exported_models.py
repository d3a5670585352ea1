"""Models of many kinds in each format, run as those who serve them run them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import graphspec
from graphspec.exporting import FORMATS
from graphspec.to_keras import build_model
from tests.zoo.small_trainings import small

from .exports import call, chain, is_close, refusal, saved

SPECS = Path(__file__).resolve().parents[2] / "specs"
Write = Callable[..., Path]
L = keras.layers


def test_gelu_and_learnt_normalization_reach_onnx(tmp_path: Path) -> None:
    """tf2onnx knows no `Erfc` and takes constants for inputs: graphspec teaches it the one and hides the others."""
    scaled = L.Normalization()
    scaled.adapt(np.random.default_rng(0).normal(5, 3, (50, 4)).astype("float32"))
    model = chain((4,), scaled, L.Dense(8, activation="gelu"), L.Dense(2))
    done = graphspec.export(saved(tmp_path / "m.keras", model), "onnx")
    assert done.path == tmp_path / "export" / "m.onnx"
    assert set(done.inputs) == {"x"}


def test_recurrent_litert_takes_one_sample_at_a_time(tmp_path: Path) -> None:
    """LiteRT has recurrence for a fixed number of samples alone: that is said, and compared sample by sample."""
    path = saved(tmp_path / "m.keras", chain((None, 3), L.LSTM(4), L.Dense(2)))
    result = call(path, "--to", "litert")
    assert result.exit_code == 0, result.output
    assert "it takes batches of 1 sample" in result.stdout
    run = Interpreter(model_path=str(tmp_path / "export" / "m.tflite")).get_signature_runner()
    x = np.random.default_rng(0).normal(size=(1, 9, 3)).astype("float32")
    assert is_close(run(x=x), keras.saving.load_model(path).predict({"x": x}, verbose=0))


def test_best_model_of_a_run(write: Write, tmp_path: Path) -> None:
    """`checkpoint` chooses the model; a run that has none such says so."""
    for name in ("x", "y"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(20, 1)))
    text = """
        graphspec: 1
        inputs: {x: [1]}
        outputs: {y: {from: x, apply: {Dense: 1}, loss: mse}}
        training: {optimizer: {SGD: 2.5}, epochs: 3, checkpoint: {monitor: loss}}    # ever further from the minimum
        data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
        """
    run = graphspec.train(write(text), run_dir=tmp_path / "run")
    x = np.ones((3, 1), "float32")
    given = []
    for checkpoint, file in (("last", "model.keras"), ("best", "best.keras")):
        done = graphspec.export(run, "keras", tmp_path / f"{checkpoint}.keras", checkpoint=checkpoint)
        found, expected = (keras.saving.load_model(path).predict({"x": x}) for path in (done.path, run.path / file))
        assert is_close(found, expected)
        given.append(found)
    assert not is_close(*given)
    (run.path / "best.keras").unlink()
    assert refusal(run, "keras", tmp_path / "it.keras", checkpoint="best")[0] == "GS903"


@pytest.mark.parametrize(
    ("to", "layer", "dtype", "said"),
    [
        (
            "litert",
            L.CategoryEncoding(7, output_mode="multi_hot", name="coded"),
            "int64",
            "`DenseBincount`, used at",
        ),
        ("onnx", L.Discretization(bin_boundaries=[0.0], name="binned"), "float32", "`binned` (Discretization)"),
        ("onnx", L.IntegerLookup(vocabulary=[1, 2], name="looked_up"), "int64", "`looked_up` (IntegerLookup)"),
        ("litert", L.Hashing(5, name="hashed"), "int64", "`hashed` (Hashing)"),
    ],
)
def test_what_a_format_has_no_place_for_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], to: str, layer: Any, dtype: str, said: str
) -> None:
    """One finding with the format and the layer or operation; what converters say beside it is held back."""
    path = saved(tmp_path / "m.keras", chain((1,), layer, dtype=dtype))
    capfd.readouterr()
    code, text = refusal(path, to)
    assert code == "GS908"
    assert said in text
    assert "Traceback" not in text
    assert capfd.readouterr() == ("", "")
    assert [each.name for each in tmp_path.iterdir()] == ["m.keras"]


def test_several_outputs_of_other_dtypes(tmp_path: Path) -> None:
    """Whole numbers, decisions and an input that is handed on keep dtype and value."""
    x = keras.Input((3,), dtype="int32", name="x")
    model = keras.Model(
        {"x": x}, {"same": x, "twice": keras.ops.multiply(x, 2), "large": keras.ops.greater(x, 0)}, name="several"
    )
    path = saved(tmp_path / "m.keras", model)
    for to in FORMATS:
        done = graphspec.export(path, to)
        assert {name: dtype for name, (_, dtype) in done.outputs.items()} == {
            "same": "int32",
            "twice": "int32",
            "large": "bool",
        }
        assert {each.absolute for each in done.differences.values()} == {0.0}


def test_fixed_batch_is_kept(tmp_path: Path) -> None:
    """A model of five samples at a time is exported and compared as such."""
    x = keras.Input(batch_shape=(5, 3), name="x")
    path = saved(tmp_path / "m.keras", keras.Model({"x": x}, {"y": L.Dense(2)(x)}))
    for to in FORMATS:
        done = graphspec.export(path, to)
        assert (done.inputs["x"], done.samples) == (((5, 3), "float32"), 5)


def test_mixed_precision(write: Write, tmp_path: Path) -> None:
    """A run in 16 bit is built anew in float32 for formats that compute in that; a model file cannot be."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(20, 3)))
    np.save(tmp_path / "y.npy", np.arange(20) % 2)
    spec = write(
        """
        graphspec: 1
        inputs: {x: [3]}
        outputs: {y: {from: x, apply: [{Dense: 8}, {Dense: 1}], loss: mse}}
        training: {optimizer: sgd, epochs: 1, precision: mixed_float16}
        data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}
        """
    )
    run = graphspec.train(spec, run_dir=tmp_path / "run")
    for to in FORMATS:
        done = graphspec.export(run, to)
        in_float32 = to in ("onnx", "litert")
        assert (done.precision, done.compared_on) == ("mixed_float16" if in_float32 else "", "of the train split")
        if in_float32:
            code, text = refusal(run.path / "model.keras", to, tmp_path / f"it{FORMATS[to].ending}")
            assert code == "GS908"
            assert "computes in 16 bit" in text


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        pytest.param("multi_task", tuple(FORMATS), marks=pytest.mark.slow),
        *(pytest.param(name, tuple(FORMATS), marks=pytest.mark.long) for name in ("siamese_cosine", "deepfm")),
        # The others refuse it, as it draws random numbers.
        pytest.param("vae", ("keras", "saved-model"), marks=pytest.mark.slow),
        # They are large, and these are the two that convert.
        pytest.param("transformer_encoder", ("onnx", "litert"), marks=pytest.mark.slow),
        pytest.param("wavenet", ("onnx", "litert"), marks=pytest.mark.long),
    ],
)
def test_architectures_of_the_zoo_are_exported(tmp_path: Path, name: str, formats: tuple[str, ...]) -> None:
    """Attention, dilated convolutions, embeddings, several outputs: untrained, from a file, on random values."""
    path = saved(
        tmp_path / f"{name}.keras",
        build_model(graphspec.load(SPECS / "zoo" / f"{name}.yaml", small(name) if name == "wavenet" else ())),
    )
    for to in formats:
        done = graphspec.export(path, to)
        assert all(each.relative <= 1e-5 for each in done.differences.values())
