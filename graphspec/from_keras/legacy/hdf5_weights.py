"""Weights in an HDF5 file of Keras 1 or 2 → the variables of a model of Keras 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import LEGACY_WEIGHTS
from graphspec.from_keras.legacy.hdf5 import READ_ERRORS, DamagedError, open_hdf5, read_names, short_reason
from graphspec.from_keras.legacy.models import branch_name
from graphspec.from_keras.legacy.upgrade import era_of
from graphspec.from_keras.legacy.weights import Arrays, Converter, WeightsError, layers_of, named, old_name
from graphspec.to_keras.hdf5_file import check_hdf5, owned_child

_MIN_LIMIT = 2**30
_MAX_RATIO = 20
"""Bytes that the arrays of a file may have, by its size."""


class Variable(Protocol):
    """A variable of Keras."""

    shape: tuple[int, ...]

    def assign(self, value: Any) -> Any: ...


class Layer(Protocol):
    """A layer of Keras, or a model."""

    trainable_weights: Sequence[Variable]
    non_trainable_weights: Sequence[Variable]


def read_weights(path: Path, name: str, document: dict[str, Any], report: Report) -> dict[str, Arrays] | None:
    """Return the weights in an HDF5 file as Keras 3 has them, by the paths of layers: `name`, or `model/name`.

    Args:
        path: A file of a whole model, or of its weights.
        name: The file in messages.
        document: The model, as `upgrade` takes it.
        report: Gets a diagnostic for each layer whose weights do not fit it.

    Returns:
        For each layer with weights its trainable ones, and its others behind them; None after a diagnostic.
    """
    problems: list[tuple[str, str]] = []
    found: dict[str, Arrays] = {}
    try:
        with open_hdf5(path, f"{name} is an HDF5 file") as file:
            check_hdf5(file, max(_MIN_LIMIT, _MAX_RATIO * path.stat().st_size))
            group = owned_child(file, "model_weights") if "model_weights" in file else file
            converter = Converter(era_of(document), _backend(document, group))
            for path_of_layer, layer in _stored(document, group):
                arrays = _arrays(group, old_name(layer))
                try:
                    if len(arrays) != sum(converter.counts(layer)) and not _is_foreign(layer):
                        raise WeightsError(
                            f"there are {len(arrays)} weights, and it has {sum(converter.counts(layer))}"
                        )
                    found |= converter.by_layer(layer, arrays, path_of_layer)
                except WeightsError as error:
                    problems.append((path_of_layer, str(error)))
    except READ_ERRORS as error:
        problems.append(("", short_reason(error)))
    for layer_name, problem in problems:
        what = f"the weights of the layer `{layer_name}` in {name}" if layer_name else f"the weights in {name}"
        report.add(
            LEGACY_WEIGHTS, f"{what} cannot be converted: {problem}", help="write the file again, by `model.save()`"
        )
    return None if problems else {layer: arrays for layer, arrays in found.items() if arrays}


def _stored(model: dict[str, Any], group: h5py.Group, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the layers that have groups of their own, with their paths in Keras 3.

    A nested model has one, but Keras 1 stores the layers of models that a `Merge` begins with one by one.
    """
    for name, layer in named(layers_of(model)):
        merged = layer.get("config", {}).get("layers") if layer.get("class_name") == "Merge" else None
        if isinstance(merged, list):
            for number, branch in enumerate(each for each in merged if isinstance(each, dict)):
                yield from _stored(branch, group, f"{prefix}{branch_name(branch, number)}/")
        else:
            yield f"{prefix}{name}", layer


def _is_foreign(layer: dict[str, Any]) -> bool:
    """Return whether a layer is of a class that someone registered, so that nobody knows its weights."""
    return ">" in str(layer.get("registered_name") or layer.get("class_name"))


def _backend(document: dict[str, Any], group: h5py.Group) -> str:
    written = document.get("backend") or group.attrs.get("backend", "")
    return written.decode("utf-8") if isinstance(written, bytes) else str(written)


def _arrays(group: h5py.Group, name: str) -> Arrays:
    """Return the arrays of a layer in the order of their names."""
    own = _below(group, name)
    if own is None:
        return []
    if not isinstance(own, h5py.Group):
        raise DamagedError(f"`{name}` in it is no group")
    arrays = []
    for each in read_names(own, "weight_names"):
        dataset = _below(own, each)
        if not isinstance(dataset, h5py.Dataset):
            raise DamagedError(f"`{each}` of the layer `{name}` is not in it")
        arrays.append(np.asarray(dataset[()]))
    return arrays


def _below(group: h5py.Group, path: str) -> Any:
    """Return what is at a path below a group, each part within the file; None if there is nothing."""
    found: Any = group
    for part in path.split("/"):
        if not part or not isinstance(found, h5py.Group) or part not in found:
            return None
        found = owned_child(found, part)
    return found


def assign_weights(model: Any, weights: Mapping[str, Arrays], report: Report) -> bool:
    """Assign weights to the layers of a built model of Keras 3, all or none.

    Args:
        model: The model, with the layers that `upgrade` gives.
        weights: What `read_weights` returned.
        report: Gets a diagnostic if a layer has other weights.

    Returns:
        True; False after a diagnostic.
    """
    pairs: list[tuple[Variable, Any]] = []
    left = dict(_layers(model, ""))
    for path, arrays in weights.items():
        layer = left.pop(path, None)
        variables = [] if layer is None else [*layer.trainable_weights, *layer.non_trainable_weights]
        if [tuple(each.shape) for each in variables] != [each.shape for each in arrays]:
            theirs = ", ".join(str(each.shape) for each in arrays)
            ours = ", ".join(str(tuple(each.shape)) for each in variables) or "none"
            report.add(
                LEGACY_WEIGHTS, f"the layer `{path}` has weights of the shapes {theirs} in the file, and {ours} here"
            )
            return False
        pairs += zip(variables, arrays, strict=True)
    for path, layer in left.items():
        if layer.trainable_weights or layer.non_trainable_weights:
            report.add(LEGACY_WEIGHTS, f"the layer `{path}` has weights, and the file has none for it")
            return False
    for variable, array in pairs:
        variable.assign(array)
    return True


def _layers(model: Any, prefix: str) -> list[tuple[str, Any]]:
    """Return the layers of a model and of those within it, by their paths."""
    found: list[tuple[str, Any]] = []
    for layer in model.layers:
        path = f"{prefix}{layer.name}"
        found += (
            _layers(layer, f"{path}/") if hasattr(layer, "layers") and hasattr(layer, "inputs") else [(path, layer)]
        )
    return found
