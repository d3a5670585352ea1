"""Keys of the language that this version of graphspec does not build yet, so that they are refused as such.

`expand`, the step between document and schema that resolves the first group, is where they will be read.
"""

from __future__ import annotations

RESERVED: dict[str, tuple[str, ...]] = {
    "SpecModel": ("include", "plugins", "vars", "blocks"),
    "Body": ("blocks", "spec", "file", "application", "weights", "trainable"),
    "NodeModel": ("when", "otherwise"),
    "OutputModel": ("when", "otherwise"),
    "TrainingModel": ("initial_weights", "freeze", "checkpoint", "distribute", "log"),
    "SourceModel": (
        "files",
        "feature",
        "decode",
        "size",
        "channels",
        "one_hot",
        "vocabulary",
        "scale",
        "cast",
        "pad",
        "window",
    ),
}
"""The keys by the class of `schema.model` whose mapping would hold them."""
