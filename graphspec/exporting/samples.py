"""The samples to compare an export with its model on: of input files, of the run's data, or random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphspec.diagnostics import SpecError
from graphspec.predicting.input_files import Files
from graphspec.predicting.predictor import Predictor, evaluation_splits
from graphspec.sources import DataSource

if TYPE_CHECKING:
    import keras

Array = np.ndarray[Any, Any]

MAX_SAMPLES = 64
"""The maximum number of samples; a wrong export is wrong on one."""

_MAX_RANDOM_SAMPLES = 8
"""The number of random samples; long sequences have large outputs, and more samples show no more."""

_LENGTH, _EDGE = 256, 64
"""The size of an open axis of random samples if it is the only one, or one of several: kernels need some room."""

_MAX_WORDS = 1_000


@dataclass(frozen=True)
class SampleInputs:
    """The inputs of `count` samples by name, with a description of their origin."""

    arrays: dict[str, Array]
    description: str
    count: int


def sample_inputs(predictor: Predictor, files: Mapping[str, DataSource | str]) -> SampleInputs:
    """Return inputs of the first samples of `files`, else of a readable split, else random values.

    Args:
        predictor: The model and its data.
        files: Files by input, each a source or `file#part`; may be empty.

    Raises:
        SpecError: `files` do not fit the model.
    """
    fixed = _batch_size(predictor.model)
    if files:
        return _first(predictor, Files(inputs=files), "of the input files", fixed)
    missing = "no data is known"
    for split in evaluation_splits(predictor.spec.data if predictor.spec is not None else None):
        try:
            return _first(predictor, split, f"of the {split} split", fixed)
        except SpecError as error:
            missing = f"the {split} split cannot be read: {next(iter(error.report)).message}"
    return _random(predictor.model, missing, fixed)


def _first(predictor: Predictor, data: Files | str, description: str, fixed: int | None) -> SampleInputs:
    from graphspec.datasets.batches import input_batches
    from graphspec.datasets.faults import raise_faults

    samples = predictor.samples(data, targets=False)
    count = fixed or min(MAX_SAMPLES, samples.count)
    part = samples.part(np.arange(count) % samples.count)
    with raise_faults(part.faults):
        (batch,) = input_batches(predictor.graph, part, count)
    return SampleInputs({name: each.numpy() for name, each in batch.items()}, description, count)


def _random(model: keras.Model, missing: str, fixed: int | None) -> SampleInputs:
    """Return normal floats, integers of 0 and 1, and words that the model knows."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    count = fixed or _MAX_RANDOM_SAMPLES
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
    return SampleInputs(arrays, f"of random values, since {missing}", count)


def _words(model: keras.Model) -> list[str]:
    """Return words in the vocabularies of `model`, or some words if it has none."""
    from graphspec.to_keras.adapted_layers import adaptable_layers, is_adapted, vocabulary_of

    words: list[str] = []
    for layer in adaptable_layers(model).values():
        if type(layer).__name__ in ("TextVectorization", "StringLookup") and is_adapted(layer):
            words += vocabulary_of(layer)[:_MAX_WORDS]
    return words or ["", "a", "b c"]


def _batch_size(model: keras.Model) -> int | None:
    """Return the fixed batch size of `model`, None if it is open."""
    return next((tensor.shape[0] for tensor in model.input.values() if tensor.shape[0] is not None), None)
