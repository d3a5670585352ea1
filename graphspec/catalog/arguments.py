"""The arguments of Keras that hold objects or paths, by their names, which Keras uses consistently."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from graphspec.catalog import Kind

_SUFFIXES: dict[str, Kind] = {
    "initializer": "initializers",
    "regularizer": "regularizers",
    "constraint": "constraints",
    "activation": "activations",
    "_layer": "layers",
}
_NAMES: dict[str, Kind] = {
    "layer": "layers",
    "cell": "layers",
    "cells": "layers",
    "layers": "layers",
    "learning_rate": "schedules",
    "initial_optimizer": "optimizers",
    "inner_optimizer": "optimizers",
}


FUNCTIONS: dict[str, tuple[str, ...]] = {"TextVectorization": ("standardize", "split")}
"""The arguments of each layer that take any function of tensors, which a plugin registers. A test compares the table
with what Keras calls."""


@dataclass(frozen=True, slots=True)
class WrittenPath:
    """The argument of a callback with the path that it writes to.

    Attributes:
        takes_placeholders: Keras replaces names in braces by numbers.
        entries: The names that the callback creates in a shared folder; empty if the path is its own.
    """

    argument: str
    takes_placeholders: bool = False
    entries: tuple[str, ...] = ()


CALLBACK_WRITES: dict[str, WrittenPath] = {
    "BackupAndRestore": WrittenPath("backup_dir"),
    "CSVLogger": WrittenPath("filename"),
    "ModelCheckpoint": WrittenPath("filepath", takes_placeholders=True),
    "OrbaxCheckpoint": WrittenPath("directory"),
    "TensorBoard": WrittenPath("log_dir", entries=("train", "validation", "projector_config.pbtxt")),
}
"""Every callback of Keras that writes files. A test compares the table with the catalogue."""

CALLBACK_PATHS = tuple(each.argument for each in CALLBACK_WRITES.values())
"""The names of these arguments; a plugin's callback with one of them writes below the run too."""

MAKING_FOLDERS = ("OrbaxCheckpoint",)
"""Callbacks that create their folder when they are constructed, so that no check constructs them."""

FILE_NAMES = ("embeddings_metadata",)
"""Arguments of callbacks with file names that Keras writes down for other programs to open."""


@cache
def argument_kind(argument: str) -> Kind | None:
    """Return the kind of object that an argument of this name holds; None for plain data."""
    if argument in _NAMES:
        return _NAMES[argument]
    for suffix, kind in _SUFFIXES.items():
        if argument.endswith(suffix):
            return kind
    return None
