"""All mistakes of a spec are found in one pass, whichever stage finds each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import graphspec

Write = Callable[..., Path]


def found(path: Path) -> list[tuple[str, int]]:
    """The code and line of every finding."""
    return [(each.rule.code, each.span.line if each.span else 0) for each in graphspec.validate(path)]


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
          spam: {form: joined, apply: {Dense: 1}, loss: binary_crossentropy, loss_weight: high}
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
        ("GS201", 9),
        ("GS101", 9),
    ]


def test_what_cannot_be_mended_hides_no_more_than_it_must(write: Write) -> None:
    """A node without `from` stops at the schema, and says so alone: its meaning is open."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [2]}
        outputs: {y: {apply: {Dens: 1}}}
        """
    )
    assert found(path) == [("GS102", 4)]


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
