"""`blocks`: parts of a graph written once, against the Keras code that they stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import graphspec
from graphspec.diagnostics import SpecError

from .specs import codes, layer_names

Write = Callable[..., Path]
L = keras.layers


RESIDUAL = """
graphspec: 1
vars: {width: 8}
blocks:
  conv:
    params: {filters: , kernel: 3, strides: 1}
    inputs: x
    output:
      from: x
      apply:
        - Conv2D: {filters: "${filters}", kernel_size: "${kernel}", strides: "${strides}", padding: same}
        - BatchNormalization
  residual:
    params: {filters: , strides: 1}
    inputs: x
    graph:
      a: {from: x, apply: [{conv: {filters: "${filters}", strides: "${strides}"}}, ReLU]}
      b: {from: a, apply: {conv: "${filters}"}}
      skip:
        when: "${strides > 1}"
        from: x
        apply: {conv: {filters: "${filters}", kernel: 1, strides: "${strides}"}}
        otherwise: x
    output: {from: [b, skip], merge: sum, apply: ReLU}
inputs: {image: [8, 8, 8]}
graph:
  stage:
    from: image
    apply: [{residual: "${width}", repeat: 2}, {residual: {filters: 16, strides: 2}}, GlobalAveragePooling2D]
outputs: {y: {from: stage, apply: {Dense: 2}}}
"""


def by_hand() -> keras.Model:
    """The spec above in plain Keras."""

    def conv(x: Any, filters: int, kernel: int = 3, strides: int = 1) -> Any:
        return L.BatchNormalization()(L.Conv2D(filters, kernel, strides=strides, padding="same")(x))

    def residual(x: Any, filters: int, strides: int = 1) -> Any:
        b = conv(L.ReLU()(conv(x, filters, strides=strides)), filters)
        return L.ReLU()(L.Add()([b, conv(x, filters, 1, strides) if strides > 1 else x]))

    image = keras.Input((8, 8, 8), name="image")
    x = residual(residual(residual(image, 8), 8), 16, 2)
    return keras.Model({"image": image}, {"y": L.Dense(2, name="y")(L.GlobalAveragePooling2D()(x))})


def test_blocks_are_the_keras_code_they_stand_for(write: Write) -> None:
    """Every use has weights of its own; parameters, defaults, conditions and nesting give the hand-written model."""
    ours, theirs = graphspec.build(write(RESIDUAL)), by_hand()
    assert [tuple(w.shape) for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    rng = np.random.default_rng(0)
    theirs.set_weights([rng.random(w.shape) for w in theirs.weights])
    ours.set_weights(theirs.get_weights())
    x = rng.random((2, 8, 8, 8))
    np.testing.assert_allclose(
        ours.predict({"image": x}, verbose=0)["y"], theirs.predict({"image": x}, verbose=0)["y"], rtol=1e-5
    )


def test_names_of_blocks_are_prefixed_by_their_node(write: Write) -> None:
    """`<node>__<inner>`, further uses numbered; the node's own last layer keeps the node's name."""
    names = layer_names(graphspec.build(write(RESIDUAL)))
    assert "stage" in names
    assert {"stage__a__output", "stage__a__output_conv2d", "stage__a", "stage__output", "stage__output_add"} <= set(
        names
    )
    assert {"stage_1__b__output", "stage_2__skip__output"} <= set(names)
    assert len(set(names)) == len(names)


def block_spec(block: str, use: str) -> str:
    """A spec with one block and one use of it."""
    return f"""
        graphspec: 1
        blocks:
          part: {block}
        inputs: {{x: [4], z: [4]}}
        outputs: {{y: {{from: {use}}}, w: {{from: z, apply: {{Dense: 1}}}}}}
        """


GOOD = (
    "{params: {units: , rate: 0.1}, inputs: x, output: {from: x, apply: [{Dense: '${units}'}, {Dropout: '${rate}'}]}}"
)


LAYERS = "{inputs: x, layers: {mix: {Dense: 4}}, output: {from: x, apply: [mix, mix]}}"


@pytest.mark.parametrize(
    ("block", "use", "code", "said"),
    [
        (GOOD, "x, apply: part", "GS203", "needs `units`"),
        (GOOD, "x, apply: {part: {unit: 3}}", "GS202", "no parameter `unit`"),
        (GOOD, "[x, z], apply: {part: 3}", "GS307", "does not get exactly its inputs"),
        (GOOD.replace("'${units}'", "'${unit}'"), "x, apply: {part: 3}", "GS111", "no variable `unit`"),
        (
            GOOD.replace("from: x", "from: q"),
            "x, apply: {part: 3}",
            "GS301",
            "no input or node `q` in the block `part`",
        ),
        (GOOD.replace("{Dropout: '${rate}'}", "part"), "x, apply: {part: 3}", "GS309", "part → part"),
        (GOOD.replace("output:", "outptu:"), "x, apply: {part: 3}", "GS101", "did you mean `output`?"),
        (GOOD.replace("inputs: x", "inputs: 3"), "x, apply: {part: 3}", "GS105", "the number 3"),
        (GOOD, "x, apply: {part: 3, call: {training: false}}", "GS202", "no input `training`"),
        (GOOD, "z, apply: {part: 3, call: {x: x}}", "GS307", "does not get exactly its inputs"),
        (GOOD, "{x: x}, apply: {part: 3, call: {x: 1}}", "GS103", "is no tensor"),
        (GOOD, "x, apply: {part: 3, call: {X: z}}", "GS202", "no input `X`"),
        (
            LAYERS.replace("mix: {Dense: 4}", "Dense: {Dense: 4}").replace("[mix, mix]", "{Dense: 3}"),
            "x, apply: part",
            "GS303",
            "also a layer of Keras",
        ),
        (LAYERS.replace("{Dense: 4}", "{Dens: 4}"), "x, apply: part", "GS201", "no layer `Dens`"),
        (LAYERS.replace("{Dense: 4}", "{Dense: '${four}'}"), "x, apply: part", "GS111", "no variable `four`"),
        (LAYERS, "x, apply: [part, mix]", "GS201", "no layer `mix`"),
        (GOOD, "x, apply: {part: 3, repeat: 1000000000}", "GS104", "1000000000"),
        ("{inputs: x, graph: {h: {from: x}}, outputs: {}}", "x, apply: part", "GS104", "`outputs` is empty"),
        ("{inputs: x, outputs: {o: {when: false, from: x}}}", "x, apply: part", "GS104", "`outputs` is empty"),
    ],
)
def test_faulty_blocks_are_findings(write: Write, block: str, use: str, code: str, said: str) -> None:
    """Each mistake gives one finding, in the block or at its use."""
    found = list(graphspec.validate(write(block_spec(block, use))))
    assert [each.rule.code for each in found if each.is_error] == [code]
    assert said in found[0].message + found[0].help


def test_mistake_in_a_block_shows_the_use_and_is_said_once(write: Write) -> None:
    """The place in the block comes first, the step that uses it below; several uses do not repeat it."""
    path = write(RESIDUAL.replace("kernel_size:", "kernal_size:"))
    report = graphspec.validate(path)
    assert [each.rule.code for each in report] == ["GS202"]
    text = str(SpecError(report))
    assert text.count("it is used here") == 2
    assert "a: {from: x, apply: [{conv:" in text
    assert '    apply: [{residual: "${width}", repeat: 2}' in text


def test_blocks_of_blocks_cannot_explode(write: Write) -> None:
    """Thirty blocks that use each other twice would be a thousand million nodes: refused within seconds."""
    blocks = "".join(
        f"  b{i}: {{inputs: x, graph: {{l: {{from: x, apply: b{i + 1}}}, r: {{from: x, apply: b{i + 1}}}}}, "
        "output: {from: [l, r], merge: sum}}\n"
        for i in range(25)
    )
    text = f"graphspec: 1\nblocks:\n{blocks}  b25: {{inputs: x, output: {{from: x, apply: {{Dense: 4}}}}}}\n"
    path = write(f"{text}inputs: {{x: [4]}}\noutputs: {{y: {{from: x, apply: b0}}}}\n")
    (found,) = graphspec.validate(path)
    assert (found.rule.code, found.message) == ("GS006", "blocks and repeats create more than 20,000 nodes and steps")


def test_block_with_several_inputs_and_outputs(write: Write) -> None:
    """Inputs bind by order or by name; outputs are picked as `node.output`."""
    path = write(
        """
        graphspec: 1
        blocks:
          mix:
            inputs: [left, right]
            outputs:
              sum: {from: [left, right], merge: sum}
              wide: {from: [left, right], merge: concat}
        inputs: {a: [3], b: [3]}
        graph: {m: {from: [a, b], apply: mix}, n: {from: {right: a, left: m.sum}, apply: mix}}
        outputs: {y: m.wide, z: n.sum}
        """
    )
    model = graphspec.build(path)
    result = model.predict({"a": np.ones((1, 3)), "b": np.full((1, 3), 2.0)}, verbose=0)
    np.testing.assert_array_equal(result["y"], [[1, 1, 1, 2, 2, 2]])
    np.testing.assert_array_equal(result["z"], [[4, 4, 4]])
    path.write_text(path.read_text(encoding="utf-8").replace("y: m.wide", "y: m"), encoding="utf-8")
    assert codes(path) == ["GS306"]


MIXER = """
graphspec: 1
blocks:
  mixer:
    params: {units: 4}
    inputs: [x, gate]
    layers: {mix: {Dense: "${units}"}, norm: LayerNormalization}
    graph:
      a: {from: x, apply: [norm, mix]}
      b: {from: [x, gate], merge: sum, apply: [norm, mix]}
    output: {from: [a, b], merge: sum}
