"""Specs that people wrote, built and decompiled: what comes back reads like what they wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphspec

SPECS = Path(__file__).parents[2] / "specs"

HEADLINE = """\
graphspec: 1
name: headline
inputs:
  main_input: {shape: [100], dtype: int32}
  aux_input: [5]
graph:
  lstm_out:
    from: main_input
    apply:
      - Embedding: {input_dim: 10000, output_dim: 512}
      - LSTM: 32
  deep: {from: [lstm_out, aux_input], merge: concat, apply: {Dense: {units: 64, activation: relu}, repeat: 3}}
outputs:
  main_output: {from: deep, apply: {Dense: {units: 1, activation: sigmoid}}}
  aux_output: {from: lstm_out, apply: {Dense: {units: 1, activation: sigmoid}}}
"""


def test_headline_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Names that follow from nodes are left out, merges have their words, and equal layers are repeated."""
    graphspec.decompile(graphspec.build(SPECS / "headline.yaml", weightless=True), tmp_path / "headline.yaml")
    assert (tmp_path / "headline.yaml").read_text(encoding="utf-8") == HEADLINE


@pytest.mark.parametrize("name", ["same_digit", "wine", "text_qa", "residual", "zoo/causal_lm", "zoo/unet"])
def test_decompiling_twice_gives_the_same_text(name: str, tmp_path: Path) -> None:
    """A model that is built from the spec of a model has the same spec."""
    once, again = tmp_path / "once.yaml", tmp_path / "again.yaml"
    graphspec.decompile(graphspec.build(SPECS / f"{name}.yaml", weightless=True), once)
    graphspec.decompile(graphspec.build(once, weightless=True), again)
    assert again.read_text(encoding="utf-8") == once.read_text(encoding="utf-8")
