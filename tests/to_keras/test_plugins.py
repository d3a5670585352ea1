"""`plugins:` modules that register custom objects: found beside the spec, used as `package>Name`, kept by runs."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError

from .plugin_objects import forget, refusal

Write = Callable[..., Path]

MODULE = """
import keras
register = keras.saving.register_keras_serializable

@register(package="my")
class Gate(keras.layers.Layer):
    def __init__(self, power=1.0, kernel_initializer="ones", **more):
        super().__init__(**more)
        self.power, self.kernel_initializer = power, keras.initializers.get(kernel_initializer)
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer=self.kernel_initializer, name="scale")
    def call(self, inputs):
        return inputs ** self.power * self.scale

@register(package="my")
class Plain(keras.layers.Layer):
    def __init__(self):
        super().__init__()
    def call(self, inputs):
        return inputs + 1.0

@register(package="my")
class Around(keras.layers.Layer):
    def __init__(self, layer, layers=(), **more):
        super().__init__(**more)
        self.inner, self.others = layer, list(layers)
    def call(self, inputs):
        for other in self.others:
            inputs = other(inputs)
        return self.inner(inputs)

@register(package="my")
class Twos(keras.initializers.Initializer):
    def __init__(self, value=2.0):
        self.value = value
    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, self.value, dtype)
    def get_config(self):
        return {"value": self.value}

@register(package="my")
def cubed(x):
    return x ** 3

@register(package="my")
def gap(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

@register(package="my")
class Gap(keras.losses.Loss):
    def __init__(self, factor=1.0, name="gap", reduction="sum_over_batch_size", dtype=None):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.factor = factor
    def call(self, y_true, y_pred):
        return self.factor * gap(y_true, y_pred)
    def get_config(self):
        return {**super().get_config(), "factor": self.factor}

@register(package="my")
class Slow(keras.optimizers.SGD):
    pass

@register(package="my")
class Note(keras.callbacks.Callback):
    def __init__(self, filename):
        super().__init__()
        self.filename = filename
    def get_config(self):
        return {"filename": self.filename}
    def on_train_end(self, logs=None):
        open(self.filename, "w").write("done")
"""

SPEC = """
graphspec: 1
plugins: [my_layers]
inputs: {x: [3]}
outputs: {y: {from: x, apply: LAYER, loss: mse}}
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """`my_layers.py` beside the spec."""
    path = tmp_path / "my_layers.py"
    path.write_text(MODULE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("my>Gate", [2.0, 3.0]),
        ("{my>Gate: 2}", [4.0, 9.0]),
        ("{my>Gate: {power: 2, kernel_initializer: {my>Twos: {value: 5}}}}", [20.0, 45.0]),
        ("{my>Gate: {kernel_initializer: my>Twos}}", [4.0, 6.0]),
        ("{my>Gate: {kernel_initializer: {Constant: 3}}}", [6.0, 9.0]),
        ("{my>Gate: {kernel_initializer: zeros}}", [0.0, 0.0]),
        ("my>Plain", [3.0, 4.0]),
        ("[my>Plain, {my>Gate: 2}, my>Plain]", [10.0, 17.0]),
        ("{Activation: my>cubed}", [8.0, 27.0]),
        ("{my>Around: doubled}", [4.0, 6.0]),
        ("{my>Around: {layer: doubled, layers: [my>Plain, {Rescaling: 10}]}}", [60.0, 80.0]),
        ("{my>Around: {layers: [my>Plain], inner: 3}}", "GS209"),
    ],
)
def test_custom_objects_stand_where_those_of_keras_do(
    write: Write, module: Path, layer: str, expected: list[float] | str
) -> None:
    """A registered layer, initializer or function is called with the spec's arguments; a bare value is the first."""
    declared = "layers: {doubled: {Rescaling: 2}}\ninputs:" if "doubled" in layer else "inputs:"
    path = write(SPEC.replace("inputs:", declared).replace("LAYER", layer))
    assert len(graphspec.validate(path)) == 0
    if isinstance(expected, str):
        assert refusal(path)[0] == expected
    else:
        model = graphspec.build(path)
        assert model.output_names == ["y"]
        values = np.asarray(model({"x": np.array([[2.0, 3.0, 0.0]], "float32")})["y"])
        np.testing.assert_allclose(values[0, :2], expected)


