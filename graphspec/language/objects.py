"""Keras objects, files of weights and names of layers, as a `Graph` holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphspec.catalog import Kind
from graphspec.diagnostics import Span

FIRST = ""
"""Key of the positional argument of a custom object, whose name is unknown."""


@dataclass(frozen=True, slots=True)
class Object:
    """A Keras object and its arguments, or an operation of `keras.ops` and its constants.

    arguments: scalars, lists, further Objects and, for wrappers, Layers. is_identifier: a bare string that names a
    function of Keras (`relu`, `mse`). spans: the places of the argument values that the spec writes.
    """

    kind: Kind
    name: str
    arguments: dict[str, Any]
    span: Span
    is_identifier: bool = False
    spans: dict[str, Span] = field(default_factory=dict, compare=False, repr=False)

    def span_of(self, argument: str | None) -> Span:
        """Return the place of an argument's value, by default that of the object."""
        return self.spans.get(argument, self.span) if argument is not None else self.span


@dataclass(frozen=True, slots=True)
class Pattern:
    """A name or a glob of names, as the spec writes it."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights.

    text: its path in the spec. partial: layers without matching weights keep their own. origins: the path in the file
    of each layer by its path here, None for a layer that is not in it; without them, paths are the same in both. whole:
    the layers that take all of their weights from the file or none.
    """

    path: Path
    text: str
    span: Span
    partial: bool = False
    origins: dict[str, str | None] = field(default_factory=dict, compare=False)
    whole: frozenset[str] = field(default=frozenset(), compare=False)

    def path_in_file(self, path: str) -> str | None:
        """Return the path in the file of the layer at `path`, which a layer around it may decide."""
        outer = self._known(path)
        if outer is None:
            return path
        origin = self.origins[outer]
        return None if origin is None else origin + path[len(outer) :]

    def unit_of(self, path: str) -> str:
        """Return the layer that `path` is a part of and whose weights are loaded together."""
        outer = self._known(path)
        return outer if outer in self.whole and outer is not None else path

    def _known(self, path: str) -> str | None:
        """Return the innermost layer around `path` whose origin is known."""
        while path and path not in self.origins:
            path = path.rpartition("/")[0]
        return path or None
