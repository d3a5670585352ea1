"""The samples that an export is held against the model on: of files given, of the data of the run, or random ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphspec.diagnostics import SpecError
from graphspec.predicting.input_files import Files
from graphspec.predicting.predictor import Predictor
from graphspec.sources import DataSource

if TYPE_CHECKING:
    import keras

Array = np.ndarray[Any, Any]

MOST = 64
"""So many samples are compared on; a model that is wrong is wrong on one."""

_MOST_RANDOM = 8
"""What is long at random gives large outputs, and more samples of it tell no more."""

_LENGTH, _EDGE = 256, 64
"""What random samples have where one size is open, and where several are: kernels and poolings need some room."""

_WORDS = 1_000


@dataclass(frozen=True)
class Inputs:
    """The inputs of `count` samples by name, with what they are, for people."""

    arrays: dict[str, Array]
    described: str
    count: int


def inputs_for(predictor: Predictor, given: Mapping[str, DataSource | str]) -> Inputs:
    """The inputs of the first samples of files `given` by input name, else of the first split that can be read.

    Where there is none, they are random. Raises SpecError where files are given and do not fit.
    """
    fixed = _batch_size(predictor.model)
    if given:
        return _first(predictor, Files(inputs=given), "of the files given", fixed)
    missing = "no data is known"
    for split in _splits(predictor):
        try:
            return _first(predictor, split, f"of the {split} split", fixed)
        except SpecError as error:
            missing = f"the {split} split cannot be read: {next(iter(error.report)).message}"
    return _random(predictor.model, missing, fixed)


def _splits(predictor: Predictor) -> list[str]:
    """The splits that there are, those that were not trained on first."""
    data = predictor.spec.data if predictor.spec is not None else None
    if data is None:
        return []
    has = [name for name in ("validation", "test", "train") if data.split(name) is not None]
    return ["validation", *has] if data.held_out else has


def _first(predictor: Predictor, data: Files | str, described: str, fixed: int | None) -> Inputs:
    from graphspec.datasets.batches import input_batches
    from graphspec.datasets.faults import raise_faults

    samples = predictor.samples(data, targets=False)
    count = fixed or min(MOST, samples.count)
    part = samples.part(np.arange(count) % samples.count)
    with raise_faults(part.faults):
        (batch,) = input_batches(predictor.graph, part, count)
    return Inputs({name: each.numpy() for name, each in batch.items()}, described, count)


def _random(model: keras.Model, missing: str, fixed: int | None) -> Inputs:
    """Normal numbers; zeros and ones where they are whole; words that the model knows where they are text."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    count = fixed or _MOST_RANDOM
    words = np.array([word.encode() for word in _words(model)], object)
    arrays = {}
    for name, tensor in model.input.items():
        sizes = tensor.shape[1:]
        room = _LENGTH if sizes.count(None) == 1 else _EDGE
        shape = (count, *(room if size is None else size for size in sizes))
        if tensor.dtype == "string":
            arrays[name] = words[rng.integers(0, len(words), shape)]
        else:
            is_whole = not tensor.dtype.startswith(("float", "bfloat"))
            arrays[name] = tf.cast(
                rng.integers(0, 2, shape) if is_whole else rng.normal(size=shape), tensor.dtype
            ).numpy()
    return Inputs(arrays, f"of random values, for {missing}", count)


def _words(model: keras.Model) -> list[str]:
    """Words that the layers of `model` know, or some where they know none."""
    from graphspec.to_keras.adapted_layers import adaptable_layers, is_adapted, vocabulary_of

    found: list[str] = []
    for layer in adaptable_layers(model).values():
        if type(layer).__name__ in ("TextVectorization", "StringLookup") and is_adapted(layer):
            found += vocabulary_of(layer)[:_WORDS]
    return found or ["", "a", "b c"]


def _batch_size(model: keras.Model) -> int | None:
    """How many samples `model` takes at a time, where an input says so."""
    return next((tensor.shape[0] for tensor in model.input.values() if tensor.shape[0] is not None), None)
