"""Random specs and random edits: each edit is found as what it is, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graphspec.differences import Difference
from graphspec.differences.difference import Change, NodeChange
from graphspec.differences.values import UNSET

from .specs import Tree, difference

_SWAPPED = {"added": "removed", "removed": "added", "changed": "changed"}


@st.composite
def specs(draw: st.DrawFn) -> Tree:
    """A graph of some nodes, each with layers of its own sizes; the output takes those that no other does."""
    count = draw(st.integers(2, 6))
    graph: Tree = {}
    free: list[str] = []
    for number in range(count):
        known = ["x", "v", *graph]
        feeds = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
        steps: list[Any] = [{"Dense": {"units": 10 * (number + 1), "activation": "relu"}}]
        if draw(st.booleans()):
            steps.append({"Dense": 10 * (number + 1) + 1})
        node: Tree = {"from": feeds if len(feeds) > 1 else feeds[0], "apply": steps}
        if len(feeds) > 1:
            node["merge"] = "concat"
        graph[f"n{number}"] = node
        free = [each for each in free if each not in feeds] + [f"n{number}"]
    end: Tree = {"from": [*free, "x"], "merge": "concat", "apply": {"Dense": 7}, "loss": "mse"}
    inputs = {"x": [8], "v": [5]}
    training = {"optimizer": {"Adam": 0.01}, "epochs": draw(st.integers(1, 5)), "batch_size": 16}
    taken = [each for node in (*graph.values(), end) for each in _feeds(node)]
    if "v" not in taken:
        end["from"].append("v")
    return {"graphspec": 1, "inputs": inputs, "graph": graph, "outputs": {"y": end}, "training": training}


def _feeds(node: Tree) -> list[str]:
    return node["from"] if isinstance(node["from"], list) else [node["from"]]


def _rename(tree: Tree, old: str, new: str) -> None:
    tree["graph"] = {new if key == old else key: node for key, node in tree["graph"].items()}
    for node in (*tree["graph"].values(), *tree["outputs"].values()):
        names = [new if each == old else each for each in _feeds(node)]
        node["from"] = names if isinstance(node["from"], list) else names[0]


@st.composite
def edits(draw: st.DrawFn) -> tuple[Tree, Tree, set[tuple[Any, ...]]]:
    """A spec, the spec after some edits, and what they change."""
    tree = draw(specs())
    edited = deepcopy(tree)
    expected: set[tuple[Any, ...]] = set()
    names = list(tree["graph"])
    for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=True)):
        node = edited["graph"][name]
        path = "apply[0].Dense" if len(node["apply"]) > 1 else "Dense"
        kind = draw(st.sampled_from(["units", "activation", "rename", "insert", "rewire"]))
        if kind == "units":
            node["apply"][0]["Dense"]["units"] += 5
            expected.add((name, "", "argument", f"{path}.units"))
        elif kind == "activation":
            node["apply"][0]["Dense"]["activation"] = "tanh"
            expected.add((name, "", "argument", f"{path}.activation"))
        elif kind == "insert":
            node["apply"].append({"Dropout": 0.3})
            expected.add((name, "", "layer", f"apply[{len(node['apply']) - 1}].Dropout"))
        elif kind == "rename":
            _rename(edited, name, f"new_{name}")
            expected.add((f"new_{name}", name, "", ""))
        elif kind == "rewire" and not isinstance(node["from"], list):
            others = [each for each in ("x", "v") if each != node["from"]]
            left = node["from"]
            used = [
                each
                for other in (*edited["graph"].values(), edited["outputs"]["y"])
                if other is not node
                for each in _feeds(other)
            ]
            if left in used:
                node["from"] = draw(st.sampled_from(others))
                expected.add((name, "", "from", ""))
    if draw(st.booleans()):
        edited["training"]["epochs"] += 1
        expected.add(("training.epochs",))
    return tree, edited, expected


def facts(found: Difference) -> set[tuple[Any, ...]]:
    """What a difference says, in short."""
    said: set[tuple[Any, ...]] = {(each.path,) for each in found.settings}
    for node in found.nodes:
        said |= {(node.name, node.was, each.aspect, each.path) for each in node.changes}
        if not node.changes:
            said.add((node.name, node.was, *(("", "") if node.status == "changed" else (node.status, ""))))
    return said


@settings(max_examples=40, deadline=None)
@given(edits())
def test_edits_are_found_as_what_they_are(case: tuple[Tree, Tree, set[tuple[Any, ...]]]) -> None:
    """Changed arguments, renames, insertions and rewiring, several at once, are exactly what is shown."""
    first, second, expected = case
    found = difference(first, second)
    assert facts(found) == expected
    assert found.is_empty == (not expected)
    assert not found.weights.lost
    assert not found.weights.fresh


@settings(max_examples=25, deadline=None)
@given(edits(), specs())
def test_the_way_back_is_the_mirror(case: tuple[Tree, Tree, set[tuple[Any, ...]]], other: Tree) -> None:
    """What is added one way is removed the other way, and values change places."""
    for one, two in ((case[0], case[1]), (case[0], other)):
        there, back = difference(one, two), difference(two, one)
        assert _values(there, mirrored=False) == _values(back, mirrored=True)
        assert {_node(each, mirrored=False) for each in there.nodes} == {
            _node(each, mirrored=True) for each in back.nodes
        }
        assert len(there.weights.carried) == len(back.weights.carried)
        assert {each.path for each in there.weights.fresh} == {each.path for each in back.weights.lost}


def _node(node: NodeChange, *, mirrored: bool) -> tuple[Any, ...]:
    """What becomes of a node as a whole. A change is shown at the node of the second spec, so it has no way back."""
    if node.status == "changed":
        return tuple(sorted((node.was, node.name))) if node.was else ()
    return (_SWAPPED[node.status] if mirrored else node.status, node.name, node.layers, node.feed)


def _values(found: Difference, *, mirrored: bool) -> set[tuple[Any, ...]]:
    changes = [*(each for node in found.nodes for each in node.changes), *found.settings]
    return {_value(each, mirrored=mirrored) for each in changes}


def _value(change: Change, *, mirrored: bool) -> tuple[Any, ...]:
    values = ["unset" if each is UNSET else repr(each) for each in (change.before, change.after)]
    return (change.aspect, change.path.rpartition(".")[2], *(reversed(values) if mirrored else values))


@settings(max_examples=25, deadline=None)
@given(specs(), st.randoms(use_true_random=False))
def test_layout_is_no_difference(tree: Tree, random: Any) -> None:
    """Keys in another order, defaults written out and lists of one step mean the same."""
    other = deepcopy(tree)
    nodes = list(other["graph"].items())
    random.shuffle(nodes)
    other["graph"] = dict(nodes)
    for node in other["graph"].values():
        node["apply"][-1] = {
            "Dense": {"use_bias": True, "units": _units(node["apply"][-1]), **_rest(node["apply"][-1])}
        }
    assert difference(tree, dict(reversed(other.items()))).is_empty


def _units(step: Tree) -> int:
    units: int = step["Dense"] if isinstance(step["Dense"], int) else step["Dense"]["units"]
    return units


def _rest(step: Tree) -> Tree:
    return (
        {key: value for key, value in step["Dense"].items() if key != "units"}
        if isinstance(step["Dense"], dict)
        else {}
    )
