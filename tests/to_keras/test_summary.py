"""`summary`: rows by spec names, sharing, call indices and totals, all against Keras' own numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import graphspec
from graphspec.cli import main
from graphspec.to_keras.summary import Row, Section

SPECS = Path(__file__).resolve().parents[2] / "specs"
Write = Callable[..., Path]


def rows(section: Section, node: str) -> list[Row]:
    return [row for row in section.rows if row.node == node]


def test_shared_layer_counts_once_and_names_its_calls() -> None:
    """Each call of a shared layer has its index and the nodes it shares with; parameters stand at the first."""
    summary = graphspec.summarize(SPECS / "tweets.yaml")
    (first,), (second,) = rows(summary.root, "encoded_a"), rows(summary.root, "encoded_b")
    assert (first.layer, first.parameters, first.call, first.calls) == ("shared_lstm (LSTM)", 82_176, 0, 2)
    assert (second.parameters, second.call, second.shared_with) == (None, 1, ("encoded_a",))
    assert first.takes == ("tweet_a",)
    assert first.shape == (None, 64)


@pytest.mark.smoke
@pytest.mark.parametrize(
    "name", ["headline", "tweets", "shared_vision", "text_qa", "profile", "model_as_layer_sequence"]
)
def test_parameters_add_up_to_those_of_keras(name: str) -> None:
    """The rows' parameters sum to the total, and the total is Keras' count for the real model."""
    summary = graphspec.summarize(SPECS / f"{name}.yaml")
    assert summary.parameters == sum(row.parameters or 0 for row in summary.root.rows)
    assert summary.parameters == graphspec.build(SPECS / f"{name}.yaml").count_params()


def test_nested_models_form_a_tree() -> None:
    """A model inside `TimeDistributed`, and one applied directly, each have a section of their own."""
    summary = graphspec.summarize(SPECS / "video_qa.yaml")
    assert [model.name for model in summary.root.models] == ["vision", "question_encoder"]
    assert summary.root.models[1].parameters == 3_085_312
    (encoded, _) = rows(summary.root, "encoded_video")
    assert encoded.layer == "TimeDistributed(vision)"
    assert summary.trainable == 169_436_968


def test_states_renames_and_frozen_layers(write: Write) -> None:
    """Several results show their shapes, another name for a tensor its source, frozen weights are not trainable."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [7, 3]}
        graph:
          states: {from: x, apply: {LSTM: {units: 4, return_state: true}}}
          last: states[0]
        outputs:
          y: {from: last, apply: {Dense: {units: 2, trainable: false}}}
        """
    )
    summary = graphspec.summarize(path)
    (states,) = rows(summary.root, "states")
    assert states.shape == [(None, 4)] * 3
    (last,) = rows(summary.root, "last")
    assert (last.layer, last.takes, last.shape) == ("=", ("states[0]",), (None, 4))
    assert summary.parameters - summary.trainable == 10


def test_summary_has_the_precision_of_the_training(write: Write) -> None:
    """The dtype of each row is that of the model which is trained: 16 bit inside, float32 at the outputs."""
    path = write(
        """
        graphspec: 1
        inputs: {x: [3]}
        graph: {h: {from: x, apply: {Dense: 4}}}
        outputs: {y: {from: h, apply: {Dense: 2}, loss: mse}}
        training: {optimizer: sgd, epochs: 1, precision: mixed_bfloat16}
        """
    )
    summary, model = graphspec.summarize(path), graphspec.build(path, weightless=True)
    (hidden,), (output,) = rows(summary.root, "h"), rows(summary.root, "y")
    assert hidden.dtype == model.get_layer("h").output.dtype == "bfloat16"
    assert output.dtype == model.output["y"].dtype == "float32"


def test_command_prints_the_table(write: Write) -> None:
    """The command shows names, shapes, sharing and totals, and nothing is allocated for a huge model."""
    result = CliRunner().invoke(main, ["summary", str(SPECS / "tweets.yaml")])
    assert result.exit_code == 0
    assert "call 1 of 2 with encoded_a" in result.output
    assert "82,305 parameters, all trainable" in result.output
    huge = write("{graphspec: 1, inputs: {x: [1000000]}, outputs: {y: {from: x, apply: {Dense: 1000000}}}}")
    result = CliRunner().invoke(main, ["summary", str(huge)])
    assert result.exit_code == 0
    assert "1,000,001,000,000 parameters" in result.output


def test_refused_call_is_shown_with_node_line_and_shapes(write: Write) -> None:
    """What Keras would refuse is found with the shapes that come in, and other refusals in the same run."""
    path = write(
        """
        graphspec: 1
        inputs: {a: [3], b: [4, 4]}
        graph:
          joined: {from: [a, b], merge: concat}
          small: {from: b, apply: {Conv2D: {filters: 2, kernel_size: 9}}}
          never: {from: joined, apply: {Dense: 2}}
        outputs: {y: {from: never}, z: {from: small}}
        """
    )
    result = CliRunner().invoke(main, ["summary", str(path)])
    assert result.exit_code == 1
    assert "spec.yaml:5:33: error[GS405] shape-mismatch: `Concatenate` expects tensors" in result.stderr
    assert "`a` is (batch, 3)" in result.stderr
    assert "spec.yaml:6:28: error[GS404]" in result.stderr
    assert "Found 2 errors." in result.stderr


@pytest.mark.smoke
@pytest.mark.parametrize(
    "layer",
    [
        "LSTM: {units: 4, stateful: true}",
        "GRU: {units: 4, stateful: true, return_sequences: true}",
        "Bidirectional: {layer: {SimpleRNN: {units: 4, stateful: true}}}",
        "RNN: {cell: {StackedRNNCells: {cells: [{LSTMCell: 2}, {GRUCell: 4}]}}, stateful: true}",
    ],
)
def test_stateful_layers_are_summarised(write: Write, layer: str) -> None:
    """Keras makes their states of arrays, and refuses to where nothing is allocated; they are counted all the same."""
    path = write(
        f"""
        graphspec: 1
        inputs: {{x: {{shape: [5, 3], batch_size: 2}}}}
        outputs: {{y: {{from: x, apply: [{{{layer}}}, {{Dense: 1}}]}}}}
        """
    )
    assert graphspec.summarize(path).parameters == graphspec.build(path).count_params()
