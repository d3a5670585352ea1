"""`each`: a node for each of several values, against the Keras code that it stands for."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import graphspec

from .specs import Write, codes, layer_names, lower, refused_codes

L = keras.layers

BRANCHES = """
graphspec: 1
vars: {widths: [2, 3, 4]}
blocks:
  heads:
    params: {count: 2}
    inputs: x
    graph:
      head: {each: {number: "${range(count)}"}, from: x, apply: {Dense: "${number + 1}"}}
    output: {from: head, merge: concat}
inputs: {image: [8, 8, 3]}
graph:
  branch:
    each: {width: "${widths}", rate: [1, 2, 4]}
    from: image
    apply:
      - {Conv2D: {filters: "${width}", kernel_size: 3, dilation_rate: "${rate}", padding: same}}
      - {ReLU: , when: "${rate > 1}"}
  narrow: {each: {number: "${range(3)}"}, from: "branch[${number}]", apply: {Conv2D: {filters: 1, kernel_size: 1}}}
  joined: {from: [image, narrow, "branch[2]"], merge: concat, apply: GlobalAveragePooling2D}
outputs:
  y: {from: joined, apply: [{heads: 3}, {Dense: 2}]}
"""


def by_hand() -> keras.Model:
    """The spec above in plain Keras."""
    image = keras.Input((8, 8, 3), name="image")
    branches = []
    for width, rate in zip([2, 3, 4], [1, 2, 4], strict=True):
        x = L.Conv2D(width, 3, dilation_rate=rate, padding="same")(image)
        branches.append(L.ReLU()(x) if rate > 1 else x)
    narrow = [L.Conv2D(1, 1)(branch) for branch in branches]
    x = L.GlobalAveragePooling2D()(L.Concatenate()([image, *narrow, branches[2]]))
    x = L.Concatenate()([L.Dense(number + 1)(x) for number in range(3)])
    return keras.Model({"image": image}, {"y": L.Dense(2, name="y")(x)})


def test_nodes_are_the_keras_code_they_stand_for(write: Write) -> None:
    """A node for each value, lists in step; its name is the list of all, in a list among others; in blocks too."""
    path = write(BRANCHES)
    assert codes(path) == []
    ours, theirs = graphspec.build(path), by_hand()
    order = sorted(range(len(ours.weights)), key=lambda number: [tuple(w.shape) for w in ours.weights][number])
    back = sorted(range(len(theirs.weights)), key=lambda number: [tuple(w.shape) for w in theirs.weights][number])
    rng = np.random.default_rng(0)
    for mine, their in zip(order, back, strict=True):
        value = np.full(ours.weights[mine].shape, 0.1) + 0.01 * rng.random(ours.weights[mine].shape).mean()
        ours.weights[mine].assign(value)
        theirs.weights[their].assign(value)
    x = rng.random((2, 8, 8, 3))
    np.testing.assert_allclose(ours({"image": x})["y"], theirs({"image": x})["y"], rtol=1e-5)


def test_layers_bear_the_number_of_their_node(write: Write) -> None:
    """`<node>_<number>` is the name of a node, and of its layers as of any node's."""
    names = layer_names(graphspec.build(write(BRANCHES)))
    assert {"branch_0", "branch_1_conv2d", "branch_1", "branch_2", "narrow_2", "y__head_0", "y__head_2"} <= set(names)


def test_what_picks_from_one_of_the_nodes(write: Write) -> None:
    """`states[1][2]` is the third tensor of the second node, `tower[0].code` an output of its model."""
    graph = lower(
        write,
        """
        models:
          tower:
            inputs: {a: [3]}
            outputs: {code: {from: a, apply: {Dense: 2}}, size: {from: a, apply: {Dense: 1}}}
        inputs: {words: [5, 3], x: [3]}
        graph:
          states: {each: {units: [2, 4]}, from: words, apply: {LSTM: {units: "${units}", return_state: true}}}
          seen: {each: {n: [0, 1]}, from: x, apply: tower}
        outputs:
          y: {from: ["states[1][2]", "seen[0].code", "seen[1].size"], merge: concat, apply: {Dense: 1}}
        """,
    )
    assert [str(each) for each in graph.nodes["y"].feed.tensors] == ["states_1[2]", "seen_0.code", "seen_1.size"]


def test_calls_take_the_list_too(write: Write) -> None:
    """Where a call argument takes a list, the name of the nodes is that list."""
    graph = lower(
        write,
        """
        inputs: {words: [5, 3], x: [3]}
        graph:
          state: {each: {n: [0, 1]}, from: x, apply: {Dense: 4}}
          read: {from: words, apply: {LSTM: 4, call: {initial_state: state}}}
          again: {from: words, apply: {LSTM: 4, call: {initial_state: ["state[1]", "state[0]"]}}}
        outputs: {y: {from: [read, again], merge: concat}}
        """,
    )
    taken = [[str(each) for each in graph.nodes[name].steps[0].references()] for name in ("read", "again")]
    assert taken == [["state_0", "state_1"], ["state_1", "state_0"]]


