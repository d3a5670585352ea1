"""Tokenizers, preprocessors and image converters of presets of KerasHub: raw text and images go into the model."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.cli._verify_resume import differences
from graphspec.diagnostics import SpecError
from graphspec.exporting import export
from graphspec.to_python import python_source

from ..killed import killed_at

Write = Callable[..., Path]

needs_hub = pytest.mark.skipif(importlib.util.find_spec("keras_hub") is None, reason="keras-hub is not installed")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "qu", "##ick", "br", "##own", "fox", "."]
TEXTS = ["the quick fox", "brown fox.", "quick", "the unknown.", "", "fox fox fox fox fox fox", "the", "brown."]

SPEC = """
graphspec: 1
models:
  tokens: {preprocessor: PRESET, sequence_length: 6}
  bert: {preset: PRESET}
inputs:
  text: {shape: [], dtype: string}
graph:
  encoded: {from: text, apply: [tokens, bert]}
outputs:
  mood:
    from: encoded.pooled_output
    apply: {Dense: {units: 2, activation: softmax}}
    loss: sparse_categorical_crossentropy
training:
  optimizer: {Adam: 0.01}
  freeze: [bert]
  lora: {rank: 2, layers: ["bert/*query", "bert/*value"]}
  epochs: 2
  batch_size: 4
  checkpoint: {every: 1 steps, keep: 9}
data: {train: {file: texts.csv, inputs: {text: {column: text}}, outputs: {mood: {column: mood}}}}
"""

IDS = """
graphspec: 1
models: {ids: {tokenizer: PRESET, sequence_length: 5}}
inputs: {text: {shape: [], dtype: string}}
outputs: {scores: {from: text, apply: [ids, {Embedding: {input_dim: 12, output_dim: 3}}, Flatten, {Dense: 1}]}}
"""

IMAGES = """
graphspec: 1
models:
  scaled: {PART: PRESET}
inputs: {image: {shape: [12, 10, 3], dtype: uint8}}
outputs: {scores: {from: image, apply: [scaled, {Conv2D: {filters: 2, kernel_size: 8}}, Flatten]}}
"""


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a preset with a vocabulary of twelve words."""
    hub = importlib.import_module("keras_hub")
    keras.utils.set_random_seed(1)
    tokenizer = hub.models.BertTokenizer(vocabulary=WORDS)
    backbone = hub.models.BertBackbone(
        vocabulary_size=12, num_layers=1, num_heads=2, hidden_dim=4, intermediate_dim=8, max_sequence_length=8
    )
    folder = tmp_path_factory.mktemp("presets") / "bert_tiny"
    backbone.save_to_preset(str(folder))
    hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=8).save_to_preset(str(folder))
    return folder


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a preset whose images are resized to 8 by 8, scaled and offset."""
    hub = importlib.import_module("keras_hub")
    backbone = hub.models.ViTBackbone(
        image_shape=(8, 8, 3), patch_size=4, num_layers=1, num_heads=1, hidden_dim=4, mlp_dim=4
    )
    folder = tmp_path_factory.mktemp("presets") / "vit_tiny"
    backbone.save_to_preset(str(folder))
    converter = hub.layers.ViTImageConverter(image_size=(8, 8), scale=1 / 255, offset=(-0.1, -0.2, -0.3))
    hub.models.ViTImageClassifierPreprocessor(converter).save_to_preset(str(folder))
    return folder


def spec(write: Write, preset: Path | str, text: str = SPEC) -> Path:
    """A spec with its data."""
    path = write(text.replace("PRESET", str(preset)))
    rows = ["text,mood", *(f"{each},{number % 2}" for number, each in enumerate(TEXTS))]
    (path.parent / "texts.csv").write_text("\n".join(rows), encoding="utf-8")
    return path


def copy_of(preset: Path, folder: Path) -> Path:
    """A copy of a preset that a test may damage."""
    shutil.copytree(preset, folder)
    return folder


def findings(path: Path) -> list[str]:
    return [each.rule.code for each in graphspec.validate(path).errors]


def refusal(path: Path) -> tuple[str, str]:
    """The code and the words of the one finding of building a spec."""
    with pytest.raises(SpecError) as refused:
        graphspec.build(path)
    (found,) = refused.value.report
    assert found.span is not None
    return found.rule.code, str(refused.value)


@needs_hub
@pytest.mark.slow
def test_raw_text_is_trained_on_predicted_from_and_resumes_to_the_bit(write: Write, tmp_path: Path, bert: Path) -> None:
    """Predictions are those of KerasHub's preprocessor and the trained model; plain Keras loads what is saved."""
    import tensorflow as tf

    hub = importlib.import_module("keras_hub")
    path = spec(write, bert)
    assert not list(graphspec.validate(path).found)
    run = graphspec.train(path, run_dir=tmp_path / "run")
    model = run.model()
    texts = tf.constant(TEXTS)
    predicted = model.predict({"text": texts}, verbose=0)["mood"]

    by_hand = hub.models.BertTextClassifierPreprocessor.from_preset(str(bert), sequence_length=6)(texts)
    pooled = model.get_layer("bert")(by_hand)["pooled_output"]
    expected = model.get_layer("mood")(pooled)
    np.testing.assert_allclose(predicted, np.asarray(expected), rtol=1e-5, atol=1e-6)
    assert len({tuple(row) for row in predicted.tolist()}) > 2

    killed = killed_at(run, 3, tmp_path / "killed")
    graphspec.resume(killed)
    assert list(differences(run.path, killed)) == []

    plain = keras.saving.load_model(run.path / "model.keras")
    np.testing.assert_allclose(plain.predict({"text": texts}, verbose=0)["mood"], predicted, rtol=1e-5)
    exported = export(run.path, "saved-model", tmp_path / "exported").path
    loaded = tf.saved_model.load(str(exported))
    np.testing.assert_allclose(np.asarray(loaded.serve({"text": texts})["mood"]), predicted, rtol=1e-5)


