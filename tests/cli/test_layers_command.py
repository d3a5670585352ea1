"""`graphspec layers`: the catalogue for people."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from graphspec import catalog
from graphspec.catalog import KINDS, Kind
from graphspec.catalog.refused import CODE_CARRYING, CODE_CARRYING_OPS, NOT_APPLIED, RETIRED_NAMES
from graphspec.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["layers", *arguments])


def test_all_names_by_kind() -> None:
    """Without a name every kind is listed under its title, with what a spec can use and nothing else."""
    result = call()
    assert result.exit_code == 0
    titles = [line.split()[0] for line in result.output.splitlines() if line and not line.startswith(" ")]
    assert titles == list(KINDS)
    words = set(result.output.split())
    assert {"LSTM", "ops.image.resize", "MeanSquaredError", "Adam", "EarlyStopping", "relu"} <= words
    assert not words & {*CODE_CARRYING, *CODE_CARRYING_OPS, *NOT_APPLIED}
    assert max(map(len, result.output.splitlines())) <= 140


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_one_kind(kind: Kind) -> None:
    """`--kind` lists one name a line, for people and for other programs."""
    result = call("--kind", kind)
    assert result.exit_code == 0
    further = [*catalog.makers(), *catalog.random_operations()] if kind == "ops" else []
    assert set(result.output.split("\n")) - {""} <= {*catalog.names(kind), *catalog.identifiers(kind), *further}
    assert len(result.output.split()) > 2


def test_one_layer() -> None:
    """A name shows its class, what it is, and its arguments in order: the default, and what it does."""
    lines = call("Embedding").output.splitlines()
    assert lines[0] == "keras.layers.Embedding"
    assert lines[1] == "  Turns nonnegative integers (indexes) into dense vectors of fixed size."
    assert lines[3:7] == [
        "  input_dim               required",
        "      Integer. Size of the vocabulary, i.e. maximum integer index + 1.",
        "  output_dim              required",
        "      Integer. Dimension of the dense embedding.",
    ]
    assert '  embeddings_initializer  "uniform"' in lines


def test_one_operation() -> None:
    """Of an operation it is told which arguments take tensors; other names for it lead to it."""
    output = call("ops.concatenate").output
    assert "keras.ops.concatenate" in output
    assert "xs    required; takes a list of tensors" in output
    assert "keras.ops.silu" in call("ops.swish").output


def test_name_of_several_kinds_is_shown_for_each() -> None:
    """`mse` is a loss and a metric; `--kind` picks one."""
    both = call("mse").output
    assert both.startswith(
        "mse: a loss of Keras, a function; it takes no arguments\n\nkeras.metrics.MeanSquaredError\n"
    )
    assert call("mse", "--kind", "metrics").output == both.partition("\n\n")[2]


def test_every_entry_can_be_shown() -> None:
    """Nothing in the catalogue breaks the page."""
    for kind in KINDS:
        for name in [*catalog.names(kind), *catalog.identifiers(kind)]:
            assert call(name, "--kind", kind).exit_code == 0, name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Embeding", "did you mean `Embedding`?"),
        ("transpose", "did you mean `ops.transpose`?"),
        ("CuDNNLSTM", RETIRED_NAMES["CuDNNLSTM"]),
        ("ops.while_loop", "repeat"),
        ("zzzzzz", "lists all names"),
    ],
)
def test_unknown_name(name: str, said: str) -> None:
    """An unknown name exits with 1 and says what was meant."""
    result = call(name)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""
