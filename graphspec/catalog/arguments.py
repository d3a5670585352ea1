"""Which arguments of Keras hold objects: read from an argument's name, as Keras itself names them throughout."""

from __future__ import annotations

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

# Callbacks write below the run directory: the arguments that name where.
CALLBACK_PATHS = ("filepath", "filename", "log_dir", "backup_dir", "directory")


@cache
def argument_kind(argument: str) -> Kind | None:
    """The kind of object that an argument of this name holds, or None for plain data."""
    if argument in _NAMES:
        return _NAMES[argument]
    for suffix, kind in _SUFFIXES.items():
        if argument.endswith(suffix):
            return kind
    return None
