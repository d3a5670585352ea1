"""A file of weights → the weights of a built model, matched by the names of layers and by shape.

Keras finds weights by the classes and the order of layers, so that a file of another model may load into the wrong
layers without a word. Here the names decide. What Keras itself would write for the model tells which weights it has;
those that match are put in their place in such a file, and Keras loads it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras

from graphspec.checks.files import missing_file
from graphspec.diagnostics import Report, SpecError
from graphspec.diagnostics.rules import UNREADABLE_DATA, WEIGHTS_MISMATCH
from graphspec.files import is_file, open_file
from graphspec.language.graph import Weights
from graphspec.to_keras.hdf5_file import check_hdf5, own
from graphspec.to_keras.keras_messages import keras_errors_as
from graphspec.to_keras.saved_file import most_unpacked, opened_archive, weights_in

_INSIDE_KERAS = "model.weights.h5"
_NOT_LAYERS = ("optimizer", "vars", "seed_generator")

Key = tuple[str, str]
"""A layer's path, `encoder/rnn/cell`, and the number of one of its weights, as Keras counts them."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Loaded:
    """What a file gave to a model: for each weight its layer's path and its shape; for `reshaped` both, file first."""

    file: str
    matched: list[tuple[str, Shape]]
    missing: list[tuple[str, Shape]]
    unexpected: list[tuple[str, Shape]]
    reshaped: list[tuple[str, Shape, Shape]]

    @property
    def is_whole(self) -> bool:
        return not (self.missing or self.unexpected or self.reshaped)

    def __str__(self) -> str:
        """One sentence, for people."""
        count = len(self.matched) + len(self.missing) + len(self.reshaped)
        parts = [f"{len(self.matched)} of the model's {count} weights match"]
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

    def as_json(self) -> dict[str, Any]:
        """The same, for a run's record."""
        return {
            "file": self.file,
            "matched": len(self.matched),
            "missing": [f"{layer} {shape}" for layer, shape in self.missing],
            "unexpected": [f"{layer} {shape}" for layer, shape in self.unexpected],
            "of_other_shape": [f"{layer} {theirs}, here {ours}" for layer, theirs, ours in self.reshaped],
        }


def load_weights(model: keras.Model, weights: Weights) -> Loaded:
    """Load `weights` into `model`. Raises SpecError where the file cannot be read, or does not match as a whole.

    With `partial` all that matches is loaded, and it is an error only where nothing does.
    """
    if not is_file(weights.path):
        raise SpecError(Report([missing_file(weights.path, weights.text, weights.span)]))
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / _INSIDE_KERAS
        model.save_weights(ours)
        with (
            keras_errors_as(partial(_unreadable, weights)),
            _opened(weights.path) as theirs,
            h5py.File(ours, "r+") as target,
        ):
            wanted, given = dict(_variables(target)), dict(_variables(theirs))
            loaded = _compared(wanted, given, weights.text)
            if not loaded.matched or not (loaded.is_whole or weights.partial):
                _refuse(loaded, weights)
            for key, place in wanted.items():
                if key in given and given[key].shape == place.shape:
                    _replace(place, given[key])
        with keras_errors_as(partial(_unreadable, weights)):
            model.load_weights(ours)
    return loaded


def _compared(wanted: dict[Key, h5py.Dataset], given: dict[Key, h5py.Dataset], file: str) -> Loaded:
    """Which of `given` fit those of `wanted`, by layer and shape; no value is read."""
    loaded = Loaded(file, [], [], [], [])
    for key, place in wanted.items():
        if key not in given:
            loaded.missing.append((key[0], place.shape))
        elif given[key].shape != place.shape:
            loaded.reshaped.append((key[0], given[key].shape, place.shape))
        else:
            loaded.matched.append((key[0], place.shape))
    loaded.unexpected.extend((key[0], found.shape) for key, found in given.items() if key not in wanted)
    return loaded


def _replace(place: h5py.Dataset, by: h5py.Dataset) -> None:
    parent, name = place.parent, place.name.rpartition("/")[2]
    del parent[name]
    new = parent.create_dataset(name, data=by[()])
    for key, value in by.attrs.items():  # Keras marks bfloat16 there, which HDF5 has no word for
        new.attrs[key] = value


def _refuse(loaded: Loaded, weights: Weights) -> None:
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
    """Every weight in a file of Keras 3. Layers lie there under their classes; their names are attributes."""
    if "layer_names" in file.attrs or "model_weights" in file:
        raise ValueError("it is of Keras 2; load it with Keras and save it again")
    yield from _below(file, "", named=False)


def _below(group: h5py.Group, path: str, *, named: bool) -> Iterator[tuple[Key, h5py.Dataset]]:
    for key in group:
        child = own(group, key)
        if not isinstance(child, h5py.Group) or key in _NOT_LAYERS:
            continue
        variables = own(child, "vars") if "vars" in child else {}
        name = key
        if named and "vars" in child:
            name = str(child["vars"].attrs.get("name", key))
        inner = path if key == "layers" else f"{path}/{name}".lstrip("/")
        for number in variables:
            dataset = own(variables, number)
            if isinstance(dataset, h5py.Dataset):
                yield (inner, number), dataset
        yield from _below(child, inner, named=key == "layers")


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """The HDF5 file at `path`, or inside the `.keras` archive there, checked."""
    if path.suffix == ".keras":
        with opened_archive(path) as archive, weights_in(archive, most_unpacked(path)) as file:
            yield file
        return
    with open_file(path) as opened, h5py.File(opened, "r") as file:
        check_hdf5(file, most_unpacked(path))
        yield file


def _unreadable(weights: Weights, why: str) -> SpecError:
    """What is wrong with the file where reading it fails."""
    return SpecError.of(
        UNREADABLE_DATA,
        f"{weights.text} cannot be read: {why}",
        weights.span,
        expected="a `.weights.h5` or `.keras` file that Keras 3 wrote",
        help="the file is damaged or of another kind; write it again",
    )


def _listed(weights: list[tuple[str, Shape]]) -> str:
    """Layers with the shapes of their weights."""
    shapes: dict[str, list[str]] = {}
    for layer, shape in weights:
        shapes.setdefault(layer, []).append(str(shape))
    return _cut(f"`{layer}` {', '.join(each)}" for layer, each in shapes.items())


def _cut(items: Iterable[str], limit: int = 8) -> str:
    listed = list(items)
    return ", ".join(listed[:limit]) + (f", ... ({len(listed)} in all)" if len(listed) > limit else "")
