"""Which arguments of Keras hold objects: read from an argument's name, as Keras itself names them throughout."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from graphspec.catalog import Kind

_SUFFIXES: dict[str, Kind] = {
    "_initializer": "initializers",
    "_regularizer": "regularizers",
    "_constraint": "constraints",
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


@dataclass(frozen=True, slots=True)
class WrittenPath:
    """The argument of a callback that names where it writes.

    takes_placeholders: Numbers are filled in for names in braces. entries: Of a folder in which others may write as
    well, what the callback makes there; empty where the path is its own.
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
"""Every callback of Keras that writes. A test holds the table against the catalogue."""

CALLBACK_PATHS = tuple(each.argument for each in CALLBACK_WRITES.values())
"""What these arguments are called; a plugin's callback with one of them writes below the run as well."""

MAKING_FOLDERS = ("OrbaxCheckpoint",)
"""Callbacks that make their folder when they are constructed, so that nothing constructs them to see whether it can."""

FILE_NAMES = ("embeddings_metadata",)
"""Arguments of callbacks with names of files that Keras writes down for other programs to open."""


@cache
def argument_kind(argument: str) -> Kind | None:
    """The kind of object that an argument of this name holds, or None for plain data."""
    if argument in _NAMES:
        return _NAMES[argument]
    for suffix, kind in _SUFFIXES.items():
        if argument.endswith(suffix):
            return kind
    return None
