"""Circles of declarations, deep nesting, long chains and many steps: lowered, or refused in a moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import graphspec

from .specs import refused_codes

Write = Callable[..., Path]


@pytest.mark.parametrize(
    "declared",
    [
        "layers: {a: {TimeDistributed: a}}",
        "layers: {a: {TimeDistributed: b}, b: {TimeDistributed: c}, c: {TimeDistributed: a}}",
        "models: {a: {inputs: {i: [4]}, outputs: {o: {from: i, apply: a}}}}",
        "layers: {b: {TimeDistributed: a}}\nmodels: {a: {inputs: {i: [4]}, outputs: {o: {from: i, apply: b}}}}",
        "models: {a: {inputs: {i: [4]}, models: {b: {inputs: {i: [4]}, outputs: {o: {from: i, apply: a}}}}, "
        "outputs: {o: {from: i, apply: b}}}}",
    ],
)
def test_recursion_is_found_once(declared: str, write: Write) -> None:
    """A layer or model that contains itself, at any distance, is one finding."""
    assert refused_codes(write, f"inputs: {{x: [4]}}\n{declared}\noutputs: {{out: {{from: x, apply: a}}}}") == ["GS309"]


def test_long_chains_do_not_recurse(tmp_path: Path) -> None:
    """A graph of ten thousand nodes in a row is lowered, in order, without recursing and in a few seconds."""
    count = 10_000
    graph = {f"n{i}": {"from": f"n{i - 1}" if i else "x", "apply": "ReLU"} for i in reversed(range(count))}
    spec = {"graphspec": 1, "inputs": {"x": [4]}, "graph": graph, "outputs": {"out": f"n{count - 1}"}}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert list(graphspec.load(path).graph.nodes)[:-1] == [f"n{i}" for i in range(count)]


def test_long_chains_of_other_names_do_not_recurse(tmp_path: Path) -> None:
    """A tensor renamed five thousand times is followed back to the layer that made it."""
    graph: dict[str, object] = {f"n{i}": f"n{i - 1}" for i in range(1, 5000)}
    graph["n0"] = {"from": "x", "apply": {"Dense": {"units": 1, "activation": "softmax"}}}
    spec = {
        "graphspec": 1,
        "inputs": {"x": [4]},
        "graph": graph,
        "outputs": {"out": {"from": "n4999", "loss": "mse"}},
        "training": {"optimizer": "adam"},
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert [finding.rule.code for finding in graphspec.validate(path)] == ["GS502"]


@pytest.mark.parametrize(
    "declared",
    [
        {"layers": {f"l{i}": {"TimeDistributed": f"l{i + 1}"} for i in range(2000)} | {"l2000": "ReLU"}},
        {
            "models": {
                f"l{i}": {"inputs": {"x": [4]}, "outputs": {"o": {"from": "x", "apply": f"l{i + 1}"}}}
                for i in range(2000)
            },
            "layers": {"l2000": "ReLU"},
        },
    ],
    ids=["layers", "models"],
)
def test_declarations_nested_too_deep_are_refused(declared: dict[str, object], tmp_path: Path) -> None:
    """A long chain of models or layers that hold each other is a finding, not a failure."""
    path = tmp_path / "spec.json"
    spec = {"graphspec": 1, "inputs": {"x": [4]}, **declared, "outputs": {"out": {"from": "x", "apply": "l0"}}}
    path.write_text(json.dumps(spec), encoding="utf-8")
    assert {finding.rule.code for finding in graphspec.validate(path)} == {"GS006"}


def test_too_many_steps_are_refused(write: Write) -> None:
    """Repeats that add up to more steps than any model has are refused before they are written out."""
    steps = ", ".join(["{ReLU: , repeat: 9000}"] * 1000)
    assert refused_codes(write, f"inputs: {{x: [4]}}\noutputs: {{out: {{from: x, apply: [{steps}]}}}}") == ["GS006"]


def test_many_wrong_references_are_found_soon(tmp_path: Path) -> None:
    """Thousands of mistakes are reported in seconds: the first thousand, and that there are more."""
    graph = {f"n{i}": {"from": f"missing{i}", "apply": "ReLU"} for i in range(3000)}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"graphspec": 1, "inputs": {"x": [4]}, "graph": graph, "outputs": {"o": "x"}}))
    report = graphspec.validate(path)
    assert len(report) == 1001
    assert "more than 1,000 findings" in next(each for each in report if each.rule.code == "GS006").message


def findings(tmp_path: Path, spec: dict[str, object]) -> list[tuple[str, str]]:
    """The code and the message of each finding of a spec whose version is left out."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"graphspec": 1, **spec}), encoding="utf-8")
    return [(each.rule.code, each.message) for each in graphspec.validate(path)]


