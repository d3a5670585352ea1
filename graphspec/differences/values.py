"""The arguments of layers and objects as values by path, in one form for all ways to write them.

Arguments that are written as Keras' defaults are left out; names of classes and functions are those of the catalogue;
a size that stands for all dimensions is written out. So two specs have the same values where they mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graphspec import catalog
from graphspec.catalog import REQUIRED, Kind
from graphspec.catalog.arguments import argument_kind
from graphspec.catalog.versions import cached
from graphspec.language.graph import ExternalModel, Layer, ModelLayer, ObjectLayer
from graphspec.language.objects import Object, Weights
from graphspec.sources import DataSource

Values = dict[str, Any]
"""Scalars, lists of scalars, `FilePath`s and `SharedLayer`s, by paths such as `kernel_initializer.seed`."""

EACH_DIMENSION = ("kernel_size", "strides", "dilation_rate", "pool_size", "size")
_DIMENSIONS = re.compile(r"([123])D")
_IDENTITY = ("name",)
"""Arguments that name a layer, by which layers are matched."""


class Unset:
    """The value of a path that a spec does not have."""

    def __repr__(self) -> str:
        return "unset"


UNSET: Final = Unset()


@dataclass(frozen=True, eq=False, slots=True)
class FilePath:
    """A file that a spec names. Two are the same if they are written alike, or lead to the same place."""

    text: str
    place: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FilePath) and (self.text == other.text or self.place == other.place)

    def __hash__(self) -> int:
        return hash(Path(self.text).name)


@dataclass(frozen=True, slots=True)
class SharedLayer:
    """A declared layer or model among the arguments of a wrapper."""

    name: str


def file_path(path: Path, text: str) -> FilePath:
    """Return the file at `path`, which a spec writes as `text`."""
    return FilePath(text, str(path.absolute()) if ".." not in path.parts else str(path.resolve()))


def frozen(value: Any) -> Any:
    """Return `value` in a form that can be hashed, and in which true is not 1."""
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple(sorted((key, frozen(item)) for key, item in value.items()))
    return value


def class_of(layer: Layer) -> str:
    """Return the class of a layer, the operation, or the origin of a model, for comparisons and messages."""
    if isinstance(layer, ExternalModel):
        return "model" if layer.path is not None else layer.source
    return canonical_name("layers", layer.class_name) if layer.class_name else "model"


def layer_values(layer: Layer) -> Values:
    """Return the arguments of a layer, an operation or a model, without defaults."""
    if isinstance(layer, ObjectLayer):
        return _without_implied(layer, object_values(layer.object))
    values: Values = {}
    if isinstance(layer, ExternalModel):
        if layer.path is not None:
            values[layer.origin] = file_path(layer.path, layer.source)
        known = catalog.application_arguments(layer.source) if layer.origin == "application" else {}
        for name, value in layer.arguments.items():
            if name not in known or frozen(known[name]) != frozen(value):
                values |= dict(_flat(name, value))
        if layer.taps:
            values["taps"] = [tap.text for tap in layer.taps]
    if isinstance(layer, ModelLayer) and layer.weights is not None:
        values |= weights_values("weights", layer.weights)
    if not layer.trainable:
        values["trainable"] = False
    return values


_IMPLIED = {"strides": "pool_size", "value_dim": "key_dim"}
"""Arguments that Keras takes from another one where they are not stated."""


def _without_implied(layer: ObjectLayer, values: Values) -> Values:
    """Return the values without those that state what Keras takes from another argument anyway."""
    for argument, other in _IMPLIED.items():
        if argument in values and other in layer.object.arguments | _defaults_of(layer.object):
            implied = values.get(other, default_values(layer.object.kind, layer.object.name, other).get(other))
            if frozen(values[argument]) == frozen(implied):
                del values[argument]
    return values


def _defaults_of(each: Object) -> Values:
    entry = catalog.find(each.kind, each.name)
    return entry.arguments if entry is not None else {}


def weights_values(path: str, weights: Weights) -> Values:
    """Return the file of weights and its setting."""
    return {path: file_path(weights.path, weights.text)} | ({f"{path}.partial": True} if weights.partial else {})


def object_values(each: Object) -> Values:
    """Return the arguments of an object, without those that have Keras' defaults."""
    entry = catalog.find(each.kind, each.name)
    values: Values = {}
    for argument, value in each.arguments.items():
        if argument in _IDENTITY and each.kind == "layers":
            continue
        flat = dict(argument_values(each.kind, each.name, argument, value))
        if entry is None or flat != default_values(each.kind, each.name, argument):
            values |= flat
    return values


