"""All mistakes of a spec are found in one pass, whichever stage finds each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import graphspec

Write = Callable[..., Path]


def found(path: Path) -> list[tuple[str, int]]:
    """The code and line of every finding, line by line."""
    return sorted(
        ((each.rule.code, each.span.line if each.span else 0) for each in graphspec.validate(path)),
        key=lambda at: (at[1], at[0]),
    )


def test_mistakes_of_several_stages_are_found_together(write: Write) -> None:
    """Keys, layers, arguments, references and values: one run names them all, each once."""
    path = write(
        """
        graphspec: 1
        inputs: {text: {shape: [100], dtyp: int32}, extra: [-5]}
        graph:
          encoded: {from: text, apply: [{Embeding: {input_dim: 10000, output_dim: 64}}, {LSTM: {unit: 32}}]}
          joined: {from: [encoded, extras], merge: concat}
        outputs:
          spam: {form: joined, apply: {Dense: {units: 1, activation: sigmoid}}, loss: bce, loss_weight: high}
        training: {optimiser: adamm, epoch: 10}
        """
    )
    assert found(path) == [
        ("GS101", 3),
        ("GS104", 3),
        ("GS201", 5),
        ("GS202", 5),
        ("GS301", 6),
        ("GS101", 8),
        ("GS103", 8),
        ("GS101", 9),
        ("GS101", 9),
        ("GS201", 9),
    ]


def test_a_missing_key_hides_nothing_else(write: Write) -> None:
    """Without `from`, `shape` or `optimizer` the rest is looked at all the same, and nothing is said to follow."""
    path = write(
        """
        graphspec: 1
        inputs: {x: {dtype: float32}}
        outputs: {y: {apply: {Dens: 1}}, z: {from: x, apply: {Dense: 3}}}
        training: {epochs: many}
        """
    )
    assert found(path) == [
        ("GS102", 3),
        ("GS102", 4),
        ("GS201", 4),
        ("GS501", 4),
        ("GS501", 4),
        ("GS102", 5),
        ("GS103", 5),
    ]


def test_what_the_graph_as_a_whole_tells_is_found_beside_faulty_nodes(write: Write) -> None:
    """Shapes, losses, data and files are checked in what is sound of a graph; what is not sound is left open."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [8], rows: [null, null], unused: [3]}
        graph:
          wrong: {from: x, apply: [{Dense: 4}, {Dens: 8}, {Reshape: [3, 3]}]}
          after: {from: wrong, apply: {Reshape: [1000]}}
          open: {from: rows, apply: {Dense: 1}}
          circle: {from: [circle, open], merge: concat}
        outputs:
          kind: {from: after, apply: {Dense: 1}, loss: categorical_crossentropy}
          size: {from: x, apply: {Dense: 1}, los: mse}
          more: {from: nothing, apply: {Dense: 1}}
        training: {optimizer: sgd}
        data: {train: {inputs: {x: missing.npy}, outputs: {kind: missing.npy, size: missing.npy, other: missing.npy}}}
        """
    )
    assert found(path) == [
        ("GS201", 5),
        ("GS406", 7),
        ("GS302", 8),
        ("GS502", 10),
        ("GS101", 11),
        ("GS301", 12),
        ("GS501", 12),
        *[("GS601", 14)] * 4,
        *[("GS607", 14)] * 3,
    ]


def test_a_value_that_cannot_be_computed_hides_nothing_else(write: Write) -> None:
    """A faulty expression or variable is found alone where it stands, with every other mistake of the spec."""
    path = write(
        """
        graphspec: 1
        vars: {good: 2, bad: "${1 / 0}", worse: "${bad + 1}"}
        inputs: {x: ["${gud}"], z: {shape: [3], dtype: "${bad}"}}
        graph:
          a: {from: "${bad}", apply: [{Dense: {units: "${bad}"}, repeat: "${bad}"}, {Dens: 3}]}
          b: {from: x, merge: "${worse}", apply: "${open()}", when: "${bad}"}
        outputs: {y: {from: a, apply: {Dropout: "${bad}"}, loss: "${bad}", loss_weight: "${bad}"}}
        training: {optimizer: "${bad}", epochs: "${bad}", callbacks: "${bad}", optimiser: sgd}
        """
    )
    assert found(path) == [("GS111", 3), ("GS111", 4), ("GS201", 6), ("GS111", 7), ("GS101", 9)]


def test_a_value_left_open_is_open_to_the_layers_after_it(write: Write) -> None:
    """What an unknown variable would have made of a layer nobody knows: no shape is computed from it."""
    path = write(
        """
        graphspec: 1
        vars: {idth: 3}
        inputs: {x: [4]}
        graph:
          a: {from: x, apply: {Dense: "${width}"}}
          b: {from: x, apply: {Dense: {units: 2, activation: "${width}"}}}
        outputs: {y: {from: [a, b], merge: concat, apply: [{Reshape: [2, 100]}]}}
        """
    )
    assert found(path) == [("GS111", 6), ("GS111", 7)]


def test_a_faulty_step_hides_no_mistake_of_those_after_it(write: Write) -> None:
    """Layers and blocks behind a faulty one are looked at, and nothing is said of what comes of the fault."""
    path = write("""
        graphspec: 1
        inputs: {x: [4]}
        blocks:
          head: {params: {n: null}, inputs: a, output: {from: a, apply: {Dense: {units: "${n}", activaton: relu}}}}
        outputs:
          y: {from: x, apply: [{Dens: 3}, {head: {m: 3}}, {head: {n: 3}}, {Dense: 4}, ReLUU]}
    """)
    found = [(each.rule.code, each.message) for each in graphspec.validate(path)]
    assert sorted(found) == [
        ("GS201", "there is no layer `Dens`"),
        ("GS201", "there is no layer `ReLUU`"),
        ("GS202", "`Dense` has no argument `activaton`"),
        ("GS202", "the block `head` has no parameter `m`"),
    ]
