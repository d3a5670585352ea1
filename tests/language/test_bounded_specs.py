"""Specs whose parts stand for very many values, shapes, paths or layers: what they make together is bounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec

from ..fuzzing.hostile import SPEC

Write = Callable[..., Path]


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
_MANY = [f"y_dense_{n}" for n in range(1, 8_999)]
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
    "names of many layers": SPEC.replace("{Dense: 2}", "{Dense: 4, repeat: 9000}").replace("}}\n", ", loss: mse}}\n")
    + f"training: {{optimizer: sgd, lora: {{rank: 1, layers: [{', '.join(_MANY)}]}}, "
    f"learning_rate_multipliers: {{{', '.join(f'{each}: 0.5' for each in _MANY)}}}, "
    f"stages: [{{epochs: 1}}, {', '.join(f'{{epochs: 1, freeze: [{each}]}}' for each in _MANY[:2_000])}]}}\n",
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