@needs_hub
def test_text_is_prepared_as_kerashub_does_and_weights_are_the_presets(write: Write, bert: Path) -> None:
    """A preprocessor gives all inputs of its backbone by name, with the preset's length where none is stated."""
    import tensorflow as tf

    hub = importlib.import_module("keras_hub")
    texts = tf.constant(TEXTS)
    text = SPEC.replace(", sequence_length: 6", "").replace("training:", "unused:").partition("unused:")[0]
    text = text.replace("    loss: sparse_categorical_crossentropy\n", "").replace(
        "graph:", "graph:\n  prepared: {from: text, apply: tokens}\n  ids: prepared.token_ids"
    )
    model = graphspec.build(spec(write, bert, f"{text}  ids_seen: ids\n"))
    by_hand = hub.models.TextClassifierPreprocessor.from_preset(str(bert))(texts)
    given = model({"text": texts})
    assert by_hand["token_ids"].shape == (8, 8)
    np.testing.assert_array_equal(np.asarray(given["ids_seen"]), np.asarray(by_hand["token_ids"]))


@needs_hub
def test_a_tokenizer_gives_ids_of_a_known_shape(write: Write, tmp_path: Path, bert: Path) -> None:
    """The shape of its ids is known to validation, its vocabulary lies in the saved model."""
    import tensorflow as tf

    path = spec(write, bert, IDS)
    assert findings(path) == []
    model = graphspec.build(path)
    hub = importlib.import_module("keras_hub")
    texts = tf.constant(TEXTS)
    expected = hub.tokenizers.Tokenizer.from_preset(str(bert), sequence_length=5)(texts)
    np.testing.assert_array_equal(np.asarray(model.get_layer("ids")(texts)), np.asarray(expected))
    model.save(tmp_path / "saved.keras")
    shutil.copytree(bert, tmp_path / "kept")
    loaded = keras.saving.load_model(tmp_path / "saved.keras")
    np.testing.assert_array_equal(np.asarray(loaded.get_layer("ids")(texts)), np.asarray(expected))
    wrong = spec(write, bert, IDS.replace("Flatten, {Dense: 1}", "{Conv2D: {filters: 1, kernel_size: 1}}"))
    assert findings(wrong) == ["GS404"]


