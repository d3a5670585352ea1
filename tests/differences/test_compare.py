"""What counts as a difference, and as which."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import keras
import pytest

from graphspec import catalog
from graphspec.catalog import Kind
from graphspec.differences import compare, side_of
from graphspec.differences.values import canonical_name

from .specs import Tree, difference, lines, model, only

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted([*(ROOT / "specs").glob("*.yaml"), *(ROOT / "specs" / "zoo").glob("*.yaml")])


def dense(units: int, **more: Any) -> Tree:
    return {"Dense": {"units": units, **more}}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_does_not_differ_from_itself(path: Path) -> None:
    """A spec read twice is the same, and all of its weights carry over."""
    found = compare(side_of(str(path)), side_of(str(path)))
    assert found.is_empty
    assert not found.reshaped
    assert found.weights.carried
    assert not [*found.weights.reshaped, *found.weights.fresh, *found.weights.lost]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"Dense": 4}, {"Dense": {"units": 4, "use_bias": True, "activation": None}}),
        (
            {"Dense": {"units": 4, "kernel_initializer": "he_normal"}},
            {"Dense": {"units": 4, "kernel_initializer": {"HeNormal": {}}}},
        ),
        ({"Dense": {"units": 4, "activation": "linear"}}, {"Dense": 4}),
        (
            [{"Reshape": [8, 1]}, {"Conv1D": {"filters": 2, "kernel_size": 3}}, "Flatten"],
            [{"Reshape": [8, 1]}, {"Conv1D": {"filters": 2, "kernel_size": [3], "strides": 1}}, {"Flatten": {}}],
        ),
        (
            [
                {"Reshape": [4, 2, 1]},
                {"ZeroPadding2D": 1},
                {"Convolution2D": {"filters": 2, "kernel_size": [2, 2]}},
                {"MaxPool2D": 2},
            ],
            [
                {"Reshape": [4, 2, 1]},
                {"ZeroPadding2D": [[1, 1], [1, 1]]},
                {"Conv2D": {"filters": 2, "kernel_size": 2}},
                {"MaxPooling2D": {"pool_size": [2, 2], "strides": 2}},
            ],
        ),
        ([dense(4), dense(4)], {"Dense": 4, "repeat": 2}),
        ({"Dropout": {"rate": 0.5}}, {"Dropout": "${1 / 2}"}),
    ],
    ids=["defaults", "names of classes", "linear", "sizes", "borders and other names", "repeat", "expressions"],
)
def test_other_forms_of_the_same_are_no_difference(first: Any, second: Any) -> None:
    """Defaults, short forms, repeats and expressions do not count."""
    found = difference(model({"last": {"from": "x", "apply": first}}), model({"last": {"from": "x", "apply": second}}))
    assert found.is_empty, found


def test_aliases_order_and_comments_are_no_difference(tmp_path: Path) -> None:
    """Neither do other names for a tensor, the order of keys, and the layout of a file."""
    first = """
        graphspec: 1
        inputs: {x: [8]}
        graph:
          a: {from: x, apply: {Dense: 4}}
          b: {from: a, apply: ReLU}
        outputs: {y: {from: b, apply: {Dense: 1}}}
        """
    second = """
        # a comment
        outputs: {y: {apply: {Dense: 1}, from: also}}
        graph:
          also: b
          b: {from: a, apply: [ReLU]}
          a: {apply: [{Dense: {units: 4}}], from: x}
        inputs:
          x: {shape: [8], dtype: float32}
        graphspec: 1
        """
    (tmp_path / "a.yaml").write_text(dedent(first), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(dedent(second), encoding="utf-8")
    assert compare(side_of(str(tmp_path / "a.yaml")), side_of(str(tmp_path / "b.yaml"))).is_empty


def test_a_chain_cut_into_other_nodes_is_no_difference() -> None:
    """Layers of the same names and wiring are the same model, whatever nodes they stand in."""
    whole = model({"last": {"from": "x", "apply": [{"Dense": {"units": 4, "name": "first"}}, {"Dense": 3}]}})
    parts = model({"first": {"from": "x", "apply": dense(4)}, "last": {"from": "first", "apply": dense(3)}})
    assert difference(whole, parts).is_empty


def test_a_changed_argument_names_its_path_and_both_values() -> None:
    """An argument is shown with Keras' default where one spec does not state it."""
    found = difference(
        model({"last": {"from": "x", "apply": [dense(4), "ReLU"]}}),
        model({"last": {"from": "x", "apply": [dense(5, activation="relu"), "ReLU"]}}),
    )
    change = only(found)
    assert (change.name, change.status, change.was) == ("last", "changed", "")
    assert lines(change.changes) == [
        ("argument", "apply[0].Dense.units", 4, 5),
        ("argument", "apply[0].Dense.activation", "linear", "relu"),
    ]
    assert change.before is not None
    assert change.after is not None
    assert (change.before.shape, change.after.shape) == ([None, 4], [None, 5])
    assert (change.before.parameters, change.after.parameters) == (36, 45)
    assert [(each.path, each.before, each.after) for each in found.weights.reshaped] == [
        ("last_dense", ((8, 4), (4,)), ((8, 5), (5,))),
        ("y", ((4, 1), (1,)), ((5, 1), (1,))),
    ]