@pytest.mark.parametrize("deep", [30, 31])
def test_blocks_nest_thirty_deep(deep: int, tmp_path: Path) -> None:
    """A block may hold thirty others inside each other; where one more is used, that is said once."""
    blocks = {f"b{i}": {"inputs": "x", "output": {"from": "x", "apply": f"b{i + 1}"}} for i in range(1, deep)}
    blocks[f"b{deep}"] = {"inputs": "x", "output": {"from": "x", "apply": {"Dense": 1}}}
    spec = {"blocks": blocks, "inputs": {"x": [4]}, "outputs": {"y": {"from": "x", "apply": "b1"}}}
    refused = [("GS006", "blocks are nested more than 30 levels deep")]
    assert findings(tmp_path, spec) == (refused if deep > 30 else [])


@pytest.mark.parametrize("deep", [30, 31])
def test_models_nest_thirty_deep(deep: int, tmp_path: Path) -> None:
    """A model may hold thirty others inside each other; where one more is applied, that is said once."""
    models = {
        f"m{i}": {"inputs": {"x": [4]}, "outputs": {"o": {"from": "x", "apply": f"m{i + 1}"}}} for i in range(1, deep)
    }
    models[f"m{deep}"] = {"inputs": {"x": [4]}, "outputs": {"o": {"from": "x", "apply": {"Dense": 1}}}}
    spec = {"models": models, "inputs": {"x": [4]}, "outputs": {"y": {"from": "x", "apply": "m1"}}}
    refused = [("GS006", "`m31` is nested more than 30 levels deep in other models and layers")]
    assert findings(tmp_path, spec) == (refused if deep > 30 else [])


def ring(start: int, size: int) -> dict[str, object]:
    """Nodes that feed each other in a circle."""
    return {f"n{start + i}": {"from": f"n{start + (i - 1) % size}", "apply": "ReLU"} for i in range(size)}


@pytest.mark.parametrize(("size", "shown"), [(19, 20), (20, 21), (40, 21)])
def test_long_circle_is_cut_short(size: int, shown: int, tmp_path: Path) -> None:
    """Of a long circle the first and the last ten nodes are named, with how many lie between, and twenty places."""
    spec = {"inputs": {"x": [4]}, "graph": ring(0, size), "outputs": {"y": "x"}}
    (found,) = graphspec.validate(write_json(tmp_path, spec))
    listed = found.message.removeprefix("nodes depend on each other in a cycle: ").split(" → ")
    assert len(listed) == shown
    assert [each for each in listed if "more" in each] == ([f"({size - 19} more)"] if size > 19 else [])
    assert len(found.labels) == min(size, 20) - 1


def write_json(tmp_path: Path, spec: dict[str, object]) -> Path:
    """Write a spec whose version is left out and give its path."""
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"graphspec": 1, **spec}), encoding="utf-8")
    return path


def test_fifty_circles_are_found_at_once(tmp_path: Path) -> None:
    """Each circle is a finding of its own, up to fifty; a spec with more is looked at again when those are mended."""
    for count, found in ((49, 49), (50, 50), (52, 50)):
        graph = {name: node for i in range(count) for name, node in ring(3 * i, 3).items()}
        spec = {"inputs": {"x": [4]}, "graph": graph, "outputs": {"y": "x"}}
        assert [code for code, _ in findings(tmp_path, spec)] == ["GS302"] * found


@pytest.mark.parametrize("repeat", [1, 10_000])
def test_repeat_from_one_to_ten_thousand(repeat: int, tmp_path: Path) -> None:
    """A step may be repeated ten thousand times, which is as many steps as a node may have."""
    step = {"shared": None, "repeat": repeat}
    spec = {
        "inputs": {"x": [4]},
        "layers": {"shared": "ReLU"},
        "graph": {"a": {"from": "x", "apply": [step]}},
        "outputs": {"y": "a"},
    }
    graph = graphspec.load(write_json(tmp_path, spec)).graph
    assert len(graph.nodes["a"].steps) == repeat
    assert findings(tmp_path, {**spec, "graph": {"a": {"from": "x", "apply": [step, "shared"]}}}) == (
        [("GS006", "the node has more than 10,000 steps")] if repeat == 10_000 else []
    )
