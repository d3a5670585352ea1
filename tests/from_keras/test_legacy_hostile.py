"""Whatever a model of an older Keras holds: the answer is a model or diagnostics, soon, and nothing is executed."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphspec.from_keras.findings import Findings
from graphspec.from_keras.legacy.archive_weights import read_archive_weights
from graphspec.from_keras.legacy.hdf5 import read_document
from graphspec.from_keras.legacy.hdf5_weights import read_weights
from graphspec.from_keras.legacy.place import MAX_DEPTH
from graphspec.from_keras.legacy.upgrade import upgrade

from .legacy_models import DATA, NAMES, application_of, document_of, layer, layers, mutated, upgraded, write_model

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["class_name", "config", "layers", "name", "inbound_nodes", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return the documents of all models."""
    return [document_of(name, tmp_path_factory.mktemp("models")) for name in NAMES]


def check(document: Any) -> None:
    """Check that an upgrade ends in a model as JSON, or in errors with a place, and leaves its argument alone."""
    before = json.dumps(document)
    findings = Findings("model.json")
    model = upgrade(document, findings)
    assert json.dumps(document) == before
    assert (model is None) == bool(findings.report.errors)
    assert all(each.span is not None and "GS71" in each.rule.code for each in findings.report)
    json.dumps(model)


@given(number=st.integers(0, 10**6), seed=st.integers(0, 10**6))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_model_is_upgraded_or_found(documents: list[dict[str, Any]], number: int, seed: int) -> None:
    """A model with values replaced, removed, renamed or moved is upgraded, or is diagnostics; never an exception."""
    check(mutated(documents[number % len(documents)], seed))


@pytest.mark.slow
def test_many_mutated_models(documents: list[dict[str, Any]]) -> None:
    """The same for five thousand."""
    for seed in range(5_000):
        check(mutated(documents[seed % len(documents)], seed))


@given(config=JSON, class_name=st.sampled_from(["Sequential", "Functional", "Model", "x"]) | JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_is_upgraded_or_found(config: Any, class_name: Any) -> None:
    """Whatever JSON stands for a model."""
    check({"class_name": class_name, "config": config, "training_config": config})
    check(layers(layer("Dense", units=config), {"class_name": class_name, "config": config}, shape=[None, 3]))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"class_name": "Sequential"},
        {"class_name": "Functional", "config": {"layers": []}},
        {"class_name": "MyModel", "config": {"layers": []}},
        {"class_name": "Sequential", "config": {"layers": [layer("Dense", units=3)] * 2}, "keras_version": 10**400},
        layers(layer("Dense", units=10**400, use_bias=float("nan")), shape=[None, 3]),
        layers(shape=[None, -1]),
        layers(shape=[None, 10**30]),
        layers(layer("Merge", layers=[]), shape=[None, 3]),
        layers(layer("TFOpLambda", function="add"), shape=[None, 3]),
    ],
)
def test_odd_documents(document: dict[str, Any]) -> None:
    """Missing keys, huge numbers, negative sizes, classes of one's own."""
    check(document)


