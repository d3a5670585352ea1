"""Weights in an HDF5 file of Keras 1 or 2 → the variables of a model of Keras 3."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import LEGACY_WEIGHTS
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.legacy.archive_weights import read_archive_weights
from graphspec.from_keras.legacy.hdf5 import READ_ERRORS, DamagedError, is_hdf5, open_hdf5, read_names, short_reason
from graphspec.from_keras.legacy.models import branch_name
from graphspec.from_keras.legacy.upgrade import era_of
from graphspec.from_keras.legacy.weights import (
    Arrays,
    Converter,
    WeightsError,
    config_of,
    is_model,
    layers_of,
    named,
    old_name,
)
from graphspec.hdf5_file import check_hdf5, owned_child
from graphspec.language.lower.naming import snake_case

_OF_NORMALIZATION = {"mean": 0, "variance": 1}
"""The numbers of the weights of a `Normalization`."""

_MIN_LIMIT = 2**30
_MAX_RATIO = 20
"""Bytes that the arrays of a file may have, by its size."""


def read_weights(path: Path, document: dict[str, Any], findings: Findings) -> dict[str, Arrays] | None:
    """Return the weights in an HDF5 file as Keras 3 has them, by paths such as `model/layer` and `layer/cell`.

    Args:
        path: A file of a whole model, or of its weights.
        document: The model, as `upgrade` takes it.
        findings: Receives a diagnostic for each layer whose weights do not fit it.

    Returns:
        For each layer with weights its trainable ones, and its others behind them; None after a diagnostic.
    """
    problems: list[tuple[str, str]] = []
    found: dict[str, Arrays] = {}
    try:
        with open_hdf5(path, "read an HDF5 file") as file:
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
        what = f"the weights of the layer `{layer_name}` in" if layer_name else "the weights in"
        findings.add(
            LEGACY_WEIGHTS,
            f"{what} {findings.name} cannot be converted: {problem}",
            help="write model and weights into one file, by `model.save()`",
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


def weights_file(model: dict[str, Any], weights: Mapping[str, Arrays]) -> bytes:
    """Return weights as a `.weights.h5` file of Keras 3, without the states of random generators.

    Args:
        model: The model that `upgrade` returned.
        weights: What `read_weights` returned.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, arrays in weights.items():
            group = _group(file, model, path.split("/"))
            for number, array in enumerate(arrays):
                group.create_dataset(str(number), data=array)
    return buffer.getvalue()


def _group(file: h5py.File, model: dict[str, Any], path: list[str]) -> h5py.Group:
    """Return the group for the weights at a path. Keras names groups by classes; the names of layers are in them."""
    place, held = "", model
    while path:
        layers = config_of(held).get("layers") if is_model(held) else None
        if isinstance(layers, list):
            counts: dict[str, int] = {}
            for each in layers:
                if str(each.get("module")).startswith("keras.src.ops"):
                    continue
                stem = snake_case(str(each["class_name"]))
                number = counts[stem] = counts.get(stem, -1) + 1
                if old_name(each) == path[0]:
                    break
            place, held, path = f"{place}layers/{stem}_{number}" if number else f"{place}layers/{stem}", each, path[1:]
            file.require_group(f"{place}/vars").attrs["name"] = old_name(held)
        else:
            place, held, path = _attribute(place, held, path)
        place += "/"
    return file.require_group(f"{place}vars")


def _attribute(place: str, held: dict[str, Any], path: list[str]) -> tuple[str, dict[str, Any], list[str]]:
    """Return the place of an attribute of a layer, the layer in it, and the rest of the path."""
    config = config_of(held)
    if path[0] == "cells":
        cells = [snake_case(str(each["class_name"])) for each in config["cells"]]
        index = int(path[1])
        number = cells[:index].count(cells[index])
        return (
            f"{place}cells/{cells[index]}_{number}" if number else f"{place}cells/{cells[index]}",
            config["cells"][index],
            path[2:],
        )
    inner = config.get("layer" if path[0] in ("layer", "forward_layer") else path[0]) or config.get("layer")
    return f"{place}{path[0]}", inner if isinstance(inner, dict) else {}, path[1:]


@dataclass
class StoredWeights:
    """The weights in an HDF5 file or an archive, read when they are asked for.

    Attributes:
        document: The model in the file, as `upgrade` takes it.
        model: The model, as `upgrade` returned it.
        findings: Receives the diagnostics.
    """

    path: Path
    document: dict[str, Any]
    model: dict[str, Any]
    findings: Findings

    @cached_property
    def arrays(self) -> dict[str, Arrays]:
        """The weights by the paths of layers. Raises SpecError if they cannot be converted."""
        read = read_weights if is_hdf5(self.path) else read_archive_weights
        found = read(self.path, self.document, self.findings)
        if found is None:
            raise SpecError(self.findings.report)
        return found

    def weights_file(self) -> bytes:
        """Return the weights as a `.weights.h5` file. Raises SpecError if they cannot be converted."""
        return weights_file(self.model, self.arrays)

    def vocabulary(self, path: tuple[str, ...]) -> None:
        """Return None: older files have vocabularies in the configuration only."""

    def array(self, path: tuple[str, ...], name: str) -> Any:
        """Return the mean or the variance of a `Normalization` as nested lists; None if there is none."""
        arrays = self.arrays.get("/".join(path), [])
        number = _OF_NORMALIZATION.get(name, len(arrays))
        return arrays[number].tolist() if number < len(arrays) else None


def assign_weights(model: Any, weights: Mapping[str, Arrays], findings: Findings) -> bool:
    """Assign weights to the layers of a built model of Keras 3, all or none.

    Args:
        model: The model, with the layers that `upgrade` gives.
        weights: What `read_weights` returned.
        findings: Receives a diagnostic if a layer has other weights.

    Returns:
        True; False after a diagnostic.
    """
    pairs: list[tuple[Any, Any]] = []
    for path, arrays in weights.items():
        keeper = _keeper(model, path.split("/"))
        variables = [] if keeper is None else [*keeper.trainable_weights, *keeper.non_trainable_weights]
        if [tuple(each.shape) for each in variables] != [each.shape for each in arrays]:
            theirs = ", ".join(str(each.shape) for each in arrays)
            ours = ", ".join(str(tuple(each.shape)) for each in variables) or "none"
            findings.add(LEGACY_WEIGHTS, f"`{path}` has weights of the shapes {theirs} in the file, and {ours} here")
            return False
        pairs += zip(variables, arrays, strict=True)
    assigned = {id(variable) for variable, _ in pairs}
    for variable in model.weights:
        if id(variable) not in assigned:
            findings.add(LEGACY_WEIGHTS, f"the file has no weights for `{variable.path}`")
            return False
    for variable, array in pairs:
        variable.assign(array)
    return True


def _keeper(model: Any, path: list[str]) -> Any:
    """Return the layer or the attribute of one at a path; None if there is none."""
    found = model
    while path and found is not None:
        name, *path = path
        if hasattr(found, "layers") and hasattr(found, "get_layer"):
            found = next((each for each in found.layers if each.name == name), None)
        elif name.isdecimal():
            found = found[int(name)] if int(name) < len(found) else None
        else:
            found = getattr(found, name, None)
    return found
