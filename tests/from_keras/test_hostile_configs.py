"""Whatever a configuration or an archive holds, decompiling ends in a spec or in findings; what is damaged is said."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.from_keras import Decompiled, DecompileOptions, decompile_file, read_model_file
from graphspec.from_keras.config_form import MAX_DEPTH
from tests.from_keras.round_trip import differences, structural
from tests.from_keras.wiring import wired

Edit = Callable[[dict[str, Any]], object]


def tensor(layer: str, call: Any = 0, index: Any = 0, shape: Any = (None, 4)) -> dict[str, Any]:
    """Return a tensor among the arguments of a call."""
    config = {"shape": list(shape), "dtype": "float32", "keras_history": [layer, call, index]}
    return {"class_name": "__keras_tensor__", "config": config}


def layer(class_name: str, name: str, args: list[Any], **config: Any) -> dict[str, Any]:
    """Return a layer, called once unless `args` is empty."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [{"args": args, "kwargs": {}}] if args else [],
    }


def model(*layers: dict[str, Any], output: str = "y") -> dict[str, Any]:
    """Return a model that begins with the input `x`."""
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "m",
            "trainable": True,
            "layers": [layer("InputLayer", "x", [], batch_shape=[None, 4], dtype="float32"), *layers],
            "input_layers": [["x", 0, 0]],
            "output_layers": [[output, 0, 0]],
        },
        "registered_name": "Functional",
    }


def dense(name: str = "y", **config: Any) -> dict[str, Any]:
    """Return a `Dense` that is called on the input."""
    return layer("Dense", name, [tensor("x")], units=3, **config)


def decompiled(config: Any, folder: Path, options: DecompileOptions | None = None) -> Decompiled:
    """Return the spec of a configuration."""
    path = folder / "model.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return decompile_file(read_model_file(path), options or DecompileOptions())


def found(config: Any, folder: Path) -> list[str]:
    """Return the rules of the findings about a configuration, and the first message."""
    with pytest.raises(SpecError) as raised:
        decompiled(config, folder)
    errors = raised.value.report.errors
    return [errors[0].rule.code, errors[0].message]


def last(config: dict[str, Any]) -> Any:
    """Return the last layer of a model."""
    return config["config"]["layers"][-1]


