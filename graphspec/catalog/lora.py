"""LoRA: which layers of Keras know it, themselves or in the layers that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphspec import catalog
from graphspec.catalog.versions import cached, read_generated

RANK = "lora_rank"
"""The argument of the layers that know LoRA."""


def has_lora(layer: str) -> bool:
    """Return whether a layer of Keras has a kernel that LoRA adapts."""
    entry = catalog.find("layers", layer)
    return entry is not None and RANK in entry.arguments


def constraint_argument(layer: str) -> str:
    """Return the argument for the constraint of the kernel that LoRA adapts, with which Keras refuses LoRA."""
    entry = catalog.find("layers", layer)
    assert entry is not None
    return next(name for name in entry.arguments if name.endswith("_constraint"))


def lora_parts(layer: str, arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return the layers that a layer makes itself and that know LoRA: the attribute of each by its name in Keras.

    Args:
        layer: The class of the layer.
        arguments: Its constructor arguments.
    """
    return {name: attribute for name, attribute, flag in _parts(layer) if not flag or arguments.get(flag)}


@cached
def _parts(layer: str) -> tuple[tuple[str, str, str], ...]:
    about = read_generated("keras.json")["kinds"]["layers"]["classes"].get(layer, {})
    found = about.get("lora_parts", {})
    return tuple((name, *text.partition(" ")[::2]) for name, text in found.items())
