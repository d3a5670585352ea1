"""Keras model → spec: the configuration that Keras saves is read, and written as a person would have written it.

    config → records (layers and their calls) → units (steps with their arguments) → blocks (what repeats)
    → nodes (chains of steps) → the text of a spec, which is read again and held against the records

Nothing is deserialised: a configuration is data, and what it means is looked up in the catalogue.
"""

from __future__ import annotations

from graphspec.from_keras.decompile import Decompiled
from graphspec.from_keras.model_file import ModelFile, read_model_file
from graphspec.from_keras.output import DecompileOptions, decompile_file

__all__ = ["DecompileOptions", "Decompiled", "ModelFile", "decompile_file", "read_model_file"]
