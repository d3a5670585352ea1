"""Expressions end soon, whatever they say, and have the value that Python gives them or none."""

from __future__ import annotations

import ast
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec.language.expand.expressions import ExpressionError, evaluate
from graphspec.language.expand.operators import BINARY, COMPARISONS, FUNCTIONS, UNARY

from ..fuzzing.expressions import NAMES, SECONDS, expression, seconds_of, spec_of
from ..fuzzing.hostile import SPEC

Write = Callable[..., Path]
COUNT = 10_000
FUNCTIONS_OF_PYTHON: dict[str, Callable[..., Any]] = {
    **{each.__name__: each for each in (min, max, round, int, float, str, len, sum)},
    "range": lambda *bounds: list(range(*bounds)),
}


def outcome(text: str, names: dict[str, Any] | None = None) -> Any:
    """The value of an expression; the finding where there is none."""
    try:
        return evaluate(text, NAMES if names is None else names)
    except ExpressionError as error:
        return error


def test_random_expressions_end_soon() -> None:
    """None of 10,000 random expressions takes 50 ms; every operator and function is among those that have a value."""
    slow = {text: taken for number in range(COUNT) if (taken := seconds_of(text := expression(1, number))) > SECONDS}
    assert slow == {}
    valued = [text for number in range(3_000) if not isinstance(outcome(text := expression(1, number)), Exception)]
    assert len(valued) > 500
    seen = {type(node) for text in valued for node in ast.walk(ast.parse(text.strip(), mode="eval"))}
    assert {*BINARY, *COMPARISONS, *UNARY} <= seen
    assert all(any(f"{name}(" in text for text in valued) for name in FUNCTIONS)


def test_random_expressions_have_the_value_of_python() -> None:
    """Where an expression has a value, it is what Python computes."""

    def listed(value: Any) -> Any:
        return [listed(item) for item in value] if isinstance(value, list | tuple) else value

    compared = 0
    for number in range(3_000):
        value = outcome(text := expression(2, number))
        if not isinstance(value, Exception):
            compared += 1
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about an item of a number, in the branch that is not taken
                truth = eval(  # it is bounded: it has a value
                    text.strip(), {"__builtins__": FUNCTIONS_OF_PYTHON}, dict(NAMES)
                )
            assert listed(truth) == value, text
            assert type(listed(truth)) is type(value), text
    assert compared > 500