def nested(depth: int) -> Any:
    """Return lists in one another."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


FAULTY: dict[str, tuple[Edit, str]] = {
    "an input that is text": (lambda config: config["config"].update(input_layers="x"), "`x` stands among inputs"),
    "outputs of text": (lambda config: config["config"].update(output_layers=["y", "z"]), "`y` stands among"),
    "no outputs": (lambda config: config["config"].pop("output_layers"), "no `output_layers`"),
    "no name": (lambda config: config["config"].pop("name"), "has no `name`"),
    "layers that are none": (lambda config: config["config"].update(layers={"a": 1}), "no list of `layers`"),
    "a layer that is none": (lambda config: config["config"]["layers"].append(3), "no mapping with a `class_name`"),
    "a name that is none": (lambda config: last(config)["config"].update(name=[]), "has no `name`"),
    "two names": (lambda config: last(config)["config"].update(name="z"), "is called"),
    "a name beside the config alone": (lambda config: last(config)["config"].pop("name"), "a `Dense` has no `name`"),
    "a layer twice": (lambda config: config["config"]["layers"].append(dense()), "two layers are called `y`"),
    "an input twice": (lambda config: config["config"].update(input_layers=[["x", 0, 0]] * 2), "an input twice"),
    "an input of another class": (lambda config: config["config"].update(input_layers=["y", 0, 0]), "no `InputLayer`"),
    "a shape that is none": (lambda config: last_input(config).update(batch_shape=[None, "a"]), "no `batch_shape`"),
    "no shape": (lambda config: last_input(config).pop("batch_shape"), "no `batch_shape`"),
    "no such layer": (lambda config: last(config).update(inbound_nodes=calls(tensor("z"))), "no layer `z`"),
    "no such call": (lambda config: config["config"].update(output_layers=["y", 7, 0]), "`y` has no call 7"),
    "a negative call": (lambda config: config["config"].update(output_layers=["y", -1, 0]), "not that of a call"),
    "a call that is text": (lambda config: last(config).update(inbound_nodes=calls(tensor("x", "0"))), "keras_history"),
    "a shape of a tensor that is none": (
        lambda config: last(config).update(inbound_nodes=calls(tensor("x", shape=["a"]))),
        "keras_history",
    ),
    "a size that none has": (
        lambda config: last(config).update(inbound_nodes=calls(tensor("x", shape=[10**30]))),
        "keras_history",
    ),
    "a call without tensors": (lambda config: last(config).update(inbound_nodes=calls(3)), "takes no tensor"),
    "a call that is none": (lambda config: last(config).update(inbound_nodes=[3]), "no list of `args`"),
    "calls that are none": (lambda config: last(config).update(inbound_nodes=3), "are no list"),
    "a tensor for keywords": (
        lambda config: last(config).update(inbound_nodes=[{"args": [tensor("x")], "kwargs": tensor("x")}]),
        "mapping of `kwargs`",
    ),
    "a layer that takes itself": (lambda config: last(config).update(inbound_nodes=calls(tensor("y"))), "takes in"),
    "a class that is a number": (lambda config: last(config).update(class_name=3), "`class_name` '3' is no text"),
    "a config that is a number": (lambda config: last(config).update(config=3), "a mapping as its `config`"),
    "an array without a value": (
        lambda config: last(config)["config"].update(units={"class_name": "__numpy__", "config": {}}),
        "`value`",
    ),
    "a tensor without a config": (
        lambda config: last(config)["config"].update(units={"class_name": "__keras_tensor__"}),
        "keras_history",
    ),
    "a tuple without items": (
        lambda config: last(config)["config"].update(units={"class_name": "__tuple__", "items": 3}),
        "`items`",
    ),
    "half a character": (lambda config: last(config)["config"].update(units="\ud800"), "half a character"),
    "half a character in a key": (lambda config: last(config)["config"].update({"\ud800": 1}), "half a character"),
    "depth": (lambda config: last(config)["config"].update(units=nested(MAX_DEPTH)), "nested deeper"),
}
"""Edits of a model, with a part of the message about it."""


def calls(*args: Any) -> list[Any]:
    """Return one call."""
    return [{"args": list(args), "kwargs": {}}]


def last_input(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the input."""
    inner: dict[str, Any] = config["config"]["layers"][0]["config"]
    return inner


@pytest.mark.parametrize("what", FAULTY)
def test_other_form_is_said(what: str, tmp_path: Path) -> None:
    """A configuration of another form than Keras writes is a finding that says where."""
    edit, part = FAULTY[what]
    config = deepcopy(model(dense()))
    edit(config)
    code, message = found(config, tmp_path)
    assert code == "GS701"
    assert part in message


@pytest.mark.parametrize("module", ["keras_custom.layers", "os", "kerasfoo"])
def test_class_of_another_module_is_no_class_of_keras(module: str, tmp_path: Path) -> None:
    """A layer, an input and a model whose classes only have the names of those of Keras are not taken for them."""
    assert found(model({**dense(), "module": module}), tmp_path)[0] == "GS211"
    assert found({**model(dense()), "module": module}, tmp_path)[0] == "GS205"
    config = model(dense())
    config["config"]["layers"][0]["module"] = module
    assert found(config, tmp_path)[0] == "GS701"
    inner = {**model(dense()), "module": module, "name": "m", "inbound_nodes": calls(tensor("x"))}
    assert found(model(inner, output="m"), tmp_path)[0] in ("GS211", "GS702")


def test_base_of_the_faulty_ones_is_sound(tmp_path: Path) -> None:
    """The model that the edits change gives a spec, so that each refusal is that of its edit."""
    assert "Dense: 3" in decompiled(model(dense()), tmp_path).text


