"""Models that Keras 1.2.2, Keras 2.1.6 and tf_keras 2.21.0 wrote compute the same in Keras 3."""

from __future__ import annotations

import copy
import gzip
import json
import re
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import graphspec
from graphspec.from_keras.decompile import decompile_config
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.layer_state import LearnedState, NoState
from graphspec.from_keras.legacy.hdf5 import is_hdf5, read_document
from graphspec.from_keras.legacy.hdf5_weights import StoredWeights, assign_weights, read_weights, weights_file
from graphspec.from_keras.legacy.upgrade import is_legacy

from .legacy_models import (
    APPLICATIONS,
    DATA,
    NAMES,
    application_of,
    document_of,
    inputs_of,
    layer,
    layers,
    outputs_of,
    upgraded,
    write_model,
)

REFUSED = "tf_keras_lambdas"
TOLERANCE = 1e-6
"""What outputs of about 1 may differ by: Keras 3 adds in another order here and there."""


@pytest.mark.parametrize("name", [name for name in NAMES if name != REFUSED])
def test_file_of_older_keras_computes_the_same(name: str, tmp_path: Path) -> None:
    """A model gives in Keras 3 what it gave in the Keras that wrote it, and so does its spec, bit for bit."""
    path = write_model(name, tmp_path)
    document = document_of(name, tmp_path)
    model, report = upgraded(document)
    assert model is not None, str(report)
    findings = Findings(name)
    weights = read_weights(path, document, findings)
    assert weights is not None, str(findings.report)

    built = keras.saving.deserialize_keras_object(copy.deepcopy({**model, "compile_config": None}))
    assert assign_weights(built, weights, findings), str(findings.report)
    inputs = inputs_of(built)
    outputs = keras.tree.flatten(built(inputs if len(inputs) > 1 else inputs[0], training=False))
    for got, expected in zip(outputs, outputs_of(name), strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)

    (tmp_path / "old.weights.h5").write_bytes(weights_file(model, weights))
    learned = LearnedState(NoState(), file_name=None, with_weights=True)
    found = decompile_config(model, findings, learned, tmp_path / "spec.yaml", weights="old.weights.h5")
    (tmp_path / "spec.yaml").write_text(found.text, encoding="utf-8")
    from_spec = graphspec.build(tmp_path / "spec.yaml")
    again = from_spec(dict(zip(from_spec.input, inputs, strict=True)), training=False)
    for got, expected in zip(again.values(), outputs, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_application_comes_through(name: str) -> None:
    """An application, with slashes in the names of its layers, has as many parameters in Keras 3."""
    document = application_of(name)
    model, report = upgraded(document)
    assert model is not None, str(report)
    assert not list(report)
    assert "/" not in "".join(each["name"] for each in model["config"]["layers"])
    built = keras.saving.deserialize_keras_object(model)
    assert built.count_params() == document["parameters"]


def test_what_has_no_equivalent_is_found_at_its_place(tmp_path: Path) -> None:
    """Every part that Keras 3 has not is a diagnostic with the name of the layer, the path, and what replaced it."""
    _, report = upgraded(document_of(REFUSED, tmp_path))
    found = {(each.rule.code, each.message) for each in report}
    assert {(code, re.search(r"at `(.*)`\)", message)[1]) for code, message in found} == {  # type: ignore[index]
        ("GS711", "config.layers[1]"),
        ("GS711", "config.layers[2]"),
        ("GS712", "config.layers[3].config.time_major"),
    }
    assert [each.message.split(":")[0] for each in report] == ["layer `code`", "layer `local`", "layer `time`"]
    assert all(each.help for each in report)


def test_training_is_translated(tmp_path: Path) -> None:
    """Keras 3 compiles what an older one had compiled: renamed losses, a `decay`, metrics by output."""
    model, report = upgraded(document_of("tf_keras_dense", tmp_path))
    assert model is not None
    assert not list(report)
    compiled = model["compile_config"]
    assert compiled["optimizer"]["class_name"] == "Adam"
    rate = compiled["optimizer"]["config"]["learning_rate"]
    assert rate["class_name"] == "InverseTimeDecay"
    assert rate["config"] == {"initial_learning_rate": 0.01, "decay_steps": 1, "decay_rate": 0.1}
    assert compiled["loss"]["soft"] == "kl_divergence"
    assert compiled["loss_weights"] == {"hard_hard_sigmoid": 0.5, "soft": 1.0}
    assert [[each["config"]["name"] for each in metrics] for metrics in compiled["metrics"]] == [["area"], ["accuracy"]]
    built = keras.saving.deserialize_keras_object(copy.deepcopy(model))
    built.fit(np.zeros((4, 6)), [np.zeros((4, 2)), np.full((4, 3), 1 / 3)], verbose=0)


def test_decay_is_that_of_older_keras(tmp_path: Path) -> None:
    """The schedule that stands for `decay` divides the rate by `1 + decay * step`."""
    model, _ = upgraded(document_of("keras1_dense", tmp_path))
    assert model is not None
    optimizer = keras.optimizers.deserialize(model["compile_config"]["optimizer"])
    rates = [float(optimizer._learning_rate(step)) for step in (0, 1, 50)]
    assert rates == pytest.approx([0.1 / (1 + 0.01 * step) for step in (0, 1, 50)])


def test_forms_are_told_apart(tmp_path: Path) -> None:
    """A document of Keras 1 or 2 is known as such, one of Keras 3 is not, and a file by its first bytes."""
    assert all(is_legacy(document_of(name, tmp_path)) for name in NAMES)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert not is_legacy(keras.saving.serialize_keras_object(model))
    assert is_hdf5(write_model(NAMES[0], tmp_path))
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    assert not is_hdf5(tmp_path / "model.json")
    assert not is_hdf5(tmp_path / "none.h5")


def test_whole_model_file_of_keras_3_is_read(tmp_path: Path) -> None:
    """An HDF5 file that Keras 3 wrote, in the form of Keras 2, means what Keras 3 means."""
    x = keras.Input((6, 4), name="x")
    inner_input = keras.Input((4,))
    inner = keras.Model(inner_input, keras.layers.Dense(4, activation="hard_sigmoid")(inner_input), name="inner")
    y = keras.layers.TimeDistributed(inner)(
        keras.layers.LSTM(4, recurrent_activation="hard_sigmoid", return_sequences=True)(x)
    )
    y = keras.layers.LeakyReLU(0.2)(keras.layers.GlobalMaxPooling1D()(y))
    model = keras.Model(x, [inner(inner(y)), y], name="outer")
    path = tmp_path / "model.h5"
    model.save(path)
    findings = Findings("model.h5")
    document = read_document(path, findings)
    assert document is not None
    found, report = upgraded(document)
    assert found is not None, str(report)
    assert not list(report)
    weights = read_weights(path, document, findings)
    assert weights is not None, str(findings.report)
    again = keras.saving.deserialize_keras_object(copy.deepcopy(found))
    assert assign_weights(again, weights, findings), str(findings.report)
    values = np.random.default_rng(0).random((2, 6, 4), dtype="float32")
    for got, expected in zip(again(values), model(values), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_weights_file_is_the_one_that_keras_writes(tmp_path: Path) -> None:
    """The written file has the groups, the names and the arrays of the one that Keras 3 saves."""
    path = write_model("tf_keras_recurrent", tmp_path)
    document = document_of("tf_keras_recurrent", tmp_path)
    model, _ = upgraded(document)
    findings = Findings("model.h5")
    weights = read_weights(path, document, findings)
    assert model is not None
    assert weights is not None
    (tmp_path / "ours.weights.h5").write_bytes(weights_file(model, weights))
    built = keras.saving.deserialize_keras_object(copy.deepcopy(model))
    assert assign_weights(built, weights, findings)
    built.save_weights(tmp_path / "theirs.weights.h5")

    def arrays(name: str) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        with h5py.File(tmp_path / name, "r") as file:
            file.visititems(lambda at, each: found.update({at: each[()].tolist()}) if hasattr(each, "shape") else None)
        return found

    theirs = {at: value for at, value in arrays("theirs.weights.h5").items() if "seed_generator" not in at}
    assert arrays("ours.weights.h5") == theirs


def test_archive_of_keras_2_computes_the_same(tmp_path: Path) -> None:
    """A `.keras` archive that Keras 2 wrote gives the same in Keras 3, with its training, and so does its spec."""
    path = tmp_path / "old.keras"
    path.write_bytes(gzip.decompress((DATA / "tf_keras_archive.keras.gz").read_bytes()))
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("config.json"))
    assert is_legacy(document)
    model, report = upgraded(document)
    assert model is not None, str(report)
    findings = Findings("old.keras")
    stored = StoredWeights(path, document, model, findings)
    built = keras.saving.deserialize_keras_object(copy.deepcopy(model))
    assert built.optimizer.momentum == 0.9
    assert assign_weights(built, stored.arrays, findings), str(findings.report)
    (inputs,) = inputs_of(built)
    (expected,) = outputs_of("tf_keras_archive")
    np.testing.assert_allclose(built(inputs, training=False), expected, rtol=0, atol=TOLERANCE)

    document["config"]["layers"][-1]["config"]["use_bias"] = False
    with pytest.raises(graphspec.SpecError, match="2 weights for `last`, and it has 1"):
        StoredWeights(path, document, model, findings).weights_file()


def test_learned_statistics_are_read(tmp_path: Path) -> None:
    """A `Normalization` that has adapted has its mean and variance in the spec, from the weights of the file."""
    normalization = keras.layers.Normalization(name="norm")
    normalization.adapt(np.random.default_rng(0).random((50, 3)))
    model = keras.Sequential([keras.Input((3,)), normalization, keras.layers.Dense(1, name="dense")])
    model.save(tmp_path / "model.h5")
    findings = Findings("model.h5")
    document = read_document(tmp_path / "model.h5", findings)
    assert document is not None
    found, report = upgraded(document)
    assert found is not None, str(report)
    stored = StoredWeights(tmp_path / "model.h5", document, found, findings)
    text = decompile_config(found, findings, LearnedState(stored), tmp_path / "spec.yaml").text
    (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
    built = graphspec.build(tmp_path / "spec.yaml")
    built.get_layer("dense").set_weights(model.get_layer("dense").get_weights())
    values = np.random.default_rng(1).random((4, 3), dtype="float32")
    (got,) = built(dict.fromkeys(built.input, values)).values()
    np.testing.assert_allclose(got, model(values), rtol=1e-6)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    """Weights that do not fit the layers are a diagnostic, in the file and in the model, and nothing is assigned."""
    path = write_model("keras2_dense", tmp_path)
    document = layers(layer("Dense", units=3), shape=[None, 4])
    findings = Findings("model.h5")
    assert read_weights(path, document, findings) is None
    assert [each.rule.code for each in findings.report] == ["GS716"]
    with pytest.raises(graphspec.SpecError):
        StoredWeights(path, document, {}, findings).weights_file()

    findings = Findings("model.h5")
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="dense"), keras.layers.Dense(1, name="more")]
    )
    before = [each.numpy() for each in model.weights]
    assert not assign_weights(model, {"dense": [np.ones((4, 3)), np.ones(3)]}, findings)
    assert not assign_weights(model, {"dense": [np.ones((4, 2)), np.ones(3)]}, findings)
    assert not assign_weights(model, {"other": [np.ones((4, 3))]}, findings)
    assert [each.rule.code for each in findings.report] == ["GS716"] * 3
    for was, now in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(was, now)