@pytest.mark.parametrize(
    "text",
    [
        "round(1, -10**9)",
        "round(10**70, -10**8)",
        "round(big, -10**70)",
        "round(1.5, 10**70)",
        "round(half, small)",
        "10**10**9",
        "(-2)**big",
        "huge**huge",
        "big**big**big",
        "int('9' * 5000)",
        "int('f' * 9999, 16)",
        "int('z' * 401, 36)",
        "int(huge)",
        "float(digits)",
        "float('1e999')",
        "float('nan')",
        "text * big",
        "items * big",
        "[items] * 3",
        "text + text + text",
        "items + items",
        "[items, items]",
        "str(items)",
        "str([text, text])",
        "[items == items] * 2000 + [items in [items, items, items, items]] + items",
        "max(items, items, items, items, items, items, items, items, items, items, items)",
        "'a' in odd + odd",
        "[[[[[deep]]]]]" + "[[[[[[deep]]]]]]",
        "[" * 11 + "deep" + "]" * 11,
        "'%999999999d' % 1",
        "0.5**-10**9",
        "0**-1",
        "1e999",
        "0x" + "f" * 400,
        "9" * 490,
        "range(10**9)",
        "range(-big, big)",
        "range(0, -10**9, -1)",
        "range(0, 5, 0)",
        "sum(items + items)",
        "sum([big, big, big])",
        "sum(nested)",
        "sum('ab')",
        "[range(9000), range(9000)]",
        "pair[2]",
        "pair[-3]",
        "pair[10**70]",
        "pair[big]",
        "empty[0]",
        "word[2]",
        "one[0]",
        "pair[0.0]",
        "pair[yes]",
        "pair['a']",
        "items if",
    ],
)
def test_large_values_are_refused_before_they_are_there(text: str) -> None:
    """Each function and operator looks at what it would give: no time, no memory, one short finding."""
    tracemalloc.start()
    try:
        found = outcome(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(found, ExpressionError)
    assert len(found.message) < 300
    assert peak < 5_000_000
    assert seconds_of(text) < SECONDS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2**-10**9", 0.0),
        ("0.5**10**9", 0.0),
        ("(-1)**(10**70 + 1)", -1),
        ("0**10**70", 0),
        ("2**255", 2**255),
        ("round(15, -1)", 20),
        ("round(15, -400)", 0),
        ("round(2.675, 400)", 2.675),
        ("round(2.5)", 2),
        ("round(2.5, null)", 2),
        ("items * -10**9", []),
        ("int()", 0),
        ("int('ff', 16)", 255),
        ("int('9' * 77)", int("9" * 77)),
        ("float('1e-999')", 0.0),
        ("'' in odd", True),
        ("deep == deep", True),
        ("len(text + 'x' * 200)", 10_000),
        ("len([0] * 10000)", 10_000),
        ("len(range(10000))", 10_000),
        ("range(10**9, 0)", []),
        ("range(3)", [0, 1, 2]),
        ("range(5, 0, -2)", [5, 3, 1]),
        ("sum(range(4))", 6),
        ("sum([])", 0),
        ("sum([1, 0.5])", 1.5),
        ("pair[-1]", 2.5),
        ("nested[0][1][-1]", 1),
        ("word[1]", "b"),
        ("range(4)[one + 1]", 2),
        ("1 if yes else huge**2", 1),
        ("'a' if no else 'b' if zero == 1 else 'c'", "c"),
        ("(2 if half < 1 else 3) * 4", 8),
    ],
)
def test_what_is_small_has_its_value(text: str, value: Any) -> None:
    """A bound refuses nothing whose value is small, however it is written."""
    found = outcome(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "said", "instead"),
    [
        ("[n for n in items]", "a comprehension", "`each`"),
        ("word.upper", "an attribute", "functions"),
        ("items.append(1)", "a method", "`x + [1]`"),
        ("pair[0:1]", "a slice", "`[x[0], x[1]]`"),
        ("max(*pair)", "`*`", "`max(x)`"),
        ("round(number=half)", "an argument by keyword", "in their order"),
        ("(lambda: 1)()", "this", ""),
        ("f'a'", "a formatted string", "`layer_${number}`"),
        ("(n := 2)", "an assignment", "`vars`"),
        ("2 ^ 3", "this operator", "`**`"),
        ("yes & no", "this operator", "`and`"),
        ("~yes", "this operator", "`not`"),
        ("one is one", "this comparison", "`==`"),
        ("one && one", "this is not an expression", "`and`"),
        ("yes ? 1 : 2", "this is not an expression", "`a if condition else b`"),
        ("1 if yes", "this is not an expression", "both sides"),
        ("one = 1", "this is not an expression", "`==`"),
        ("!yes", "this is not an expression", "`not`"),
        ("1j", "this", ""),
    ],
)
def test_what_is_refused_is_named_with_what_to_write_instead(text: str, said: str, instead: str) -> None:
    """A refused expression says what of it there is not, and how to write it."""
    found = outcome(text)
    assert isinstance(found, ExpressionError)
    assert said in found.message
    assert instead in found.help


@pytest.mark.parametrize(
    "text",
    ["true + 0", "0 + true", "true * 3", "true / 2", "-true", "+false", "True**2", "2 - (1 == 1)", "round(true)",
     "'a' * False", "[1] * true", "true < 2", "1 >= false", "true // 1", "5 % true"],
)  # fmt: skip
def test_truth_values_are_no_numbers(text: str) -> None:
    """To Python, true is 1; a spec that computes with it is mistaken."""
    found = outcome(text)
    assert isinstance(found, ExpressionError)
    assert "is a boolean, not a number" in found.message