@pytest.mark.parametrize(
    ("config", "part"),
    [
        (dense(dtype={"class_name": "DTypePolicy", "config": None}), "dtype policy"),
        (dense(kernel_size=[{}, {}]), "`kernel_size"),
        (dense(quantization_config=[1, 2]), "`quantization_config"),
        (dense(activation={"class_name": "__tuple__", "items": ["relu"]}), "has a tuple as `activation`"),
        (layer("Flatten", "y", [tensor("x"), {"class_name": "Adam", "config": {}}]), "arguments by position"),
        (layer("Flatten", "y", [[tensor("x"), {"class_name": "Adam", "config": {}}]]), "holds a `Adam`"),
    ],
    ids=["policy", "argument", "quantized", "tuple", "operand", "operand in a list"],
)
def test_what_no_spec_holds_is_said(config: dict[str, Any], part: str, tmp_path: Path) -> None:
    """A value that no spec can write is a finding that names its layer."""
    code, message = found(model(config), tmp_path)
    assert (code, "`y`" in message, part in message) == ("GS702", True, True)


@pytest.mark.parametrize("name", ["${x}", "a${1 - x}b", "$${", "n" * 1_000, "no", "a: b", "# a", "'", "\U0001f600"])
def test_any_name_comes_back(name: str, tmp_path: Path) -> None:
    """A layer keeps its name, whatever YAML and the language could make of it: in a chain, shared, and at the end."""
    x = keras.Input((4,), name="x")
    shared = keras.layers.Dense(4, name=name + "s")
    y = shared(shared(keras.layers.Dense(4, name=name)(x)))
    found, _ = differences(keras.Model(x, keras.layers.Dense(2, name=name + "e")(y)), tmp_path)
    assert found == []


def test_call_before_the_first_of_a_model_is_its_last(tmp_path: Path) -> None:
    """Keras counts the calls of a functional model from one, and back from its last one where a file says zero."""
    x = keras.Input((4,), name="x")
    inner = keras.Model(x, keras.layers.Dense(4, name="dense")(x), name="inner")
    config = json.loads(keras.Model(x, inner(inner(x)), name="outer").to_json())
    assert config["config"]["output_layers"] == ["inner", 2, 0]
    config["config"]["output_layers"] = ["inner", 0, 0]
    decompiled(config, tmp_path, DecompileOptions(path=tmp_path / "spec.yaml"))
    built, loaded = graphspec.build(tmp_path / "spec.yaml"), keras.models.model_from_json(json.dumps(config))
    assert wired(loaded, built) == []


def test_other_masks_than_those_of_keras_are_written(tmp_path: Path) -> None:
    """A mask that keeps its axis is not that of `Masking`, which Keras passes by itself."""
    x = keras.Input((5, 4), name="x")
    y = keras.layers.LSTM(3, name="y")(keras.layers.Masking(name="masking")(x))
    config = json.loads(keras.Model(x, y).to_json())
    next(each for each in config["config"]["layers"] if each["class_name"] == "Any")["config"]["keepdims"] = True
    assert "ops.any" in decompiled(config, tmp_path).text


def test_texts_are_no_expressions(tmp_path: Path) -> None:
    """Words and other texts that look like expressions stay what they are."""
    x = keras.Input((1,), dtype="string", name="x")
    lookup = keras.layers.StringLookup(
        vocabulary=["${x}", "$${y}", "${1 + 1}"], oov_token="${oov}", output_mode="count"
    )
    found, spec = differences(keras.Model(x, lookup(x)), tmp_path)
    assert found == []
    assert graphspec.build(spec).layers[1].get_vocabulary() == ["${oov}", "${x}", "$${y}", "${1 + 1}"]


def test_names_that_become_one_stay_apart(tmp_path: Path) -> None:
    """Shared layers and models whose names differ by signs that the language has not are declared apart."""
    x = keras.Input((4,), name="x")
    one, other = keras.layers.Dense(4, name="a b"), keras.layers.Dense(4, name="a.b")
    i = keras.Input((4,))
    models = [
        keras.Model(i, keras.layers.Dense(4, name=f"d{number}")(i), name=name)
        for number, name in enumerate(("m 1", "m_1"))
    ]
    made = keras.Model(x, models[0](models[1](other(one(other(one(x)))))))
    built = graphspec.build(graphspec.decompile(made))
    assert structural(made, built) == []