def default_values(kind: Kind, name: str, argument: str) -> Values:
    """Return the default of an argument; nothing where there is none."""
    entry = catalog.find(kind, name)
    default = entry.arguments.get(argument, REQUIRED) if entry is not None else REQUIRED
    if default is REQUIRED:
        return {}
    return dict(argument_values(kind, name, argument, default))


def argument_values(kind: Kind, name: str, argument: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values of one argument of the object `name`."""
    inner = argument_kind(argument)
    if inner == "activations" and value is None:
        value = "linear"
    if isinstance(value, str) and inner is not None and inner != "layers":
        value = canonical_name(inner, value)
    dimensions = _DIMENSIONS.search(name) if kind == "layers" else None
    if dimensions is not None and argument in EACH_DIMENSION and _is_number(value):
        value = [value] * int(dimensions[1])
    if dimensions is not None and name.startswith(_BORDERS) and argument in ("padding", "cropping"):
        yield argument, _borders(value, int(dimensions[1]))
        return
    yield from _flat(argument, value)


_BORDERS = ("ZeroPadding", "Cropping")


def _borders(value: Any, dimensions: int) -> Any:
    """Return the sizes at both sides of each dimension, where they are written shorter."""
    sides = [value] * dimensions if _is_number(value) else value
    if dimensions == 1:
        return [value, value] if _is_number(value) else value
    return [[each, each] if _is_number(each) else each for each in sides] if isinstance(sides, list) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def canonical_name(kind: Kind, name: str) -> str:
    """Return the class that an identifier such as `he_normal` stands for.

    A metric is named in logs as it is written, and so are plain functions.
    """
    if kind in ("metrics", "ops") or ">" in name:
        return name
    entry = catalog.find(kind, name)
    return _first_names(kind).get(entry.name, entry.name) if entry is not None else name


@cached
def _first_names(kind: Kind) -> dict[str, str]:
    """Return the name of each class that Keras exports under several, such as `Conv2D` for `Convolution2D`."""
    names: dict[str, list[str]] = {}
    for name in catalog.names(kind):
        entry = catalog.find(kind, name)
        assert entry is not None
        arguments = tuple((key, repr(None if value is REQUIRED else value)) for key, value in entry.arguments.items())
        names.setdefault(repr((entry.doc, arguments)), []).append(name)
    found: dict[str, str] = {}
    for each in names.values():
        first = min(each, key=lambda name: (name[0].islower(), "Pooling" not in name, len(name)))
        found |= dict.fromkeys(each, first)
    return found


def written_values(path: str, each: Object) -> Values:
    """Return the class of an object at `path`, and its arguments below it."""
    name = canonical_name(each.kind, each.name)
    return {
        path: name,
        **{f"{path}.{argument}" if argument else path: v for argument, v in object_values(each).items()},
    }


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, DataSource):
        yield path, file_path(value.path, value.text)
        if value.key is not None:
            yield f"{path}.key", value.key
    elif isinstance(value, Object) and "file" in value.arguments and isinstance(value.arguments["file"], DataSource):
        yield from _flat(path, value.arguments["file"])
    elif isinstance(value, Object):
        yield from written_values(path, value).items()
    elif isinstance(value, Layer) and value.declared:
        yield path, SharedLayer(value.name)
    elif isinstance(value, Layer):
        yield path, class_of(value)
        for argument, item in layer_values(value).items():
            yield f"{path}.{argument}" if argument else path, item
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(f"{path}.{key}", item)
    elif isinstance(value, list | tuple) and any(isinstance(item, dict | list | Object | Layer) for item in value):
        for number, item in enumerate(value):
            yield from _flat(f"{path}[{number}]", item)
    else:
        yield path, list(value) if isinstance(value, tuple) else value