def test_validation_imports_no_plugin(write: Write, tmp_path: Path) -> None:
    """Validation neither runs nor finds the module; what builds does."""
    (tmp_path / "my_layers.py").write_text("raise RuntimeError('it ran')\n", encoding="utf-8")
    path = write(SPEC.replace("LAYER", "my>Gate"))
    assert len(graphspec.validate(path)) == 0
    code, text = refusal(path)
    assert code == "GS212"
    assert "spec.yaml:3:11" in text
    assert "my_layers.py:1: RuntimeError: it ran" in text


@pytest.mark.parametrize(
    ("plugins", "layer", "code", "words"),
    [
        ("my_layer", "my>Gate", "GS212", "ModuleNotFoundError"),
        ("my_layers", "my>Gat", "GS211", "did you mean `my>Gate`?"),
        ("my_layers", "my>Gap", "GS211", "is no layer"),
        ("my_layers", "my>cubed", "GS211", "is no layer"),
        ("my_layers", "{my>Gate: {powr: 2}}", "GS209", "refused its arguments"),
        ("my_layers", "{Activation: {activation: {my>cubed: 3}}}", "GS209", "takes no arguments here"),
        ("json", "my>Gate", "GS211", "no plugin registers `my>Gate`"),
    ],
)
def test_what_plugins_lack_is_found_at_its_place(
    write: Write, module: Path, plugins: str, layer: str, code: str, words: str
) -> None:
    """A module that is not there, a name that none registers, and one of another kind are findings."""
    found, text = refusal(write(SPEC.replace("my_layers", plugins).replace("LAYER", layer)))
    assert found == code
    assert words in text


def test_training_with_custom_objects_repeats_from_its_run(write: Write, module: Path, tmp_path: Path) -> None:
    """Losses, metrics, optimizers and callbacks may be custom; a run finds its plugins from where it lies."""
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(16, 3)))
    np.save(tmp_path / "y.npy", np.ones((16, 3)))
    path = write(
        """
        graphspec: 1
        plugins: [my_layers]
        inputs: {x: [3]}
        outputs:
          y: {from: x, apply: [my>Plain, my>Gate], loss: {my>Gap: {factor: 2.0}}, metrics: [my>gap, mae]}
          z: {from: x, apply: my>Gate, loss: my>gap}
        training:
          optimizer: {my>Slow: 0.05}
          batch_size: 8
          epochs: 2
          callbacks: [{my>Note: {filename: notes/end.txt}}, {EarlyStopping: {monitor: y_gap, mode: min, patience: 9}}]
        data: {train: {inputs: {x: x.npy}, outputs: {y: y.npy, z: y.npy}}}
        """
    )
    run = graphspec.train(path, run_dir=tmp_path / "far" / "run")
    assert (run.path / "notes" / "end.txt").read_text(encoding="utf-8") == "done"
    assert run.history["y_gap"] == pytest.approx(run.history["y_mae"])
    assert run.history["y_loss"] == pytest.approx([2 * each for each in run.history["y_gap"]])
    sys.modules.pop("my_layers")
    forget()
    assert graphspec.Run.at(run.path).evaluate("train")["y_gap"] > 0
    text = (run.path / "spec.yaml").read_text(encoding="utf-8")
    assert "module: my_layers" in text
    assert str(tmp_path) not in text
    again = graphspec.train(run.path / "spec.yaml", run_dir=tmp_path / "again")
    assert again.history == run.history