def test_names_of_held_layers_come_back(tmp_path: Path) -> None:
    """Layers in wrappers keep their names, also those that look as if `Bidirectional` had made them."""
    x, layers = keras.Input((4, 3), name="x"), keras.layers
    held = layers.Bidirectional(layers.GRU(2, return_sequences=True, name="rnn"))
    backward = layers.GRU(2, return_sequences=True, go_backwards=True, use_bias=False, name="backward_gru")
    y = layers.TimeDistributed(layers.Dense(3, name="forward_dense"))(held(x))
    y = layers.Bidirectional(layers.GRU(2, return_sequences=True), backward_layer=backward)(y)
    again = layers.TimeDistributed(layers.Bidirectional(layers.GRU(2)))(layers.Reshape((1, 4, 4))(y))
    found, _ = differences(keras.Model(x, again), tmp_path)
    assert found == []
    text = (tmp_path / "spec.yaml").read_text()
    assert text.count("backward_layer") == 1
    assert "zero_output_for_mask" not in text


def test_vocabularies_of_one_name_stay_apart(tmp_path: Path) -> None:
    """Layers of one name in different models have their vocabularies in different files."""

    def part(first: str) -> keras.Model:
        i = keras.Input((1,), dtype="string")
        words = [f"{first}{number}" for number in range(20)]
        return keras.Model(
            i, keras.layers.StringLookup(vocabulary=words, name="words", output_mode="count")(i), name=first
        )

    x = keras.Input((1,), dtype="string", name="x")
    found, spec = differences(keras.Model(x, [part("a")(x), part("b")(x)]), tmp_path)
    assert found == []
    built = graphspec.build(spec)
    assert [built.get_layer(name).get_layer("words").get_vocabulary()[1] for name in "ab"] == ["a0", "b0"]