def test_a_renamed_node_is_one_rename() -> None:
    """Whoever takes the node is not rewired by its new name, and its weights carry over."""
    graph = {"a": {"from": "x", "apply": dense(4)}, "last": {"from": ["a", "x"], "merge": "concat", "apply": dense(3)}}
    other = {"b": {"from": "x", "apply": dense(4)}, "last": {"from": ["b", "x"], "merge": "concat", "apply": dense(3)}}
    found = difference(model(graph), model(other))
    change = only(found)
    assert (change.name, change.was, change.changes) == ("b", "a", ())
    assert [(each.was, each.path) for each in found.weights.renamed] == [("a", "b")]


def test_a_node_that_is_renamed_and_changed_is_both() -> None:
    """Where it is wired as before, a node of the same class is the same node."""
    graph = {"a": {"from": "x", "apply": dense(4)}, "last": {"from": "a", "apply": [dense(3), "ReLU"]}}
    other = {"b": {"from": "x", "apply": dense(7)}, "last": {"from": "b", "apply": [dense(3), "ReLU"]}}
    change = only(difference(model(graph), model(other)))
    assert (change.name, change.was) == ("b", "a")
    assert lines(change.changes) == [("argument", "Dense.units", 4, 7)]


def test_two_equal_branches_that_are_renamed_keep_their_consumers() -> None:
    """Of several candidates the one with the same consumers is taken."""

    def branches(a: str, b: str) -> Tree:
        return {
            a: {"from": "x", "apply": dense(4)},
            b: {"from": "x", "apply": dense(4)},
            "left": {"from": a, "apply": dense(2)},
            "last": {"from": ["left", b], "merge": "concat"},
        }

    found = difference(model(branches("a", "b")), model(branches("q", "p")))
    assert {(each.was, each.name) for each in found.nodes} == {("a", "q"), ("b", "p")}


def test_a_layer_put_between_does_not_rewire() -> None:
    """A layer in a chain, or in a node of its own, is added; what takes it is as it was."""
    before = {"a": {"from": "x", "apply": dense(4)}, "last": {"from": "a", "apply": dense(3)}}
    chain = {"a": {"from": "x", "apply": dense(4)}, "last": {"from": "a", "apply": [{"Dropout": 0.5}, dense(3)]}}
    found = difference(model(before), model(chain))
    assert lines(only(found).changes) == [("layer", "apply[0].Dropout", None, "Dropout(rate: 0.5)")]
    assert len(found.weights.carried) == 3

    node = {**before, "drop": {"from": "a", "apply": {"Dropout": 0.5}}, "last": {"from": "drop", "apply": dense(3)}}
    change = only(difference(model(before), model(node)))
    assert (change.status, change.name, change.feed, change.layers, change.consumers) == (
        *("added", "drop"),
        *(("a",), ("Dropout(rate: 0.5)",), ("last",)),
    )


