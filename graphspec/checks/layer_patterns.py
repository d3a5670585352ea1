"""Layers by their paths, and the names and globs of a spec that match them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, TypeVar

from graphspec.language.objects import Pattern
from graphspec.patterns import matches_name

_MAX_PATHS = 100_000
"""Paths of layers to list; beyond these no pattern is reported, as nested models can have any number of paths."""

_MAX_MATCHES = 1_000_000
"""Globs times paths to match. A name is looked up."""

Item = TypeVar("Item", bound=Hashable)


class LayerPaths(Generic[Item]):
    """Layers, or what is known of them, by their paths: several where layers share one.

    The time to match a name does not depend on the number of paths: a spec may have thousands of both.
    """

    def __init__(self, layers: Iterable[tuple[str, Item]]) -> None:
        self.items: dict[str, list[Item]] = {}
        for path, item in layers:
            self.items.setdefault(path, []).append(item)
        self._sorted = sorted(self.items)
        self._places = {path: place for place, path in enumerate(self.items)}

    @classmethod
    def of(cls, layers: Iterable[tuple[str, Item]], patterns: Sequence[Pattern]) -> LayerPaths[Item] | None:
        """Return the paths of layers; None where they, or the matches of all globs, are too many to look through."""
        listed = list(islice(layers, _MAX_PATHS))
        if len(listed) == _MAX_PATHS or sum(is_glob(each.text) for each in patterns) * len(listed) > _MAX_MATCHES:
            return None
        return cls(listed)

    def matches(self, pattern: Pattern) -> Iterator[str]:
        """Yield the paths that a pattern matches, in order; `*` stands for `/` as well."""
        if is_glob(pattern.text):
            yield from (path for path in self.items if path == pattern.text or matches_name(pattern.text, path))
        elif pattern.text in self.items:
            yield pattern.text

    def covered(self, paths: Iterable[str]) -> list[str]:
        """Return paths, and all that lie inside of them, in order."""
        found: set[str] = set()
        for path in paths:
            if path in found:
                continue  # with all that lies inside of it
            if path in self.items:
                found.add(path)
            at = bisect_left(self._sorted, f"{path}/")
            while at < len(self._sorted) and self._sorted[at].startswith(f"{path}/"):
                found.add(self._sorted[at])
                at += 1
        return sorted(found, key=self._places.__getitem__)

    def layers_of(self, paths: Iterable[str]) -> set[Item]:
        """Return the layers at paths and inside of them."""
        return {item for path in self.covered(paths) for item in self.items[path]}

    def every(self) -> Iterator[tuple[str, Item]]:
        """Yield each layer with its path, in order but for those that share a path."""
        return ((path, item) for path, items in self.items.items() for item in items)


def is_glob(text: str) -> bool:
    """Return whether a pattern may match several names."""
    return any(char in text for char in "*?[")


def may_lie_inside(pattern: Pattern, holders: Collection[str]) -> bool:
    """Return whether a pattern may match a layer inside of one of `holders`, known only once built."""
    parts = pattern.text.split("/")
    ancestors = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return bool(holders) and (is_glob(pattern.text) or any(each in holders for each in ancestors))