def test_saved_models_with_custom_layers_are_applied(write: Write, module: Path, tmp_path: Path) -> None:
    """A file with objects that a plugin registers is read where the plugin is named, and refused where it is not."""
    body = "{from: x, apply: {my>Gate: {power: 2}}}"
    graphspec.build(write(SPEC.replace("{from: x, apply: LAYER, loss: mse}", body))).save(tmp_path / "base.keras")
    text = SPEC.replace("inputs:", "models: {base: {file: base.keras}}\ninputs:").replace("LAYER", "base")
    model = graphspec.build(write(text))
    found = np.asarray(model({"x": np.array([[2.0, 3.0, 0.0]], "float32")})["y"])
    np.testing.assert_allclose(found, [[4.0, 9.0, 0.0]])
    forget()
    code, message = refusal(write(text.replace("plugins: [my_layers]\n", "")))
    assert code == "GS211"
    assert "my>Gate" in message


def test_modules_of_one_name_beside_two_specs_are_two(write: Write, tmp_path: Path) -> None:
    """Each spec gets the module that lies beside it, however often and in whatever order they are built."""
    paths = []
    for number in (1, 2):
        folder = tmp_path / f"project{number}"
        folder.mkdir()
        source = MODULE.replace("inputs + 1.0", f"inputs + {number}.0")
        (folder / "my_layers.py").write_text(textwrap.dedent(source), encoding="utf-8")
        paths.append(write(SPEC.replace("LAYER", "my>Plain"), f"project{number}/spec.yaml"))
    for number in (0, 1, 1, 0):
        found = graphspec.build(paths[number])({"x": np.zeros((1, 3), "float32")})["y"]
        np.testing.assert_allclose(found, np.full((1, 3), number + 1.0))


def test_a_module_in_the_way_is_left_alone(write: Write, tmp_path: Path) -> None:
    """A file beside the spec with the name of a loaded module is a finding, and that module stays loaded."""
    (tmp_path / "json.py").write_text("raise RuntimeError", encoding="utf-8")
    import json

    code, text = refusal(write(SPEC.replace("my_layers", "json").replace("LAYER", "my>Gate")))
    assert code == "GS212"
    assert "another module of that name" in text
    assert sys.modules["json"] is json


def test_packages_beside_the_spec_are_plugins(write: Write, tmp_path: Path) -> None:
    """A dotted name is a module of a package; the plugins of a spec that is a model in another are imported too."""
    (tmp_path / "parts" / "extra").mkdir(parents=True)
    (tmp_path / "parts" / "extra" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "parts" / "extra" / "mine.py").write_text(MODULE, encoding="utf-8")
    write(SPEC.replace("my_layers", "extra.mine").replace("LAYER", "my>Plain"), "parts/inner.yaml")
    path = write(
        """
        graphspec: 1
        inputs: {x: [3]}
        models: {inner: {spec: parts/inner.yaml}}
        outputs: {y: {from: x, apply: [inner, my>Plain]}}
        """
    )
    assert len(graphspec.validate(path)) == 0
    np.testing.assert_allclose(graphspec.build(path)({"x": np.zeros((1, 3), "float32")})["y"], np.full((1, 3), 2.0))


def test_mask_dropped_by_a_custom_layer(write: Write, module: Path) -> None:
    """What a custom layer does with masks shows only when it is built, and is said then."""
    path = write(
        """
        graphspec: 1
        plugins: [my_layers]
        inputs: {words: {shape: [3], dtype: int32}}
        graph:
          vectors: {from: words, apply: {Embedding: {input_dim: 5, output_dim: 2, mask_zero: true}}}
        outputs: {y: {from: vectors, apply: [my>Gate, {LSTM: 2}]}}
        """
    )
    assert [finding.rule.code for finding in graphspec.load(path).warnings] == []
    (finding,) = graphspec.summarize(path).warnings
    assert (finding.rule.code, "`Gate` in `y`" in finding.message) == ("GS402", True)