def test_a_layer_put_before_others_of_its_class_leaves_them_what_they_are() -> None:
    """Names that only count (`last_dense_1`) shift; the layers are aligned, and their weights carry over."""
    found = difference(
        model({"last": {"from": "x", "apply": [dense(4), dense(5), dense(6)]}}),
        model({"last": {"from": "x", "apply": [dense(8), dense(4), dense(5), dense(6)]}}),
    )
    assert lines(only(found).changes) == [("layer", "apply[0].Dense", None, "Dense(units: 8)")]
    assert [(each.was, each.path) for each in found.weights.renamed] == [
        ("last_dense", "last_dense_1"),
        ("last_dense_1", "last_dense_2"),
    ]
    assert [each.path for each in found.weights.fresh] == ["last_dense"]


def test_another_input_rewires() -> None:
    """A node that takes another tensor says which."""
    graph = {"a": {"from": "x", "apply": dense(4)}, "b": {"from": "a", "apply": dense(4)}}
    first = {**graph, "last": {"from": ["a", "b"], "merge": "sum"}}
    second = {**graph, "last": {"from": ["b", "x"], "merge": "concat"}}
    change = only(difference(model(first), model(second)))
    assert ("from", "", "a, b", "b, x") in lines(change.changes)
    assert ("layer", "Concatenate", "merge sum", "merge concat") in lines(change.changes)


def test_nodes_added_and_removed_say_what_they_are() -> None:
    """Both with their layers, their inputs, shape and parameters."""
    first = {"last": {"from": "x", "apply": dense(3)}}
    second = {**first, "more": {"from": "x", "apply": [dense(4, activation="relu"), "Flatten"]}}
    ends = {"y": {"from": "last", "apply": dense(1)}, "z": {"from": "more", "apply": dense(2)}}
    found = difference(model(first), model(second, ends))
    assert [(each.status, each.part, each.name) for each in found.nodes] == [
        ("added", "graph", "more"),
        ("added", "outputs", "z"),
    ]
    more = found.nodes[0]
    assert more.layers == ("Dense(units: 4, activation: relu)", "Flatten")
    assert more.after is not None
    assert (more.after.shape, more.after.parameters) == ([None, 4], 36)
    back = difference(model(second, ends), model(first))
    assert [(each.status, each.name, each.layers) for each in back.nodes] == [
        (*("removed", each.name), each.layers) for each in found.nodes
    ]


def test_another_class_replaces_the_layer() -> None:
    """A node of the same name with another layer is changed, not removed and added."""
    change = only(
        difference(
            model({"last": {"from": "x", "apply": dense(4)}}),
            model({"last": {"from": "x", "apply": "LayerNormalization"}}),
        )
    )
    assert lines(change.changes) == [("layer", "LayerNormalization", "Dense(units: 4)", "LayerNormalization")]


def test_declared_layers_are_shown_once() -> None:
    """A shared layer that is applied several times changes once, by its own name."""

    def shared(units: int, name: str = "embed") -> Tree:
        graph = {
            "a": {"from": "x", "apply": name},
            "b": {"from": ["a", "x"], "merge": "sum", "apply": name},
            "last": "b",
        }
        return model(graph, layers={name: {"Dense": {"units": 8, "activation": units}}})

    found = difference(shared("relu"), shared("tanh"))  # type: ignore[arg-type]
    assert (only(found).part, only(found).name) == ("layers", "embed")
    assert lines(only(found).changes) == [("argument", "activation", "relu", "tanh")]
    renamed = difference(shared("relu"), shared("relu", "embedding"))  # type: ignore[arg-type]
    assert (only(renamed).part, only(renamed).name, only(renamed).was) == ("layers", "embedding", "embed")
    assert [(each.was, each.path) for each in renamed.weights.renamed] == [("embed", "embedding")]


def test_weights_that_are_no_longer_shared_are_a_difference() -> None:
    """Two calls of one layer are not two layers of the same arguments."""
    first = model({"a": {"from": "x", "apply": "d"}, "last": {"from": "a", "apply": "d"}}, layers={"d": {"Dense": 8}})
    second = model(
        {"a": {"from": "x", "apply": "d"}, "last": {"from": "a", "apply": {"Dense": 8}}}, layers={"d": {"Dense": 8}}
    )
    assert lines(only(difference(first, second)).changes) == [("shared", "last", "weights of d", "weights of its own")]


