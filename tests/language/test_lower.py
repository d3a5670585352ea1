"""SpecModel → Graph: which layers there are, what they are called, which are shared, and in which order nodes come."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphspec
from graphspec.language.graph import Graph, KerasLayer, Layer, NestedModel, Node, wrapped_layers

from .specs import lower, refused_codes

Write = Callable[..., Path]


def names(node: Node) -> list[str]:
    """The names of the layers that a node calls, in order."""
    return [step.layer.name for step in node.steps]


def layer(graph: Graph, node: str, step: int = -1) -> Layer:
    """The layer of one step of a node, the last by default."""
    return graph.nodes[node].steps[step].layer


def test_last_layer_bears_the_name_of_its_node(write: Write) -> None:
    """The last fresh layer is named after the node, those before it after node and class, numbered as Keras numbers."""
    graph = lower(
        write,
        """
    inputs: {x: [4]}
    graph:
      deep: {from: x, apply: [{Dense: 3}, BatchNormalization, {Dense: 3}, {Dense: 3}, {Dense: 3}]}
    outputs: {out: {from: deep, apply: [ReLU, {Dense: 1}]}}
    """,
    )
    assert names(graph.nodes["deep"]) == [
        "deep_dense",
        "deep_batch_normalization",
        "deep_dense_1",
        "deep_dense_2",
        "deep",
    ]
    assert names(graph.nodes["out"]) == ["out_re_lu", "out"]


def test_repeat_makes_layers_of_their_own(write: Write) -> None:
    """`repeat: 3` of a fresh layer is three layers, of a declared one the same layer three times."""
    graph = lower(
        write,
        """
    inputs: {x: [4]}
    layers: {same: {Dense: 4}}
    graph:
      a: {from: x, apply: [{Dense: 4, repeat: 3}]}
      b: {from: a, apply: [{same: , repeat: 3}]}
    outputs: {out: b}
    """,
    )
    assert names(graph.nodes["a"]) == ["a_dense", "a_dense_1", "a"]
    assert names(graph.nodes["b"]) == ["same", "same", "same"]
    assert len({id(step.layer) for step in graph.nodes["a"].steps}) == 3
    assert len({id(step.layer) for step in graph.nodes["b"].steps}) == 1


@pytest.mark.parametrize(
    "out",
    [
        "x",
        "a",
        "{from: x, apply: shared}",
        "{from: x, apply: [{Dense: 4}, shared]}",
        "{from: x, apply: vision}",
        "{from: x, apply: {Dense: {units: 4, name: other}}}",
    ],
)
def test_output_ends_in_a_layer_of_its_own(out: str, write: Write) -> None:
    """An `Identity` ends an output whose last layer would not bear the output's name."""
    graph = lower(
        write,
        f"""
    inputs: {{x: [4]}}
    layers: {{shared: {{Dense: 4}}}}
    models: {{vision: {{inputs: {{i: [4]}}, outputs: {{o: {{from: i, apply: {{Dense: 4}}}}}}}}}}
    graph: {{a: {{from: x, apply: {{Dense: 4}}}}, b: {{from: x, apply: [shared, vision]}}}}
    outputs: {{out: {out}, rest: {{from: [a, b], merge: sum}}}}
    """,
    )
    last = layer(graph, "out")
    assert (last.class_name, last.name) == ("Identity", "out")
    assert names(graph.nodes["rest"]) == ["rest"]


def test_explicit_name_wins(write: Write) -> None:
    """A `name` argument is the layer's name, also of a declared layer; the others keep clear of it."""
    graph = lower(
        write,
        """
    inputs: {x: [4]}
    layers: {shared: {Dense: {units: 4, name: fc}}}
    graph:
      a: {from: x, apply: [{Dense: {units: 4, name: a_dense_1}}, {Dense: 4}, {Dense: 4}, shared, ReLU]}
    outputs: {out: {from: a, apply: {Dense: {units: 1, name: out}}}}
    """,
    )
    assert names(graph.nodes["a"]) == ["a_dense_1", "a_dense", "a_dense_2", "fc", "a"]
    assert names(graph.nodes["out"]) == ["out"]


