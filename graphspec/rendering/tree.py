"""The tree of a rendered spec: mappings and lists, with leaves that know where their value comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphspec.rendering.origins import Origin


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value on one line: a scalar, or lists of scalars, with its origin."""

    value: Any
    origin: Origin


Tree = dict[str, "Tree"] | list["Tree"] | Leaf


def values(tree: Tree) -> Any:
    """Return the tree as plain dicts, lists and scalars."""
    if isinstance(tree, Leaf):
        return tree.value
    if isinstance(tree, dict):
        return {key: values(item) for key, item in tree.items()}
    return [values(item) for item in tree]


def leaves(tree: Tree, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Yield each leaf with its path, written as for `--set`: `graph.deep.apply[0].Dense.units`."""
    if isinstance(tree, Leaf):
        yield path, tree
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from leaves(item, f"{path}.{key}".lstrip("."))
    else:
        for number, item in enumerate(tree):
            yield from leaves(item, f"{path}[{number}]")
