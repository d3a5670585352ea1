"""`--set key=value`: what may be set, and that a mistake is found at the override's own text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import graphspec
from graphspec.diagnostics import SpecError
from graphspec.language.document.tree import plain

Write = Callable[..., Path]

SPEC = """
    graphspec: 1
    inputs: {x: [4], y: [4]}
    layers: {shared: {Dense: 3}}
    graph:
      h: {from: x, apply: [{Dense: {units: 8, activation: relu}}, Flatten]}
    outputs:
      out: {from: h, apply: {Dense: 1}, loss: mse}
      other: {from: y, apply: shared, loss: mse}
    training: {optimizer: adam, epochs: 2}
"""


def tree(path: Path, *overrides: str) -> Any:
    """The whole spec as plain data, overrides applied."""
    return plain(graphspec.load(path, overrides).tree)


def refused(path: Path, *overrides: str) -> tuple[str, str, int, str]:
    """Code, source, column and mend (or what was expected) of the only finding."""
    with pytest.raises(SpecError) as caught:
        graphspec.load(path, overrides)
    (finding,) = caught.value.report
    assert finding.span is not None
    return finding.rule.code, finding.span.source.name, finding.span.column, finding.help or finding.expected


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("training.epochs=5", ("training", "epochs"), 5),
        ("graph.h.apply[0].Dense.units=16", ("graph", "h", "apply", 0, "Dense", "units"), 16),
        ("graph.h.apply[1]=ReLU", ("graph", "h", "apply", 1), "ReLU"),
        ("inputs.x.shape[0]=5", ("inputs", "x", "shape", 0), 5),
        ("inputs.x=[7]", ("inputs", "x"), {"shape": [7]}),
        ("training.batch_size=64", ("training", "batch_size"), 64),
        ("training.optimizer={SGD: {momentum: 0.9}}", ("training", "optimizer", "SGD", "momentum"), 0.9),
        ("training.optimizer.adam.learning_rate=1e-3", ("training", "optimizer", "adam", "learning_rate"), 0.001),
        ("outputs.out.loss=null", ("outputs", "out", "loss"), None),
        ("outputs.out.loss=", ("outputs", "out", "loss"), None),
        ("description=a=b", ("description",), "a=b"),
        ('description="no"', ("description",), "no"),
        ("layers.shared.Dense=5", ("layers", "shared", "Dense"), 5),
    ],
)
def test_value_is_replaced(override: str, keys: tuple[str | int, ...], value: object, write: Write) -> None:
    """The value at the path is what the text after `=` means in YAML; a key of the language may be new."""
    found = tree(write(SPEC), override)
    for key in keys:
        found = found[key]
    assert found == value
    assert type(found) is type(value)


def test_later_override_wins(write: Write) -> None:
    """Overrides apply in their order, each to what the ones before it left."""
    found = tree(write(SPEC), "training.epochs=5", "training={optimizer: sgd}", "training.epochs=7")
    assert found["training"] == {"optimizer": "sgd", "epochs": 7}


def test_name_is_given_arguments(write: Write) -> None:
    """An object written as its name alone becomes one with arguments, and stays the same object."""
    spec = graphspec.load(write(SPEC), ["training.optimizer.adam.learning_rate=0.1"])
    assert spec.training is not None
    assert (spec.training.optimizer.name, spec.training.optimizer.arguments) == ("Adam", {"learning_rate": 0.1})


def test_aliased_part_changes_in_one_place(write: Write) -> None:
    """A part that YAML aliases share is changed only where the path leads."""
    path = write("""
        graphspec: 1
        inputs: {x: [4]}
        graph:
          a: &node {from: x, apply: [{Dense: {units: 8}}]}
          b: *node
        outputs:
          out: {from: [a, b], merge: concat}
    """)
    found = tree(path, "graph.b.apply[0].Dense.units=9")
    assert found["graph"]["a"]["apply"] == [{"Dense": {"units": 8}}]
    assert found["graph"]["b"]["apply"] == [{"Dense": {"units": 9}}]


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("training.epoch=5", ("GS101", 10, "did you mean `epochs`?")),
        ("trainin.epochs=5", ("GS101", 1, "did you mean `training`?")),
        ("training.epochs=five", ("GS103", 17, "a whole number")),
        ('training.epochs="5"', ("GS103", 17, "remove the quotes")),
        ("training.epochs=0", ("GS104", 17, "a number above 0")),
        ("graph.hh.from=x", ("GS110", 7, "did you mean `h`?")),
        ("graph.h.aply=ReLU", ("GS101", 9, "did you mean `apply`?")),
        ("inputs.z=[4]", ("GS110", 8, "it has `x`, `y`")),
        ("graph.h.apply[2]=ReLU", ("GS110", 14, "an index from [0] to [1]")),
        ("graph.h.apply.Dense=3", ("GS110", 15, "an index from [0] to [1]")),
        ("graph[0]=3", ("GS110", 6, "one of `h`")),
        ("training.epochs.max=3", ("GS110", 10, "a mapping or a list")),
        ("graph.h.apply[0].Dense.unit=3", ("GS202", 24, "did you mean `units`?")),
        ("training.optimizer=adamm", ("GS201", 20, "did you mean `adam`?")),
        ("graph.h.from=xx", ("GS301", 14, "did you mean `x`?")),
        ("training.optimizer={SGD: {lr: 1}}", ("GS204", 27, "write `learning_rate`")),
        (
            "training.optimizer.sgd.momentum=1",
            ("GS110", 10, "write `training.optimizer.adam`, or set all of `training.optimizer`"),
        ),
    ],
)
def test_mistake_is_found_at_the_override(override: str, found: tuple[str, int, str], write: Write) -> None:
    """A wrong path or value is one finding, at the override's text, with what was meant."""
    code, source, column, help = refused(write(SPEC), override)
    assert (code, column, help) == found
    assert source == "--set"