def test_when_and_otherwise_are_read_for_each_value(write: Write) -> None:
    """A node may be absent, or another one, by its value; the others keep their numbers."""
    graph = lower(
        write,
        """
        inputs: {x: [3]}
        graph:
          some: {each: {n: "${range(4)}"}, when: "${n % 2 == 1}", from: x, apply: {Dense: "${n}"}}
          all: {each: {n: [0, 1]}, when: "${n == 0}", from: x, apply: {Dense: 5}, otherwise: "some[3]"}
        outputs: {y: {from: [some, all], merge: concat}}
        """,
    )
    assert [str(each) for each in graph.nodes["y"].feed.tensors] == ["some_1", "some_3", "all_0", "all_1"]
    assert [str(each) for each in graph.nodes["all_1"].feed.tensors] == ["some_3"]


def test_outputs_may_be_several(write: Write) -> None:
    """Each is an output of its own, by its name and number."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [3]}
        outputs: {kind: {each: {classes: [2, 5]}, from: x, apply: {Dense: "${classes}"}, loss: mse}}
        training: {optimizer: sgd}
        """
    )
    assert codes(path) == []
    assert {name: each.shape for name, each in graphspec.build(path, weightless=True).output.items()} == {
        "kind_0": (None, 2),
        "kind_1": (None, 5),
    }


NODE = "a: {each: {n: [1, 2]}, from: x, apply: {Dense: '${n}'}}"


@pytest.mark.parametrize(
    ("nodes", "output", "code", "said"),
    [
        (NODE, "'a[2]'", "GS306", "2 nodes, made by `each`, so there is no `a[2]`"),
        (NODE, "a.code", "GS306", "write `a[0].code`"),
        (NODE, "{query: a, value: x}, apply: {Attention: }", "GS306", "a list of 2 tensors"),
        (NODE, "a, apply: {Dense: 1}", "GS411", "`a_0`"),
        (NODE, "'x[0][1]', apply: {Dense: 1}", "GS109", "picks twice"),
        (NODE + ", a_1: {from: x, apply: {Dense: 1}}", "'a[0]'", "GS303", "makes a node `a_1`"),
        (NODE.replace("a:", "x:"), "x", "GS303", "an input and a node"),
        (NODE.replace("'${n}'", "'${m}'"), "a, merge: concat", "GS111", "no variable `m`"),
        (NODE.replace("[1, 2]", "'${m}'"), "a, merge: concat", "GS111", "no variable `m`"),
        (NODE.replace("[1, 2]", "'${range(20001)}'"), "a, merge: concat", "GS111", "too long"),
        (NODE.replace("a: {", "a: {when: '${n < 2}', "), "'a[1]', apply: {Dense: 1}", "GS301", "its `when` is false"),
        ("a: {when: false, from: x, otherwise: " + NODE[3:] + "}", "a", "GS130", "in the node itself"),
        ("a: {from: x, apply: {Dense: 1, each: {n: [1]}}}", "a", "GS108", "belongs to a node"),
    ],
)
def test_mistakes_are_findings(write: Write, nodes: str, output: str, code: str, said: str) -> None:
    """Each mistake gives one finding that says what it is."""
    path = write(f"graphspec: 1\ninputs: {{x: [4, 4]}}\ngraph: {{{nodes}}}\noutputs: {{y: {{from: {output}}}}}\n")
    found = [each for each in graphspec.validate(path) if each.is_error]
    assert [each.rule.code for each in found] == [code]
    assert said in found[0].message + found[0].help + "".join(label.text for label in found[0].labels)


def test_too_many_nodes_are_refused(write: Write) -> None:
    """`each` counts as blocks and repeats do."""
    node = "{each: {n: '${range(9000)}'}, from: x, apply: {Dense: 1}}"
    text = f"inputs: {{x: [4]}}\ngraph: {{a: {node}, b: {node}, c: {node}}}\noutputs: {{y: {{from: 'a[0]'}}}}\n"
    assert refused_codes(write, text) == ["GS006"]


def test_a_value_can_be_set(write: Write, tmp_path: Path) -> None:
    """`--set` reaches the lists of `each`, and a search may."""
    path = write(BRANCHES)
    spec = graphspec.load(path, ["graph.branch.each.rate=[1, 1, 1]", "vars.widths=[5, 5, 5]"])
    assert [spec.graph.nodes[f"branch_{n}"].steps[0].layer.arguments["filters"] for n in range(3)] == [5, 5, 5]