@pytest.mark.parametrize("name", ["/../../x", "../x", "a/b", "..", "\\..\\x", "n" * 5_000])
def test_files_stay_beside_the_spec(name: str, tmp_path: Path) -> None:
    """A vocabulary is written beside the spec, whatever path the name of its layer is."""
    words = [f"w{number}" for number in range(20)]
    lookup = layer("StringLookup", name, [tensor("x")], vocabulary=words, output_mode="count")
    config = model(lookup, output=name)
    config["config"]["layers"][0]["config"]["dtype"] = "string"
    folder = tmp_path / "a" / "b"
    if "/" in name:  # no name to Keras
        with pytest.raises(SpecError):
            decompiled(config, tmp_path, DecompileOptions(path=folder / "spec.yaml"))
        assert list(tmp_path.iterdir()) == [tmp_path / "model.json"]
        return
    decompiled(config, tmp_path, DecompileOptions(path=folder / "spec.yaml"))
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {tmp_path / "model.json"}
    assert {path.parent for path in written} == {folder}
    assert [path.read_text().split() for path in written if path.suffix == ".txt"] == [words]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the members of an archive of a model with a vocabulary and a mean."""
    number = keras.Input((2,), name="n")
    lookup, norm = (
        keras.layers.IntegerLookup(name="lookup", output_mode="count"),
        keras.layers.Normalization(name="norm"),
    )
    lookup.adapt([3, 4])
    norm.adapt(np.arange(6.0).reshape(3, 2))
    whole = keras.Input((1,), dtype="int64", name="w")
    path = tmp_path_factory.mktemp("archive") / "model.keras"
    keras.Model([whole, number], [lookup(whole), norm(number)]).save(path)
    with zipfile.ZipFile(path) as file:
        return {each: file.read(each) for each in file.namelist()}


VOCABULARY = "assets/layers/integer_lookup/vocabulary.txt"


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of members."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


def refused(data: bytes, folder: Path, *, weights: bool = False) -> str:
    """Return the message about an archive."""
    path = folder / "model.keras"
    path.write_bytes(data)
    with pytest.raises(SpecError) as raised:
        decompile_file(read_model_file(path), DecompileOptions(path=folder / "spec.yaml", weights=weights))
    assert sorted(folder.iterdir()) == [path]
    (error,) = raised.value.report.errors
    assert error.rule.code == "GS701"
    return error.message.removeprefix(f"{path} ")


def test_archive_is_read(archive: dict[str, bytes], tmp_path: Path) -> None:
    """The archive that is damaged below gives a spec with what its layers have learned."""
    path = tmp_path / "model.keras"
    path.write_bytes(packed(archive, zipfile.ZIP_DEFLATED))
    text = decompile_file(read_model_file(path), DecompileOptions()).text
    assert "vocabulary: [3, 4]" in text or "vocabulary: [4, 3]" in text
    assert "mean: [2, 3]" in text or "mean: [2.0, 3.0]" in text


@pytest.mark.parametrize("words", [b"x\ny", b"\xff\xfe", b"[" * 100_000, b"1\n[2]", b"1\nNaN", b""])
def test_damaged_vocabulary_is_said(words: bytes, archive: dict[str, bytes], tmp_path: Path) -> None:
    """A vocabulary that is none is an error: the spec would be that of another model."""
    message = refused(packed({**archive, VOCABULARY: words}), tmp_path)
    assert message == f"is a damaged archive: {VOCABULARY} holds no vocabulary"


def test_missing_vocabulary_is_said(archive: dict[str, bytes], tmp_path: Path) -> None:
    """An archive without the vocabulary of a layer that has learned one is damaged: Keras does not load it either."""
    members = {name: data for name, data in archive.items() if name != VOCABULARY}
    assert refused(packed(members), tmp_path) == f"holds no {VOCABULARY}"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_vocabulary_of_the_inner_layer_counts(tmp_path: Path) -> None:
    """Of the two vocabularies of a `TextVectorization`, the one that Keras loads last is taken."""
    vectorize = keras.layers.TextVectorization(name="words", output_sequence_length=3)
    vectorize.adapt(["a a b"])
    text = keras.Input((), dtype="string", name="t")
    keras.Model(text, vectorize(text)).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        members = {each: file.read(each) for each in file.namelist()}
    inner = next(name for name in members if name.endswith("_lookup_layer/vocabulary.txt"))
    (tmp_path / "model.keras").write_bytes(packed({**members, inner: b"\n[UNK]\nx\ny"}))
    loaded = keras.models.load_model(tmp_path / "model.keras")
    spec = decompile_file(read_model_file(tmp_path / "model.keras"), DecompileOptions()).spec
    words = graphspec.build(spec).get_layer("words").get_vocabulary()
    assert words == loaded.get_layer("words").get_vocabulary() == ["", "[UNK]", "x", "y"]


@pytest.mark.parametrize("cut", [0, 8, 100, 1_000])
def test_damaged_weights_are_said(cut: int, archive: dict[str, bytes], tmp_path: Path) -> None:
    """Weights that are none are an error where a mean is among them."""
    message = refused(packed({**archive, "model.weights.h5": archive["model.weights.h5"][:cut]}), tmp_path)
    assert message.startswith("is a damaged archive: model.weights.h5 cannot be read")


@pytest.mark.parametrize("name", ["config.json", VOCABULARY, "model.weights.h5"])
def test_damaged_member_is_said(name: str, archive: dict[str, bytes], tmp_path: Path) -> None:
    """A member with another checksum, one that is encrypted, and one that unpacks to much are errors, not left out."""
    data = packed(archive)
    at = data.index(archive[name])
    broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    assert refused(broken, tmp_path, weights=True) == f"is a damaged archive: Bad CRC-32 for file '{name}'"
    large = packed({**archive, name: archive[name] + b" " * 2**24}, zipfile.ZIP_DEFLATED)
    assert f"bytes as {name}, which is too much" in refused(large, tmp_path, weights=True)
    odd = packed(archive, zipfile.ZIP_LZMA)
    assert "is compressed in a way that Keras does not use" in refused(odd, tmp_path, weights=True)


def test_archive_without_a_model_is_said(archive: dict[str, bytes], tmp_path: Path) -> None:
    """An archive without a configuration, one cut short, and one that is empty hold no model."""
    others = {name: data for name, data in archive.items() if name != "config.json"}
    assert refused(packed(others), tmp_path) == "holds no config.json"
    assert refused(packed(archive)[:-30], tmp_path).startswith("is a damaged archive")
    assert refused(b"PK\x03\x04", tmp_path).startswith("is a damaged archive")
