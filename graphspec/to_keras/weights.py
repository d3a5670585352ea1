"""Loading of weights from a file, matched by layer names and shapes.

Keras matches weights by the classes and the order of layers, and may silently load a file of another model into the
wrong layers. Here names decide: Keras writes the weights of the model to a temporary file, matching ones are replaced
there, and Keras loads it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import h5py
import keras

from graphspec.checks.files import require_file
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import UNREADABLE_DATA, WEIGHTS_MISMATCH
from graphspec.files import open_file
from graphspec.hdf5_file import open_checked, owned_child
from graphspec.language.objects import Weights
from graphspec.to_keras.adapters import kept_adapters
from graphspec.to_keras.keras_messages import keras_errors_as
from graphspec.to_keras.saved_file import max_unpacked, saved_weights

_FILE_NAME = "model.weights.h5"
_NOT_LAYERS = ("optimizer", "vars", "seed_generator")

Key = tuple[str, str]
"""The path of a layer, such as `encoder/rnn/cell`, and the number of one of its weights in Keras."""

Datasets = dict[Key, h5py.Dataset]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class LoadedWeights:
    """A comparison of the weights in a file and a model, by layer path and shape.

    Attributes:
        reshaped: weights of other shape, with the shape in the file and in the model; equal ones are those of a layer
            whose other weights do not fit.
        renamed: layers that have another path in the file, with that path.
    """

    file: str
    matched: list[tuple[str, Shape]] = field(default_factory=list)
    missing: list[tuple[str, Shape]] = field(default_factory=list)
    unexpected: list[tuple[str, Shape]] = field(default_factory=list)
    reshaped: list[tuple[str, Shape, Shape]] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        return not (self.missing or self.unexpected or self.reshaped)

    def __str__(self) -> str:
        """Return one sentence for people."""
        count = len(self.matched) + len(self.missing) + len(self.reshaped)
        parts = [f"{len(self.matched)} of the model's {count} weights match"]
        if self.renamed:
            parts.append(f"under another name: {_cut(f'`{path}` was `{was}`' for path, was in self.renamed.items())}")
        if self.missing:
            parts.append(f"missing in the file: {_listed(self.missing)}")
        if self.reshaped:
            parts.append(
                "of other shape: "
                + _cut(f"`{layer}` is {theirs} in the file and {ours} here" for layer, theirs, ours in self.reshaped)
            )
        if self.unexpected:
            parts.append(f"unexpected in the file: {_listed(self.unexpected)}")
        return "; ".join(parts)

    def lines(self) -> Iterator[str]:
        """Yield the comparison as lines for people: what was loaded, and what was not and why."""
        ours = [*self.matched, *self.missing, *((layer, here) for layer, _, here in self.reshaped)]
        loaded, total = (sum(prod(shape) for _, shape in each) for each in (self.matched, ours))
        yield (
            f"{self.file}: carried over {len(self.matched)} of {len(ours)} weights, "
            f"{loaded:,} of {total:,} parameters; the optimizer starts anew"
        )
        if self.renamed:
            yield f"under another name: {_cut(f'`{path}` was `{was}`' for path, was in self.renamed.items())}"
        if self.reshaped:
            shapes = {layer: (theirs, here) for layer, theirs, here in reversed(self.reshaped) if theirs != here}
            texts = [f"`{layer}` was {theirs} and is {here}" for layer, (theirs, here) in reversed(shapes.items())]
            yield f"not, of another shape: {_cut(texts)}"
        if self.missing:
            yield f"not, new in this model: {_listed(self.missing)}"
        if self.unexpected:
            yield f"left behind: {_listed(self.unexpected)}"

    def as_json(self) -> dict[str, Any]:
        """Return the comparison for the record of a run."""
        return {
            "file": self.file,
            "matched": len(self.matched),
            "missing": [f"{layer} {shape}" for layer, shape in self.missing],
            "unexpected": [f"{layer} {shape}" for layer, shape in self.unexpected],
            "of_other_shape": [f"{layer} {theirs}, here {ours}" for layer, theirs, ours in self.reshaped],
            **({"renamed": dict(self.renamed)} if self.renamed else {}),
        }


def load_weights(model: keras.Model, weights: Weights) -> LoadedWeights:
    """Load all weights of a file into a model, or with `partial` matching ones.

    Raises:
        SpecError: the file cannot be read, or does not match.
    """
    require_file(weights.path, weights.text, weights.span)
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / _FILE_NAME
        with keras_errors_as(partial(_not_ready, weights)):
            model.save_weights(ours)
        with (
            keras_errors_as(partial(_unreadable, weights)),
            _open(weights.path) as theirs,
            h5py.File(ours, "r+") as target,
        ):
            wanted, saved = dict(_variables(target)), dict(_variables(theirs))
            origins = {key: (path, key[1]) for key in wanted if (path := weights.path_in_file(key[0])) is not None}
            found = {key: saved[origin] for key, origin in origins.items() if origin in saved}
            fitting = _fitting(wanted, found, weights)
            loaded = _compare(wanted, found, fitting, weights.text)
            used = {origins[key] for key in found}
            loaded.unexpected.extend((key[0], dataset.shape) for key, dataset in saved.items() if key not in used)
            loaded.renamed.update({key[0]: origins[key][0] for key in fitting if origins[key] != key})
            is_of_other = bool(wanted or saved) and not loaded.matched
            if is_of_other or not (loaded.is_whole or weights.partial):
                _refuse(loaded, weights)
            for key in fitting:
                _replace(wanted[key], found[key])
        with keras_errors_as(partial(_unreadable, weights)), kept_adapters(model):
            model.load_weights(ours)
    return loaded


def _fitting(wanted: Datasets, found: Datasets, weights: Weights) -> list[Key]:
    """Return the weights of the model that are loaded: of the same shape, and not of a layer that fits only in part."""
    same = [key for key, dataset in wanted.items() if key in found and found[key].shape == dataset.shape]
    units = {key: weights.unit_of(key[0]) for key in wanted}
    unfit = {units[key] for key in wanted.keys() - set(same)} & weights.whole
    return [key for key in same if units[key] not in unfit]


def _compare(wanted: Datasets, found: Datasets, fitting: list[Key], file: str) -> LoadedWeights:
    """Compare the weights of a model with those found for them, by shape, without reading values."""
    loaded, loads = LoadedWeights(file), set(fitting)
    for key, dataset in wanted.items():
        if key in loads:
            loaded.matched.append((key[0], dataset.shape))
        elif key not in found:
            loaded.missing.append((key[0], dataset.shape))
        else:
            loaded.reshaped.append((key[0], found[key].shape, dataset.shape))
    return loaded


def _replace(dataset: h5py.Dataset, by: h5py.Dataset) -> None:
    parent, name = dataset.parent, dataset.name.rpartition("/")[2]
    del parent[name]
    new = parent.create_dataset(name, data=by[()])
    for key, value in by.attrs.items():  # Keras marks bfloat16 there, a dtype that HDF5 lacks
        new.attrs[key] = value


def _refuse(loaded: LoadedWeights, weights: Weights) -> None:
    partial = weights.partial or not loaded.matched
    raise SpecError.of(
        WEIGHTS_MISMATCH,
        f"{weights.text} does not hold the weights of this model: {loaded}",
        weights.span,
        expected="a file whose layers have the names and shapes of those here",
        help="weights are found by the names of layers, which `graphspec summary` shows nodes by"
        if partial
        else f"write `{{file: {weights.text}, partial: true}}` to load what matches and leave the rest as it is",
    )


def _variables(file: h5py.Group) -> Iterator[tuple[Key, h5py.Dataset]]:
    """Yield every weight in a file; groups are named by class, with layer names as attributes."""
    if "layer_names" in file.attrs or "model_weights" in file:
        raise ValueError("it is of Keras 2; load it with Keras and save it again")
    yield from _below(file, "", named=False)


def _below(group: h5py.Group, path: str, *, named: bool) -> Iterator[tuple[Key, h5py.Dataset]]:
    for key in group:
        child = owned_child(group, key)
        if not isinstance(child, h5py.Group) or key in _NOT_LAYERS:
            continue
        variables = owned_child(child, "vars") if "vars" in child else {}
        name = key
        if named and "vars" in child:
            name = str(child["vars"].attrs.get("name", key))
        inner = path if key == "layers" else f"{path}/{name}".lstrip("/")
        for number in variables:
            dataset = owned_child(variables, number)
            if isinstance(dataset, h5py.Dataset):
                yield (inner, number), dataset
        yield from _below(child, inner, named=key == "layers")


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """Open the HDF5 file at `path`, or inside a `.keras` file, checked."""
    if path.suffix == ".keras":
        with saved_weights(path) as file:
            yield file
    else:
        with open_file(path) as opened, open_checked(opened, max_unpacked(path)) as file:
            yield file


def _unreadable(weights: Weights, why: str) -> SpecError:
    """Return the error for a file that cannot be read."""
    return SpecError.of(
        UNREADABLE_DATA,
        f"{weights.text} cannot be read: {why}",
        weights.span,
        expected="a `.weights.h5` or `.keras` file that Keras 3 wrote",
        help="the file is damaged or of another kind; write it again",
    )


def _not_ready(weights: Weights, why: str) -> SpecError:
    """Return the error for a model whose own weights Keras cannot write."""
    return SpecError.of(
        WEIGHTS_MISMATCH,
        f"{weights.text} cannot be loaded into this model, whose own weights Keras cannot write: {why}",
        weights.span,
        expected="a model whose preprocessing layers have what they learn, such as their vocabularies",
        help="write `vocabulary` and `idf_weights` at the layers",
    )


def _listed(weights: list[tuple[str, Shape]]) -> str:
    """List layers with the shapes of their weights."""
    shapes: dict[str, list[str]] = {}
    for layer, shape in weights:
        shapes.setdefault(layer, []).append(str(shape))
    return _cut(f"`{layer}` {', '.join(each)}" for layer, each in shapes.items())


def _cut(items: Iterable[str], limit: int = 8) -> str:
    listed = list(items)
    return ", ".join(listed[:limit]) + (f", ... ({len(listed)} in all)" if len(listed) > limit else "")