@pytest.mark.parametrize(
    ("text", "value"), [("true and 3", 3), ("not true", False), ("int(true)", 1), ("1 in [1]", True)]
)
def test_truth_values_are_combined(text: str, value: Any) -> None:
    """What is no arithmetic is left: conditions, and a conversion that says what it does."""
    assert outcome(text) == value


def _vars(*lines: str) -> str:
    return SPEC + "vars:\n" + "".join(f"  {line}\n" for line in lines)


_LONG = "[" + ", ".join(["1"] * 9_999) + "]"
_BLOCKS = "blocks:\n  b0: {inputs: x, output: {from: x, apply: INNER}}\n" + "".join(
    f"  b{n}: {{inputs: x, output: {{from: x, apply: [b{n - 1}, b{n - 1}]}}}}\n" for n in range(1, 25)
)
WHOLE: dict[str, tuple[str, set[str]]] = {
    "a long list in many places": (
        _vars(f"a: {_LONG}", *(f'v{n}: "${{a}}"' for n in range(2_000))),
        {"GS006"},
    ),
    "a long list in many layers": (
        _vars(f"a: {_LONG}")
        + "graph:\n"
        + "".join(f'  n{n}: {{from: x, apply: {{Dense: "${{a}}"}}}}\n' for n in range(1_000)),
        {"GS006"},
    ),
    "long lists compared": (_vars(f"a: {_LONG}", *(f'v{n}: "${{a == a}}"' for n in range(2_000))), {"GS006"}),
    "text that multiplies": (
        _vars(f"v: {'a' * 9_999}", *(f'w{n}: "{"${v}" * 100}"' for n in range(2_000))),
        {"GS006"},
    ),
    "text that doubles": (_vars("v0: aaaa", *(f'v{n}: "{f"${{v{n - 1}}}" * 2}"' for n in range(1, 40))), {"GS111"}),
    "lists that double": (
        _vars("v0: [1]", *(f'v{n}: ["${{v{n - 1}}}", "${{v{n - 1}}}"]' for n in range(1, 40))),
        {"GS111"},
    ),
    "lists in lists": (_vars("v0: 1", *(f'v{n}: "${{[v{n - 1}]}}"' for n in range(1, 3_000))), {"GS111"}),
    "a million expressions in a text": (SPEC + 'description: "' + "${1}" * 400_000 + '"\n', {"GS006"}),
    "long expressions": (
        _vars(*(f'v{n}: "${{max({",".join([str(n % 10)] * 240)}, {n})}}"' for n in range(4_000))),
        {"GS006"},
    ),
    "a faulty variable in many places": (
        _vars('a: "${1 / 0}"')
        + "graph:\n"
        + "".join(f'  n{n}: {{from: x, apply: {{Dense: "${{a}}"}}}}\n' for n in range(5_000)),
        {"GS111", "GS305", "GS006"},
    ),
    "many unknown names among many": (
        _vars(*(f'variable_{n}: "${{wariable_{n}}}"' for n in range(1_900))),
        {"GS111", "GS006"},
    ),
    "repeats in many nodes": (
        SPEC + "graph:\n" + "".join(f"  n{n}: {{from: x, apply: {{ReLU: , repeat: 10000}}}}\n" for n in range(500)),
        {"GS006"},
    ),
    "repeats in many models": (
        SPEC
        + "models:\n"
        + "".join(
            f"  m{n}: {{inputs: {{x: [4]}}, outputs: {{y: {{from: x, apply: {{ReLU: , repeat: 9000}}}}}}}}\n"
            for n in range(99)
        ),
        {"GS006"},
    ),
    "a repeat of 10**9": (SPEC.replace("{Dense: 2}", "{Dense: 2, repeat: 1000000000}"), {"GS104"}),
    "a repeat by an expression": (SPEC.replace("{Dense: 2}", '{Dense: 2, repeat: "${10**8}"}'), {"GS104"}),
    "blocks that double": (SPEC.replace("{Dense: 2}", "b24") + _BLOCKS.replace("INNER", "{Dense: 2}"), {"GS006"}),
    "empty blocks that double": (SPEC.replace("{Dense: 2}", "b24") + _BLOCKS.replace("INNER", "[]"), {"GS006"}),
    "faulty blocks that double": (
        SPEC.replace("{Dense: 2}", "b24") + _BLOCKS.replace("INNER", "Dens"),
        {"GS006", "GS201"},
    ),
    "a block of many conditions": (
        SPEC
        + "blocks: {b: {params: {q: 1}, inputs: x, graph: {"
        + ", ".join(f'a{n}: {{from: x, when: "${{q < 0}}", apply: {{Dense: {n + 1}}}}}' for n in range(1_000))
        + "}, output: x}}\ngraph:\n"
        + "".join(f"  n{n}: {{from: x, apply: {{b: {n}}}}}\n" for n in range(1_000)),
        {"GS006"},
    ),
    "a long list as a parameter": (
        _vars(f"a: {_LONG}")
        + 'blocks: {b: {params: {q: 1, p: "${a}"}, inputs: x, output: {from: x, apply: {Dense: "${len(p)}"}}}}\n'
        + "graph:\n"
        + "".join(f"  n{n}: {{from: x, apply: {{b: {n}}}}}\n" for n in range(5_000)),
        {"GS006"},
    ),
    "many parameters, many uses": (
        SPEC
        + "blocks: {b: {params: {"
        + ", ".join(f"p{n}: {n}" for n in range(5_000))
        + "}, inputs: x, output: x}}\ngraph: {n: {from: x, apply: {b: , repeat: 10000}}}\n",
        {"GS006"},
    ),
    "a long vocabulary": (
        SPEC + f"data: {{train: {{inputs: {{x: {{file: x.csv, column: a, vocabulary: {list(range(20_000))}}}}}}}}}\n",
        {"GS601"},
    ),
    "a search of many parameters": (
        SPEC
        + "training: {optimizer: sgd}\nsearch: {parameters: {"
        + ", ".join(f'"training.epochs{n}": [1, 2]' for n in range(5_000))
        + "}}\n",
        {"GS513", "GS501"},
    ),
    "a search of many choices": (
        SPEC + f"training: {{optimizer: sgd}}\nsearch: {{parameters: {{training.epochs: {list(range(20_000))}}}}}\n",
        {"GS513", "GS501"},
    ),
}
"""What is made large → the spec, and the codes of what is found in it."""


