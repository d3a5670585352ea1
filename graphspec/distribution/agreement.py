"""Comparison of what workers are about to do: spec, weights, data, versions."""

from __future__ import annotations

import json
import platform
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from graphspec.datasets.data_files import names_of, paths_of, signature, weights_of
from graphspec.datasets.samples import Samples, TrainingData
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import WORKERS_DIFFER
from graphspec.distribution.strategy import Distribution
from graphspec.language.traversal import every_plugin
from graphspec.run_directory.file_hashes import plugin_signatures
from graphspec.run_directory.spec_values import of_training, values_of
from graphspec.spec import Spec
from graphspec.version import __version__

_MAX_SHOWN = 3


def check_agreement(distribution: Distribution, spec: Spec, data: TrainingData) -> None:
    """Raise SpecError that names what differs, unless all workers train the same spec on the same data."""
    if distribution.cluster is None:
        return
    _check_same(
        distribution,
        {
            "value": of_training(values_of(spec)),
            "version": _versions(),
            "plugin": plugin_signatures(every_plugin(spec.graph), spec.path.parent),
            "data file": _signatures(paths_of(data.sources)),
            "file of weights": _signatures(weights_of(spec)),
            "number of samples": _counts(data),
        },
        "train",
    )


def check_same_model(distribution: Distribution, model: keras.Model, samples: Samples, batch_size: int) -> None:
    """Raise SpecError that names what differs, unless all workers apply the same model to the same samples."""
    weights = [zlib.crc32(np.ascontiguousarray(each.numpy()).tobytes()) for each in model.variables if _has_bytes(each)]
    _check_same(
        distribution,
        {
            "value": {"batch_size": batch_size, "weights of the model": zlib.crc32(json.dumps(weights).encode())},
            "version": _versions(),
            "data file": _signatures(paths_of([samples.sources] if samples.sources is not None else [])),
            "number of samples": {samples.sources.name if samples.sources is not None else "all": samples.count},
        },
        "compute",
    )


def _has_bytes(variable: Any) -> bool:
    return str(variable.dtype) != "string"


def _check_same(distribution: Distribution, own: Mapping[str, Mapping[str, Any]], doing: str) -> None:
    """Raise SpecError unless each worker has the values of the chief, by their kinds and names."""
    assert distribution.cluster is not None
    every = distribution.gather_json(own)
    for index, other in enumerate(every):
        differences = [line for kind in own for line in _differences(kind, every[0][kind], other[kind])]
        if differences:
            more = len(differences) - _MAX_SHOWN
            lines = "; ".join(differences[:_MAX_SHOWN]) + (f"; and {more} more" if more > 0 else "")
            raise SpecError.of(
                WORKERS_DIFFER,
                f"{distribution.cluster.name_of(index)} would not {doing} what the chief {doing}s: {lines}",
                expected="the same spec, data files and versions on all workers",
                help="give each worker the same command, and the same files or a shared folder",
            )


def _differences(kind: str, chief: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    lines = []
    for name in sorted({*chief, *other}):
        if chief.get(name, _ABSENT) != other.get(name, _ABSENT):
            lines.append(f"the {kind} `{name}` is {_shown(chief, name)} on the chief, {_shown(other, name)} there")
    return lines


_ABSENT = object()


def _shown(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return "missing"
    value = values[name]
    text = f"{value[:12]}..." if isinstance(value, str) and len(value) > 40 else str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _versions() -> dict[str, str]:
    return {
        "graphspec": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def _counts(data: TrainingData) -> dict[str, int]:
    splits = {"train": data.train, "validation": data.validation}
    return {name: each.count for name, each in splits.items() if each is not None}


def _signatures(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: signature(path) for name, path in names_of(paths).items()}
