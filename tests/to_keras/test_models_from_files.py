"""Models that a spec does not write itself: saved files, applications and other specs, with plain Keras as oracle."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError

Write = Callable[..., Path]
L = keras.layers

ONE = """
graphspec: 1
inputs: {x: [4]}
models: {base: {file: base.keras}}
outputs: {y: {from: x, apply: [base, {Dense: 1}], loss: mse}}
"""


def one(**names: str) -> keras.Model:
    """A model of one input and one output with weights of its own."""
    keras.utils.set_random_seed(5)
    x = keras.Input((4,), name="x")
    hidden = L.BatchNormalization(name="norm")(L.Dense(6, activation="relu", name="hidden")(x))
    return keras.Model(x, L.Dense(3, name="code")(hidden), **names)


def several() -> keras.Model:
    """A model of two inputs and two outputs, as dicts."""
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    both = L.Concatenate()([a, b])
    return keras.Model({"a": a, "b": b}, {"low": L.Dense(2, name="low")(both), "high": L.Dense(5, name="high")(b)})


def codes(path: Path) -> list[str]:
    """The codes of what building `path` finds, each with a place and a mend."""
    with pytest.raises(SpecError) as refused:
        graphspec.build(path)
    found = list(refused.value.report)
    assert all(each.span is not None and (each.help or each.expected) for each in found)
    return [each.rule.code for each in found]


@pytest.mark.smoke
@pytest.mark.parametrize("form", ["bare", "dict", "sequential"])
def test_a_saved_model_is_applied_with_its_weights(write: Write, tmp_path: Path, form: str) -> None:
    """Whatever its form, the loaded model computes what it computed, and its name is the declared one."""
    base = one()
    if form == "dict":
        base = keras.Model({"x": base.input}, {"code": base.output})
    if form == "sequential":
        base = keras.Sequential([keras.Input((4,)), *base.layers[1:]])
    base.save(tmp_path / "base.keras")
    model = graphspec.build(write(ONE))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    expected = base({"x": x} if form == "dict" else x)
    expected = expected["code"] if form == "dict" else expected
    inner = keras.Model(model.input, model.get_layer("y").input)
    np.testing.assert_allclose(inner({"x": x}), expected, rtol=1e-5)
    assert model.count_params() == base.count_params() + 4
    assert graphspec.summarize(tmp_path / "spec.yaml").parameters == model.count_params()


def test_inputs_go_by_name_and_outputs_are_picked(write: Write, tmp_path: Path) -> None:
    """A model of several inputs takes them by name, and `.output` picks one of several outputs, also through a name."""
    base = several()
    base.save(tmp_path / "base.keras")
    path = write(
        """
        graphspec: 1
        inputs: {first: [2], second: [3]}
        models: {base: {file: base.keras}}
        graph:
          both: {from: {b: second, a: first}, apply: base}
          again: {from: [first, second], apply: base}
          alias: both
        outputs: {low: both.low, high: alias.high, other: again.low, by_index: "again[1]"}
        """
    )
    assert len(graphspec.validate(path)) == 0
    a, b = np.ones((2, 2), "float32"), np.full((2, 3), 2.0, "float32")
    found, expected = graphspec.build(path)({"first": a, "second": b}), base({"a": a, "b": b})
    for name, of in (("low", "low"), ("high", "high"), ("other", "low"), ("by_index", "high")):
        np.testing.assert_allclose(found[name], expected[of], rtol=1e-6)


@pytest.mark.parametrize(
    ("node", "output", "code"),
    [
        ("{from: {a: first, c: second}, apply: base}", "wrong.low", "GS307"),
        ("{from: first, apply: base}", "wrong.low", "GS307"),
        ("{from: [first, second, first], apply: base}", "wrong.low", "GS307"),
        ("{from: made.lowe}", "wrong", "GS306"),
        ("{from: 'made[2]'}", "wrong", "GS306"),
        ("{from: made, apply: {Dense: 2}}", "wrong", "GS411"),
        ("{from: made}", "wrong", "GS411"),
    ],
)
def test_wrong_uses_are_found_at_the_latest_when_built(
    write: Write, tmp_path: Path, node: str, output: str, code: str
) -> None:
    """What validation does not know of a file is found at its place when the model is built, by the same rule."""
    several().save(tmp_path / "base.keras")
    path = write(
        f"""
        graphspec: 1
        inputs: {{first: [2], second: [3]}}
        models: {{base: {{file: base.keras}}}}
        graph:
          made: {{from: {{a: first, b: second}}, apply: base}}
          wrong: {node}
        outputs: {{y: {{from: {output}}}, z: made.low}}
        """
    )
    assert [finding.rule.code for finding in graphspec.validate(path)] in ([], [code])
    assert codes(path) == [code]


def test_wrong_name_of_a_single_output_is_found(write: Write, tmp_path: Path) -> None:
    """The one output of a model may be named, and only by its name."""
    one().save(tmp_path / "base.keras")
    text = ONE.replace("outputs:", "graph: {made: {from: x, apply: base}}\noutputs:").replace("from: x, apply: [base, {Dense: 1}]", "from: made.NAME")  # noqa: E501  # fmt: skip
    assert graphspec.build(write(text.replace("NAME", "code"))).output_names == ["y"]
    assert codes(write(text.replace("NAME", "cod"))) == ["GS306"]


def test_a_wrapped_and_shared_file_has_one_set_of_weights(write: Write, tmp_path: Path) -> None:
    """A model from a file is shared by all its uses, inside wrappers as well."""
    base = one()
    base.save(tmp_path / "base.keras")
    model = graphspec.build(
        write(
            """
            graphspec: 1
            inputs: {x: [4], frames: [3, 4]}
            models: {base: {file: base.keras}}
            outputs:
              a: {from: x, apply: base}
              b: {from: frames, apply: {TimeDistributed: base}}
            """
        )
    )
    assert model.count_params() == base.count_params()
    frames = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    found = model({"x": frames[:, 1], "frames": frames})
    np.testing.assert_allclose(found["b"][:, 1], found["a"], rtol=1e-5)


def test_frozen_files_train_their_head_alone(write: Write, tmp_path: Path) -> None:
    """`trainable: false` keeps a model as it was saved through a whole training, and the run reads it again."""
    base = one()
    base.save(tmp_path / "base.keras")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(16, 4)))
    np.save(tmp_path / "y.npy", np.ones((16, 1)))
    training = "training: {optimizer: {SGD: 0.1}, batch_size: 8}\ndata: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}\n"  # noqa: E501  # fmt: skip
    path = write(ONE.replace("{file: base.keras}", "{file: base.keras, trainable: false}") + training)
    assert graphspec.summarize(path).trainable == 4
    run = graphspec.train(path, run_dir=tmp_path / "deep" / "run")
    after = run.model()
    for ours, theirs in zip(after.get_layer("base").get_weights(), base.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert set(run.evaluate("train")) == {"loss"}
    path.write_text(path.read_text(encoding="utf-8").replace("{SGD: 0.1}", "{SGD: 0.1}, freeze: [base/hidden, base/nor]"), encoding="utf-8")  # noqa: E501  # fmt: skip
    assert codes(path) == ["GS509"]


@pytest.mark.smoke
def test_layers_inside_a_file_can_be_frozen(write: Write, tmp_path: Path) -> None:
    """`freeze` reaches into a loaded model by the names that its layers bear there."""
    one().save(tmp_path / "base.keras")
    path = write(ONE + "training: {optimizer: adam, freeze: [base/hidden]}\n")
    frozen = graphspec.build(path).get_layer("base").get_layer("hidden")
    assert frozen.trainable is False
    assert graphspec.build(path).get_layer("base").get_layer("code").trainable


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "config", "text"])
def test_damaged_files_are_findings(write: Write, tmp_path: Path, damage: str) -> None:
    """A file that is not there or no model is found at its name; one that is not there, by validation already."""
    file = tmp_path / "base.keras"
    one().save(file)
    whole = file.read_bytes()
    if damage == "missing":
        file.rename(tmp_path / "bas.keras")
    elif damage == "config":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", "[1]")
    else:
        file.write_bytes({"empty": b"", "truncated": whole[: len(whole) // 2], "text": b"no model"}[damage])
    assert codes(write(ONE)) == ["GS601" if damage == "missing" else "GS602"]
    assert [each.rule.code for each in graphspec.validate(write(ONE))] == (["GS601"] if damage == "missing" else [])


def rewritten(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the configuration inside a `.keras` file."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("weightless", [False, True])
def test_files_that_carry_code_are_refused(write: Write, tmp_path: Path, weightless: bool) -> None:
    """A `Lambda` layer, or a class of another module, is refused before Keras reads the file."""
    x = keras.Input((4,))
    keras.Model(x, L.Lambda(lambda t: t * 2)(x)).save(tmp_path / "base.keras")
    with pytest.raises(SpecError, match="GS205") as refused:
        graphspec.build(write(ONE), weightless=weightless)
    assert "holds `Lambda`, which carries code" in str(refused.value)
    one().save(tmp_path / "base.keras")

    def of_elsewhere(config: dict[str, Any]) -> None:
        config["config"]["layers"][1] |= {"module": "os", "class_name": "system", "registered_name": "system"}

    rewritten(tmp_path / "base.keras", of_elsewhere)
    with pytest.raises(SpecError, match="GS211"):
        graphspec.build(write(ONE), weightless=weightless)


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50"])
def test_applications_are_those_of_keras(write: Write, name: str) -> None:
    """An application is built with its arguments, without weights of its own, and downloads nothing."""
    path = write(
        f"""
        graphspec: 1
        inputs: {{image: [32, 32, 3]}}
        models: {{backbone: {{application: {name}, include_top: false, pooling: avg, input_shape: [32, 32, 3], trainable: false}}}}
        outputs: {{y: {{from: image, apply: [backbone, {{Dense: 2}}]}}}}
        """  # noqa: E501
    )
    model = graphspec.build(path, weightless=True)
    keras.backend.clear_session()
    by_hand = getattr(keras.applications, name)(include_top=False, weights=None, pooling="avg", input_shape=(32, 32, 3))
    backbone = model.get_layer("backbone")
    assert [each.shape for each in backbone.weights] == [each.shape for each in by_hand.weights]
    assert [each.name for each in backbone.layers[1:]] == [each.name for each in by_hand.layers[1:]]
    summary = graphspec.summarize(path)
    assert summary.trainable == 2 * (by_hand.output.shape[-1] + 1)
    assert summary.root.rows[1].layer == f"backbone ({name})"


def test_what_an_application_refuses_is_a_finding(write: Write) -> None:
    """A value that Keras refuses is found at the application."""
    text = ONE.replace("{file: base.keras}", "{application: MobileNetV2, input_shape: [2, 2, 3], include_top: false}")
    assert codes(write(text.replace("x: [4]", "x: [2, 2, 3]"))) == ["GS209"]


def test_another_spec_is_a_model_with_names_and_paths_of_its_own(write: Write, tmp_path: Path) -> None:
    """A spec's body is nested with its own variables and layers, and paths in it start at its own folder."""
    (tmp_path / "parts").mkdir()
    one().save(tmp_path / "parts" / "base.keras")
    (tmp_path / "parts" / "inner.yaml").write_text(
        "graphspec: 1\nvars: {size: 7}\ninputs: {v: [4]}\nmodels: {base: {file: base.keras}}\n"
        "outputs:\n  big: {from: v, apply: {Dense: '${size}'}, loss: mse}\n  code: {from: v, apply: base}\n"
        "training: {optimizer: adam}\n",
        encoding="utf-8",
    )
    path = write(
        """
        graphspec: 1
        inputs: {x: [4], z: [4]}
        models: {inner: {spec: parts/inner.yaml, trainable: false}}
        graph: {p: {from: x, apply: inner}, q: {from: z, apply: inner}}
        outputs: {y: {from: [p.big, q.big], merge: concat, apply: {Dense: 1}}, code: p.code}
        """
    )
    assert len(graphspec.validate(path)) == 0
    model = graphspec.build(path)
    assert model.count_params() == 35 + one().count_params() + 15
    assert sum(int(np.prod(each.shape)) for each in model.trainable_variables) == 15
    wrong = write(path.read_text(encoding="utf-8").replace("p.code", "p.cod"))
    assert [each.rule.code for each in graphspec.validate(wrong)] == ["GS306"]