@pytest.mark.parametrize("what", WHOLE)
def test_whole_specs_are_bounded(what: str, write: Write) -> None:
    """What expressions, blocks and repeats make together is bounded: a finding says so, soon."""
    text, allowed = WHOLE[what]
    path = write(text)
    began = time.process_time()
    report = graphspec.validate(path)
    assert time.process_time() - began < 6  # 2 on an idle machine, whose tests have not filled the memory
    found = {each.rule.code for each in report}
    assert found
    assert found <= allowed
    assert all(len(each.message) < 500 for each in report)


_NESTED = 25
MULTIPLYING = {
    "shapes of models in models": "graphspec: 1\ninputs: {x: [8, 4]}\noutputs: {y: {from: x, apply: m0}}\nmodels:\n"
    + "".join(
        f"  m{n}: {{inputs: {{x: [null, 4]}}, graph: {{a: {{from: x, apply: m{n + 1}}}, "
        f"b: {{from: x, apply: [{{ZeroPadding1D: {2**n}}}, m{n + 1}]}}}}, "
        "outputs: {y: {from: [a, b], merge: {concat: {axis: 1}}}}}\n"
        for n in range(_NESTED)
    )
    + f"  m{_NESTED}: {{inputs: {{x: [null, 4]}}, outputs: {{y: {{from: x, apply: {{Dense: 4}}}}}}}}\n",
    "paths of layers in wrappers": f"graphspec: 1\ninputs: {{x: [{'2, ' * 12}4]}}\n"
    "outputs: {y: {from: x, apply: [m0, {Dense: 1}], loss: mse}}\n"
    "training: {optimizer: sgd, freeze: [m0/m1]}\nmodels:\n"
    + "".join(
        f"  m{n}: {{inputs: {{x: [{'2, ' * (12 - n)}4]}}, "
        f"outputs: {{y: {{from: x, apply: [{', '.join([f'{{TimeDistributed: m{n + 1}}}'] * 4)}]}}}}}}\n"
        for n in range(12)
    )
    + "  m12: {inputs: {x: [4]}, outputs: {y: {from: x, apply: {Dense: 4}}}}\n",
    "19,400 layers by repeats": SPEC.replace("from: x", "from: n1")
    + "graph:\n"
    + "".join(
        f"  n{n}: {{from: {f'n{n - 1}' if n else 'x'}, apply: {{Dense: {{units: 4}}, repeat: 9700}}}}\n"
        for n in range(2)
    ),
    "globs of many layers": SPEC.replace("{Dense: 2}", "{Dense: 4, repeat: 9000}").replace("}}\n", ", loss: mse}}\n")
    + f"training: {{optimizer: sgd, freeze: [{', '.join(f'a{n}*' for n in range(9_000))}]}}\n",
}
"""Specs that are sound, or nearly so, whose parts stand for many more."""