@needs_hub
@pytest.mark.parametrize("part", ["image_converter", "preprocessor"])
def test_images_are_resized_and_scaled_as_kerashub_does(write: Write, resnet: Path, part: str) -> None:
    """The shape is known before anything is built."""
    path = write(IMAGES.replace("PART", part).replace("PRESET", str(resnet)))
    assert findings(path) == []
    model = graphspec.build(path)
    images = np.random.default_rng(0).integers(0, 256, size=(2, 12, 10, 3)).astype(np.uint8)
    hub = importlib.import_module("keras_hub")
    expected = hub.layers.ImageConverter.from_preset(str(resnet))(images)
    np.testing.assert_allclose(np.asarray(model.get_layer("scaled")(images)), np.asarray(expected), rtol=1e-6)
    small = path.read_text().replace("kernel_size: 8", "kernel_size: 9")
    assert findings(write(small)) == ["GS407"]


@needs_hub
def test_a_module_of_python_prepares_text_likewise(write: Write, tmp_path: Path, bert: Path) -> None:
    """The module of a spec builds the same model without graphspec."""
    import tensorflow as tf

    path = spec(write, bert)
    made: dict[str, Any] = {"__name__": "made", "__file__": str(tmp_path / "made.py")}
    exec(python_source(graphspec.load(path), tmp_path), made)
    texts = tf.constant(TEXTS)
    one, other = (model.get_layer("tokens")(texts) for model in (made["build_model"](), graphspec.build(path)))
    assert set(one) == {"token_ids", "segment_ids", "padding_mask"}
    for name in one:
        np.testing.assert_array_equal(np.asarray(one[name]), np.asarray(other[name]))


@needs_hub
@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (("dtype: string", "dtype: int32"), "GS410", "takes text, but received (batch) of int32"),
        (("shape: []", "shape: [1]"), "GS404", "takes one text a sample"),
        (("sequence_length", "sequnce_length"), "GS202", "did you mean `sequence_length`?"),
        (("sequence_length: 6", "sequence_length: 0"), "GS213", "`sequence_length` is 0"),
        (("sequence_length: 6", "sequence_length: 4294967296"), "GS213", "`sequence_length` is 4294967296"),
        (("sequence_length: 6", "sequence_length: many"), "GS213", "`sequence_length` is"),
        (("sequence_length: 6", "vocabulary: /etc/passwd"), "GS202", "the preset says what it is"),
        (("sequence_length: 6", "trainable: false"), "GS202", "no `trainable` to state"),
        (("sequence_length: 6", "truncate: {class_name: Lambda}"), "GS213", "`truncate` is a mapping"),
        (("sequence_length: 6", "preset: hf://a/b"), "GS101", "a model has one origin"),
    ],
)
def test_wrong_texts_and_arguments_are_found_statically(
    write: Write, bert: Path, change: tuple[str, str], code: str, says: str
) -> None:
    """Each is one finding at its place."""
    errors = list(graphspec.validate(spec(write, bert, SPEC.replace(*change))).errors)
    assert [each.rule.code for each in errors] == [code]
    assert says in f"{errors[0].message} {errors[0].help}"