def test_weights_of_a_model_come_from_its_file(write: Write, tmp_path: Path) -> None:
    """`weights` of a model written here, and of one from elsewhere, are loaded when it is built, and must match."""
    one(name="whatever").save_weights(tmp_path / "base.weights.h5")
    body = "{weights: base.weights.h5, inputs: {x: [4]}, graph: {hidden: {from: x, apply: {Dense: {units: 6, activation: relu}}}, norm: {from: hidden, apply: BatchNormalization}}, outputs: {code: {from: norm, apply: {Dense: 3}}}}"  # noqa: E501
    path = write(ONE.replace("{file: base.keras}", body))
    model = graphspec.build(path)
    for ours, theirs in zip(model.get_layer("base").get_weights(), one().get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert graphspec.build(path, weightless=True).count_params() == model.count_params()
    assert codes(write(ONE.replace("{file: base.keras}", body.replace("Dense: 3", "Dense: 2")))) == ["GS510"]
    assert [each.rule.code for each in graphspec.validate(write(ONE.replace("{file: base.keras}", body.replace("base.w", "bose.w"))))] == ["GS601"]  # noqa: E501  # fmt: skip


def test_a_run_finds_the_files_of_its_spec(write: Write, tmp_path: Path) -> None:
    """The spec that a run keeps names the same files from where it lies, and trains again."""
    one().save(tmp_path / "base.keras")
    one().save_weights(tmp_path / "base.weights.h5")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(16, 4)))
    np.save(tmp_path / "y.npy", np.ones((16, 1)))
    training = "training: {optimizer: adam, batch_size: 8}\ndata: {train: {inputs: {x: x.npy}, outputs: {y: y.npy}}}\n"
    path = write(ONE.replace("{file: base.keras}", "{file: base.keras, weights: base.weights.h5}") + training)
    run = graphspec.train(path, run_dir=tmp_path / "far" / "run")
    assert len(graphspec.validate(run.path / "spec.yaml")) == 0
    again = graphspec.train(run.path / "spec.yaml", run_dir=tmp_path / "again")
    assert again.history == run.history