def test_nesting_is_bounded() -> None:
    """Nesting of thousands of levels, in values or as models within models, is a diagnostic and no recursion error."""
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for document in (layers(layer("Dense", units=deep), shape=[None, 3]), {"class_name": "Sequential", "config": deep}):
        model, report = upgraded(document)
        assert model is None
        assert [each.rule.code for each in report] == ["GS710"]
    nested = layers(layer("Dense", units=3), shape=[None, 3])
    for _ in range(MAX_DEPTH // 4):
        nested = layers(nested, shape=[None, 3])
    assert upgraded(nested)[0] is None


def test_nothing_is_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code in a configuration is a diagnostic: neither marshal nor importlib is asked for it."""
    import importlib
    import marshal

    def refuse(*_: Any) -> None:
        raise AssertionError("asked for code")

    monkeypatch.setattr(importlib, "import_module", refuse)
    monkeypatch.setattr(marshal, "loads", refuse)
    code = layer("Lambda", function=["4wEAAAAAAAAA", None, None], function_type="lambda", module="os")
    for written in (code, layer("TimeDistributed", layer=code), {**layer("x"), "class_name": "system", "module": "os"}):
        check(layers(written, shape=[None, 3]))
        check({**layers(shape=[None, 3]), "config": [written]})
    model, report = upgraded(layers(code, shape=[None, 3]))
    assert model is None
    assert [each.rule.code for each in report] == ["GS711"]


def test_large_model_is_upgraded_soon() -> None:
    """The time grows with the size of a model: a model with ten times the layers of DenseNet takes seconds at most."""
    document = application_of("DenseNet121")
    config = document["config"]
    chain = {**config, "layers": [config["layers"][0]]}
    for number in range(6000):
        written = layer("Dense", units=3) | {"name": f"d{number}", "inbound_nodes": [[[f"d{number - 1}", 0, 0, {}]]]}
        written["config"] = {**written["config"], "name": f"d{number}"}
        chain["layers"].append(written)
    chain["layers"][1]["inbound_nodes"] = [[[config["layers"][0]["name"], 0, 0, {}]]]
    chain["output_layers"] = [["d5999", 0, 0]]
    model, report = upgraded({**document, "config": chain})
    assert model is not None, str(report)
    assert len(model["config"]["layers"]) == 6001


# Files


def files(path: Path) -> tuple[list[str], Any]:
    """Return the codes of reading a file, and its document."""
    findings = Findings(path.name)
    document = read_document(path, findings)
    if document is not None:
        upgrade(document, findings)
        read_weights(path, document, findings)
    return [each.rule.code for each in findings.report], document


def test_damaged_files_are_found(tmp_path: Path) -> None:
    """A file that ends too early, or has other bytes here and there, is a diagnostic or a model."""
    data = write_model("keras2_nested", tmp_path).read_bytes()
    rng = np.random.default_rng(0)
    for number in range(60):
        broken = bytearray(data)
        for at in rng.integers(0, len(data), 1 + number % 30):
            broken[at] = rng.integers(0, 256)
        path = tmp_path / "broken.h5"
        path.write_bytes(bytes(broken if number % 2 else data[: int(rng.integers(0, len(data)))]))
        codes, document = files(path)
        assert document is not None or codes == ["GS710"]
        assert all(code.startswith("GS71") for code in codes)


def test_damaged_archives_are_found(tmp_path: Path) -> None:
    """An archive with other bytes, without weights, or none at all, gives weights or a diagnostic."""
    data = gzip.decompress((DATA / "tf_keras_archive.keras.gz").read_bytes())
    path = tmp_path / "old.keras"
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("config.json"))
    rng = np.random.default_rng(0)
    for number in range(60):
        broken = bytearray(data)
        for at in rng.integers(0, len(data), 1 + number % 30):
            broken[at] = rng.integers(0, 256)
        path.write_bytes(bytes(broken if number % 2 else data[: int(rng.integers(0, len(data)))]))
        findings = Findings("old.keras")
        found = read_archive_weights(path, document, findings)
        assert [each.rule.code for each in findings.report] == ([] if found is not None else ["GS716"])


@pytest.mark.parametrize(
    "value",
    ["{", "[]", "3", '{"class_name": "Sequential"}', "[" * 100_000, b"\xff\xfe", 3, np.zeros(3), "x" * 10, ""],
    ids=lambda each: repr(each)[:20],
)
def test_odd_attributes_are_found(value: Any, tmp_path: Path) -> None:
    """A `model_config` that is no text, no JSON or no model is a diagnostic."""
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs.create("model_config", value)
    codes, _ = files(tmp_path / "model.h5")
    assert codes
    assert set(codes) <= {"GS710", "GS716"}


def test_weights_without_a_model_are_explained(tmp_path: Path) -> None:
    """A file of weights says that it has no model, and an empty one that it holds nothing of Keras."""
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["layer_names"] = [b"dense"]
    findings = Findings("weights.h5")
    assert read_document(tmp_path / "weights.h5", findings) is None
    assert "holds weights only" in next(iter(findings.report)).message
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    assert files(tmp_path / "empty.h5")[0] == ["GS710"]
    (tmp_path / "text.h5").write_text("no HDF5", encoding="utf-8")
    assert files(tmp_path / "text.h5")[0] == ["GS710"]
    assert files(tmp_path / "missing.h5")[0] == ["GS710"]


def hostile(path: Path, change: Any) -> list[str]:
    """Return the codes of a model of one layer whose file was changed."""
    document = layers(layer("Dense", units=3), shape=[None, 4])
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(document)
        group = file.create_group("model_weights/dense")
        group.attrs["weight_names"] = [b"kernel:0", b"bias:0"]
        group["kernel:0"], group["bias:0"] = np.ones((4, 3)), np.ones(3)
        change(group)
    return files(path)[0]


def test_weights_that_are_elsewhere_or_huge_are_refused(tmp_path: Path) -> None:
    """Links, other files, sizes that the file cannot hold, texts and odd names are refused, not read."""

    def external(group: h5py.Group) -> None:
        del group["bias:0"]
        group["bias:0"] = h5py.ExternalLink("/etc/passwd", "/x")

    def soft(group: h5py.Group) -> None:
        del group["bias:0"]
        group["bias:0"] = h5py.SoftLink("/model_weights")

    def outside(group: h5py.Group) -> None:
        del group["bias:0"]
        group.create_dataset("bias:0", (3,), "f8", external=[("/etc/hostname", 0, 24)])

    def huge(group: h5py.Group) -> None:
        del group["bias:0"]
        group.create_dataset("bias:0", (2**40,), "f8", chunks=(2**20,), compression="gzip")

    def texts(group: h5py.Group) -> None:
        del group["bias:0"]
        group["bias:0"] = ["a", "b"]

    def names(group: h5py.Group) -> None:
        group.attrs["weight_names"] = np.zeros((3, 3))

    def many(group: h5py.Group) -> None:
        group.attrs["weight_names"] = [b"kernel:0"] * 1000

    def missing(group: h5py.Group) -> None:
        del group["bias:0"]

    assert hostile(tmp_path / "good.h5", lambda group: None) == []
    for change in (external, soft, outside, huge, texts, names, many, missing):
        assert hostile(tmp_path / "bad.h5", change) == ["GS716"], change.__name__


def test_data_is_shipped() -> None:
    """The models that the tests read are there, small enough to be shipped."""
    assert len(NAMES) > 15
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 200_000