inputs: {x: [6, 4], gate: [6, 4]}
graph: {a: {from: x, apply: {mixer: 4, repeat: 2, call: {gate: gate}}}}
outputs: {y: {from: a, apply: [Flatten, {Dense: 1}]}}
"""


def mixer_by_hand() -> keras.Model:
    """The spec above in plain Keras."""

    def mixer(x: Any, gate: Any) -> Any:
        norm, mix = L.LayerNormalization(), L.Dense(4)
        return L.Add()([mix(norm(x)), mix(norm(L.Add()([x, gate])))])

    x, gate = keras.Input((6, 4), name="x"), keras.Input((6, 4), name="gate")
    y = L.Dense(1, name="y")(L.Flatten()(mixer(mixer(x, gate), gate)))
    return keras.Model({"x": x, "gate": gate}, {"y": y})


def test_layers_of_a_block_are_shared_within_one_use(write: Write) -> None:
    """Each use has layers of its own, called `<node>__<layer>`; further tensors come by `call`, to each repeat."""
    path = write(MIXER)
    assert codes(path) == []
    ours, theirs = graphspec.build(path), mixer_by_hand()
    assert {"a__mix", "a__norm", "a_1__mix", "a_1__norm"} <= set(layer_names(ours))
    assert ours.count_params() == theirs.count_params()
    shapes = [tuple(weight.shape) for weight in ours.weights]
    assert shapes == [tuple(weight.shape) for weight in theirs.weights]
    rng = np.random.default_rng(0)
    ours.set_weights([rng.random(shape) for shape in shapes])
    theirs.set_weights(ours.get_weights())
    batch = {name: rng.random((2, 6, 4)) for name in ("x", "gate")}
    np.testing.assert_allclose(ours(batch)["y"], theirs(batch)["y"], rtol=1e-4)


def test_unused_layer_of_a_block_is_a_warning(write: Write) -> None:
    """A layer that no use of its block applies reaches no output."""
    found = list(graphspec.validate(write(MIXER.replace("apply: [norm, mix]", "apply: mix"))))
    assert [(each.rule.code, each.is_error) for each in found] == [("GS305", False)]
    assert "`norm`" in found[0].message
