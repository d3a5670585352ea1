"""The models of older Keras that `scripts/make_old_models.py` wrote: their files, inputs and outputs."""

from __future__ import annotations

import gzip
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from graphspec.diagnostics import Report
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.legacy.hdf5 import read_document
from graphspec.from_keras.legacy.upgrade import upgrade

from ..scripts import SCRIPTS, load_script

DATA = Path(__file__).parent / "data" / "legacy"
NAMES = sorted(path.name.removesuffix(".h5.gz") for path in DATA.glob("*.h5.gz"))
APPLICATIONS = sorted(path.name.removesuffix(".json.gz") for path in DATA.glob("*.json.gz"))


def write_model(name: str, folder: Path) -> Path:
    """Write the HDF5 file of a model, and return its path."""
    path = folder / f"{name}.h5"
    path.write_bytes(gzip.decompress((DATA / f"{name}.h5.gz").read_bytes()))
    return path


def document_of(name: str, folder: Path) -> dict[str, Any]:
    """Return what the HDF5 file of a model holds beside weights."""
    findings = Findings(name)
    document = read_document(write_model(name, folder), findings)
    assert document is not None, str(findings.report)
    return document


def application_of(name: str) -> dict[str, Any]:
    """Return the configuration of an application, and the number of its `parameters`."""
    document: dict[str, Any] = json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))
    return document


@cache
def _script() -> Any:
    return load_script(SCRIPTS / "make_old_models.py")


def inputs_of(model: Any) -> list[Any]:
    """Return the inputs that a model was given when it was written."""
    inputs: list[Any] = _script().inputs_of(
        [tensor.shape[1:] for tensor in model.inputs], [x.dtype for x in model.inputs]
    )
    return inputs


def outputs_of(name: str) -> list[Any]:
    """Return what a model computed when it was written."""
    with np.load(DATA / "outputs.npz") as found:
        return [
            found[f"{name}/{number}"] for number in range(len([key for key in found if key.startswith(f"{name}/")]))
        ]


def upgraded(document: Any) -> tuple[dict[str, Any] | None, Report]:
    """Return a document in the form of Keras 3, and the diagnostics."""
    findings = Findings("model.json")
    return upgrade(document, findings), findings.report


def layers(*written: dict[str, Any], shape: list[int | None], version: str = "2.9.0") -> dict[str, Any]:
    """Return the document of a `Sequential` of layers, as Keras 2 writes it."""
    first = {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "dtype": "float32", "name": "x"}}
    return {
        "class_name": "Sequential",
        "config": {"name": "chain", "layers": [first, *written]},
        "keras_version": version,
        "backend": "tensorflow",
    }


def layer(class_name: str, **config: Any) -> dict[str, Any]:
    """Return a layer as Keras 2 writes it, named by its class."""
    return {"class_name": class_name, "config": {"name": class_name.lower(), "trainable": True, **config}}


ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 3.5, -0.0, float("inf"), float("nan"), 2**31, -(2**63), 10**400, 1e308),
    *("", "x", "Dense", "Lambda", "Merge", "hard_sigmoid", "a/b", "\0", "é" * 50, "2.9.0", "1.2.2", "3.1", "none"),
    *([], [[]], {}, [None], ["x", 0, 0], ["x", 0, 0, {}], [["x", 0, 0]], ["_CONSTANT_VALUE", -1, 1], [[[[[[]]]]]]),
    *({"class_name": "Dense"}, {"class_name": "Dense", "config": None}, {"class_name": 3, "config": {}}, {"name": "x"}),
    *({"class_name": "__tuple__", "items": [1, 2]}, {"type": "ndarray", "value": [1.0]}, {"": {"": []}}),
    *({"class_name": "Functional", "config": {"layers": []}}, {"class_name": "Sequential", "config": []}),
]


def mutated(document: Any, seed: int) -> Any:
    """Return a document with a few values replaced, removed, renamed or put somewhere else."""
    rng = random.Random(seed)
    document = json.loads(json.dumps(document))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        places = list(_places(document))
        if not places:
            break
        holder, key = rng.choice(places)
        action = rng.randrange(6)
        if action == 0:
            del holder[key]
        elif action == 1:
            other, at = rng.choice(places)
            holder[key] = json.loads(json.dumps(other[at]))
        elif action == 2 and isinstance(holder, dict):
            holder[rng.choice(["x", "config", "class_name", "name", "units", "init", "mode", "layers"])] = holder.pop(
                key
            )
        elif action == 3 and isinstance(holder, list):
            holder.insert(key, json.loads(json.dumps(holder[key])))
        else:
            holder[key] = rng.choice(ODD)
    return document


def _places(value: Any) -> Any:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        items = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        for key, item in items:
            yield each, key
            waiting.append(item)