def test_changes_in_a_nested_model_bear_its_path() -> None:
    """A model that is applied twice changes once."""

    def nested(units: int) -> Tree:
        inner = {
            "inputs": {"v": [8]},
            "graph": {"h": {"from": "v", "apply": dense(units)}},
            "outputs": {"code": {"from": "h", "apply": dense(2)}},
        }
        return model(
            {
                "a": {"from": "x", "apply": "eye"},
                "b": {"from": "x", "apply": "eye"},
                "last": {"from": ["a", "b"], "merge": "concat"},
            },
            models={"eye": inner},
        )

    found = difference(nested(4), nested(5))
    assert (only(found).model, only(found).name) == ("eye/", "h")
    assert {each.path for each in found.weights.reshaped} == {"eye/h", "eye/code"}


def test_wrapped_layers_are_compared_by_their_arguments() -> None:
    """What a wrapper holds is an argument of it."""

    def wrapped(units: int) -> Tree:
        steps = [{"Reshape": [4, 2]}, {"Bidirectional": {"layer": {"LSTM": units}}}]
        return model({"last": {"from": "x", "apply": steps}})

    change = only(difference(wrapped(3), wrapped(4)))
    assert lines(change.changes) == [("argument", "apply[1].Bidirectional.layer.units", 3, 4)]


def test_inputs_and_outputs_are_matched_by_what_they_are() -> None:
    """A renamed input or output is a rename; losses and data follow it."""
    first = model(
        {"last": {"from": "x", "apply": dense(3)}},
        {"y": {"from": "last", "apply": dense(1), "loss": "mse"}},
        training={"optimizer": "sgd"},
    )
    second = {
        **first,
        "inputs": {"v": [8]},
        "graph": {"last": {"from": "v", "apply": dense(3)}},
        "outputs": {"z": first["outputs"]["y"]},
    }
    found = difference(first, second)
    assert [(each.part, each.was, each.name) for each in found.nodes] == [("inputs", "x", "v"), ("outputs", "y", "z")]
    assert not found.settings
    wider = difference(first, {**first, "inputs": {"x": [9]}})
    assert lines(only(wider).changes) == [("argument", "shape", [8], [9])]


def test_losses_show_what_the_spec_writes_of_them() -> None:
    """A changed loss shows its weight, an added one its own steps, and none the steps that the language adds."""

    def penalised(weight: float, *more: str, rate: float = 0.1) -> Tree:
        losses = {"size": {"from": "last", "apply": [{"Dropout": rate}, "ops.square"], "weight": weight}}
        further = {name: {"from": "last", "apply": "ops.abs"} for name in more}
        return model({"last": {"from": "x", "apply": dense(1)}}, losses=losses | further)

    change = only(difference(penalised(0.1), penalised(0.5)))
    assert (change.part, change.name) == ("losses", "size")
    assert lines(change.changes) == [("argument", "weight", 0.1, 0.5)]
    change = only(difference(penalised(0.1), penalised(1, rate=0.2)))
    assert lines(change.changes) == [("argument", "apply[0].Dropout.rate", 0.1, 0.2), ("argument", "weight", 0.1, 1.0)]
    added = only(difference(penalised(0.1), penalised(0.1, "other")))
    assert (added.status, added.part, added.layers) == ("added", "losses", ("ops.abs",))


def residual(uses: list[Any], kernel: int = 3, **block: Any) -> Tree:
    steps = [{"Dense": {"units": "${units}", "activation": "relu"}}, {"Dropout": "${rate}"}, {"Dense": 8}]
    steps += [{"Dense": 8}] * (kernel - 3)
    blocks = {
        "res": {
            "params": {"units": None, "rate": 0.1, **block},
            "inputs": "v",
            "graph": {"a": {"from": "v", "apply": steps}},
            "output": {"from": ["a", "v"], "merge": "sum"},
        }
    }
    return model({"last": {"from": "x", "apply": uses}}, blocks=blocks)


