"""Operations of `keras.ops` as steps: how tensors and constants reach them, their names, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphspec

Write = Callable[..., Path]
X = np.random.default_rng(0).uniform(0.1, 0.9, (3, 4, 6)).astype("float32")
GATE = np.random.default_rng(1).uniform(0.1, 0.9, (3, 4, 6)).astype("float32")

SPEC = """
graphspec: 1
name: operations
inputs: {x: [4, 6], gate: [4, 6]}
graph:
  rest: {from: {x2: gate}, apply: {ops.subtract: {x1: 1.0}}}
  mixed: {from: [x, rest], apply: ops.multiply}
  parts: {from: mixed, apply: {ops.split: {indices_or_sections: 2, axis: 1}}}
  turned: {from: ["parts[1]", "parts[0]"], apply: {ops.concatenate: {axis: 1}}}
  whole: {from: parts, apply: {ops.concatenate: 1}}
  product: {from: [turned, whole], apply: {ops.einsum: "bij,bkj->bik"}}
  chosen: {from: gate, apply: [{ops.greater: 0.5}, {ops.where: {x2: 0.0}, call: {x1: x}}]}
  small: {from: chosen, apply: [{ops.expand_dims: -1}, {ops.image.resize: [2, 3]}, {ops.reshape: [-1, 6]}]}
outputs:
  rest_out: rest
  product_out: product
  whole_out: whole
  small_out: small
"""


def numbers() -> dict[str, np.ndarray]:
    """What the spec above computes, by NumPy."""
    mixed = X * (1 - GATE)
    turned = np.concatenate([mixed[:, 2:], mixed[:, :2]], axis=1)
    return {
        "rest_out": 1 - GATE,
        "product_out": np.einsum("bij,bkj->bik", turned, mixed),
        "whole_out": mixed,
    }


def test_tensors_and_constants_reach_their_arguments(write: Write, tmp_path: Path) -> None:
    """By order, by keyword, as a list, by `call` and as constants; and so they do in a saved file in plain Keras."""
    import keras

    model = graphspec.build(write(SPEC))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        found = each({"x": X, "gate": GATE})
        for name, expected in numbers().items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-5, err_msg=name)
        assert found["small_out"].shape == (3, 6)


def test_operations_are_built_without_weights(write: Write) -> None:
    """A weightless build knows their shapes."""
    model = graphspec.build(write(SPEC), weightless=True)
    assert {name: tuple(each.shape) for name, each in model.output.items()} == {
        "rest_out": (None, 4, 6),
        "product_out": (None, 4, 4),
        "whole_out": (None, 4, 6),
        "small_out": (None, 6),
    }


def test_operations_take_no_name_from_layers(write: Write) -> None:
    """The last layer bears the node's name, also before an operation; an output ends in an `Identity` of its name."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [4]}
        graph:
          hidden: {from: x, apply: [{Dense: 3}, {Dense: 3}, ops.relu, ops.relu]}
          add: {from: [hidden, x], apply: [{ops.concatenate: -1}, {Dense: 2}]}
        outputs:
          y: {from: add, apply: [{Dense: 2}, ops.softmax]}
        """
    )
    names = [each.name for each in graphspec.build(path).operations]
    assert names == [
        "x", "hidden_dense", "hidden", "hidden_relu", "hidden_relu_1", "add_concatenate", "add",
        "y_dense", "y_softmax", "y",
    ]  # fmt: skip
    assert names == [each.name for each in graphspec.build(path).operations]


def test_adding_an_operation_renames_no_layer(write: Write) -> None:
    """Weights are found by the names of layers, so a step that has none leaves them alone."""
    text = "graphspec: 1\ninputs: {{x: [4]}}\noutputs: {{y: {{from: x, apply: [{}{{Softmax: }}, {{Dense: 2}}]}}}}\n"
    plain, more = (graphspec.build(write(text.format(step))) for step in ("", "ops.softmax, "))
    assert [each.name for each in plain.layers] == [each.name for each in more.layers if "softmax_1" not in each.name]


@pytest.mark.parametrize(
    ("node", "code", "said", "came_in"),
    [
        ("{from: [a, b], apply: ops.add}", "GS405", "`ops.add`", "`a` is (batch, 4, 6)"),
        ("{from: a, apply: [{ops.squeeze: 1}]}", "GS405", "`ops.squeeze`", "`a` is (batch, 4, 6)"),
        ("{from: a, apply: [{ops.unstack: {axis: 1}}, ops.relu]}", "GS411", "received 4", "gives [(batch, 6), "),
        ("{from: {x: a}, apply: {ops.transpose: {axes: [0, 9, 1]}}}", "GS408", "(batch, 4, 6)", "`a` is (batch, 4, 6)"),
    ],
)
def test_unfit_operation_is_told_with_the_shapes(node: str, code: str, said: str, came_in: str, write: Write) -> None:
    """What Keras would refuse is reported before it is asked, at the step, with the shapes that come in."""
    path = write(f"graphspec: 1\ninputs: {{a: [4, 6], b: [5]}}\ngraph:\n  bad: {node}\noutputs: {{y: bad, z: b}}\n")
    with pytest.raises(graphspec.SpecError) as error:
        graphspec.build(path)
    (finding,) = error.value.report
    assert finding.rule.code == code
    assert finding.span is not None
    assert finding.span.line == 4
    assert said in finding.message
    assert any(label.text.startswith(came_in) for label in finding.labels)


def test_dropped_mask_is_told(write: Write) -> None:
    """Keras hands no mask through an operation and is silent about it; the summary's warnings are not."""
    path = write(
        """
        graphspec: 1
        inputs: {words: {shape: [7], dtype: int32}}
        graph:
          vectors: {from: words, apply: {Embedding: {input_dim: 9, output_dim: 4, mask_zero: true}}}
          doubled: {from: vectors, apply: {ops.multiply: 2.0}}
        outputs: {y: {from: doubled, apply: {LSTM: 3}}}
        """
    )
    (finding,) = graphspec.summarize(path).warnings
    assert finding.rule.code == "GS402"
    assert "`ops.multiply` in `doubled`" in finding.message


