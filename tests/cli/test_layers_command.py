"""`graphspec layers`: the catalogue for people."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result

from graphspec import catalog
from graphspec.catalog import KINDS, Kind
from graphspec.catalog.generated import known_versions
from graphspec.catalog.history import history_of
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


def test_history_of_one_layer() -> None:
    """`--since` tells when each argument came, left or got another default, and what has always been there."""
    output = call("LayerNormalization", "--since").output
    assert output.startswith("keras.layers.LayerNormalization: in every version from Keras 3.8 to ")
    assert re.search(r"^  rms_scaling +gone in Keras 3\.11$", output, re.MULTILINE)
    assert "  All other arguments are in every version from Keras 3.8 to " in output
    assert re.search(r"^  use_gate +since Keras 3\.14$", call("MultiHeadAttention", "--since").output, re.MULTILINE)
    muon = call("Muon", "--since").output
    assert muon.startswith("keras.optimizers.Muon: since Keras 3.13\n")
    assert re.search(r'^  name +"muon" by default at first; null by default since Keras 3\.15$', muon, re.MULTILINE)


def test_history_of_names_of_several_kinds() -> None:
    """Operations, functions, and what a spec may call by two kinds."""
    assert call("ops.kron", "--since").output.startswith("keras.ops.kron: since Keras 3.12\n")
    assert call("sparse_sigmoid", "--since").output == "keras.activations.sparse_sigmoid: since Keras 3.10\n"
    both = call("mse", "--since").output
    assert both.startswith("keras.losses.mse: in every version")
    assert call("mse", "--since", "--kind", "metrics").output == both.partition("\n\n")[2]


def test_every_entry_has_a_history() -> None:
    """Nothing in the catalogue of any version breaks the page."""
    for kind in KINDS:
        for name in [*catalog.names(kind), *catalog.identifiers(kind)]:
            assert history_of(kind, name) is not None, name


def test_history_for_programs() -> None:
    """JSON lists the versions of the object and of each argument, and the defaults that have changed."""
    found = json.loads(call("ops.rms_normalization", "--since", "--json").output)
    assert found["version"] == 1
    [operation] = found["objects"]
    assert (operation["kind"], operation["name"]) == ("ops", "ops.rms_normalization")
    assert operation["keras"] == [each for each in found["keras"] if each != "3.8"]
    arguments = {each["name"]: each for each in operation["arguments"]}
    assert arguments["scale"]["defaults"] == [{"since": "3.9", "value": 1}, {"since": "3.11", "value": None}]
    assert "defaults" not in arguments["axis"]


def test_what_is_new_in_each_version() -> None:
    """Without a name, `--since` lists the changes of each version, the newest version first."""
    lines = call("--since", "--kind", "callbacks").output.splitlines()
    versions = [line for line in lines if line.startswith("Keras ")]
    assert versions == [f"Keras {each}" for each in reversed(known_versions()[1:])]
    assert lines[lines.index("Keras 3.14") + 1] == "  new callback `OrbaxCheckpoint`"
    assert lines[lines.index("Keras 3.9") + 1] == "  nothing that a spec can name"


def test_a_layer_of_another_version() -> None:
    """`--keras` describes a layer as it was; a name that the version lacks is told with the versions that have it."""
    assert "rms_scaling" in call("LayerNormalization", "--keras", "3.10").output
    assert "rms_scaling" not in call("LayerNormalization", "--keras", "3.11.3").output
    result = call("RMSNormalization", "--keras", "3.8")
    assert result.exit_code == 1
    assert result.stderr.startswith("`RMSNormalization` needs Keras ≥ 3.9: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Dense", "--keras", "3.7"], "it knows 3.8, 3.9, 3.10"),
        (["Dense", "--keras", ""], "graphspec does not know Keras"),
        (["Dense", "--keras", "../3.9"], "graphspec does not know Keras ../3.9"),
        (["Dense", "--json"], "--json needs --since and a NAME"),
        (["--since", "--json"], "--json needs --since and a NAME"),
        (["--of", "model.keras", "--since"], "leave out NAME, --kind and --since"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str) -> None:
    """It is said in one line."""
    result = call(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_history_of_an_unknown_name() -> None:
    """It is refused like any unknown name."""
    result = call("Embeding", "--since")
    assert result.exit_code == 1
    assert "did you mean `Embedding`?" in result.stderr