def test_one_parameter_of_a_block_is_one_change_with_the_number_of_uses() -> None:
    """So is one value inside of the block, and a default of its parameters."""
    found = difference(residual([{"res": 4, "repeat": 16}]), residual([{"res": 6, "repeat": 16}]))
    (block,) = found.blocks
    assert (block.block, len(block.nodes), set(block.nodes), block.is_explained) == ("res", 16, {"last"}, True)
    assert lines(block.parameters) == [("parameter", "units", 4, 6)]
    assert not found.nodes
    default = difference(residual([{"res": 4, "repeat": 16}]), residual([{"res": 4, "repeat": 16}], rate=0.2))
    (block,) = default.blocks
    assert lines(block.parameters) == [("parameter", "rate", 0.1, 0.2)]
    assert [(len(block.nodes), lines(each.changes)) for each in block.members] == [
        (16, [("argument", "apply[1].Dropout.rate", 0.1, 0.2)])
    ]
    inside = difference(residual([{"res": 4, "repeat": 16}]), residual([{"res": 4, "repeat": 16}], kernel=4))
    (block,) = inside.blocks
    assert (len(block.nodes), block.parameters) == (16, ())
    assert [(each.name, lines(each.changes)) for each in block.members] == [
        ("a", [("layer", "apply[2].Dense", None, "Dense(units: 8)")])
    ]


def test_a_renamed_node_of_blocks_is_a_rename() -> None:
    """All layers of its blocks have other names with it, and carry over."""
    first, second = residual([{"res": 4, "repeat": 2}]), residual([{"res": 4, "repeat": 2}])
    second["graph"] = {"trunk": second["graph"]["last"]}
    second["outputs"]["y"]["from"] = "trunk"
    found = difference(first, second)
    assert (only(found).name, only(found).was) == ("trunk", "last")
    assert len(found.weights.renamed) == 4


def test_a_use_of_a_block_put_between_others_leaves_them_what_they_are() -> None:
    """Uses are aligned by their parameters, so the names that shift do not show, and weights carry over."""
    found = difference(residual([{"res": 4}, {"res": 6}]), residual([{"res": 4}, {"res": 5}, {"res": 6}]))
    (block,) = found.blocks
    assert (block.status, block.block, block.nodes) == ("added", "res", ("last",))
    assert lines(block.parameters) == [("parameter", "units", None, 5), ("parameter", "rate", None, 0.1)]
    assert not found.nodes
    assert ("last_1__a_dense", "last_2__a_dense") in [(each.was, each.path) for each in found.weights.renamed]


def test_training_and_data_differ_by_value() -> None:
    """Defaults count as what they are; files by where they lie."""
    data = {
        "train": {"file": "a.csv", "inputs": {"x": {"columns": list("abcdefgh")}}, "outputs": {"y": {"column": "y"}}}
    }
    ends = {"y": {"from": "x", "apply": dense(1), "loss": "mse", "metrics": ["mae"]}}
    first = model({}, ends, training={"optimizer": "adam", "epochs": 2}, data=data)
    same = model(
        {}, ends, training={"optimizer": {"Adam": {"learning_rate": 0.001}}, "epochs": 2, "batch_size": 32}, data=data
    )
    del first["graph"], same["graph"]
    assert difference(first, same).is_empty
    other = {
        **same,
        "training": {"optimizer": {"Adam": 0.01}, "epochs": 3, "callbacks": ["TerminateOnNaN"]},
        "data": {"train": {**data["train"], "file": "b.csv"}},
    }
    found = difference(first, other)
    assert not found.nodes
    changes = lines(found.settings)
    assert ("argument", "training.optimizer.learning_rate", 0.001, 0.01) in changes
    assert ("argument", "training.epochs", 2, 3) in changes
    assert ("argument", "training.callbacks.TerminateOnNaN", None, "used") in changes
    files = [each for each in found.settings if each.path.startswith("data.")]
    assert {(each.path, each.before.text, each.after.text) for each in files} == {
        ("data.train.inputs.x.file", "a.csv", "b.csv"),
        ("data.train.outputs.y.file", "a.csv", "b.csv"),
    }


def test_names_of_one_class_are_those_of_keras() -> None:
    """Two names count as one class where Keras exports one class under both, and only there."""
    kinds: tuple[Kind, ...] = ("layers", "initializers", "regularizers", "constraints", "losses", "optimizers")
    for kind in kinds:
        by_class: dict[int, set[str]] = {}
        for name in (each for each in catalog.names(kind) if hasattr(getattr(keras, kind), each)):
            by_class.setdefault(id(getattr(getattr(keras, kind), name)), set()).add(canonical_name(kind, name))
        assert all(len(names) == 1 for names in by_class.values()), kind
        assert len({next(iter(names)) for names in by_class.values()}) == len(by_class), kind