@pytest.mark.parametrize("part", ["tokenizer", "preprocessor", "image_converter"])
def test_a_preset_without_such_a_part_is_found_without_keras_hub(write: Write, tmp_path: Path, part: str) -> None:
    """The finding stands at the preset."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "config.json").write_text("{}", encoding="utf-8")
    text = IDS if part != "image_converter" else IDS.replace("shape: [], dtype: string", "shape: [8, 8, 3]")
    path = write(text.replace("tokenizer", part).replace("PRESET", "./plain"))
    (found,) = graphspec.validate(path).errors
    assert found.rule.code == "GS601"
    assert found.span is not None
    assert path.read_text().splitlines()[found.span.line - 1][found.span.column - 1 :].startswith("./plain")
    assert f"./plain has no {part.replace('_', ' ')}" in found.message
    assert findings(write(IDS.replace("PRESET", "./nowhere"))) == ["GS601"]
    assert findings(write(IDS.replace("PRESET", "bert_tiny_en_uncased"))) == []


@needs_hub
def test_a_tokenizer_of_any_length_is_a_finding(write: Write, bert: Path) -> None:
    """Ragged ids fit no layer."""
    path = spec(write, bert, IDS.replace(", sequence_length: 5", ""))
    assert findings(path) == ["GS203"]


def _vocabulary(folder: Path) -> Path:
    return folder / "assets" / "tokenizer" / "vocabulary.txt"


def _link(folder: Path) -> None:
    target = folder.parent / "secret.txt"
    target.write_text("\n".join(WORDS), encoding="utf-8")
    _vocabulary(folder).unlink()
    _vocabulary(folder).symlink_to(target)


def _link_folder(folder: Path) -> None:
    shutil.move(folder / "assets", folder.parent / "elsewhere")
    (folder / "assets").symlink_to(folder.parent / "elsewhere")


def _pipe(folder: Path) -> None:
    _vocabulary(folder).unlink()
    os.mkfifo(_vocabulary(folder))


def _huge(folder: Path) -> None:
    os.truncate(_vocabulary(folder), 2**33)


def _in(name: str, *keys: str, **changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        whole = json.loads((folder / name).read_text(encoding="utf-8"))
        inner = whole
        for key in keys:
            inner = inner[key]
        inner.update(changes)
        (folder / name).write_text(json.dumps(whole), encoding="utf-8")

    return change


@needs_hub
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_link, "leads out of the folder"),
        (_link_folder, "leads out of the folder"),
        (_pipe, "named pipe"),
        (_huge, "larger than 32 MiB"),
        (lambda folder: _vocabulary(folder).write_text(""), "oov_token"),
        (lambda folder: _vocabulary(folder).write_text("[UNK]"), "special token"),
        (lambda folder: _vocabulary(folder).write_bytes(bytes(range(256))), "utf-8"),
        (lambda folder: _vocabulary(folder).unlink(), "vocabulary.txt"),
        (lambda folder: (folder / "tokenizer.json").write_text("["), "cannot be read as a preset"),
        (_in("tokenizer.json", "config", vocabulary="/etc/passwd"), "names a file of its own"),
        (_in("tokenizer.json", "config", config_file="/etc/x.json"), "leads out of the folder"),
        (_in("tokenizer.json", registered_name="keras_hub>BertBackbone"), "describes no Tokenizer"),
        (_in("tokenizer.json", registered_name="os>system"), "is not of KerasHub"),
        (_in("tokenizer.json", "config", oov_token={"class_name": "__lambda__"}), "carries code"),
        (_in("tokenizer.json", "config", split={"class_name": "run", "module": "os"}), "not of Keras"),
    ],
)
def test_hostile_and_damaged_vocabularies_are_findings(
    write: Write, tmp_path: Path, bert: Path, change: Callable[[Path], None], says: str
) -> None:
    """Nothing outside of the folder is read, nothing is executed, and there is no traceback."""
    change(copy_of(bert, tmp_path / "changed"))
    assert says in refusal(spec(write, "./changed", IDS))[1]


@needs_hub
def test_a_changed_vocabulary_is_found_on_resume(write: Write, tmp_path: Path, bert: Path) -> None:
    """A run knows the files that its text was prepared by."""
    from graphspec.run_directory.spec_values import values_of

    folder = copy_of(bert, tmp_path / "changed")
    loaded = graphspec.load(spec(write, "./changed"))
    before = values_of(loaded)
    _vocabulary(folder).write_text("\n".join([*WORDS, "new"]), encoding="utf-8")
    after = values_of(loaded)
    assert [key for key in before if before[key] != after[key]] == ["graph.encoded.apply[0].files"]
