"""Presets of KerasHub as models. Each is made here, and none is fetched; what needs KerasHub is skipped without it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.cli._verify_resume import differences
from graphspec.diagnostics import SpecError
from graphspec.to_python import python_source

from ..killed import killed_at

Write = Callable[..., Path]

needs_hub = pytest.mark.skipif(importlib.util.find_spec("keras_hub") is None, reason="keras-hub is not installed")

SPEC = """
graphspec: 1
models: {bert: {preset: PRESET}}
inputs:
  words: {shape: [6], dtype: int32}
  segments: {shape: [6], dtype: int32}
  mask: {shape: [6], dtype: int32}
graph: {encoded: {from: {token_ids: words, segment_ids: segments, padding_mask: mask}, apply: bert}}
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
data: {train: {inputs: {words: words.npy, segments: zeros.npy, mask: ones.npy}, outputs: {mood: mood.npy}}}
"""


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a preset of two layers."""
    import keras_hub

    keras.utils.set_random_seed(1)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=20, num_layers=2, num_heads=2, hidden_dim=4, intermediate_dim=8, max_sequence_length=8
    )
    folder = tmp_path_factory.mktemp("presets") / "bert_tiny"
    backbone.save_to_preset(str(folder))
    return folder


def spec(write: Write, preset: Path | str) -> Path:
    """The spec above with its data."""
    path = write(SPEC.replace("PRESET", str(preset)))
    words = np.random.default_rng(0).integers(0, 20, size=(8, 6)).astype(np.int32)
    arrays = {"words": words, "zeros": words * 0, "ones": words * 0 + 1, "mood": words[:, 0] % 2}
    for name, values in arrays.items():
        np.save(path.parent / f"{name}.npy", values)
    return path


def finding(path: Path) -> tuple[str, str]:
    """The code and the words of the one finding of building a spec."""
    with pytest.raises(SpecError) as refused:
        graphspec.build(path)
    (found,) = refused.value.report
    assert found.span is not None
    return found.rule.code, str(refused.value)


@needs_hub
@pytest.mark.slow
def test_a_preset_is_tuned_with_adapters_and_resumes_to_the_bit(write: Write, tmp_path: Path, preset: Path) -> None:
    """Its weights are the preset's, adapters and the head alone train, a kill resumes exactly, plain Keras loads it."""
    path = spec(write, preset)
    assert not list(graphspec.validate(path).found)
    model = graphspec.build(path)
    import keras_hub

    backbone = keras_hub.models.Backbone.from_preset(str(preset))
    inputs = {name: np.load(path.parent / f"{name}.npy") for name in ("words", "zeros", "ones")}
    tokens = dict(zip(("token_ids", "segment_ids", "padding_mask"), inputs.values(), strict=True))
    given = model.get_layer("bert")(tokens)["pooled_output"]
    np.testing.assert_array_equal(np.asarray(given), np.asarray(backbone(tokens)["pooled_output"]))
    trained = {each.path for each in model.trainable_variables}
    assert {each for each in trained if "lora" not in each} == {"mood/kernel", "mood/bias"}
    assert len(trained) == 2 + 2 * 2 * 2

    run = graphspec.train(path, run_dir=tmp_path / "run")
    killed = killed_at(run, 3, tmp_path / "killed")
    graphspec.resume(killed)
    assert list(differences(run.path, killed)) == []
    named = dict(zip(("words", "segments", "mask"), inputs.values(), strict=True))
    plain = keras.saving.load_model(run.path / "model.keras")
    expected = run.model().predict(named, verbose=0)["mood"]
    np.testing.assert_allclose(plain.predict(named, verbose=0)["mood"], expected, rtol=1e-5)