PARTS = """
import keras
register = keras.saving.register_keras_serializable

@register(package="parts")
class Keeps(keras.layers.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.supports_masking = True
    def call(self, inputs):
        return inputs * 2.0

@register(package="parts")
class Halves(keras.layers.Layer):
    def call(self, inputs):
        return {"low": inputs[:, :2], "high": inputs[:, 2:]}
"""


def test_masks_are_followed_behind_a_custom_layer(write: Write) -> None:
    """Where only Keras knows what a layer gives, a mask that a sum or an operation drops is found when it is built."""
    write(PARTS, "parts.py")
    path = write(
        """
        graphspec: 1
        plugins: [parts]
        inputs: {words: {shape: [3], dtype: int32}}
        graph:
          masked: {from: words, apply: [{Embedding: {input_dim: 5, output_dim: 2, mask_zero: true}}, parts>Keeps]}
          bare: {from: words, apply: [{Embedding: {input_dim: 5, output_dim: 2}}, parts>Keeps]}
        outputs:
          lost: {from: [masked, bare], merge: sum, apply: {LSTM: 2}}
          operated: {from: masked, apply: [ops.negative, {LSTM: 2}]}
          kept: {from: [masked, masked], merge: sum, apply: {LSTM: 2}}
          none: {from: [bare, bare], merge: sum, apply: {LSTM: 2}}
        """
    )
    found = graphspec.summarize(path).warnings
    assert [(each.rule.code, each.message.partition(" drops")[0]) for each in found] == [
        ("GS402", "`Add` in `lost`"),
        ("GS402", "`ops.negative` in `operated`"),
    ]


@pytest.mark.parametrize(
    ("node", "code", "message", "expected"),
    [
        ("{from: 'parts[2]'}", "GS306", "`parts` is 2 tensors, so there is no `parts[2]`", "an index from [0] to [1]"),
        ("{from: 'parts[7]'}", "GS306", "`parts` is 2 tensors, so there is no `parts[7]`", "an index from [0] to [1]"),
        ("{from: 'kept[0]'}", "GS306", "`kept` is 1 tensor, so there is no `kept[0]`", "`kept`"),
        (
            "{from: parts, apply: {Conv1D: {filters: 1, kernel_size: 1}}}",
            "GS401",
            "Keras refused to apply `Conv1D` in `wrong`",
            "what comes in is `parts` {low: (batch, 2), high: (batch, 3)}",
        ),
        (
            "{from: [kept, x], merge: {concat: {axis: 3}}}",
            "GS401",
            "Keras refused to apply `Concatenate` in `wrong`",
            "what comes in is `kept` (batch, 5), `x` (batch, 5)",
        ),
        (
            "{from: x, apply: [parts>Keeps, {Conv1D: {filters: 1, kernel_size: 1}}]}",
            "GS401",
            "Keras refused to apply `Conv1D` in `wrong`",
            "what comes in is the step before, (batch, 5)",
        ),
    ],
)
def test_wrong_use_of_what_a_custom_layer_gives(
    write: Write, node: str, code: str, message: str, expected: str
) -> None:
    """What only Keras knows is found when the model is built, with the shapes that come in, at the node's place."""
    write(PARTS, "parts.py")
    path = write(
        f"""
        graphspec: 1
        plugins: [parts]
        inputs: {{x: [5]}}
        graph:
          parts: {{from: x, apply: parts>Halves}}
          kept: {{from: x, apply: parts>Keeps}}
          wrong: {node}
        outputs: {{y: {{from: wrong}}, low: "parts[0]", high: "parts[1]", same: kept}}
        """
    )
    assert not graphspec.validate(path).errors
    with pytest.raises(SpecError) as refused:
        graphspec.build(path)
    (found,) = refused.value.report
    assert (found.rule.code, found.message.partition(":")[0], found.expected) == (code, message, expected)
    assert found.span is not None
    assert found.span.line == 8
