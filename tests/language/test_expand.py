"""`vars`, `${...}` and `when`: what they stand for, and that they are bounded and safe."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.language.expand.expressions import ExpressionError, evaluate

from .specs import layer_names

Write = Callable[..., Path]


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
        "a[0:1]",
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