@needs_hub
def test_a_module_of_python_loads_the_preset(write: Write, tmp_path: Path, preset: Path) -> None:
    """The module of a spec builds the same model without graphspec."""
    path = spec(write, preset)
    made: dict[str, Any] = {"__name__": "made", "__file__": str(tmp_path / "made.py")}
    exec(python_source(graphspec.load(path), tmp_path), made)
    named = {name: np.ones((2, 6), np.int32) for name in ("words", "segments", "mask")}
    one, other = (model.get_layer("bert")(_tokens(named)) for model in (made["build_model"](), graphspec.build(path)))
    np.testing.assert_array_equal(np.asarray(one["sequence_output"]), np.asarray(other["sequence_output"]))


def _tokens(named: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(("token_ids", "segment_ids", "padding_mask"), named.values(), strict=True))


@needs_hub
@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda config: config.update(registered_name="keras_hub>NoBackbone"), "GS602", "describes no backbone"),
        (lambda config: config.update(registered_name="keras_hub>BertTokenizer"), "GS602", "describes no backbone"),
        (lambda config: config.pop("registered_name"), "GS602", "is not of KerasHub"),
        (lambda config: config["config"].update(dropout={"class_name": "__lambda__"}), "GS205", "carries code"),
        (
            lambda config: config["config"].update(dropout={"class_name": "system", "module": "os"}),
            "GS211",
            "which is not of Keras",
        ),
        (lambda config: config["config"].update(vocabulary_size=2**34), "GS602", "far too small to hold them"),
        (lambda config: config["config"].update(num_layers="many"), "GS602", "cannot be read as a preset"),
        (lambda config: config["config"].update(hidden_dim=None), "GS602", "cannot be read as a preset"),
    ],
)
def test_hostile_and_damaged_presets_are_findings(
    write: Write, tmp_path: Path, preset: Path, change: Callable[[dict[str, Any]], None], code: str, says: str
) -> None:
    """The configuration is looked through before KerasHub reads it: code and foreign objects are refused."""
    folder = tmp_path / "changed"
    folder.mkdir()
    for each in preset.iterdir():
        (folder / each.name).write_bytes(each.read_bytes())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found, words = finding(spec(write, "./changed"))
    assert says in words
    assert found == code


TAPPED = """
graphspec: 1
models: {seen: {preset: PRESET, taps: TAPS}}
inputs: {image: [16, 16, 3]}
graph: {parts: {from: image, apply: seen}}
outputs: {own: "parts[0]", low: parts.P2, inner: parts.conv1_relu}
"""


@needs_hub
def test_levels_and_inner_layers_of_a_backbone_are_outputs(write: Write, tmp_path: Path) -> None:
    """By the names of KerasHub's `pyramid_outputs` and of layers, in Python too; `layers --of` lists them."""
    import keras_hub

    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 4],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
        image_shape=(None, None, 3),
    )  # fmt: skip
    backbone.save_to_preset(str(tmp_path / "resnet"))
    path = write(TAPPED.replace("PRESET", "./resnet").replace("TAPS", "[P2, conv1_relu]"))
    assert not list(graphspec.validate(path).found)
    image = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)
    inner = {"own": backbone.output, "low": backbone.pyramid_outputs["P2"]}
    inner["inner"] = backbone.get_layer("conv1_relu").output
    expected = keras.Model(backbone.input, inner)(image)
    made: dict[str, Any] = {"__name__": "made", "__file__": str(tmp_path / "made.py")}
    exec(python_source(graphspec.load(path), tmp_path), made)
    for model in (graphspec.build(path), made["build_model"]()):
        for name, found in model({"image": image}).items():
            np.testing.assert_allclose(np.asarray(found), np.asarray(expected[name]), rtol=1e-5, atol=1e-6)
    listed = CliRunner().invoke(main, ["layers", "--of", f"preset:{tmp_path / 'resnet'}"])
    assert listed.exit_code == 0
    rows = [line.split(maxsplit=2) for line in listed.output.splitlines()]
    assert ["P2", "pyramid"] in [row[:2] for row in rows]
    assert ["conv1_relu", "Activation"] in [row[:2] for row in rows]
    wrong = finding(write(TAPPED.replace("PRESET", "./resnet").replace("TAPS", "[P2, P7, conv1_relu]")))
    assert wrong[0] == "GS441"
    assert "there is no layer `P7`" in wrong[1]


