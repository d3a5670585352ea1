"""Keys of the language that this version of graphspec does not build yet, so that they are refused as such."""

from __future__ import annotations

RESERVED: dict[str, tuple[str, ...]] = {
    "TrainingModel": ("distribute",),
}
"""The keys by the class of `schema.model` whose mapping would hold them."""