@pytest.mark.parametrize("override", ["training.epochs", "=5", ".a=1", "a..b=1", "a[x]=1", "a[-1]=1", "a b=1", ""])
def test_form_is_key_equals_value(override: str, write: Write) -> None:
    """What does not have the form `key=value` is refused as a whole."""
    assert refused(write(SPEC), override)[:3] == ("GS110", "--set", 1)


@pytest.mark.parametrize("value", ["[1", "'a", "a: b: c", "!!python/name:os.system", "*x", "\x00"])
def test_value_that_is_no_yaml(value: str, write: Write) -> None:
    """A value that YAML refuses is found in the override, right of the `=`."""
    code, source, column, _ = refused(write(SPEC), f"training.epochs={value}")
    assert code in ("GS002", "GS004", "GS005", "GS009")
    assert source == "--set"
    assert column >= len("training.epochs=")


def test_unchanged_without_overrides(write: Write) -> None:
    """The file's own findings stand in the file when an override is sound."""
    path = write(SPEC.replace("Dense: 1", "Danse: 1"))
    assert refused(path, "training.epochs=3")[:2] == ("GS201", str(path))


def test_set_reaches_the_graph(write: Write) -> None:
    """What is set is what is built from: the graph holds the new value."""
    spec = graphspec.load(write(SPEC), ["layers.shared.Dense=5"])
    assert spec.graph.layers["shared"].arguments == {"units": 5}


def test_bytes_that_are_no_text_are_a_finding(write: Write) -> None:
    """An argument of the command line may hold bytes that are not UTF-8, which Python passes on as half characters."""
    path = write("graphspec: 1\ninputs: {x: [4]}\noutputs: {y: {from: x, apply: {Dense: 1}}}\n")
    with pytest.raises(SpecError, match="epochs"):
        graphspec.load(path, ["training={optimizer: sgd}", "training.epochs=\udcff"])