@needs_hub
@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "null"])
def test_what_is_no_configuration_is_a_finding(write: Write, tmp_path: Path, text: str) -> None:
    """An empty, damaged or deeply nested file is no traceback."""
    (tmp_path / "changed").mkdir()
    (tmp_path / "changed" / "config.json").write_text(text, encoding="utf-8")
    assert finding(spec(write, "./changed"))[0] == "GS602"


@needs_hub
def test_a_handle_is_never_fetched_without_weights(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A summary, and a deep validation, name what is missing; building says that nothing could be fetched."""
    import huggingface_hub
    import kagglehub

    asked: list[str] = []

    def refuse(name: str, **settings: Any) -> str:
        if not settings.get("local_files_only"):
            asked.append(name)
            raise ConnectionError("no network")
        raise FileNotFoundError(name)

    monkeypatch.setattr(kagglehub, "model_download", refuse)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    for handle in ("kaggle://nobody/bert/keras/none/1", "hf://nobody/none", "bert_tiny_en_uncased"):
        path = spec(write, handle)
        assert not list(graphspec.validate(path).errors)
        with pytest.raises(SpecError, match="it has not been fetched"):
            graphspec.summarize(path)
        assert asked == []
        code, words = finding(path)
        assert code == "GS920"
        assert "cannot be fetched: no network" in words
        assert len(asked) == 1
        asked.clear()
    assert "has no preset of this name" in finding(spec(write, "bert_of_nobody"))[1]


@pytest.mark.parametrize(
    ("preset", "code", "says"),
    [
        ("./nowhere", "GS601", "there is no folder ./nowhere"),
        (".", "GS601", ". holds no `config.json`"),
        ("hg://a/b", "GS104", "`hg://a/b` is no handle of KerasHub"),
        ("3", "GS103", "3 is not the path of a file"),
        ("''", "GS103", "is not the path of a file"),
        ("hf://a/b, application: ResNet50", "GS101", "a model has one origin"),
        ("hf://a/b, pooling: avg", "GS101", "no key `pooling` for a model from a preset"),
    ],
)
def test_wrong_presets_are_found_without_keras_hub(write: Write, preset: str, code: str, says: str) -> None:
    """Validation knows folders and the forms of handles, and needs neither TensorFlow nor KerasHub."""
    found = list(graphspec.validate(spec(write, preset)).errors)
    assert [each.rule.code for each in found] == [code]
    assert says in found[0].message


def test_without_keras_hub_the_command_to_run_is_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding stands at the preset."""
    monkeypatch.setattr("graphspec.extras.importlib.util.find_spec", lambda name: None)
    path = spec(write, "hf://a/b")
    from graphspec.to_keras.hub import import_hub

    with pytest.raises(SpecError, match=r"pip install 'graphspec\[hub\]'"):
        import_hub("this model is a preset of KerasHub", graphspec.load(path).tree.span)


@needs_hub
@pytest.mark.parametrize(("overrides", "codes"), [([], ["GS517"]), (["training.freeze=[seen]"], [])])
def test_statistics_of_one_device_are_told_by_the_build(
    write: Write, tmp_path: Path, overrides: list[str], codes: list[str]
) -> None:
    """Which layers a backbone has is known once it is built: those that train normalise by the rows of one device."""
    import keras_hub

    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64], stackwise_num_blocks=[1],
        stackwise_num_strides=[1], block_type="basic_block", image_shape=(16, 16, 3),
    )  # fmt: skip
    backbone.save_to_preset(str(tmp_path / "resnet"))
    path = write(
        """
        graphspec: 1
        models: {seen: {preset: ./resnet}}
        inputs: {photo: [16, 16, 3]}
        outputs: {y: {from: photo, apply: [seen, GlobalAveragePooling2D, {Dense: 1}], loss: mse}}
        training: {optimizer: adam, distribute: mirrored}
        """
    )
    assert list(graphspec.validate(path, overrides)) == []
    assert [each.rule.code for each in graphspec.validate(path, overrides, deep=True)] == codes
