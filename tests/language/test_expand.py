"""`vars`, `${...}`, `include`, `when` and `blocks`: what they stand for, and that they are bounded and safe."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.language.expand.expressions import ExpressionError, evaluate

Write = Callable[..., Path]
L = keras.layers


def codes(path: Path) -> list[str]:
    """The rule codes of what is found in a spec."""
    return [each.rule.code for each in graphspec.validate(path)]


def layer_names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a * 2 + 1", 9),
        ("a // 3", 1),
        ("a / 8", 0.5),
        ("2 ** a", 16),
        ("-a % 3", 2),
        ("1 < a <= 4 and not b", True),
        ("b or a", 4),
        ("[a, a * 2] + [1]", [4, 8, 1]),
        ("'k' + str(a)", "k4"),
        ("max(a, 7) - min(1, 2)", 6),
        ("round(2.567, 1)", 2.6),
        ("int(a / 3)", 1),
        ("len(text)", 5),
        ("[int(), float()]", [0, 0.0]),
        ("a in [1, 4]", True),
        ("true", True),
        ("null", None),
    ],
)
def test_expressions_have_the_value_that_python_gives(text: str, value: Any) -> None:
    """Arithmetic, comparisons, text and lists are as in Python."""
    assert evaluate(text, {"a": 4, "b": False, "text": "hello"}) == value


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "'a' * 10**9",
        "[[1] * 5000] * 5000",
        "a.real",
        "().__class__.__mro__",
        "open('x')",
        "__import__('os')",
        "lambda: 1",
        "[i for i in [1]]",
        "f'{a}'",
        "a if a else 1",
        "a[0]",
        "1 / 0",
        "x + 1",
        "(" * 300 + "1" + ")" * 300,
        "-" * 400 + "1",
        "(a and " * 60 + "a" + ")" * 60,
        "(b or " * 60 + "b" + ")" * 60,
        "1e308 * 10",
        "(-8) ** 0.5",
        "'%9999999d' % 1",
        "int('9' * 5000)",
        "1 +",
        "",
        "a" * 600,
        "a := 3",
        "*a",
        "b'x'",
        "1j",
        "...",
    ],
)
def test_what_is_no_expression_is_refused_at_once(text: str) -> None:
    """No attribute, no foreign call, nothing large: each is refused in no time."""
    started = time.monotonic()
    with pytest.raises(ExpressionError):
        evaluate(text, {"a": 4, "b": 0})
    assert time.monotonic() - started < 1


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab12+-*/%()[]<>=!.,' \"notadrixmelstrf_{}:\n", max_size=40))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    """No text raises anything else."""
    try:
        evaluate(text, {"a": 4, "b": [1.5, "x"]})
    except ExpressionError:
        return


def test_variables_reach_every_part_of_a_spec(write: Write) -> None:
    """Whole values keep their type, parts of texts become text, `$${` is literal, and order is free."""
    path = write(
        """
        graphspec: 1
        name: net_${size}
        description: "costs $${5}"
        inputs: {x: "${shape}"}
        graph: {h: {from: x, apply: [{Dense: {units: "${size * 2}", use_bias: "${bias}"}, repeat: "${size - 6}"}]}}
        outputs: {y: {from: h, apply: {Dense: "${size}"}, loss: "${loss}"}}
        training: {optimizer: {SGD: "${rate}"}, epochs: "${int(size / 2)}"}
        vars: {rate: "${size / 100}", size: 8, bias: false, shape: [3, "${size}"], loss: mse}
        """
    )
    spec = graphspec.load(path)
    assert spec.name == "net_8"
    assert spec.model.description == "costs ${5}"
    assert spec.model.training is not None
    assert spec.model.training.epochs == 4
    model = graphspec.build(spec)
    assert model.input["x"].shape == (None, 3, 8)
    assert [layer.units for layer in model.layers[1:]] == [16, 16, 8]
    assert model.layers[1].use_bias is False
    overridden = graphspec.build(graphspec.load(path, ["vars.size=7"]))
    assert overridden.output["y"].shape == (None, 3, 7)
    with pytest.raises(SpecError, match="has no `siez`"):
        graphspec.load(path, ["vars.siez=7"])


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


def test_false_conditions_leave_out_steps_and_nodes(write: Write) -> None:
    """A false step is skipped, a false node is absent, and what is left out is not evaluated."""
    path = write(
        """
        graphspec: 1
        vars: {depth: 0}
        inputs: {x: [4]}
        graph:
          h: {from: x, apply: [{Dense: 3, when: "${depth > 0}"}, {Dense: 5}]}
          gone: {when: "${depth > 0}", from: x, apply: {Dense: "${4 / depth}"}}
        outputs: {y: {from: h, apply: {Dense: 2, when: true}}}
        """
    )
    assert layer_names(graphspec.build(path)) == ["x", "h", "y"]
    path.write_text(path.read_text(encoding="utf-8").replace("y: {from: h", "y: {from: gone"), encoding="utf-8")
    with pytest.raises(SpecError, match="`gone` does not exist here, since its `when` is false"):
        graphspec.load(path)
    path.write_text(path.read_text(encoding="utf-8").replace("${depth > 0}", "${depth}"), encoding="utf-8")
    with pytest.raises(SpecError, match="`when` is the number 0, not true or false"):
        graphspec.load(path)


def test_included_files_keep_their_own_variables(write: Write, tmp_path: Path) -> None:
    """A library means the same wherever it is included; its variables, layers, models and blocks become visible."""
    (tmp_path / "lib").mkdir()
    write("graphspec: 1\nvars: {rate: 0.5}\n", "lib/base.yaml")
    library = write(
        """
        graphspec: 1
        include: base.yaml
        vars: {units: 6}
        layers: {shared: {Dense: "${units}"}}
        models: {twice: {inputs: {v: [6]}, outputs: {w: {from: v, apply: [shared, {Dropout: "${rate}"}]}}}}
        blocks: {wide: {params: {times: 2}, inputs: x, output: {from: x, apply: {Dense: "${units * times}"}}}}
        """,
        "lib/all.yaml",
    )
    path = write(
        """
        graphspec: 1
        include: [lib/all.yaml]
        vars: {times: 100}
        inputs: {x: [6]}
        graph: {a: {from: x, apply: [shared, twice]}}
        outputs: {y: {from: a, apply: {wide: 3}}, z: {from: a, apply: {Dense: "${units}"}}}
        """
    )
    model = graphspec.build(path)
    assert model.get_layer("y__output").units == 18
    assert model.get_layer("z").units == 6
    assert model.get_layer("twice").get_layer("w").rate == 0.5
    assert model.get_layer("shared") is model.get_layer("twice").get_layer("shared")
    assert codes(library) == []


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a.yaml": "include: [b.yaml]", "b.yaml": "include: [a.yaml]"}, ["GS112"]),
        ({"a.yaml": "include: [missing.yaml]"}, ["GS001"]),
        ({"a.yaml": "include: 3"}, ["GS103"]),
        ({"a.yaml": "include: [b.yaml]", "b.yaml": "layers: {d: {Dens: 2}}"}, ["GS201"]),
        (
            {"a.yaml": "include: [b.yaml, c.yaml]", "b.yaml": "layers: {d: {Dense: 2}}", "c.yaml": "blocks: {d: 3}"},
            ["GS112"],
        ),
        ({"a.yaml": "include: [b.yaml]", "b.yaml": "layers: [1"}, ["GS002"]),
        ({"a.yaml": "include: [b.yaml]\nvars: {u: 1}", "b.yaml": "vars: {u: 2}"}, ["GS112"]),
    ],
)
def test_faulty_includes_are_findings(write: Write, files: dict[str, str], found: list[str]) -> None:
    """Circles, missing and broken files, and clashes are each found once, where they stand."""
    for name, text in files.items():
        body = "inputs: {x: [2]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n" if name == "a.yaml" else ""
        write(f"graphspec: 1\n{text}\n{body}", name)
    assert codes(write("", "unused.yaml").parent / "a.yaml") == found


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
        (GOOD, "x, apply: {part: 3, call: {training: false}}", "GS108", "takes no `call`"),
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


def test_run_keeps_spec_and_libraries(write: Write, tmp_path: Path) -> None:
    """The spec of a run trains again though the included file has changed since."""
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    library = write(
        "graphspec: 1\nvars: {units: 3}\nblocks: {d: {inputs: x, output: {from: x, apply: {Dense: '${units}'}}}}\n",
        "lib.yaml",
    )
    path = write(
        """
        graphspec: 1
        include: [lib.yaml]
        vars: {file: x}
        inputs: {x: [2]}
        outputs: {y: {from: x, apply: [d, {Dense: 2}], loss: mse}}
        training: {optimizer: sgd}
        data: {train: {inputs: {x: "${file}.npy"}, outputs: {y: x.npy}}}
        """
    )
    run = graphspec.train(path, run_dir=tmp_path / "runs" / "one")
    library.unlink()
    assert run.predict("train")["y"].shape == (4, 2)
    assert graphspec.train(run.path / "spec.yaml", run_dir=tmp_path / "two").history == run.history


@pytest.mark.parametrize("count", [50, 51])
def test_variables_use_each_other_fifty_deep(write: Write, count: int) -> None:
    """A chain of fifty variables has a value, each of them; of a longer one the variable too many is named."""
    chain = ", ".join(f'v{i}: "${{v{i + 1} + 1}}"' for i in range(1, count))
    path = write(
        f"""
        graphspec: 1
        vars: {{{chain}, v{count}: 0}}
        inputs: {{x: [4]}}
        outputs: {{y: {{from: x, apply: {{Dense: "${{v1}}"}}}}}}
        """
    )
    found = [(each.rule.code, each.message) for each in graphspec.validate(path)]
    assert found == ([] if count == 50 else [("GS111", "variables use each other more than 50 levels deep")])
    if count == 50:
        assert graphspec.load(path).graph.nodes["y"].steps[-1].layer.arguments["units"] == 49


@pytest.mark.parametrize("count", [100, 101])
def test_a_hundred_files_may_be_included(write: Write, count: int) -> None:
    """A spec may include a hundred files, each of which is read once; one more is refused by name of the number."""
    for number in range(count):
        write(f"graphspec: 1\nvars: {{v{number}: {number}}}\n", f"lib{number}.yaml")
    twice = [f"lib{number}.yaml" for number in (*range(count), 0)]
    path = write(
        f"""
        graphspec: 1
        include: [{", ".join(twice)}]
        inputs: {{x: [4]}}
        outputs: {{y: {{from: x, apply: {{Dense: "${{v99}}"}}}}}}
        """
    )
    found = [(each.rule.code, each.message) for each in graphspec.validate(path)]
    assert found == ([] if count == 100 else [("GS112", "more than 100 files are included")])


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("vars: {d: 1}", []),
        ("layers: {a: {Dense: 2}}", ["`a` is declared here and in an included file"]),
        ("models: {b: {inputs: {i: [2]}, outputs: {o: i}}}", ["`b` is declared here and in an included file"]),
        ("blocks: {c: {inputs: i, output: i}}", ["`c` is declared here and in an included file"]),
        ("vars: {e: 1}", ["`e` is declared here and in an included file"]),
        ("layers: {e: {Dense: 2}}", []),
    ],
)
def test_names_of_included_files_are_not_declared_again(write: Write, spec: str, found: list[str]) -> None:
    """Layers, models and blocks share their names with those of included files, variables theirs with variables."""
    write(
        """
        graphspec: 1
        vars: {e: 3}
        layers: {a: {Dense: 2}}
        models: {b: {inputs: {i: [2]}, outputs: {o: i}}}
        blocks: {c: {inputs: i, output: i}}
        """,
        "lib.yaml",
    )
    path = write(f"graphspec: 1\ninclude: lib.yaml\n{spec}\ninputs: {{x: [2]}}\noutputs: {{y: x}}\n")
    report = graphspec.validate(path)
    assert [each.message for each in report if each.is_error] == found


def test_two_included_files_that_declare_one_name_clash_at_the_include(write: Write) -> None:
    """A name of two included files is a finding at `include`; a file that both of them include is none."""
    write("graphspec: 1\nlayers: {d: {Dense: 2}}\n", "base.yaml")
    write("graphspec: 1\ninclude: base.yaml\nlayers: {e: {Dense: 2}}\n", "one.yaml")
    write("graphspec: 1\ninclude: base.yaml\nlayers: {f: {Dense: 2}}\n", "two.yaml")
    path = write("graphspec: 1\ninclude: [one.yaml, two.yaml]\ninputs: {x: [2]}\noutputs: {y: {from: x, apply: d}}\n")
    assert codes(path) == []
    write("graphspec: 1\nlayers: {e: {Dense: 2}}\n", "two.yaml")
    (found,) = graphspec.validate(path)
    assert found.message == "`e` is declared in two included files"
    assert [found.span.line, *(Path(label.span.source.name).name for label in found.labels)] == [2, "one.yaml"]  # type: ignore[union-attr]


def test_finding_shows_where_its_variables_are_set(write: Write) -> None:
    """A value that is wrong because a variable is wrong shows the variable, its value, and the parameter of a block."""
    library = write("graphspec: 1\nvars: {wide: -3}\nlayers: {d: {Dense: '${wide}'}}\n", "lib.yaml")
    path = write(
        """
        graphspec: 1
        vars:
          rate: 3
          no: true
          long: a123456789a123456789a123456789a123456789X
          exact: z123456789z123456789z123456789z123456789
        blocks:
          part: {params: {units: -5, other: }, inputs: x, output: {from: x, apply: {Dense: '${units + other}'}}}
        inputs: {x: [4]}
        graph:
          a: {from: x, apply: {Dropout: '${rate}'}}
          b: {from: a, apply: {part: {other: 1}}}
          c: {from: b, apply: [{Dense: {units: 3, activation: '${long}'}}, {Dense: {units: 3, activation: '${exact}'}}]}
          d: {from: c, apply: {Dense: {units: 3, activation: '${no}'}}}
        outputs: {y: d}
        """
    )
    labels = {label.text for each in graphspec.validate(path) for label in each.labels}
    assert labels >= {
        "`rate` is 3",
        "`no` is true",
        "`units` is a parameter, -5 by default",
        "`other` is a parameter",
        "`long` is a123456789a123456789a123456789a123456789...",
        "`exact` is z123456789z123456789z123456789z123456789",
    }
    assert [each.labels[-1].text for each in graphspec.validate(library)] == ["`wide` is -3"]
