"""Objects of Keras → their name with every argument: those of the spec, and the defaults of the catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphspec import catalog
from graphspec.catalog import REQUIRED
from graphspec.checks.files import LOOKUPS, VOCABULARY
from graphspec.diagnostics import Span
from graphspec.language.expand.literal import literal
from graphspec.language.graph import KerasLayer, Layer
from graphspec.language.lower.files import FILE, folder_of
from graphspec.language.objects import FIRST, Object, Weights
from graphspec.rendering.origins import GRAPHSPEC, KERAS, NAMED, Origins
from graphspec.rendering.tree import Leaf, Tree
from graphspec.run_paths import is_url
from graphspec.sources import DataSource

_NAME = "name"
_BY_NAME = ("initializers", "regularizers", "constraints", "activations")
"""Objects that stay a name where the spec gives them no arguments, as they are among the defaults of Keras."""


class ObjectRenderer:
    """Renders objects, layers and paths of one spec.

    Args:
        origins: Tells where values come from.
        folder: The folder of the rendered spec, which paths in it are relative to.
        declared: Returns the name under which a declared layer stands in the rendered spec.
    """

    def __init__(self, origins: Origins, folder: Path, declared: Callable[[Layer], str]) -> None:
        self.origins = origins
        self.folder = folder
        self.declared = declared

    def leaf(self, value: Any, span: Span) -> Leaf:
        """Return a value of the spec that is written at `span`."""
        return Leaf(literal(value), self.origins.of(span))

    def layer(self, layer: Layer) -> Tree:
        """Return the name of a declared layer, or a layer with its arguments."""
        if layer.declared or not isinstance(layer, KerasLayer):
            return self.leaf(self.declared(layer), layer.span)
        return self.object(layer.object, name=layer.name or None)

    def object(self, written: Object, *, name: str | None = None, fed: Container[str] = ()) -> Tree:
        """Return an object with its arguments.

        Args:
            written: The object.
            name: The name of a layer in Keras; None to leave it to Keras.
            fed: The arguments of an operation that tensors are passed to.
        """
        entry = catalog.find(written.kind, written.name)
        if written.kind == "optimizers" and written.is_identifier and entry is not None:
            written = replace(written, name=entry.name, is_identifier=False)
        if written.is_identifier or (written.kind in _BY_NAME and not written.arguments):
            return self.leaf(written.name, written.span)
        if written.name == FILE and isinstance(written.arguments.get(FILE), DataSource):
            return self._array(written.arguments[FILE])
        arguments = self.arguments(written, name=name, fed=fed)
        if FIRST in arguments:
            return {written.name: arguments[FIRST]}
        return {written.name: arguments} if arguments else self.leaf(written.name, written.span)

    def arguments(self, written: Object, *, name: str | None = None, fed: Container[str] = ()) -> dict[str, Tree]:
        """Return the arguments of an object, in the order of Keras."""
        entry = catalog.find(written.kind, written.name) if ">" not in written.name else None
        known = entry.arguments if entry is not None else {}
        tensors = entry.tensors if entry is not None else {}
        is_layer = written.kind == "layers"
        found: dict[str, Tree] = {}
        for argument in dict.fromkeys([*known, *written.arguments]):
            default = known.get(argument, REQUIRED)
            if argument in written.arguments and (written.arguments[argument] is not None or argument != _NAME):
                found[argument] = self._argument(written, argument)
            elif argument in fed or argument in tensors or default is REQUIRED or (is_layer and argument == _NAME):
                continue
            else:
                found[argument] = Leaf(literal(default), KERAS)
        if name is not None and _NAME not in found and FIRST not in found:
            found[_NAME] = Leaf(name, NAMED)
        return found

    def weights(self, weights: Weights) -> Tree:
        """Return a file of weights."""
        return {
            "file": self.leaf(self.path(weights.path, weights.text), weights.span),
            "partial": Leaf(weights.partial, self.origins.of(weights.span) if weights.partial else GRAPHSPEC),
        }

    def path(self, path: Path, text: str = "") -> str:
        """Return a path relative to the folder of the rendered spec, if the spec writes no absolute one as `text`."""
        if text and Path(text).is_absolute():
            return text
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def value(self, value: Any, span: Span) -> Tree:
        """Return an argument: an object, a layer, or plain data, which may hold them."""
        if isinstance(value, Object):
            return self.object(value)
        if isinstance(value, Layer):
            return self.layer(value)
        if isinstance(value, list | tuple) and any(isinstance(each, Object | Layer | dict) for each in value):
            return [self.value(each, span) for each in value]
        if isinstance(value, dict) and value:
            return {key: self.value(each, span) for key, each in value.items()}
        return self.leaf(list(value) if isinstance(value, tuple) else value, span)

    def _argument(self, written: Object, argument: str) -> Tree:
        value, span = written.arguments[argument], written.span_of(argument)
        if written.name in LOOKUPS and argument == VOCABULARY and isinstance(value, str) and not is_url(value):
            return self.leaf(self.path(folder_of(span, Path()) / value, value), span)
        return self.value(value, span)

    def _array(self, source: DataSource) -> Tree:
        array: dict[str, Tree] = {"file": self.leaf(self.path(source.path, source.text), source.span_of("file"))}
        if source.key is not None:
            array["key"] = self.leaf(source.key, source.span_of("key"))
        return array
