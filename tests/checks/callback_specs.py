"""A spec with one callback, and the codes of what is found in it."""

from __future__ import annotations

from pathlib import Path

import graphspec

SPEC = """
graphspec: 1
name: small
inputs: {x: [2]}
outputs:
  y: {from: x, apply: {Dense: 1}, loss: mse, metrics: [mae]}
training:
  optimizer: sgd
  callbacks: [%s]
"""


def codes(folder: Path, callbacks: str, *overrides: str) -> list[str]:
    """The codes of what `validate` finds in a spec with these callbacks."""
    path = folder / "small.yaml"
    path.write_text(SPEC % callbacks, encoding="utf-8")
    return [finding.rule.code for finding in graphspec.validate(path, overrides)]