def test_layers_inside_a_wrapper_are_named_by_their_class(write: Write) -> None:
    """What is written inside a wrapper is within the wrapper's name."""
    graph = lower(
        write,
        """
    inputs: {x: [4, 4]}
    graph: {a: {from: x, apply: [{Bidirectional: {layer: {LSTM: 4}}}, {Dense: 4}]}}
    outputs: {out: a}
    """,
    )
    assert [inner.name for inner in wrapped_layers(layer(graph, "a", 0))] == ["lstm"]


def test_names_are_free_of_each_other_in_models(write: Write) -> None:
    """A nested model names its layers in a space of its own."""
    graph = lower(
        write,
        """
    inputs: {x: [4]}
    models:
      m: {inputs: {x: [4]}, graph: {h: {from: x, apply: {Dense: 4}}}, outputs: {out: {from: h, apply: ReLU}}}
    graph: {h: {from: x, apply: [{Dense: 4}, m]}}
    outputs: {out: {from: h, apply: {Dense: 1}}}
    """,
    )
    inner = layer(graph, "h")
    assert isinstance(inner, NestedModel)
    assert names(inner.graph.nodes["h"]) == ["h"]
    assert names(graph.nodes["h"]) == ["h", "m"]


def test_declared_layer_is_one_object(write: Write) -> None:
    """Every use of a declared layer or model, also inside a wrapper, is the same object."""
    graph = lower(
        write,
        """
    inputs: {x: [4], xs: [5, 4]}
    layers: {d: {Dense: 4}}
    models: {m: {inputs: {i: [4]}, outputs: {o: {from: i, apply: d}}}}
    graph:
      a: {from: x, apply: [d, m]}
      b: {from: xs, apply: {TimeDistributed: m}}
      c: {from: xs, apply: {TimeDistributed: {layer: d}}}
    outputs: {out_a: a, out_b: b, out_c: c}
    """,
    )
    d, m = (step.layer for step in graph.nodes["a"].steps)
    assert list(wrapped_layers(layer(graph, "b"))) == [m]
    assert list(wrapped_layers(layer(graph, "c"))) == [d]
    assert isinstance(m, NestedModel)
    assert m.graph.nodes["o"].steps[0].layer is d


def test_declarations_of_outer_bodies_are_visible(write: Write) -> None:
    """A nested model sees layers and models declared around it; a nearer declaration hides a farther one."""
    graph = lower(
        write,
        """
    inputs: {x: [4]}
    layers: {d: {Dense: 4}, e: {Dense: 4}}
    models:
      m:
        inputs: {i: [4]}
        layers: {e: {Dense: 5}}
        graph: {h: {from: i, apply: [d, e]}}
        outputs: {o: h}
    graph: {a: {from: x, apply: [d, e, {Dense: 4}, m]}}
    outputs: {out: a}
    """,
    )
    d, e, _, m = (step.layer for step in graph.nodes["a"].steps)
    assert isinstance(m, NestedModel)
    inner = [step.layer for step in m.graph.nodes["h"].steps]
    assert inner[0] is d
    assert inner[1] is not e
    assert inner[1].arguments == {"units": 5}


def test_inner_declarations_are_not_visible_outside(write: Write) -> None:
    """What a model declares is its own, and so are its tensors."""
    body = "models: {m: {inputs: {i: [4]}, layers: {d: {Dense: 4}}, outputs: {o: {from: i, apply: d}}}}\n"
    assert refused_codes(write, body + "inputs: {x: [4]}\noutputs: {out: {from: x, apply: [m, d]}}") == ["GS201"]
    assert refused_codes(write, body + "inputs: {x: [4]}\noutputs: {out: {from: [x, i], merge: sum, apply: m}}") == [
        "GS301"
    ]