@pytest.mark.parametrize("what", MULTIPLYING)
def test_sound_specs_end_soon_as_well(what: str, write: Write) -> None:
    """What stands for very many shapes, paths or layers is gone through as far as is of use."""
    path = write(MULTIPLYING[what])
    began = time.process_time()
    report = graphspec.validate(path)
    assert time.process_time() - began < 6
    assert [each.rule.code for each in report] == []


def test_files_that_include_each_other_are_followed_once(write: Write) -> None:
    """Eighty files that can be reached in 2**40 ways mean what they mean in one."""
    for level in range(40):
        for side in "ab":
            below = f"include: [l{level + 1}a.yaml, l{level + 1}b.yaml]\n" if level < 39 else ""
            declared = f"vars: {{v{level}{side}: {level}}}\nlayers: {{d{level}{side}: {{Dense: 4}}}}\n"
            write(f"graphspec: 1\n{below}{declared}", f"l{level}{side}.yaml")
    path = write(
        """
        graphspec: 1
        include: [l0a.yaml, l0b.yaml]
        inputs: {x: [4]}
        outputs: {y: {from: x, apply: [d39a, d0b, {Dense: "${v39b}"}]}}
        """
    )
    spec = graphspec.load(path)
    assert [step.layer.name for step in spec.graph.nodes["y"].steps] == ["d39a", "d0b", "y"]
    path.write_text(path.read_text(encoding="utf-8").replace("v39b", "v40b"), encoding="utf-8")
    assert [each.rule.code for each in graphspec.validate(path).errors] == ["GS111"]
    assert [each.rule.code for each in graphspec.validate(path.parent / "l0a.yaml")] == []


def test_many_large_includes_are_refused(write: Write) -> None:
    """Files that are included count together, so that a hundred of the largest size are not read."""
    large = ", ".join(["'" + "x" * 98 + "'"] * 20_000)
    for number in range(12):
        write(f"graphspec: 1\nvars: {{v{number}: [{large}]}}\n", f"large{number}.yaml")
    path = write(SPEC + f"include: [{', '.join(f'large{number}.yaml' for number in range(12))}]\n")
    assert [each.rule.code for each in graphspec.validate(path)] == ["GS006"]


def test_sample_of_specs_of_expressions(write: Write) -> None:
    """A spec of a hundred random expressions ends in a report whose findings have places."""
    for start in range(0, 500, 100):
        report = graphspec.validate(write(spec_of(expression(3, number) for number in range(start, start + 100))))
        assert all(each.span is not None for each in report)