def test_summary_shows_operations(write: Write) -> None:
    """A row names the operation as the spec does, with no parameters."""
    rows = {row.node: row for row in graphspec.summarize(write(SPEC)).root.rows}
    assert (rows["mixed"].layer, rows["mixed"].takes, rows["mixed"].parameters) == ("ops.multiply", ("x", "rest"), 0)
    assert rows["parts"].shape == [(None, 2, 6), (None, 2, 6)]


def test_losses_know_the_activation_of_an_operation(write: Write) -> None:
    """An output that ends in `ops.softmax` holds shares of one total, as after the layer."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [4]}
        outputs: {y: {from: x, apply: [{Dense: 3}, ops.softmax], loss: binary_crossentropy}}
        training: {optimizer: sgd}
        """
    )
    assert [finding.rule.code for finding in graphspec.validate(path)] == ["GS502"]


def test_repeated_operation(write: Write) -> None:
    """`repeat` applies an operation several times, the first time on what the node takes in."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [4]}
        outputs: {y: {from: x, apply: {ops.multiply: 2.0, repeat: 3}}}
        """
    )
    np.testing.assert_allclose(graphspec.build(path)({"x": np.ones((1, 4), "float32")})["y"], np.full((1, 4), 8.0))


def test_operation_inside_a_nested_model(write: Write) -> None:
    """A model is how operations are shared and wrapped."""
    path = write(
        """
        graphspec: 1
        inputs: {video: [3, 4, 6]}
        models:
          turn: {inputs: {image: [4, 6]}, outputs: {t: {from: image, apply: {ops.swapaxes: {axis1: 1, axis2: 2}}}}}
        outputs: {y: {from: video, apply: {TimeDistributed: turn}}}
        """
    )
    assert tuple(graphspec.build(path).output["y"].shape) == (None, 3, 6, 4)