def test_references_select(write: Write) -> None:
    """`name[1]` and `name.output` pick one of several tensors, in `from` and among call arguments."""
    graph = lower(
        write,
        """
    inputs: {x: [5, 4]}
    models: {m: {inputs: {i: [5, 4]}, outputs: {p: i, q: i}}}
    graph:
      both: {from: x, apply: m}
      enc: {from: both.p, apply: {LSTM: {units: 4, return_state: true}}}
      dec: {from: both.q, apply: [{LSTM: 4, call: {initial_state: ["enc[1]", "enc[2]"], training: false}}]}
    outputs: {out: {from: ["enc[0]", dec], merge: sum}}
    """,
    )
    enc, dec, out = (graph.nodes[name] for name in ("enc", "dec", "out"))
    assert enc.feed.single is not None
    assert (enc.feed.single.name, enc.feed.single.output) == ("both", "p")
    assert [str(reference) for reference in dec.references()] == ["both.q", "enc[1]", "enc[2]"]
    assert dec.steps[0].call["training"] is False
    assert out.feed.is_list
    assert [(each.name, each.index) for each in out.feed.tensors] == [("enc", 0), ("dec", None)]


def test_merge_arguments(write: Write) -> None:
    """A merge stands for its layer, with the arguments of the word and of the spec."""
    graph = lower(
        write,
        """
    inputs: {a: [4], b: [4]}
    outputs:
      concat: {from: [a, b], merge: {concat: {axis: 1}}}
      dot: {from: [a, b], merge: dot}
      cos: {from: [a, b], merge: cos}
      on: {from: [a, b], merge: {dot: 1}}
      first: {from: [a, b], merge: {cos: {axes: 1}}}
    """,
    )
    made = {name: layer(graph, name) for name in graph.outputs}
    assert {name: (each.class_name, each.arguments) for name, each in made.items()} == {
        "concat": ("Concatenate", {"axis": 1}),
        "dot": ("Dot", {"axes": -1}),
        "cos": ("Dot", {"axes": -1, "normalize": True}),
        "on": ("Dot", {"axes": 1}),
        "first": ("Dot", {"axes": 1, "normalize": True}),
    }


PARTS = {
    "graphspec": 1,
    "inputs": {"x": [4], "y": [4]},
    "layers": {"one": {"Dense": 4}, "two": {"TimeDistributed": "one"}},
    "models": {
        "m": {"inputs": {"i": [4]}, "outputs": {"o": {"from": "i", "apply": ["n", "one"]}}},
        "n": {"inputs": {"j": [4]}, "outputs": {"o": {"from": "j", "apply": {"Dense": 4}}}},
    },
    "graph": {
        "a": {"from": "x", "apply": "m"},
        "b": {"from": ["a", "y"], "merge": "sum", "apply": [{"Dense": 4}, {"Dense": 4}]},
        "c": {"from": "b", "apply": ["n", "one", {"Dense": 4}]},
        "d": {"from": "c", "apply": [{"Reshape": [1, 4]}, "two"]},
    },
    "outputs": {"p": {"from": "c", "apply": {"Dense": 1}}, "q": "d"},
}


def described(graph: Graph) -> dict[str, list[str]]:
    """The layers of each node by name."""
    return {name: names(node) for name, node in graph.nodes.items()}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_order_of_keys_does_not_matter(data: st.DataObject, tmp_path: Path) -> None:
    """However the keys of every mapping with names are ordered, the same layers bear the same names."""
    shuffled = {
        key: dict(data.draw(st.permutations(list(value.items())))) if isinstance(value, dict) else value
        for key, value in data.draw(st.permutations(list(PARTS.items())))
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(shuffled), encoding="utf-8")
    graph = graphspec.load(path).graph
    path.write_text(json.dumps(PARTS), encoding="utf-8")
    assert described(graph) == described(graphspec.load(path).graph)
    done = set(graph.inputs)
    for name, node in graph.nodes.items():
        assert {reference.name for reference in node.references()} <= done
        done.add(name)


