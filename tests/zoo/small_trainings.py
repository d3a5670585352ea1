"""The specs of the zoo, small, with data for a step of training."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

import graphspec

from ..structure import random_inputs
from .hand_written import SMALL

ZOO = Path(__file__).parents[2] / "specs" / "zoo"
LENGTH = 18
"""Of open dimensions."""
PARTS = ("inputs", "outputs")
"""What a split has, and the folders of its files: an array each, by the name of its input or output."""


def small(name: str) -> list[str]:
    """The overrides that give a spec its small sizes."""
    return [f"vars.{key}={value}" for key, value in SMALL[name].items()]


def write_data(name: str, folder: Path, model: keras.Model) -> list[str]:
    """Write data of two samples for a small model of the zoo, and return the overrides of a spec that trains on it."""
    return write_samples(graphspec.load(ZOO / f"{name}.yaml", small(name)), folder, model) + small(name)


def write_samples(spec: graphspec.Spec, folder: Path, model: keras.Model, length: int = LENGTH) -> list[str]:
    """Write data of two samples for a spec and its model, and return the overrides with which it trains on it."""
    rng = np.random.default_rng(0)
    inputs = random_inputs(model, length)
    targets = {key: rng.random(each.shape) for key, each in model(inputs).items()}
    for key, output in spec.graph.outputs.items():
        if output.loss is None:
            assert spec.graph.losses
            del targets[key]
        elif output.loss.name.lower().startswith("sparse"):
            targets[key] = targets[key].argmax(axis=-1).astype("int32")
        elif output.loss.name.lower().startswith("ctc"):
            targets[key] = np.zeros(targets[key].shape[:-1], "int32")
    data: dict[str, dict[str, str]] = {"inputs": {}, "outputs": {}}
    for part, arrays in zip(PARTS, (inputs, targets), strict=True):
        (folder / part).mkdir()
        for key, array in arrays.items():
            data[part][key] = str(folder / part / f"{key}.npy")
            np.save(data[part][key], array)
    quickly = ["training.epochs=1", "training.batch_size=2", "training.jit_compile=false"]
    return [*quickly, f"data={json.dumps({'train': data})}"]
