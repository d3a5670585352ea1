"""The inputs and outputs of the backbones of KerasHub that take tokens: `backbones.json`.

`scripts/make_backbones.py` measures them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphspec.catalog.generated import read_file

TOKENS = {"token_ids": "int32", "padding_mask": "bool", "segment_ids": "int32"}
"""The inputs of token backbones, and the outputs of their preprocessors, with dtypes; each of shape (batch, length)."""
LENGTH = "length"
"""The size of an output that is the number of tokens. All other sizes are arguments of the backbone."""


@dataclass(frozen=True, slots=True)
class TokenBackbone:
    """A class of backbones.

    inputs: their names. outputs: the sizes of each, without the batch; of a bare tensor by an empty name. fixed: the
    arguments that must have these values for the others to hold.
    """

    inputs: list[str]
    outputs: dict[str, list[str]]
    fixed: dict[str, Any]


def token_backbone(registered_name: str) -> TokenBackbone | None:
    """Return what is known of a class of backbones by its registered name; None for others."""
    found = read_file("backbones.json").get(registered_name)
    return TokenBackbone(**found) if found is not None else None