def test_a_faulty_declaration_is_found_once(write: Write) -> None:
    """A mistake in a declared layer is reported where it stands, and not again at every use."""
    text = """
    inputs: {x: [4], xs: [5, 4]}
    layers: {d: {Dense: {unit: 4}}}
    graph: {a: {from: x, apply: d}, b: {from: xs, apply: {TimeDistributed: d}}, c: {from: a, apply: ReLU}}
    outputs: {out_b: b, out_c: c}
    """
    assert refused_codes(write, text) == ["GS202"]


def test_mistakes_in_an_aliased_part_are_found_once(write: Write) -> None:
    """A part that aliases share is one place, and its mistake one finding."""
    text = """
    inputs: {x: [4]}
    graph: {a: {from: x, apply: &d {Dense: {units: "4"}}}, b: {from: x, apply: *d}}
    outputs: {out_a: a, out_b: b}
    """
    assert refused_codes(write, text) == ["GS103"]


def test_what_a_block_is_fed_reaches_calls_and_lists_inside(write: Write) -> None:
    """A block's input stands for what comes in wherever the block names it: in `from`, in a list and beside a layer."""
    graph = lower(
        write,
        """
        blocks:
          attend:
            inputs: [query, memory]
            graph:
              wide: {from: query, apply: {Dense: 4}}
              read: {from: wide, apply: {MultiHeadAttention: {num_heads: 1, key_dim: 4}, call: {value: memory}}}
              cell: {from: memory, apply: {GRU: 4, call: {initial_state: [query]}}}
            output: {from: {query: read, value: memory}, apply: {MultiHeadAttention: {num_heads: 1, key_dim: 4}}}
        inputs: {q: [3, 4], m: [5, 4]}
        graph: {a: {from: [q, m], apply: attend}}
        outputs: {y: a}
        """,
    )
    assert [each.name for each in graph.nodes["a__wide"].references()] == ["q"]
    assert [each.name for each in graph.nodes["a__read"].references()] == ["a__wide", "m"]
    assert [each.name for each in graph.nodes["a__cell"].references()] == ["m", "q"]
    feed = graph.nodes["a__output"].feed.by_name
    assert feed is not None
    assert {key: each.name for key, each in feed.items()} == {"query": "a__read", "value": "m"}


def test_block_passes_on_one_of_several_tensors(write: Write) -> None:
    """`x[1]` inside a block is the second tensor of what comes in as `x`; `x` is the one that was picked outside."""
    graph = lower(
        write,
        """
        blocks:
          second: {inputs: x, output: {from: "x[1]", apply: {Dense: 4}}}
          whole: {inputs: x, output: {from: x, apply: {Dense: 4}}}
        inputs: {i: [5, 3]}
        graph:
          states: {from: i, apply: {LSTM: {units: 4, return_state: true}}}
          a: {from: states, apply: second}
          b: {from: "states[2]", apply: whole}
        outputs: {y: {from: [a, b], merge: sum}}
        """,
    )
    picked = [each for name in ("a__output", "b__output") for each in graph.nodes[name].references()]
    assert [(each.name, each.index) for each in picked] == [("states", 1), ("states", 2)]


def test_step_before_a_block_and_after_it(write: Write) -> None:
    """The steps of a node before a block feed it, those after it take its output, in the order in which they stand."""
    graph = lower(
        write,
        """
        blocks: {part: {params: {units: 2}, inputs: x, output: {from: x, apply: {Dense: "${units}"}}}}
        inputs: {x: [4]}
        graph: {a: {from: x, apply: [{Dense: 3}, ReLU, part, {part: 5, repeat: 2}, {Dense: 7}]}}
        outputs: {y: a}
        """,
    )
    units = []
    node = graph.nodes["a"]
    while True:
        found = [step.layer for step in reversed(node.steps)]
        units += [each.arguments.get("units") for each in found if isinstance(each, KerasLayer)]
        (reference,) = node.references()
        if reference.name == "x":
            break
        node = graph.nodes[reference.name]
    assert units == [7, 5, 5, 2, None, 3]
